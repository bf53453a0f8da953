import { UsageError } from '../errors.ts'

/** How much may come, on average and at once. */
export interface Rate {
  /** Tokens that come back in a second: any number above 0, also a fraction. `Infinity`: no limit. */
  readonly perSecond: number
  /** Tokens when nothing was taken for a while, and so the most that may come at once: at least 1. `Infinity`: no limit. */
  readonly burst: number
}

/**
 * A token bucket: never gives more than `burst + perSecond * t` tokens in any `t` seconds. It remembers one number, the
 * moment at which it will be full again, and needs no timer to fill up.
 */
export class TokenBucket {
  readonly #msPerToken: number
  /** Milliseconds in which an empty bucket fills up. */
  readonly #span: number
  #fullAt = Number.NEGATIVE_INFINITY

  constructor({ perSecond, burst }: Rate) {
    this.#msPerToken = 1000 / perSecond
    this.#span = burst * this.#msPerToken
  }

  /** Whether it is as if nothing had ever been taken. @param now - milliseconds, here and below */
  isFull(now: number): boolean {
    return this.#fullAt <= now
  }

  /** Takes `count` tokens, if that many are there. @returns whether they were; if not, nothing was taken */
  take(count: number, now: number): boolean {
    if (this.waitMs(count, now) > 0) return false
    this.spend(count, now)
    return true
  }

  /** Takes `count` tokens; those that are not there are owed. */
  spend(count: number, now: number): void {
    this.#fullAt = Math.max(this.#fullAt, now) + count * this.#msPerToken
  }

  /** Whole milliseconds until `count` tokens are there, if nobody takes any; 0: they are. `Infinity` above `burst`. */
  waitMs(count: number, now: number): number {
    const cost = count * this.#msPerToken
    if (cost > this.#span) return Number.POSITIVE_INFINITY
    return Math.max(0, Math.ceil(this.#fullAt - now + cost - this.#span))
  }
}

/**
 * Checks a rate; numbers are taken as they are or refused.
 *
 * @returns null when there is no limit
 * @throws UsageError that names what is wrong
 */
export function rateOption(name: string, rate: Rate | undefined): Rate | null {
  if (rate === undefined) return null
  if (typeof rate !== 'object' || rate === null) {
    throw new UsageError(`option ${name} is ${String(rate)}; it must be an object with perSecond and burst`)
  }
  const { perSecond, burst } = rate
  if (typeof perSecond !== 'number' || !(perSecond > 0)) {
    throw new UsageError(`option ${name}.perSecond is ${String(perSecond)}; it must be a number above 0, or Infinity`)
  }
  const isWhole = Number.isInteger(burst) || burst === Number.POSITIVE_INFINITY
  if (typeof burst !== 'number' || !isWhole || burst < 1) {
    throw new UsageError(`option ${name}.burst is ${String(burst)}; it must be an integer of at least 1, or Infinity`)
  }
  const isLimit = perSecond < Number.POSITIVE_INFINITY && burst < Number.POSITIVE_INFINITY
  return isLimit ? { perSecond, burst } : null
}
