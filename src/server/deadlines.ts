import type { Clock } from '../ground/clock.ts'
import { Deadline } from '../ground/deadline.ts'

/** Something that must be over by a certain time. */
export interface Dated {
  /** When that is, by the clock of its {@link Deadlines}. */
  readonly due: number
  /** It is not over. It must be deleted during this call. */
  expire(): void
}

/**
 * Members that all have the same time, so that whoever came first is due first: one timer serves any number of them, and
 * runs only while there are some.
 *
 * Perf: `npm run bench -- handshake`; a timer for each is an object and a closure more.
 */
export class Deadlines<Member extends Dated> {
  readonly #clock: Clock
  readonly #members = new Set<Member>()
  #next: Deadline | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#members.size
  }

  /** Who came first; undefined when there is nobody. */
  get first(): Member | undefined {
    return this.#members.values().next().value
  }

  /** All of them, in the order in which they came. */
  [Symbol.iterator](): IterableIterator<Member> {
    return this.#members.values()
  }

  /** @param member - due no earlier than those that are there */
  add(member: Member): void {
    this.#members.add(member)
    if (this.#members.size === 1) this.#schedule(member)
  }

  delete(member: Member): void {
    this.#members.delete(member)
    if (this.#members.size > 0) return
    this.#next?.cancel()
    this.#next = null
  }

  #schedule({ due }: Member): void {
    this.#next = new Deadline(this.#clock, due - this.#clock.now(), () => this.#expire())
  }

  #expire(): void {
    this.#next = null
    const now = this.#clock.now()
    for (const member of this.#members) {
      if (member.due > now) {
        this.#schedule(member)
        return
      }
      member.expire()
    }
  }
}
