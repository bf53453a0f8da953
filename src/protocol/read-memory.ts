import { bufferOn, copyTo, uninitialised } from '../frames/bytes.ts'

const NO_BYTES = new Uint8Array(0)
const NO_MEMORY = new ArrayBuffer(0)

/** Up to this many bytes V8 has room in its own heap, where memory for each costs next to nothing. */
const IN_HEAP = 64
/** From here on memory for each costs little beside the message. */
const SHARED_UP_TO = 16 << 10
/** Memory for several is no longer than this, or than 16 of the first that lies there, and than what the read brings. */
const LEAST_SHARED = 8 << 10
const MOST_ALIKE = 16

/** One that nobody uses. */
let spare: ReadMemory | null = null

/**
 * Memory for what an application gets of one read of one connection.
 *
 * It may keep it, transfer it to another thread, or look at its whole ArrayBuffer: there is nothing there but other
 * messages of the same connection and read, and nothing of ours. Messages up to 16 KiB lie side by side, because memory
 * for each costs more than the rest of a small message; a message that is kept keeps at most 64 KiB so, and when neither
 * it nor what came with it is longer than 512 bytes, 8 KiB. A message that comes alone has memory of its own.
 *
 * Perf: `npm run bench -- frames echo`
 */
export class ReadMemory {
  /** What is read; nothing when that is not known. */
  #chunk: Uint8Array = NO_BYTES
  #start = 0
  #end = 0
  /** Where small messages lie, all zero behind `#at`. Whoever has one may detach it at any time. */
  #shared: ArrayBuffer = NO_MEMORY
  #at = 0
  /** What was copied last from elsewhere than the chunk. */
  #last = 0

  /** For the read of `chunk[start, end)`. */
  static of(chunk: Uint8Array, start: number, end: number): ReadMemory {
    const memory = spare ?? new ReadMemory()
    spare = null
    memory.#chunk = chunk
    memory.#start = start
    memory.#end = end
    return memory
  }

  /** The read is over; what was copied belongs to whoever has it. */
  release(): void {
    this.#chunk = NO_BYTES
    this.#shared = NO_MEMORY
    this.#at = 0
    this.#last = 0
    spare = this
  }

  /** A copy of `bytes[start, end)`, which came with this read. */
  copy(bytes: Uint8Array, start: number, end: number): Uint8Array {
    const length = end - start
    const copy = length <= IN_HEAP || length > SHARED_UP_TO ? uninitialised(length) : this.#take(bytes, start, length)
    copyTo(copy, 0, bytes, start, end)
    return copy
  }

  #take(bytes: Uint8Array, start: number, length: number): Uint8Array {
    // A buffer that was detached has no length.
    if (this.#shared.byteLength - this.#at < length) {
      const most = Math.min(this.#expected(bytes, start, length), Math.max(LEAST_SHARED, length * MOST_ALIKE), 64 << 10)
      // Nothing else would find room there.
      if (most - length <= IN_HEAP + (length >> 4)) return uninitialised(length)
      // Zeroed: what nobody writes to is seen by whoever looks.
      this.#shared = new ArrayBuffer(most)
      this.#at = 0
    }
    const copy = bufferOn(this.#shared, this.#at, length)
    // Where any kind of number may begin.
    this.#at = (this.#at + length + 7) & ~7
    return copy
  }

  /**
   * How many bytes may still come, with these: what is left of the chunk, and a little more because there are gaps. What
   * comes from elsewhere first is a message that began in an earlier read, and the rest of the chunk follows it; after
   * that it is what an extension gives, and not known: twice as many as last time.
   */
  #expected(bytes: Uint8Array, start: number, length: number): number {
    if (bytes === this.#chunk) return ((this.#end - start) * 17) >> 4
    const isFirst = this.#last === 0
    this.#last = Math.max(length, this.#last * 2)
    return isFirst ? length + this.#end - this.#start : this.#last
  }
}
