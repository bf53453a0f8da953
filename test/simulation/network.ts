import { Duplex } from 'node:stream'
import type { Random } from '../fuzz/mutate.ts'
import type { Note } from './occurrences.ts'
import { Wire } from './wire.ts'

/** Bytes that a direction holds before its writer has to wait. */
const CAPACITY = 64 << 10
/** The longest chunk in which bytes arrive: what Node reads at once. */
export const LONGEST_CHUNK = 64 << 10

/** How the network ends a direction: properly, or with a reset. */
type Ending = 'fin' | 'rst'

/**
 * One end of a connection over a network that a simulation plays. What is written lies in the network until
 * {@link deliver} moves it on; a write is done once the network has room again, and a socket that was destroyed closes
 * later, too: {@link acknowledge} says both.
 */
export class SimulatedSocket extends Duplex {
  peer!: SimulatedSocket
  /** The frames that have gone from here to the peer. */
  readonly wire: Wire
  /** Whether nothing moves from here to the peer for now. */
  isStalled = false
  /** Whether the peer's direction has ended with a FIN. */
  gotFin = false
  /** Whether a reset has reached this end. */
  wasReset = false
  /** Called for each chunk and FIN that arrives here. */
  onArrival: (byteCount: number) => void = () => {}
  /** Called for each write that is done. */
  onWritten: () => void = () => {}
  readonly #random: Random
  readonly #note: Note
  /** What was written and has not been delivered. */
  #inFlight: Buffer[] = []
  #inFlightBytes = 0
  #ending: Ending | null = null
  /** Whether what is written from now on gets lost, because the network ended this direction. */
  #isCut = false
  #writeDone: ((error?: Error | null) => void) | null = null
  #finalDone: (() => void) | null = null
  #closeDone: (() => void) | null = null
  /** Whether the reader wants more. */
  #isWanted = true

  constructor(isClient: boolean, random: Random, note: Note, hasHead: boolean) {
    super({ allowHalfOpen: true })
    this.wire = new Wire(isClient, note, hasHead)
    this.#random = random
    this.#note = note
  }

  /** Two ends of a connection: the server's and the client's. @param hasHeads - whether it begins with the opening handshake */
  static pair(random: Random, note: Note, hasHeads = false): [SimulatedSocket, SimulatedSocket] {
    const ends: [SimulatedSocket, SimulatedSocket] = [
      new SimulatedSocket(false, random, note, hasHeads),
      new SimulatedSocket(true, random, note, hasHeads),
    ]
    ends[0].peer = ends[1]
    ends[1].peer = ends[0]
    return ends
  }

  /** Whether something is under way to the peer, or broken. */
  get isDisturbed(): boolean {
    return this.#inFlightBytes > 0 || this.#ending !== null || this.#isCut || this.destroyed || this.isStalled
  }

  /**
   * Delivers up to `most` bytes to the peer in one chunk, and the end behind the last one.
   *
   * @param most - 0: as many as were written at once
   * @returns whether something has moved
   */
  deliver(most: number): boolean {
    if (this.isStalled) return false
    const { peer } = this
    if (peer.destroyed) return this.#reachNobody()
    let moved = false
    if (this.#inFlightBytes > 0) {
      // A reset may come before what was sent before it.
      if (this.#ending === 'rst' && this.#random.below(2) === 0) this.#loseAll()
      else if (peer.#isWanted) {
        this.#deliverBytes(most)
        moved = true
      } else this.#note('a reader that makes the network wait')
    }
    if (this.#inFlightBytes > 0 || this.#ending === null) return moved
    const ending = this.#ending
    this.#ending = null
    if (ending === 'rst') peer.#beReset('a reset of the peer')
    else {
      peer.gotFin = true
      if (!peer.writableEnded) this.#note('a FIN while the other direction is open')
      peer.push(null)
      peer.onArrival(0)
    }
    return true
  }

  #deliverBytes(most: number): void {
    const { peer } = this
    const all = Buffer.concat(this.#inFlight)
    const chunk = all.subarray(0, Math.min(most === 0 ? this.#inFlight[0]!.length : most, LONGEST_CHUNK))
    this.#inFlight = chunk.length === all.length ? [] : [all.subarray(chunk.length)]
    this.#inFlightBytes -= chunk.length
    this.wire.pass(chunk)
    if (this.#inFlightBytes > 0) this.#note(`a cut ${this.wire.place}`)
    if (this.gotFin) this.#note('bytes behind the other direction’s FIN')
    peer.onArrival(chunk.length)
    // A copy: what arrives is unmasked in place.
    peer.#isWanted = peer.push(Buffer.from(chunk))
  }

  /** The peer has gone: bytes that arrive there are answered with a reset. */
  #reachNobody(): boolean {
    const hadBytes = this.#inFlightBytes > 0
    const moved = hadBytes || this.#ending !== null
    this.#loseAll()
    this.#ending = null
    if (hadBytes && !this.destroyed) this.#beReset('a reset because the peer has gone')
    return moved
  }

  /**
   * The network tells the writer that there is room, and whoever destroyed the socket that it is closed: sooner or later.
   *
   * @returns whether there was something to tell
   */
  acknowledge(): boolean {
    const closeDone = this.#closeDone
    this.#closeDone = null
    closeDone?.()
    if (this.#inFlightBytes >= CAPACITY && !this.#isCut) return closeDone !== null
    const writeDone = this.#writeDone
    const finalDone = this.#finalDone
    this.#writeDone = null
    this.#finalDone = null
    if (writeDone !== null) {
      this.#note(
        this.#inFlightBytes > 0 ? 'a write done before its bytes arrive' : 'a write done after its bytes arrived',
      )
      this.onWritten()
      writeDone()
    }
    if (finalDone !== null && this.#ending === null) this.#note('a FIN done after it arrived')
    finalDone?.()
    return closeDone !== null || writeDone !== null || finalDone !== null
  }

  /** The network breaks: what is in flight is lost, and both ends learn of it as of a reset. */
  reset(): void {
    for (const end of [this, this.peer]) {
      end.#loseAll()
      end.#ending = null
      end.#beReset('a reset by the network')
    }
  }

  /** The network ends this direction, but not the other: what is written from now on is lost. */
  cut(): void {
    if (this.#isCut || this.destroyed || this.writableEnded) return
    this.#note('a direction cut by the network')
    this.#isCut = true
    this.#ending ??= 'fin'
  }

  #beReset(how: 'a reset of the peer' | 'a reset because the peer has gone' | 'a reset by the network'): void {
    if (this.destroyed) return
    this.#note(how)
    this.wasReset = true
    this.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))
  }

  #loseAll(): void {
    this.#inFlight = []
    this.#inFlightBytes = 0
  }

  override _read(): void {
    this.#isWanted = true
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    // A copy: what we write from may be used again once the write is done.
    if (!this.#isCut) {
      this.#inFlight.push(Buffer.from(chunk))
      this.#inFlightBytes += chunk.length
    }
    if (this.#inFlightBytes >= CAPACITY) this.#note('a full network')
    this.#writeDone = done
  }

  override _final(done: () => void): void {
    this.#ending ??= this.#isCut ? null : 'fin'
    this.#finalDone = done
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const writeDone = this.#writeDone
    this.#writeDone = null
    // A process that drops a socket sends what lies in the network, then an end; a reset when it leaves bytes unread.
    const leavesBytes = this.readableLength > 0 || this.peer.#inFlightBytes > 0
    if (!this.wasReset && !this.#isCut) {
      this.#ending = leavesBytes && this.#random.below(2) === 0 ? 'rst' : (this.#ending ?? 'fin')
    }
    const failed = error ?? new Error('the socket was destroyed')
    switch (this.#random.below(3)) {
      case 0:
        done(error)
        writeDone?.(failed)
        break
      case 1:
        writeDone?.(failed)
        done(error)
        break
      default:
        // As a TCP socket: closed in a later turn.
        this.#note('a close that comes late')
        writeDone?.(failed)
        this.#closeDone = () => done(error)
    }
  }
}
