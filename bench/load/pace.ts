/** The most that is saved up while nobody wants to send, and thus the largest burst. */
const MOST_SAVED_MS = 10

/** Lets those that wait go in their order, at so many per second. */
export class Pace<T> {
  readonly #go: (waiting: T) => void
  #waiting: T[] = []
  #first = 0
  #perMs = Number.POSITIVE_INFINITY
  #saved = 0
  #lookedAt = 0

  /** @param go - called for each when it is its turn */
  constructor(go: (waiting: T) => void) {
    this.#go = go
  }

  /** Whether there is no limit yet. */
  get isFree(): boolean {
    return this.#perMs === Number.POSITIVE_INFINITY
  }

  /** Sets the limit, from now on. */
  limit(perSecond: number): void {
    this.#perMs = perSecond / 1000
    this.#lookedAt = performance.now()
    setInterval(() => this.#release(), 1)
  }

  add(waiting: T): void {
    this.#waiting.push(waiting)
    this.#release()
  }

  #release(): void {
    const now = performance.now()
    const gained = (now - this.#lookedAt) * this.#perMs
    this.#saved = Math.min(this.#saved + gained, Math.max(1, MOST_SAVED_MS * this.#perMs))
    this.#lookedAt = now
    for (; this.#saved >= 1 && this.#first < this.#waiting.length; this.#saved--) {
      this.#go(this.#waiting[this.#first++]!)
    }
    if (this.#first > 1024 && this.#first * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#first)
      this.#first = 0
    }
  }
}
