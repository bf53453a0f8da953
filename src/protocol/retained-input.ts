import { joined } from '../frames/bytes.ts'

const NO_BYTES = new Uint8Array(0)

/** Bytes that have arrived and wait until the connection reads on; at their end perhaps the end of the stream. */
export class RetainedInput {
  #bytes: Uint8Array = NO_BYTES
  /** Whether the transport has ended; that takes effect behind the bytes. */
  ended = false

  /** How many bytes wait. */
  get length(): number {
    return this.#bytes.length
  }

  /** Bytes of memory that they take: at most twice as many. */
  get heldBytes(): number {
    return this.#bytes.buffer.byteLength
  }

  /** Copies `bytes[start, end)` behind what waits. */
  append(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = joined([this.#bytes, bytes.subarray(start, end)])
  }

  /** Takes all bytes. */
  take(): Uint8Array {
    const bytes = this.#bytes
    this.#bytes = NO_BYTES
    return bytes
  }

  /**
   * Puts back what was not read, in front of what came meanwhile. It is copied if something came, or if it is the smaller
   * part of its memory: then what was read would be kept for it.
   *
   * @param rest - alone in its memory, but for what was read
   */
  putBack(rest: Uint8Array): void {
    const isSmallPart = rest.length * 2 < rest.buffer.byteLength
    this.#bytes = this.#bytes.length === 0 && !isSmallPart ? rest : joined([rest, this.#bytes])
  }

  /** Forgets the bytes. */
  discard(): void {
    this.#bytes = NO_BYTES
  }
}
