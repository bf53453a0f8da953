/*
 * How much memory all connections of a server may hold together.
 *
 * Theory of operation
 * -------------------
 * What is held is asked of whoever holds it, never summed up on the way. Asking takes a look at every connection, so it is
 * done only when it can matter: a counter of what may have been kept since the last look, which only grows, reaches what
 * was left of the budget then. While more than half is held there is a look every second too, to know who holds much for
 * how long.
 *
 * Above the budget, new opening handshakes are refused until an eighth of it is free again, and connections give way,
 * those first that held most for longest: bytes times time. An honest slow reader that holds little, or has just begun to
 * hold much, comes after a peer that has kept megabytes for minutes; and as long as the budget suffices, nobody is judged.
 */
import { totalmem } from 'node:os'
import { HandshakeError } from '../errors.ts'
import type { Clock } from '../ground/clock.ts'
import { Deadline } from '../ground/deadline.ts'
import { setImmediate } from '../ground/scheduling.ts'
import { limitOption } from '../protocol/options.ts'
import type { MemoryWatch } from '../socket/memory-watch.ts'

/** Who holds memory. */
export interface MemoryHolder {
  /** Bytes that are held now. */
  readonly heldBytes: number
  /** Frees what is held, and ends. */
  giveWay(): void
}

/** The part of the budget after whose growth there is a look at least. */
const LEAST_STEP = 1 / 16
/** Holders of less than this part of the budget are not remembered. */
const NOTABLE = 1 / 1024
/** Below this part new handshakes are admitted again. */
const ADMITTED_BELOW = 7 / 8
/** From this part on there is a look now and then. */
const WATCHED_FROM = 1 / 2
const WATCH_MS = 1000

/** Sees to it that the connections of one server hold no more than they may. */
export class MemoryBudget implements MemoryWatch {
  /** Bytes that may be held. */
  readonly limit: number
  readonly #clock: Clock
  readonly #holders: () => Iterable<MemoryHolder>
  /** What may have been kept since the last look, and how much of that brings the next one. */
  #kept = 0
  #step: number
  #isDue = false
  #isTight = false
  /** The next look, while much is held. */
  #watching: Deadline | null = null
  /** Since when who holds much does so. */
  #since = new Map<MemoryHolder, number>()

  /** @param holders - all who hold something now */
  constructor(limit: number, clock: Clock, holders: () => Iterable<MemoryHolder>) {
    this.limit = limit
    this.#clock = clock
    this.#holders = holders
    this.#step = limit
  }

  /** Bytes that are held now. */
  get held(): number {
    let held = 0
    for (const holder of this.#holders()) held += holder.heldBytes
    return held
  }

  kept(byteCount: number): void {
    this.#kept += byteCount
    if (this.#kept < this.#step || this.#isDue) return
    this.#isDue = true
    setImmediate(() => {
      this.#isDue = false
      this.look()
    })
  }

  /** @throws HandshakeError with 503 while there is too little memory for one more */
  check(): void {
    // @req 6455-10.4-1
    if (this.#isTight) throw new HandshakeError('6455-10.4-1', 503, 'the server has no memory for more connections')
  }

  /** Asks everybody what they hold, and lets some give way if that is too much. */
  look(): void {
    const now = this.#clock.now()
    const since = new Map<MemoryHolder, number>()
    const scores: Array<{ readonly holder: MemoryHolder; readonly bytes: number; readonly score: number }> = []
    let held = 0
    for (const holder of this.#holders()) {
      const bytes = holder.heldBytes
      held += bytes
      if (bytes < this.limit * NOTABLE) continue
      const begun = this.#since.get(holder) ?? now
      since.set(holder, begun)
      // Who has just begun counts for a moment too.
      scores.push({ holder, bytes, score: bytes * (now - begun + WATCH_MS) })
    }
    this.#since = since
    if (held > this.limit) {
      this.#isTight = true
      scores.sort((a, b) => b.score - a.score)
      for (const { holder, bytes } of scores) {
        if (held <= this.limit) break
        held -= bytes - releasedBy(holder)
        since.delete(holder)
      }
    } else if (held < this.limit * ADMITTED_BELOW) this.#isTight = false
    this.#kept = 0
    this.#step = Math.max(this.limit * LEAST_STEP, this.limit - held)
    this.#watch(held)
  }

  #watch(held: number): void {
    this.#watching?.cancel()
    this.#watching = null
    if (!this.#isTight && held < this.limit * WATCHED_FROM) return
    this.#watching = new Deadline(this.#clock, WATCH_MS, () => this.look())
  }
}

/** @returns what it holds even then */
function releasedBy(holder: MemoryHolder): number {
  holder.giveWay()
  return holder.heldBytes
}

/**
 * The option `memoryBudget`.
 *
 * @returns by default a quarter of what the process may use: of its constraint (a cgroup), else of the machine's memory
 * @throws UsageError when it is no limit
 */
export function memoryBudgetOption(value: unknown): number {
  return limitOption('memoryBudget', value, Math.floor(memoryOf(process.constrainedMemory?.() ?? 0, totalmem()) / 4), 1)
}

/**
 * What a process may use.
 *
 * @param constrained - 0, or more than the machine has, when there is no constraint
 */
export function memoryOf(constrained: number, total: number): number {
  return constrained > 0 && constrained < total ? constrained : total
}
