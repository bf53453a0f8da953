import { HandshakeError } from '../errors.ts'
import type { Clock } from '../socket/clock.ts'
import { type Rate, TokenBucket } from '../socket/token-bucket.ts'

/** Addresses that are remembered; whoever was not seen for the longest time is forgotten first. */
const MOST_ADDRESSES = 10_000

/** Counts the opening handshakes of each address. */
export class HandshakeRate {
  readonly #rate: Rate
  readonly #clock: Clock
  readonly #buckets = new Map<string, TokenBucket>()

  constructor(rate: Rate, clock: Clock) {
    this.#rate = rate
    this.#clock = clock
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#buckets.size
  }

  /** @throws HandshakeError with 429 and `Retry-After` when the address has had too many */
  count(address: string | undefined): void {
    if (address === undefined) return
    const now = this.#clock.now()
    const bucket = this.#buckets.get(address) ?? new TokenBucket(this.#rate, now)
    this.#buckets.delete(address)
    this.#buckets.set(address, bucket)
    if (this.#buckets.size > MOST_ADDRESSES) this.#forgetOldest()
    if (bucket.take(1, now)) return
    const seconds = Math.ceil(bucket.waitFor(1, now) / 1000)
    // @req 6455-10.4-1
    throw new HandshakeError('6455-10.4-1', 429, 'too many opening handshakes from this address', [
      ['Retry-After', String(seconds)],
    ])
  }

  #forgetOldest(): void {
    for (const address of this.#buckets.keys()) {
      this.#buckets.delete(address)
      return
    }
  }
}
