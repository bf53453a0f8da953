import { uninitialised } from '../../frames/bytes.ts'

/** Bytes of the memory that is lent. */
export const SCRATCH_LENGTH = 64 << 10

/**
 * One piece of memory for all connections. Whoever asks while it is lent, because a handler of a message brought
 * another message about, gets one of its own.
 */
export class Scratch {
  #free: Uint8Array | null = null

  lend(): Uint8Array {
    const bytes = this.#free ?? uninitialised(SCRATCH_LENGTH)
    this.#free = null
    return bytes
  }

  giveBack(bytes: Uint8Array): void {
    this.#free = bytes
  }
}
