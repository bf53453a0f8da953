import { uninitialised } from '../frames/bytes.ts'

const NO_BYTES = new Uint8Array(0)
const LEAST_CAPACITY = 256

/**
 * Bytes that come piece by piece, in one buffer. It is sized by what came, never by what was announced: at most twice
 * the bytes, however the pieces are cut.
 */
export class GrowingBytes {
  #bytes: Uint8Array = NO_BYTES
  #length = 0

  /** The buffer; the bytes are its first {@link length}. */
  get bytes(): Uint8Array {
    return this.#bytes
  }

  /** How many bytes came. */
  get length(): number {
    return this.#length
  }

  /** Copies `bytes[start, end)` behind what came before. @param most - bytes there will ever be; default: not known */
  append(bytes: Uint8Array, start: number, end: number, most = Number.POSITIVE_INFINITY): void {
    const needed = this.#length + end - start
    if (needed > this.#bytes.length) {
      const grown = uninitialised(Math.min(Math.max(needed * 2, LEAST_CAPACITY), most))
      grown.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = grown
    }
    this.#bytes.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), this.#length)
    this.#length = needed
  }

  /** Forgets the bytes; who took the buffer keeps it. */
  clear(): void {
    this.#bytes = NO_BYTES
    this.#length = 0
  }
}
