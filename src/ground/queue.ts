/** Places in front that are empty before they are given back; fewer are not worth the work. */
const LEAST_TO_COMPACT = 32

/**
 * First in, first out. What was taken is not reachable any more, also while others wait that never become fewer; taking
 * and adding cost the same however many wait.
 */
export class Queue<Item> {
  /** What waits, from `#head` on; what stood before that is forgotten. */
  #items: Array<Item | undefined> = []
  #head = 0

  /** How many wait. */
  get length(): number {
    return this.#items.length - this.#head
  }

  /** Whether nobody waits. */
  get isEmpty(): boolean {
    return this.#items.length === this.#head
  }

  /** Who is next; undefined when nobody waits. */
  get first(): Item | undefined {
    return this.#items[this.#head]
  }

  /** Who came last; undefined when nobody waits. */
  get last(): Item | undefined {
    return this.isEmpty ? undefined : this.#items[this.#items.length - 1]
  }

  /** Adds one behind all others. */
  push(item: Item): void {
    this.#items.push(item)
  }

  /** Takes the next one. @returns undefined when nobody waits */
  shift(): Item | undefined {
    if (this.isEmpty) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head++] = undefined
    this.#giveBack()
    return item
  }

  /** Takes the first one, from the front on, that is wanted. @returns undefined when none is */
  take(isWanted: (item: Item) => boolean): Item | undefined {
    for (let i = this.#head; i < this.#items.length; i++) {
      const item = this.#items[i] as Item
      if (!isWanted(item)) continue
      if (i === this.#head) return this.shift()
      this.#items.splice(i, 1)
      return item
    }
    return undefined
  }

  /** Takes all, in order. */
  takeAll(): Item[] {
    const items = this.#items.slice(this.#head) as Item[]
    this.#items = []
    this.#head = 0
    return items
  }

  /** All that wait, in order; they stay. */
  *[Symbol.iterator](): IterableIterator<Item> {
    for (let i = this.#head; i < this.#items.length; i++) yield this.#items[i] as Item
  }

  /** Empty places never outnumber those that wait by more than a few, so each item is moved twice at most. */
  #giveBack(): void {
    if (this.#head === this.#items.length) {
      this.#items = []
      this.#head = 0
    } else if (this.#head >= LEAST_TO_COMPACT && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
  }
}
