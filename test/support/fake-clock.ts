import type { Clock } from '../../src/socket/clock.ts'

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
      const [next] = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)
      if (next === undefined) break
      const [id, { at, callback }] = next
      this.#timers.delete(id)
      this.#now = Math.max(this.#now, at)
      callback()
    }
    this.#now = end
  }

  /** Moves the hands by `ms` as after a suspended process: every timer that is due runs once, late. */
  jump(ms: number): void {
    this.#now += ms
    for (const [id, { at, callback }] of [...this.#timers]) {
      if (at > this.#now) continue
      this.#timers.delete(id)
      callback()
    }
  }
}
