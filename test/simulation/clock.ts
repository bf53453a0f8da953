import type { Clock } from '../../src/socket/clock.ts'
import type { Random } from '../fuzz/mutate.ts'
import type { Note } from './occurrences.ts'

interface Timer {
  readonly at: number
  readonly callback: () => void
}

/** Time that a simulation plays. Timers that are due together run in an order that the seed chooses. */
export class SimulatedClock implements Clock {
  #now = 0
  #lastId = 0
  readonly #timers = new Map<number, Timer>()
  readonly #random: Random
  readonly #note: Note

  constructor(random: Random, note: Note) {
    this.#random = random
    this.#note = note
  }

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

  /** Moves the hands by `ms`; timers run at their time. */
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

  /** Moves the hands by `ms` as after a suspended process: every timer that is due runs late, at the same moment. */
  jump(ms: number): void {
    this.#now += ms
    this.#runDue()
  }

  #runDue(): void {
    const due = [...this.#timers].filter(([, { at }]) => at <= this.#now).map(([id]) => id)
    for (let first = true; due.length > 0; first = false) {
      const choice = this.#random.below(due.length)
      if (first && choice > 0) this.#note('timers that are due together run in another order')
      const [id] = due.splice(choice, 1)
      // One that runs may stop another.
      const timer = this.#timers.get(id!)
      this.#timers.delete(id!)
      timer?.callback()
    }
  }
}
