import { UsageError } from '../errors.ts'
import { StatusCode } from '../frames/status-code.ts'
import type { Violation } from '../frames/violation.ts'
import type { Clock } from '../ground/clock.ts'
import { Deadline } from '../ground/deadline.ts'
import { checkOptionNames, type OptionNames } from '../ground/option-names.ts'
import { type Rate, type RateOptions, rateOption, TokenBucket } from './token-bucket.ts'

/** How much one peer may ask of a server, RFC 6455 §10.4. What is not given has no limit. */
export interface RateLimitOptions {
  /** Opening handshakes from one address; one more is refused with 429 and `Retry-After`. Servers only. */
  readonly handshakes?: RateOptions | undefined
  /** Messages on one connection, empty ones too. Fragments count by their bytes. */
  readonly messages?: RateOptions | undefined
  /** Bytes on one connection as they come from the transport, headers and empty fragments included. */
  readonly bytes?: RateOptions | undefined
  /** Pings and Pongs on one connection. */
  readonly controlFrames?: RateOptions | undefined
  /**
   * What becomes of a connection that goes past a rate: `'close'` (default) ends it with 1008, `'pause'` reads on only
   * when as many may come again: nothing is lost, and TCP makes the peer wait.
   */
  readonly onExceeded?: 'close' | 'pause' | undefined
}

/** A timer is set for no longer than this, and again when it was too short: clocks have none above 2^31 ms. */
const LONGEST_WAIT_MS = 86_400_000

/** Beats come every second or more often; who has seen none for so long was stopped, or blocked. */
const LONGEST_BEAT_MS = 2000
/** Milliseconds in which what had piled up meanwhile has been read. */
const MAKE_UP_MS = 5000

/** What is counted on a connection. */
export type Counted = 'messages' | 'bytes' | 'controlFrames'

const COUNTED: readonly Counted[] = ['messages', 'bytes', 'controlFrames']

const rateLimitOptionNames = {
  handshakes: true,
  messages: true,
  bytes: true,
  controlFrames: true,
  onExceeded: true,
} satisfies OptionNames<RateLimitOptions>

const NAMES: Readonly<Record<Counted, string>> = {
  messages: 'messages',
  bytes: 'bytes',
  controlFrames: 'control frames',
}

/** {@link RateLimitOptions} of one connection after the checks. */
export interface ConnectionRates {
  readonly rates: ReadonlyMap<Counted, Rate>
  readonly onExceeded: 'close' | 'pause'
}

/**
 * Checks the rates of connections.
 *
 * @returns null when none is limited
 * @throws UsageError that names the option which is wrong
 */
export function connectionRates(options: RateLimitOptions | undefined): ConnectionRates | null {
  if (options === undefined) return null
  checkOptionNames('option rateLimit', options, rateLimitOptionNames)
  const { onExceeded = 'close' } = options
  if (onExceeded !== 'close' && onExceeded !== 'pause') {
    throw new UsageError(`option rateLimit.onExceeded is ${String(onExceeded)}; it must be 'close' or 'pause'`)
  }
  const rates = new Map<Counted, Rate>()
  for (const counted of COUNTED) {
    const rate = rateOption(`rateLimit.${counted}`, options[counted])
    if (rate !== null) rates.set(counted, rate)
  }
  return rates.size === 0 ? null : { rates, onExceeded }
}

/** Whom a {@link RateLimiter} tells. */
export interface RateLimiterOwner {
  /** The connection shall end. */
  rateExceeded(violation: Violation): void
  /** Whether the connection waits has changed. */
  rateChanged(): void
}

/** Counts what comes on one connection, and says when it is too much. */
export class RateLimiter {
  readonly #owner: RateLimiterOwner
  readonly #clock: Clock
  readonly #rates: ConnectionRates
  readonly #buckets = new Map<Counted, TokenBucket>()
  /** When the wait may be over. */
  #end: Deadline | null = null
  #isWaiting = false
  #isOver = false
  /** When there was a beat, or a look that came instead of one. */
  #beatAt: number
  /** Until when more than a burst may be there; -1: it may not. */
  #levelAt = -1

  constructor(owner: RateLimiterOwner, rates: ConnectionRates, clock: Clock) {
    this.#owner = owner
    this.#clock = clock
    this.#rates = rates
    const now = clock.now()
    this.#beatAt = now
    for (const [counted, rate] of rates.rates) this.#buckets.set(counted, new TokenBucket(rate, now))
  }

  /** Whether nothing shall be read for now. */
  get isWaiting(): boolean {
    return this.#isWaiting
  }

  /** Something came. @returns false when it is not to be taken: the connection ends */
  count(counted: Counted, amount: number): boolean {
    const bucket = this.#buckets.get(counted)
    if (bucket === undefined || this.#isOver) return true
    const now = this.#clock.now()
    this.#makeUp(now - this.#beatAt - LONGEST_BEAT_MS, now)
    if (this.#rates.onExceeded === 'pause') {
      bucket.spend(amount, now)
      this.#look(now)
      return true
    }
    if (bucket.take(amount, now)) return true
    const { perSecond, burst } = this.#rates.rates.get(counted)!
    // @req 6455-10.4-1
    this.#owner.rateExceeded({
      id: '6455-10.4-1',
      statusCode: StatusCode.PolicyViolation,
      message: `more than ${burst} ${NAMES[counted]} at once, or ${perSecond} a second`,
    })
    return false
  }

  /** Called at each beat of the heartbeat. */
  beat(now: number): void {
    this.#beatAt = now
    if (this.#levelAt < 0 || now < this.#levelAt) return
    this.#levelAt = -1
    for (const bucket of this.#buckets.values()) bucket.level()
  }

  /**
   * A process that was stopped reads at once what came in the meantime, and a peer that kept to its rate shall not be
   * judged for it. @param lateMs - for how long nothing was read
   */
  #makeUp(lateMs: number, now: number): void {
    if (lateMs <= 0) return
    this.#beatAt = now
    this.#levelAt = now + MAKE_UP_MS
    for (const bucket of this.#buckets.values()) bucket.makeUp(lateMs, now)
  }

  /** Nothing more comes. */
  close(): void {
    this.#isOver = true
    this.#isWaiting = false
    this.#end?.cancel()
  }

  /** Waits while a bucket owes. */
  #look(now: number): void {
    let wait = 0
    for (const bucket of this.#buckets.values()) wait = Math.max(wait, bucket.waitFor(0, now))
    const waits = wait > 0
    if (waits) {
      this.#end?.cancel()
      const ms = Math.min(Math.ceil(wait), LONGEST_WAIT_MS)
      this.#end = new Deadline(this.#clock, ms, () => this.#look(this.#clock.now()))
    }
    if (waits === this.#isWaiting) return
    this.#isWaiting = waits
    this.#owner.rateChanged()
  }
}
