/*
 * How fast one peer may send: messages, bytes and control frames, a token bucket for each.
 *
 * Theory of operation
 * -------------------
 * The limiter is the meter of its connection: it is asked for every frame, before anybody acts on it. With 'close' a
 * frame for which there are no tokens fails the connection. With 'pause' every frame passes and is paid for; when a
 * bucket is empty nothing more is read until it has a token again, so TCP makes the peer wait and nothing is lost. A
 * frame cannot be given back, so the bytes of the one in hand may be owed: that makes the pause longer.
 */
import { StatusCode } from '../frames/status-code.ts'
import type { Violation } from '../frames/violation.ts'
import type { FrameMeter } from '../protocol/frame-meter.ts'
import type { ConnectionOptions } from '../protocol/options.ts'
import type { Clock } from './clock.ts'
import { type Rate, TokenBucket } from './token-bucket.ts'

/** What one connection may receive; null: no limit. */
export interface ConnectionRates {
  readonly messages: Rate | null
  readonly bytes: Rate | null
  readonly controlFrames: Rate | null
  readonly onExceeded: 'close' | 'pause'
}

/** The connection whose peer is limited. */
export interface RateLimiterOwner {
  /** {@link RateLimiter.isWaiting} has changed. */
  fullnessChanged(): void
  /** The peer sends too fast, and the connection ends. */
  rateExceeded(violation: Violation): void
}

/** A timer is set for no longer than this, and again when it was too short: clocks know no timers of many days. */
const LONGEST_WAIT_MS = 86_400_000

const tooManyMessages = exceeded('messages')
const tooManyBytes = exceeded('bytes')
const tooManyControlFrames = exceeded('controlFrames')

function exceeded(name: string): Violation {
  return Object.freeze({
    id: '6455-10.4-1',
    statusCode: StatusCode.PolicyViolation,
    message: `the peer sends faster than rateLimit.${name} allows`,
  })
}

/** Holds one peer to its rates. Made only for a connection that has some. RFC 6455 §10.4. */
export class RateLimiter implements FrameMeter {
  readonly #owner: RateLimiterOwner
  readonly #clock: Clock
  readonly #pauses: boolean
  readonly #messages: TokenBucket | null
  readonly #bytes: TokenBucket | null
  readonly #controlFrames: TokenBucket | null
  #isWaiting = false
  #timer: unknown

  constructor(rates: ConnectionRates, clock: Clock, owner: RateLimiterOwner) {
    this.#owner = owner
    this.#clock = clock
    this.#pauses = rates.onExceeded === 'pause'
    this.#messages = bucketOf(rates.messages)
    this.#bytes = bucketOf(rates.bytes)
    this.#controlFrames = bucketOf(rates.controlFrames)
  }

  /** Whether reading should stop because a bucket is empty. */
  get isWaiting(): boolean {
    return this.#isWaiting
  }

  dataFrame(): boolean {
    return this.#count(this.#messages, 1, tooManyMessages)
  }

  controlFrame(): boolean {
    return this.#count(this.#controlFrames, 1, tooManyControlFrames)
  }

  bytes(count: number): boolean {
    return this.#count(this.#bytes, count, tooManyBytes)
  }

  /** The connection is over. */
  stop(): void {
    this.#clock.clearTimeout(this.#timer)
  }

  /** Options of a driver, with this as the meter of its connection. */
  metered<Options extends { readonly connection: ConnectionOptions }>(options: Options): Options {
    return { ...options, connection: { ...options.connection, meter: this } }
  }

  #count(bucket: TokenBucket | null, count: number, violation: Violation): boolean {
    if (bucket === null) return true
    const now = this.#clock.now()
    if (this.#pauses) {
      bucket.spend(count, now)
      if (!this.#isWaiting && bucket.waitMs(1, now) > 0) this.#wait(now)
      return true
    }
    if (bucket.take(count, now)) return true
    this.#owner.rateExceeded(violation)
    return false
  }

  /** Reads no more until every bucket has a token. */
  #wait(now: number): void {
    this.#isWaiting = true
    this.#setTimer(now)
    this.#owner.fullnessChanged()
  }

  #setTimer(now: number): void {
    this.#timer = this.#clock.setTimeout(this.#wake, Math.min(this.#waitMs(now), LONGEST_WAIT_MS))
  }

  readonly #wake = (): void => {
    const now = this.#clock.now()
    // What was owed may have grown since, by the rest of the frame in hand; and timers may be early.
    if (this.#waitMs(now) > 0) {
      this.#setTimer(now)
      return
    }
    this.#isWaiting = false
    this.#owner.fullnessChanged()
  }

  #waitMs(now: number): number {
    return Math.max(
      this.#messages?.waitMs(1, now) ?? 0,
      this.#bytes?.waitMs(1, now) ?? 0,
      this.#controlFrames?.waitMs(1, now) ?? 0,
    )
  }
}

function bucketOf(rate: Rate | null): TokenBucket | null {
  return rate === null ? null : new TokenBucket(rate)
}
