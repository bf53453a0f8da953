import { PAIRS } from './endings.ts'
import type { Outcome } from './simulate.ts'

/** Adds up what occurred in many runs. */
export class Tally {
  seeds = 0
  messages = 0
  readonly #occurrences = new Map<string, number>()
  readonly #pairs = new Map<string, number>(PAIRS.map(({ name }) => [name, 0]))

  add({ messages, occurrences, pair }: Outcome): void {
    this.seeds += 1
    this.messages += messages
    for (const what of occurrences) this.#occurrences.set(what, this.count(what) + 1)
    this.#pairs.set(pair, (this.#pairs.get(pair) ?? 0) + 1)
  }

  /** In how many runs something occurred. */
  count(what: string): number {
    return this.#occurrences.get(what) ?? 0
  }

  /** The rows of the table of endings, the most frequent first. */
  get pairs(): ReadonlyArray<readonly [pair: string, count: number]> {
    return [...this.#pairs].sort(([, a], [, b]) => b - a)
  }
}
