/*
 * States on the public functions of `node:zlib`, for a Node where the native object is not as it was. A function keeps
 * nothing from call to call: it is given the last bytes of the messages before as dictionary, and a message that is
 * being received is gathered until its end. The same on the wire, a few times slower, and never on another thread when
 * inflating.
 */
import { copyOf } from '../../frames/bytes.ts'
import { type Deflater, type Engine, Failure, type Inflater, TAIL } from './state.ts'
import { deflateOnce, deflateOnceLater, inflateOnce, type ZlibSettings } from './zlib.ts'

/** What follows a message: the tail that it lacks, an empty last block, and a byte behind the end. */
// @req 7692-7.2.2-11
const TRAILER = Uint8Array.from([...TAIL, 0x01, ...TAIL, 0x00])

const NO_BYTES = new Uint8Array(0)

/**
 * Stricter than RFC: a message may end its stream this often and begin another one. Each costs some 30 µs here, and all of
 * a message is inflated at once.
 */
const MOST_STREAMS = 256
/** What a stream costs besides what comes out of it, in bytes that take as long to inflate. */
const STREAM_WORK = 8 << 10

/** An engine on the public functions. */
export const publicEngine: Engine = {
  deflater: (settings) => new PublicDeflater(settings),
  inflater: (windowBits) => new PublicInflater(windowBits),
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

/** Gives out bytes in as many pieces as it takes. */
class Pieces {
  #bytes: Uint8Array = NO_BYTES

  get length(): number {
    return this.#bytes.length
  }

  put(bytes: Uint8Array): void {
    this.#bytes = bytes
  }

  take(output: Uint8Array, room: number): number {
    const piece = this.#bytes.subarray(0, room)
    output.set(piece)
    this.#bytes = this.#bytes.subarray(piece.length)
    return piece.length
  }
}

class PublicDeflater implements Deflater {
  readonly left = 0
  readonly #settings: ZlibSettings
  readonly #pieces = new Pieces()
  #window: Uint8Array = NO_BYTES

  constructor(settings: ZlibSettings) {
    this.#settings = settings
  }

  get heldBytes(): number {
    return this.#pieces.length
  }

  write(input: Uint8Array, start: number, end: number, output: Uint8Array): number {
    if (end > start) {
      const plain = input.subarray(start, end)
      this.#pieces.put(deflateOnce(plain, this.#settings, this.#slide(plain)))
    }
    return this.#pieces.take(output, output.length)
  }

  writeLater(
    input: Uint8Array,
    start: number,
    end: number,
    output: Uint8Array,
    done: (byteCount: number) => void,
  ): void {
    if (start === end) {
      done(this.#pieces.take(output, output.length))
      return
    }
    const plain = input.subarray(start, end)
    deflateOnceLater(plain, this.#settings, this.#slide(plain), (deflated) => {
      this.#pieces.put(deflated)
      done(this.#pieces.take(output, output.length))
    })
  }

  reset(): void {
    this.#window = NO_BYTES
  }

  close(): void {
    this.reset()
  }

  /** @returns what the window held before */
  #slide(plain: Uint8Array): Uint8Array {
    const window = this.#window
    this.#window = slide(window, plain, this.#settings.windowBits)
    return window
  }
}

class PublicInflater implements Inflater {
  readonly gathers = true
  readonly left = 0
  extraWork = 0
  readonly #windowBits: number
  readonly #pieces = new Pieces()
  #gathered: Uint8Array[] = []
  #gatheredLength = 0
  #isInflated = false
  #window: Uint8Array = NO_BYTES

  constructor(windowBits: number) {
    this.#windowBits = windowBits
  }

  get heldBytes(): number {
    return this.#gatheredLength + this.#pieces.length
  }

  write(input: Uint8Array, start: number, end: number): number {
    this.extraWork = 0
    this.#gathered.push(copyOf(input, start, end))
    this.#gatheredLength += end - start
    return 0
  }

  writeLater(
    input: Uint8Array,
    start: number,
    end: number,
    _output: Uint8Array,
    _room: number,
    done: (byteCount: number) => void,
  ): void {
    done(this.write(input, start, end))
  }

  finish(output: Uint8Array, room: number, most: number): number {
    this.extraWork = 0
    if (!this.#isInflated) {
      const inflated = this.#inflate(most)
      if (typeof inflated === 'number') return inflated
      this.#pieces.put(inflated)
      this.#isInflated = true
    }
    const byteCount = this.#pieces.take(output, room)
    if (byteCount < room) this.#isInflated = false
    return byteCount
  }

  reset(): void {
    this.#gathered = []
    this.#gatheredLength = 0
    this.#isInflated = false
    this.#window = NO_BYTES
  }

  close(): void {
    this.reset()
  }

  #inflate(most: number): Uint8Array | number {
    const input = joined([...this.#gathered, TRAILER])
    const messageEnd = input.length - TRAILER.length
    this.#gathered = []
    this.#gatheredLength = 0
    const outputs: Uint8Array[] = []
    let at = 0
    let room = most
    do {
      const inflated = inflateOnce(input.subarray(at), this.#windowBits, this.#window, room)
      if (inflated === 'too much') return Failure.TooMuch
      if (inflated === 'corrupt' || inflated.consumed === 0) return Failure.Corrupt
      outputs.push(inflated.bytes)
      at += inflated.consumed
      this.extraWork += STREAM_WORK
      if (this.extraWork > MOST_STREAMS * STREAM_WORK) return Failure.Corrupt
      room -= inflated.bytes.length
      // @req 7692-7.2.1-3
      if (at < input.length - 1) this.#window = NO_BYTES
      else this.#window = slide(this.#window, inflated.bytes, this.#windowBits)
      // Lenient: a message may end with its block of BFINAL 1, without the empty block behind it that §7.2.3.4 shows.
    } while (at < messageEnd)
    if (at > messageEnd && at !== input.length - 1) return Failure.Corrupt
    return joined(outputs)
  }
}

/** The bytes that a window holds when `added` came behind what it held before. */
function slide(before: Uint8Array, added: Uint8Array, windowBits: number): Uint8Array {
  const size = 1 << windowBits
  if (added.length >= size) return copyOf(added, added.length - size, added.length)
  return joined([before.subarray(Math.max(0, before.length + added.length - size)), added])
}
