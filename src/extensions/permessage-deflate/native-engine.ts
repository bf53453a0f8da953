/*
 * States on zlib's native object: a message of 64 bytes costs 8 µs to deflate and half of one to inflate
 * (`npm run bench -- deflate`), and a state that is reset needs no new memory.
 */
import { type Deflater, type Engine, Failure, type Inflater, type State, TAIL } from './state.ts'
import { Mode, type NativeConstructor, type NativeHandle, SYNC_FLUSH, type ZlibSettings } from './zlib.ts'

/**
 * What follows a message: the tail that it lacks, then empty stored blocks. Behind a block these leave no trace.
 * Anywhere else they are read as data: something comes out, or it is wrong; and they are enough to end even the tables
 * of a block that was cut off there.
 */
// @req 7692-7.2.2-11
const TRAILER = Uint8Array.from([...TAIL, ...Array.from({ length: 16 }, () => [0x00, ...TAIL]).flat()])

/**
 * How often a write begins anew behind a block with BFINAL 1 before it leaves the rest for later: a quarter of a
 * millisecond. Without an end a peer would have a stream begun for every two bytes; one by one on other threads these
 * cost ten times as much, and keep everybody else from the threads.
 */
const MOST_RESTARTS = 512
/** What it costs to begin anew, in bytes that take as long to inflate. */
const RESTART_WORK = 256

/** An engine on zlib's native object. @param Handle - from `findNative` */
export function nativeEngine(Handle: NativeConstructor): Engine {
  return {
    deflater: (settings) => new NativeDeflater(new Handle(Mode.Deflate), settings),
    inflater: (windowBits) => new NativeInflater(new Handle(Mode.Inflate), windowBits),
  }
}

interface Work {
  readonly input: Uint8Array
  readonly output: Uint8Array
  readonly room: number
  readonly done: (byteCount: number) => void
}

class NativeState implements State {
  /** Bytes of input that the last write left. */
  left = 0
  readonly heldBytes = 0
  readonly #handle: NativeHandle
  /** Written by zlib: free bytes of output, bytes of input that are left. */
  readonly #after = new Uint32Array(2)
  #failed = false
  /** What is under way elsewhere; zlib does not keep the buffers alive. */
  #work: Work | null = null

  constructor(handle: NativeHandle, settings: ZlibSettings) {
    this.#handle = handle
    handle.onerror = () => {
      this.#failed = true
      this.#ended()
    }
    const { windowBits, level, memLevel, strategy } = settings
    handle.init(windowBits, level, memLevel, strategy, this.#after, () => this.#ended(), undefined)
  }

  reset(): void {
    this.#handle.reset()
  }

  close(): void {
    this.#handle.close()
  }

  /** Writes to `output[from, to)`. @returns bytes written, or a {@link Failure} */
  protected run(input: Uint8Array, start: number, end: number, output: Uint8Array, from: number, to: number): number {
    this.#failed = false
    this.#handle.writeSync(SYNC_FLUSH, input, start, end - start, output, from, to - from)
    return this.#result(to - from)
  }

  protected runLater(
    input: Uint8Array,
    start: number,
    end: number,
    output: Uint8Array,
    from: number,
    to: number,
    done: (byteCount: number) => void,
  ): void {
    this.#failed = false
    this.#work = { input, output, room: to - from, done }
    this.#handle.write(SYNC_FLUSH, input, start, end - start, output, from, to - from)
  }

  #result(room: number): number {
    this.left = this.#after[1]!
    return this.#failed ? Failure.Corrupt : room - this.#after[0]!
  }

  #ended(): void {
    const work = this.#work
    // A synchronous write failed: `run` reports it.
    if (work === null) return
    this.#work = null
    work.done(this.#result(work.room))
  }
}

class NativeDeflater extends NativeState implements Deflater {
  write(input: Uint8Array, start: number, end: number, output: Uint8Array): number {
    return this.run(input, start, end, output, 0, output.length)
  }

  writeLater(
    input: Uint8Array,
    start: number,
    end: number,
    output: Uint8Array,
    done: (byteCount: number) => void,
  ): void {
    this.runLater(input, start, end, output, 0, output.length, done)
  }
}

class NativeInflater extends NativeState implements Inflater {
  readonly gathers = false
  extraWork = 0

  constructor(handle: NativeHandle, windowBits: number) {
    super(handle, { windowBits, level: -1, memLevel: 8, strategy: 0 })
  }

  write(input: Uint8Array, start: number, end: number, output: Uint8Array, room: number): number {
    return this.#goOn(this.run(input, start, end, output, 0, room), input, end, output, room)
  }

  writeLater(
    input: Uint8Array,
    start: number,
    end: number,
    output: Uint8Array,
    room: number,
    done: (byteCount: number) => void,
  ): void {
    this.runLater(input, start, end, output, 0, room, (byteCount) =>
      done(this.#goOn(byteCount, input, end, output, room)),
    )
  }

  finish(output: Uint8Array, room: number): number {
    this.extraWork = 0
    const byteCount = this.run(TRAILER, 0, TRAILER.length, output, 0, room)
    // Lenient: a message may end with its block of BFINAL 1, without the empty block behind it that §7.2.3.4 shows.
    if (byteCount === 0 && this.left === TRAILER.length) this.reset()
    else if (byteCount !== 0 || this.left !== 0) return Failure.Corrupt
    return 0
  }

  /**
   * As long as input is left though there is room: a block with BFINAL 1 has ended the stream. The next one begins with
   * an empty window, as with a sender that ends its stream.
   *
   * @param first - what the first write gave
   * @returns what all of them gave
   */
  #goOn(first: number, input: Uint8Array, end: number, output: Uint8Array, room: number): number {
    let written = first
    let restarts = 0
    while (written >= 0 && this.left > 0 && written < room) {
      // @req 7692-7.2.1-3
      const at = end - this.left
      this.reset()
      // The last one is only begun: what is left of the input is written to it later.
      if (++restarts > MOST_RESTARTS) break
      const byteCount = this.run(input, at, end, output, written, room)
      written = byteCount < 0 ? byteCount : written + byteCount
    }
    this.extraWork = restarts * RESTART_WORK
    return written
  }
}
