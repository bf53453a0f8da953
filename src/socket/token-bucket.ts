import { UsageError } from '../errors.ts'
import { checkOptionNames, type OptionNames } from '../ground/option-names.ts'

/** How much of something may come: a rate that lasts, and how far above it a burst may go. */
export interface RateOptions {
  /** How many may come in a second in the long run; more than 0, `Infinity` for no limit. */
  readonly perSecond: number
  /** How many may come at once. Default: as many as in a second, but at least one. */
  readonly burst?: number | undefined
}

/** {@link RateOptions} after the checks. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

const rateOptionNames = { perSecond: true, burst: true } satisfies OptionNames<RateOptions>

/**
 * Checks a rate; nothing is coerced.
 *
 * @returns null when there is no limit
 * @throws UsageError that names the option which is wrong
 */
export function rateOption(name: string, rate: RateOptions | undefined): Rate | null {
  if (rate === undefined) return null
  if (typeof rate !== 'object' || rate === null) {
    throw new UsageError(`option ${name} is ${String(rate)}; it must be an object with perSecond`)
  }
  checkOptionNames(`option ${name}`, rate, rateOptionNames)
  const { perSecond } = rate
  checkAmount(`${name}.perSecond`, perSecond, Number.MIN_VALUE)
  const { burst = Math.max(1, perSecond) } = rate
  checkAmount(`${name}.burst`, burst, 1)
  const isLimit = perSecond < Number.POSITIVE_INFINITY && burst < Number.POSITIVE_INFINITY
  return isLimit ? { perSecond, burst } : null
}

function checkAmount(name: string, value: unknown, min: number): void {
  if (typeof value === 'number' && value >= min) return
  const least = min < 1 ? 'more than 0' : `at least ${min}`
  throw new UsageError(`option ${name} is ${String(value)}; it must be a number of ${least}`)
}

/**
 * A token bucket: it fills at a steady rate up to its burst, and what comes takes out of it. No timer: it looks at the
 * time whenever it is asked.
 */
export class TokenBucket {
  readonly #rate: Rate
  #tokens: number
  #at: number

  /** @param now - milliseconds */
  constructor(rate: Rate, now: number) {
    this.#rate = rate
    this.#tokens = rate.burst
    this.#at = now
  }

  /** Whether it is as if nothing had ever been taken. */
  isFull(now: number): boolean {
    this.#fill(now)
    return this.#tokens === this.#rate.burst
  }

  /** Takes tokens if there are enough. @returns whether there were */
  take(count: number, now: number): boolean {
    this.#fill(now)
    if (this.#tokens < count) return false
    this.#tokens -= count
    return true
  }

  /** Takes tokens, also those that are still to come. */
  spend(count: number, now: number): void {
    this.#fill(now)
    this.#tokens -= count
  }

  /**
   * Fills it with what came in while nobody looked, beyond its burst if it has to be.
   *
   * @param ms - how long nobody could look
   */
  makeUp(ms: number, now: number): void {
    const { perSecond, burst } = this.#rate
    const gained = ((now - this.#at) / 1000) * perSecond
    this.#tokens = Math.min(burst + (ms / 1000) * perSecond, this.#tokens + gained)
    this.#at = now
  }

  /** Forgets what it has beyond its burst. */
  level(): void {
    this.#tokens = Math.min(this.#rate.burst, this.#tokens)
  }

  /** Milliseconds until there are so many tokens; 0 when there are. @param count - at most the burst */
  waitFor(count: number, now: number): number {
    this.#fill(now)
    return Math.max(0, ((count - this.#tokens) / this.#rate.perSecond) * 1000)
  }

  #fill(now: number): void {
    const { perSecond, burst } = this.#rate
    if (this.#tokens < burst) {
      this.#tokens = Math.min(burst, this.#tokens + (Math.max(0, now - this.#at) / 1000) * perSecond)
    }
    this.#at = now
  }
}
