import { uninitialised } from '../frames/bytes.ts'

const NO_BYTES = new Uint8Array(0)
const LEAST_CAPACITY = 256
/** When it is not known how many bytes will come, more than this is kept in blocks of this length. */
const BLOCK_LENGTH = 64 << 10

/**
 * Bytes that come piece by piece. Memory is sized by what came, never by what was announced: at most twice the bytes,
 * however the pieces are cut. While it is not known how many will come, it is no more than a block above the bytes, so
 * that a message that turns out to be too long costs what came of it; only one that is complete is put together.
 */
export class GrowingBytes {
  /** Blocks that are full, before `#bytes`. */
  #full: Uint8Array[] = []
  #fullLength = 0
  #bytes: Uint8Array = NO_BYTES
  #used = 0

  /** One buffer; the bytes are its first {@link length}. Blocks are put together when this is asked for. */
  get bytes(): Uint8Array {
    if (this.#full.length > 0) this.#join()
    return this.#bytes
  }

  /** How many bytes came. */
  get length(): number {
    return this.#fullLength + this.#used
  }

  /** How many bytes of memory they take. */
  get capacity(): number {
    return this.#fullLength + this.#bytes.length
  }

  /** Copies `bytes[start, end)` behind what came before. @param most - bytes there will ever be; default: not known */
  append(bytes: Uint8Array, start: number, end: number, most = Number.POSITIVE_INFINITY): void {
    let at = start
    let needed = this.#used + end - at
    while (most === Number.POSITIVE_INFINITY && needed > BLOCK_LENGTH && needed > this.#bytes.length) {
      const until = at + this.#bytes.length - this.#used
      this.#put(bytes, at, until)
      this.#nextBlock()
      at = until
      needed = end - at
    }
    if (needed > this.#bytes.length) {
      this.#grow(needed, most === Number.POSITIVE_INFINITY ? BLOCK_LENGTH : most - this.#fullLength)
    }
    this.#put(bytes, at, end)
  }

  /** Forgets the bytes; who took the buffer keeps it. */
  clear(): void {
    this.#full = []
    this.#fullLength = 0
    this.#bytes = NO_BYTES
    this.#used = 0
  }

  #put(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), this.#used)
    this.#used += end - start
  }

  #nextBlock(): void {
    if (this.#used > 0) this.#full.push(this.#bytes)
    this.#fullLength += this.#used
    this.#bytes = uninitialised(BLOCK_LENGTH)
    this.#used = 0
  }

  #grow(needed: number, most: number): void {
    const grown = uninitialised(Math.min(Math.max(needed * 2, LEAST_CAPACITY), most))
    grown.set(this.#bytes.subarray(0, this.#used))
    this.#bytes = grown
  }

  #join(): void {
    const joined = uninitialised(this.length)
    let at = 0
    for (const block of this.#full) {
      joined.set(block, at)
      at += block.length
    }
    joined.set(this.#bytes.subarray(0, this.#used), at)
    this.clear()
    this.#bytes = joined
    this.#used = joined.length
  }
}
