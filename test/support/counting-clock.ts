import { type Clock, systemClock } from '../../src/ground/clock.ts'

/** Real time that counts the timers which have not run: none may be left after the end. */
export class CountingClock implements Clock {
  readonly #live = new Set<unknown>()

  /** Timers that have not run. */
  get pending(): number {
    return this.#live.size
  }

  now(): number {
    return systemClock.now()
  }

  setTimeout(callback: () => void, ms: number): unknown {
    const timer: unknown = systemClock.setTimeout(() => {
      this.#live.delete(timer)
      callback()
    }, ms)
    if (timer !== undefined) this.#live.add(timer)
    return timer
  }

  clearTimeout(timer: unknown): void {
    this.#live.delete(timer)
    systemClock.clearTimeout(timer)
  }
}
