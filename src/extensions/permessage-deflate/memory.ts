/*
 * The memory of all deflaters and inflaters of the process, under one limit.
 *
 * Theory of operation
 * -------------------
 * States are made rarely and used again: whoever needs one takes it and gives it back, so that steady traffic allocates
 * nothing and the heap does not fragment. A deflater that keeps its window between messages (context takeover) stays
 * with its connection, but the window is only there for the ratio: a deflater may forget it at any time, RFC 7692
 * §7.2.1. So when memory is short, the deflater that has not been used for the longest time is taken away. An inflater
 * with context takeover cannot be taken away: the peer's next message may refer to what it holds.
 *
 * What is deflated and inflated elsewhere waits for its turn there, and counts as well. It may take half of the limit:
 * what waits to be sent shall not keep others from inflating what they receive.
 */
import { UsageError } from '../../errors.ts'
import { nativeEngine } from './native-engine.ts'
import { publicEngine } from './public-engine.ts'
import type { Deflater, Engine, Inflater, State } from './state.ts'
import { findNative, type ZlibSettings } from './zlib.ts'

const DEFAULT_LIMIT = 256 << 20

/** States of one kind that nobody uses are kept for the next one, up to this many. */
const KEPT_IDLE = 4

/** The hash table that the deflater of Node's zlib has in any case. */
const HASH_TABLE = 64 << 10
/** What an inflater takes besides its window. */
const INFLATER_TABLES = 8 << 10

/** Who holds a deflater that may be taken away. */
export interface DeflaterHolder {
  /** Gives the deflater back. */
  giveUp(): void
}

/** States that are alike, so that one is as good as another. */
export interface Kind<S extends State> {
  /** The settings: kinds that are alike have the same. */
  readonly name: string
  /** Bytes that a state takes. */
  readonly size: number
  readonly idle: S[]
  make(): S
}

class DeflateMemory {
  #limit = DEFAULT_LIMIT
  /** What the states take. */
  #used = 0
  /** What messages take that are worked on, or wait for it. */
  #held = 0
  #engine: Engine | null = null
  readonly #kinds = new Map<string, Kind<State>>()
  /** Holders of deflaters that may be taken away, the one that was not used for the longest time first. */
  readonly #holders = new Set<DeflaterHolder>()

  /**
   * Bytes that all deflaters and inflaters of the process may take, and the messages that other threads work on or that
   * wait for it; default 256 MiB. When they are used up, the windows of idle deflaters are forgotten, then messages are
   * sent uncompressed, new connections do not negotiate compression, and a compressed message that arrives ends its
   * connection with 1013. A message that is too long to be deflated at once is sent uncompressed when half of the limit
   * is taken by such messages.
   */
  get limit(): number {
    return this.#limit
  }

  set limit(byteCount: number) {
    if (!(Number.isInteger(byteCount) || byteCount === Number.POSITIVE_INFINITY) || byteCount < 0) {
      throw new UsageError(
        `deflateMemory.limit is ${String(byteCount)}; it must be an integer of at least 0, or Infinity`,
      )
    }
    this.#limit = byteCount
  }

  /** Bytes that the deflaters and inflaters of the process take now, and the messages that {@link limit} counts. */
  get used(): number {
    return this.#used + this.#held
  }

  /** So many bytes more, or less, are held by work on other threads. @internal */
  hold(change: number): void {
    this.#held += change
  }

  /** Whether a message of so many bytes may wait for another thread. @internal */
  mayHold(byteCount: number): boolean {
    return this.#held + byteCount <= this.#limit / 2
  }

  /** Which kind of state there is for these settings. @internal */
  deflaters(settings: ZlibSettings): Kind<Deflater> {
    const { windowBits, level, memLevel, strategy } = settings
    const size = (1 << (windowBits + 2)) + (1 << (memLevel + 9)) + HASH_TABLE
    return this.#kind(`${windowBits} ${level} ${memLevel} ${strategy}`, size, () => this.#states.deflater(settings))
  }

  /** @internal */
  inflaters(windowBits: number): Kind<Inflater> {
    const size = (1 << windowBits) + INFLATER_TABLES
    return this.#kind(`${windowBits}`, size, () => this.#states.inflater(windowBits))
  }

  /** Whether there is room for another connection, perhaps after deflaters were taken away. @internal */
  get hasRoom(): boolean {
    return this.used < this.#limit || this.#holders.size > 0 || this.#idleKind() !== undefined
  }

  /** @returns null when the limit is reached. @internal */
  take<S extends State>(kind: Kind<S>): S | null {
    while (kind.idle.length === 0 && this.used + kind.size > this.#limit) if (!this.#release()) return null
    return this.takeBeyond(kind)
  }

  /** As `take`, for the few messages that are compressed elsewhere at a time: the limit does not stop them. @internal */
  takeBeyond<S extends State>(kind: Kind<S>): S {
    const state = kind.idle.pop()
    if (state !== undefined) return state
    this.#used += kind.size
    return kind.make()
  }

  /** Takes back a state; nothing of what it held can be seen by the next one. @internal */
  give<S extends State>(kind: Kind<S>, state: S): void {
    if (kind.idle.length < KEPT_IDLE && this.used <= this.#limit) {
      state.reset()
      kind.idle.push(state)
    } else {
      state.close()
      this.#used -= kind.size
    }
  }

  /** The deflater of `holder` may be taken away, but later than all others. @internal */
  mayRelease(holder: DeflaterHolder): void {
    this.#holders.delete(holder)
    this.#holders.add(holder)
  }

  /** Whether the deflater of `holder` may be taken away. @internal */
  isReleasable(holder: DeflaterHolder): boolean {
    return this.#holders.has(holder)
  }

  /** The deflater of `holder` is in use, or no more. @internal */
  mayNotRelease(holder: DeflaterHolder): void {
    this.#holders.delete(holder)
  }

  /** Which engine makes new states; null: the best that there is. @internal */
  useEngine(engine: Engine | null): void {
    this.#engine = engine
    for (const kind of this.#kinds.values()) while (kind.idle.length > 0) this.#closeIdle(kind)
  }

  get #states(): Engine {
    if (this.#engine === null) {
      const Handle = findNative()
      this.#engine = Handle === null ? publicEngine : nativeEngine(Handle)
    }
    return this.#engine
  }

  #kind<S extends State>(name: string, size: number, make: () => S): Kind<S> {
    let kind = this.#kinds.get(name)
    if (kind === undefined) {
      const idle: S[] = []
      kind = { name, size, idle, make }
      this.#kinds.set(name, kind)
    }
    return kind as Kind<S>
  }

  #idleKind(): Kind<State> | undefined {
    for (const kind of this.#kinds.values()) if (kind.idle.length > 0) return kind
    return undefined
  }

  /** Frees something, or makes something idle. @returns false when everything is in use */
  #release(): boolean {
    const kind = this.#idleKind()
    if (kind !== undefined) {
      this.#closeIdle(kind)
      return true
    }
    const [holder] = this.#holders
    if (holder === undefined) return false
    this.#holders.delete(holder)
    holder.giveUp()
    return true
  }

  #closeIdle(kind: Kind<State>): void {
    kind.idle.pop()!.close()
    this.#used -= kind.size
  }
}

/** The memory that permessage-deflate takes in this process, and its limit. */
export const deflateMemory: DeflateMemory = new DeflateMemory()

export type { DeflateMemory }
