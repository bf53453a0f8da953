import { HandshakeError } from '../errors.ts'
import type { Clock } from '../ground/clock.ts'
import { type Rate, TokenBucket } from '../socket/token-bucket.ts'

/** Addresses that are remembered at most. */
const MOST_ADDRESSES = 10_000
/** Addresses that one request may forget: more than the one it may add, and never so many that it takes long. */
const MOST_FORGOTTEN = 8
/** Seconds. Above it a number might be written with an exponent, or be none; RFC 9110 §10.2.3 wants digits. */
const LONGEST_RETRY_AFTER = 2 ** 31 - 1

/**
 * Counts the opening handshakes of each address. An address is forgotten once its bucket is full, since then it is like
 * one that never came; whoever comes looks after that, so there are no timers. When there are too many, the one that was
 * not seen for longest is forgotten early: it may come sooner than it should, but nobody else is refused for it.
 */
export class HandshakeRate {
  readonly #rate: Rate
  readonly #clock: Clock
  /** Those seen last stand at the end. */
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
    this.#forget(now)
    this.#buckets.set(address, bucket)
    if (bucket.take(1, now)) return
    const seconds = Math.min(Math.ceil(bucket.waitFor(1, now) / 1000), LONGEST_RETRY_AFTER)
    // @req 6455-10.4-1
    throw new HandshakeError('6455-10.4-1', 429, 'too many opening handshakes from this address', [
      ['Retry-After', String(seconds)],
    ])
  }

  #forget(now: number): void {
    let forgotten = 0
    for (const [address, bucket] of this.#buckets) {
      if (forgotten === MOST_FORGOTTEN) return
      if (this.#buckets.size < MOST_ADDRESSES && !bucket.isFull(now)) return
      this.#buckets.delete(address)
      forgotten++
    }
  }
}
