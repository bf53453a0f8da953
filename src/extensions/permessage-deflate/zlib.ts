/*
 * The only file that uses `node:zlib`. It has public functions, and streams that do every write on another thread and
 * cost 35-50 µs each. Behind a stream stands a native object that can also be written synchronously and be reset. It is
 * not documented, so `findNative` tries it out before anybody uses it.
 */
import { constants, createDeflateRaw, deflateRaw, deflateRawSync, inflateRawSync } from 'node:zlib'

/** The native object behind a zlib stream, as far as it is used here. */
export interface NativeHandle {
  /** Called instead of what a write calls when it ends, when that write failed. */
  onerror: () => void
  /**
   * @param after - written by every write: free bytes of output, bytes of input that are left
   * @param done - called when `write` has ended
   */
  init(
    windowBits: number,
    level: number,
    memLevel: number,
    strategy: number,
    after: Uint32Array,
    done: () => void,
    dictionary: undefined,
  ): void
  /** Works at once. */
  writeSync: NativeWrite
  /** Works on another thread. The buffers must be kept alive meanwhile. */
  write: NativeWrite
  reset(): void
  close(): void
}

type NativeWrite = (
  flush: number,
  input: Uint8Array,
  inputOffset: number,
  inputLength: number,
  output: Uint8Array,
  outputOffset: number,
  outputLength: number,
) => void

/** Makes a {@link NativeHandle}. */
export type NativeConstructor = new (mode: number) => NativeHandle

/** What {@link NativeConstructor} takes. */
export const Mode = { Deflate: constants.DEFLATERAW, Inflate: constants.INFLATERAW } as const

/** Flush to a byte boundary, with an empty stored block. */
export const SYNC_FLUSH: number = constants.Z_SYNC_FLUSH

/** The range of a strategy: `Z_DEFAULT_STRATEGY` to `Z_FIXED`. */
export const MAX_STRATEGY: number = constants.Z_FIXED

/** What a state is made with; names and meaning as in zlib. */
export interface ZlibSettings {
  /** log2 of the sliding window, 9-15. */
  readonly windowBits: number
  /** 0 (stored) to 9 (smallest), -1 for zlib's default; deflating only. */
  readonly level: number
  /** 1-9, memory for the tables; deflating only. */
  readonly memLevel: number
  /** One of zlib's strategies, 0-4; deflating only. */
  readonly strategy: number
}

/**
 * The constructor of the native object, tried out with RFC 7692 §7.2.3.1.
 *
 * @returns null where it is not as it should be
 */
export function findNative(): NativeConstructor | null {
  try {
    const stream = createDeflateRaw()
    const { _handle: handle } = stream as unknown as { _handle: { constructor: NativeConstructor } }
    stream.close()
    return passesTrial(handle.constructor) ? handle.constructor : null
  } catch {
    return null
  }
}

function passesTrial(Handle: NativeConstructor): boolean {
  const deflated = new Uint8Array(16)
  const inflated = new Uint8Array(16)
  const after = new Uint32Array(2)
  let failures = 0
  const make = (mode: number) => {
    const handle = new Handle(mode)
    handle.onerror = () => failures++
    handle.init(15, -1, 8, 0, after, () => {}, undefined)
    return handle
  }
  const deflate = make(Mode.Deflate)
  const inflate = make(Mode.Inflate)
  deflate.writeSync(SYNC_FLUSH, new TextEncoder().encode('Hello'), 0, 5, deflated, 0, 16)
  const deflatedWell = after[0] === 5 && after[1] === 0
  inflate.writeSync(SYNC_FLUSH, deflated, 0, 11, inflated, 0, 16)
  const inflatedWell = after[0] === 11 && after[1] === 0 && inflated[4] === 0x6f
  inflate.writeSync(SYNC_FLUSH, inflated, 0, 5, deflated, 0, 16)
  const failedWell = failures === 1
  inflate.reset()
  inflate.writeSync(SYNC_FLUSH, Uint8Array.of(0xf2, 0x48, 0), 0, 3, inflated, 0, 16)
  const isResettable = failures === 1
  deflate.close()
  inflate.close()
  return deflatedWell && inflatedWell && failedWell && isResettable
}

/** Deflates and flushes, with a state of its own. @param dictionary - what the window holds before */
export function deflateOnce(input: Uint8Array, settings: ZlibSettings, dictionary: Uint8Array): Uint8Array {
  return deflateRawSync(input, deflateOptions(settings, dictionary))
}

/** As {@link deflateOnce}, on another thread. */
export function deflateOnceLater(
  input: Uint8Array,
  settings: ZlibSettings,
  dictionary: Uint8Array,
  done: (deflated: Uint8Array) => void,
): void {
  deflateRaw(input, deflateOptions(settings, dictionary), (_, deflated) => done(deflated))
}

function deflateOptions(settings: ZlibSettings, dictionary: Uint8Array): object {
  const options = { ...settings, finishFlush: SYNC_FLUSH }
  return dictionary.length === 0 ? options : { ...options, dictionary }
}

/** What {@link inflateOnce} gives. */
export interface Inflated {
  readonly bytes: Uint8Array
  /** How many bytes of the input were read: up to the end of a block with BFINAL 1. */
  readonly consumed: number
}

/**
 * Inflates up to the end of the first block with BFINAL 1, with a state of its own.
 *
 * @param dictionary - what the window holds before
 * @param most - bytes that may come out
 * @returns `'corrupt'` when the input is not DEFLATE or has no such block, `'too much'` when more than `most` would come
 */
export function inflateOnce(
  input: Uint8Array,
  windowBits: number,
  dictionary: Uint8Array,
  most: number,
): Inflated | 'corrupt' | 'too much' {
  const limit = most === Number.POSITIVE_INFINITY ? {} : { maxOutputLength: Math.max(1, most) }
  const window = dictionary.length === 0 ? {} : { dictionary }
  try {
    const result = inflateRawSync(input, { windowBits, info: true, ...limit, ...window })
    const { buffer, engine } = result as unknown as { buffer: Uint8Array; engine: { bytesWritten: number } }
    return { bytes: buffer, consumed: engine.bytesWritten }
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 'too much' : 'corrupt'
  }
}
