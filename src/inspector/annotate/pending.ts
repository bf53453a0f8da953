const NO_BYTES = new Uint8Array(0)

/** Bytes that wait for more: at most twice the memory that they need, however they come. */
export class Pending {
  #bytes: Uint8Array = NO_BYTES
  length = 0

  /** The memory; the first `length` bytes of it wait. */
  get bytes(): Uint8Array {
    return this.#bytes
  }

  append(bytes: Uint8Array, start: number): void {
    const length = this.length + bytes.length - start
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#bytes.length))
      grown.set(this.#bytes.subarray(0, this.length))
      this.#bytes = grown
    }
    this.#bytes.set(bytes.subarray(start), this.length)
    this.length = length
  }

  /** Lets go of the first bytes, whose memory others keep now: the rest moves to other memory. */
  drop(count: number): void {
    const rest = this.#bytes.subarray(count, this.length)
    this.#bytes = NO_BYTES
    this.length = 0
    if (rest.length > 0) this.append(rest, 0)
  }
}
