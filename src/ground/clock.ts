import { inNobodysContext } from './application.ts'
import { clearTimeout, now, setTimeout } from './scheduling.ts'

/** Time as the driver sees it, so that tests can turn the hands. */
export interface Clock {
  /** Milliseconds since some fixed point; never goes backwards. */
  now(): number
  /**
   * Calls `callback` once, after `ms` milliseconds; never, when that is more than 24 days. A timer never keeps the
   * process alive.
   */
  setTimeout(callback: () => void, ms: number): unknown
  /** Stops a timer; undefined and timers that ran are ignored. */
  clearTimeout(timer: unknown): void
}

/** Node's timers count to this; more, and `Infinity`, would fire at once. */
const LONGEST_MS = 2 ** 31 - 1

/** Real time. */
export const systemClock: Clock = {
  now,
  // What a timer ends is seldom the business of whoever happened to start it.
  setTimeout: (callback, ms) =>
    ms > LONGEST_MS ? undefined : inNobodysContext(() => setTimeout(callback, ms)).unref(),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout | undefined),
}
