import { uninitialised } from '../../frames/bytes.ts'

/** Bytes of a piece of memory that is lent. */
export const SCRATCH_LENGTH = 64 << 10

/**
 * Memory for all connections, piece by piece. Whoever asks while all of it is lent, because a handler of a message
 * brought another message about, gets a piece of its own.
 */
export class Scratch {
  readonly #most: number
  readonly #free: Uint8Array[] = []

  /** @param most - pieces that are kept while nobody needs them */
  constructor(most: number) {
    this.#most = most
  }

  lend(): Uint8Array {
    return this.#free.pop() ?? uninitialised(SCRATCH_LENGTH)
  }

  giveBack(bytes: Uint8Array): void {
    if (this.#free.length < this.#most) this.#free.push(bytes)
  }
}

/** What work on other threads writes to; four jobs run at a time. */
export const blocks: Scratch = new Scratch(4)
