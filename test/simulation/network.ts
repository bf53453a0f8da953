import { Duplex } from 'node:stream'

/** Bytes that a direction holds before its writer has to wait. */
const CAPACITY = 64 << 10

/**
 * One end of a connection over a network that a simulation plays. What is written lies in the network until
 * {@link deliver} moves it on; a write is done once the network has room again.
 */
export class SimulatedSocket extends Duplex {
  peer!: SimulatedSocket
  /** What was written and has not been delivered. */
  #inFlight: Buffer[] = []
  #inFlightBytes = 0
  #finInFlight = false
  #writeDone: ((error?: Error | null) => void) | null = null
  #finalDone: (() => void) | null = null
  /** Whether the reader wants more. */
  #isWanted = true

  constructor() {
    super({ allowHalfOpen: true })
  }

  /** Two ends of a connection. */
  static pair(): [SimulatedSocket, SimulatedSocket] {
    const ends: [SimulatedSocket, SimulatedSocket] = [new SimulatedSocket(), new SimulatedSocket()]
    ends[0].peer = ends[1]
    ends[1].peer = ends[0]
    return ends
  }

  /** Whether something could be delivered. */
  get hasInFlight(): boolean {
    return this.#inFlightBytes > 0 || this.#finInFlight
  }

  /** Delivers up to `most` bytes to the peer in one chunk, and the end behind the last one. */
  deliver(most: number): void {
    const { peer } = this
    if (peer.destroyed) return
    if (this.#inFlightBytes > 0) {
      if (!peer.#isWanted) return
      const all = Buffer.concat(this.#inFlight)
      const chunk = all.subarray(0, most)
      this.#inFlight = [all.subarray(chunk.length)]
      this.#inFlightBytes -= chunk.length
      // A copy: what arrives is unmasked in place.
      peer.#isWanted = peer.push(Buffer.from(chunk))
    }
    if (this.#inFlightBytes === 0 && this.#finInFlight) {
      this.#finInFlight = false
      peer.push(null)
    }
  }

  /** The network tells the writer that there is room: later than the delivery, or before it. */
  acknowledge(): void {
    if (this.#inFlightBytes >= CAPACITY) return
    const done = this.#writeDone
    this.#writeDone = null
    done?.()
    const final = this.#finalDone
    this.#finalDone = null
    final?.()
  }

  /** The network breaks: what is in flight is lost, and both ends learn of it as of a reset. */
  reset(): void {
    for (const end of [this, this.peer]) {
      end.#inFlight = []
      end.#inFlightBytes = 0
      end.#finInFlight = false
      if (!end.destroyed) end.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))
    }
  }

  override _read(): void {
    this.#isWanted = true
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    // A copy: what we write from may be used again once the write is done.
    this.#inFlight.push(Buffer.from(chunk))
    this.#inFlightBytes += chunk.length
    this.#writeDone = done
  }

  override _final(done: () => void): void {
    this.#finInFlight = true
    this.#finalDone = done
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const writeDone = this.#writeDone
    this.#writeDone = null
    done(error)
    writeDone?.(error ?? new Error('the socket was destroyed'))
    // A process that drops a socket sends what lies in the network, then an end or a reset.
    this.#finInFlight = true
  }
}
