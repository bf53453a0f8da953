import type { Clock } from '../../src/ground/clock.ts'

/** Time that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now = 0
  readonly #timers = new Map<number, { at: number; callback: () => void }>()
  #lastId = 0

  /** Timers that have not run. */
  get pending(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#now
  }

  setTimeout(callback: () => void, ms: number): unknown {
    this.#lastId += 1
    this.#timers.set(this.#lastId, { at: this.#now + ms, callback })
    return this.#lastId
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as number)
  }

  /** Moves the hands by `ms`; timers run in their order, each at its own time. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      let next = Number.POSITIVE_INFINITY
      for (const { at } of this.#timers.values()) if (at < next) next = at
      if (next > end) break
      this.#now = Math.max(this.#now, next)
      this.#runDue()
    }
    this.#now = end
  }

  /** Moves the hands by `ms` as after a suspended process: every timer that is due runs once, late. */
  jump(ms: number): void {
    this.#now += ms
    this.#runDue()
  }

  /** Which of the timers that are due runs next; `ran`: how many of them did. */
  protected choose(_due: number, _ran: number): number {
    return 0
  }

  #runDue(): void {
    const due = [...this.#timers].filter(([, { at }]) => at <= this.#now).map(([id]) => id)
    for (let ran = 0; due.length > 0; ran += 1) {
      const [id] = due.splice(this.choose(due.length, ran), 1)
      // One that runs may stop another.
      const timer = this.#timers.get(id!)
      this.#timers.delete(id!)
      timer?.callback()
    }
  }
}
