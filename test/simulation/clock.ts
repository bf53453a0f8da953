import type { Random } from '../fuzz/mutate.ts'
import { FakeClock } from '../support/fake-clock.ts'
import type { Note } from './occurrences.ts'

/** Time that a simulation plays. Timers that are due together run in an order that the seed chooses. */
export class SimulatedClock extends FakeClock {
  readonly #random: Random
  readonly #note: Note

  constructor(random: Random, note: Note) {
    super()
    this.#random = random
    this.#note = note
  }

  protected override choose(due: number, ran: number): number {
    const choice = this.#random.below(due)
    if (ran === 0 && choice > 0) this.#note('timers that are due together run in another order')
    return choice
  }
}
