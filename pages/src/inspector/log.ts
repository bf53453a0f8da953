import type { Direction } from '../../../src/inspector/annotate/index.ts'
import type { Entry, EntryOf } from './told.ts'

/** What stands in a lane. */
export type Shown = EntryOf<'head' | 'frame' | 'noise' | 'end' | 'error'>

/** A line of the timeline. */
export interface Row {
  readonly entry: Shown
  /** Silence before it, in milliseconds; 0 when there was little. */
  readonly silenceMs: number
}

/** Silence from here on is written. */
const SILENCE_MS = 500
/** So many entries are kept in the page; the inspector keeps about as many. */
const MOST = 5000

/** What one connection has said so far, as much of it as is kept. */
export class Log {
  readonly states: Array<EntryOf<'state'>> = []
  readonly ends: Array<EntryOf<'end'>> = []
  close: EntryOf<'close'> | null = null
  /** Entries that the page or the inspector did not keep, or that it was too slow for. */
  missed = 0
  /** Lines that there were, those that are not kept included. */
  total = 0
  #rows: Row[] = []
  readonly #chunks: Record<Direction, Array<EntryOf<'chunk'>>> = { c2s: [], s2c: [] }
  readonly #messages: Map<string, EntryOf<'message'>> = new Map()
  /** The first frame of each message, which says what the others are. */
  readonly #openings: Map<string, EntryOf<'frame'>> = new Map()
  #lastSeq = -1

  get rows(): readonly Row[] {
    return this.#rows
  }

  add(entries: readonly Entry[]): void {
    const rows = [...this.#rows]
    for (const entry of entries) {
      if (entry.seq <= this.#lastSeq) continue
      this.#lastSeq = entry.seq
      this.#take(entry, rows)
    }
    if (rows.length > MOST) this.missed += rows.splice(0, rows.length - MOST).length
    // A list is known by its identity.
    this.#rows = rows
  }

  #take(entry: Entry, rows: Row[]): void {
    switch (entry.kind) {
      case 'chunk':
        keep(this.#chunks[entry.direction], entry)
        return
      case 'state':
        this.states.push(entry)
        return
      case 'close':
        this.close = entry
        return
      case 'message':
        keepIn(this.#messages, keyOf(entry.direction, entry.index), entry)
        return
      default: {
        if (entry.kind === 'frame' && entry.message !== null && entry.part === 0) {
          keepIn(this.#openings, keyOf(entry.direction, entry.message), entry)
        }
        if (entry.kind === 'end') this.ends.push(entry)
        const before = rows.at(-1)?.entry.atMs
        const silenceMs = before === undefined ? 0 : entry.atMs - before
        this.total++
        rows.push({ entry, silenceMs: silenceMs < SILENCE_MS ? 0 : silenceMs })
      }
    }
  }

  messageOf({ direction, message }: EntryOf<'frame'>): EntryOf<'message'> | undefined {
    return message === null ? undefined : this.#messages.get(keyOf(direction, message))
  }

  openingOf({ direction, message }: EntryOf<'frame'>): EntryOf<'frame'> | undefined {
    return message === null ? undefined : this.#openings.get(keyOf(direction, message))
  }

  /** The reads or writes of TCP that carried these bytes. */
  chunksOf(direction: Direction, at: number, end: number): readonly EntryOf<'chunk'>[] {
    const chunks = this.#chunks[direction]
    let first = chunks.length
    while (first > 0 && chunks[first - 1]!.end > at) first--
    let last = first
    while (last < chunks.length && chunks[last]!.at < end) last++
    return chunks.slice(first, last)
  }
}

function keyOf(direction: Direction, index: number): string {
  return `${direction} ${index}`
}

function keep<T>(list: T[], entry: T): void {
  list.push(entry)
  if (list.length > 2 * MOST) list.splice(0, MOST)
}

function keepIn<T>(map: Map<string, T>, key: string, entry: T): void {
  map.set(key, entry)
  if (map.size > MOST) map.delete(map.keys().next().value!)
}
