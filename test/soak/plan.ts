import { integerIn, type Random, seededRandom, subSeed } from '../support/seeded-random.ts'

/** How a connection ends once its messages are through. */
export type Ending =
  /** The client sends Close first. */
  | 'client'
  /** The server sends Close first. */
  | 'server'
  /** The client resets the transport. */
  | 'reset'
  /** The client lets go of the transport without a Close frame. */
  | 'terminate'

/** One message as both ends expect it. */
export interface PlannedMessage {
  readonly isText: boolean
  readonly size: number
  /** Fragments in which the client sends it, and the server its echo. */
  readonly fragments: number
  /** Whether a Ping goes before it. */
  readonly pings: boolean
}

/** Largest message. */
export const MAX_SIZE = 256 << 10

/** Sizes around which lengths change their form; they come more often than chance would have it. */
const EDGES = [0, 1, 15, 16, 125, 126, 127, 1023, 1024, 65_535, 65_536, MAX_SIZE]

/** What one connection does: the same on both ends, as both know its seed. */
export class Plan {
  readonly seed: number
  readonly messages: number
  readonly ending: Ending
  /** Whether the client offers permessage-deflate. */
  readonly deflates: boolean
  /** Whether the server's application gives the memory of what it gets to somebody else, as to a worker. */
  readonly handsOver: boolean
  readonly #random: Random

  /** @param seed - of the run; @param index - of the connection */
  constructor(seed: number, index: number) {
    this.seed = subSeed(seed, index)
    const random = seededRandom(this.seed)
    this.messages = integerIn(random, 1, 40)
    const roll = random()
    this.ending = roll < 0.45 ? 'client' : roll < 0.75 ? 'server' : roll < 0.9 ? 'reset' : 'terminate'
    this.deflates = random() < 0.3
    this.handsOver = random() < 0.3
    this.#random = random
  }

  /** The next message; each end draws them in order. */
  next(): PlannedMessage {
    const random = this.#random
    const isText = random() < 0.5
    // Most are small, as in life: the average is about 7 KiB.
    const size = random() < 0.15 ? EDGES[integerIn(random, 0, EDGES.length - 1)]! : sizeOf(random())
    const fragments = random() < 0.2 ? integerIn(random, 2, 6) : 1
    return { isText, size, fragments, pings: random() < 0.1 }
  }
}

function sizeOf(chance: number): number {
  return Math.floor(MAX_SIZE ** (chance ** 3)) - 1
}
