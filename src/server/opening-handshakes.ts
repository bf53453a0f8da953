import { HandshakeError } from '../errors.ts'
import type { Clock } from '../ground/clock.ts'
import { Deadlines } from './deadlines.ts'
import type { Awaited } from './tls-handshakes.ts'

/** A refused peer that has its answer. */
export interface Lingering {
  /** It has had its time. */
  leave(): void
}

/** The opening handshakes of a server that are under way, and the refused peers that have not left: so many at most. */
export class OpeningHandshakes {
  readonly #most: number
  readonly #pending: Deadlines<Awaited>
  readonly #refused: Set<Lingering> = new Set()

  /** @param most - of each */
  constructor(clock: Clock, most: number) {
    this.#most = most
    this.#pending = new Deadlines(clock)
  }

  /** How many are under way. */
  get size(): number {
    return this.#pending.size
  }

  add(handshake: Awaited): void {
    this.#pending.add(handshake)
  }

  delete(handshake: Awaited): void {
    this.#pending.delete(handshake)
  }

  /** Drops the oldest when there are too many. */
  dropOldest(): void {
    if (this.#pending.size <= this.#most) return
    this.#pending.first!.drop(new HandshakeError('6455-10.4-1', 503, 'too many opening handshakes are under way'))
  }

  refuseAll(error: HandshakeError): void {
    for (const handshake of [...this.#pending]) handshake.refuse(error)
  }

  /** A refused peer has its answer and is to leave; the oldest of too many is made to. */
  lingers(peer: Lingering): void {
    this.#refused.add(peer)
    if (this.#refused.size <= this.#most) return
    const [oldest] = this.#refused
    oldest!.leave()
  }

  /** A refused peer has left. */
  left(peer: Lingering): void {
    this.#refused.delete(peer)
  }
}
