import type { Entry } from './entry.ts'

/** Bytes of memory that an entry takes besides those it shows, roughly. */
const ENTRY_BYTES = 300

/** An entry, and what it needs besides. */
export interface Slot {
  readonly entry: Entry
  /** The bytes of a chunk; null for other entries. */
  readonly bytes: Uint8Array | null
  readonly cost: number
}

/** The latest entries of a connection, with the bytes of its chunks; what is too old falls out. */
export class Ring {
  readonly #mostEntries: number
  readonly #mostBytes: number
  /** The first `#start` places are empty. */
  #slots: Array<Slot | undefined> = []
  #start = 0
  #bytes = 0
  /** Entries that fell out. */
  dropped = 0

  constructor(mostEntries: number, mostBytes: number) {
    this.#mostEntries = mostEntries
    this.#mostBytes = mostBytes
  }

  /** @param shown - bytes that the entry itself keeps */
  push(entry: Entry, bytes: Uint8Array | null, shown: number): void {
    const cost = ENTRY_BYTES + shown + (bytes === null ? 0 : bytes.length)
    this.#slots.push({ entry, bytes, cost })
    this.#bytes += cost
    while (this.#slots.length - this.#start > this.#mostEntries || this.#bytes > this.#mostBytes) {
      if (this.#slots.length - this.#start <= 1) break
      this.#bytes -= this.#slots[this.#start]!.cost
      this.#slots[this.#start] = undefined
      this.#start++
      this.dropped++
    }
    if (this.#start > 1000 && 2 * this.#start > this.#slots.length) {
      this.#slots = this.#slots.slice(this.#start)
      this.#start = 0
    }
  }

  /** Keeps nothing. */
  clear(): void {
    this.#slots = []
    this.#start = 0
    this.#bytes = 0
  }

  /** What is kept, the oldest first. */
  *[Symbol.iterator](): IterableIterator<Slot> {
    for (let i = this.#start; i < this.#slots.length; i++) yield this.#slots[i]!
  }
}
