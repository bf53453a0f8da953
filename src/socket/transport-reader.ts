/*
 * The reading side of a driver: when bytes are read from the transport, and how many.
 *
 * Theory of operation
 * -------------------
 * Node tells neither that the peer ended (FIN) nor that it broke off (RST) while a socket is not read, and a Close frame
 * lies behind the messages before it. So whoever takes no messages for now does not stop the reading, he `hold`s it: it goes
 * on for READ_AHEAD bytes beyond what is held then, and what is read, the holder keeps. Only behind that nothing more is
 * read, and TCP tells the peer to wait. `pause` stops at once.
 *
 * In one turn of the event loop no more is read than `maxBytesPerTurn`, and a connection that wants no bytes (it has some
 * that it could not read, or too many Pongs wait) gets none.
 */

import type { Duplex } from 'node:stream'
import { setImmediate } from '../ground/scheduling.ts'
import { Connection } from '../protocol/connection.ts'
import type { DriverEvents, DriverOptions } from './driver-contract.ts'
import { RateLimiter } from './rate-limiter.ts'
import { pauseTransport, resumeTransport } from './transport-listeners.ts'

/** Bytes that are read beyond what is held; those that come out of compressed messages count too. */
const READ_AHEAD = 64 << 10

/** Reads one transport into one connection. */
export abstract class TransportReader {
  readonly socket: Duplex
  readonly connection: Connection
  /** Counts what comes; null when no rate is limited. */
  readonly limiter: RateLimiter | null
  protected readonly options: DriverOptions
  /** Whether what is sent now leaves when all that was read has been dealt with. */
  protected isReading = false
  /** Whether the transport is gone. */
  protected isClosed = false
  #isStopped = false
  #heard = false
  #turnQueued = false
  #resumeWanted = false
  #isHeld = false
  /** Bytes read since the last turn that was waited for. */
  #bytesThisTurn = 0
  /** While it is held: bytes that may still be read. */
  #aheadLeft = 0
  /** What had come out of compressed messages when that was counted last. */
  #decodedBefore = 0

  constructor(socket: Duplex, events: DriverEvents, options: DriverOptions) {
    this.socket = socket
    this.options = options
    this.connection = new Connection(events, options.connection)
    this.limiter = options.rates ? new RateLimiter(events, options.rates, options.clock) : null
  }

  /** Whether the transport is not read at the moment. */
  get isDeaf(): boolean {
    return this.#isStopped
  }

  /** Whether bytes came since the last call. */
  takeHeard(): boolean {
    const heard = this.#heard
    this.#heard = false
    return heard
  }

  /** As `TransportListener.receive`. */
  receive(chunk: Uint8Array, length: number): boolean {
    this.#heard = true
    this.#bytesThisTurn += length
    const before = this.connection.decodedBytes
    this.isReading = true
    if (this.limiter === null || this.limiter.count('bytes', length)) this.connection.receive(chunk, 0, length)
    this.isReading = false
    // A message that is not complete takes up to twice its bytes.
    this.options.memory?.kept(2 * length + this.connection.decodedBytes - before)
    if (this.#isHeld) this.#spend(length)
    if (this.#bytesThisTurn >= this.options.maxBytesPerTurn) this.#nextTurn()
    this.flush(true)
    return !this.#isStopped
  }

  /** Nobody takes messages for now: reads ahead, and what comes of it is kept by whoever listens to the connection. */
  hold(): void {
    // What came before the end is delivered, whether or not there is a listener.
    if (this.isClosed) return
    if (!this.#isHeld) {
      this.#isHeld = true
      this.#aheadLeft = READ_AHEAD
      this.#decodedBefore = this.connection.decodedBytes
    }
    if (this.#aheadLeft <= 0) this.pause()
    else if (this.connection.paused) this.#readOn()
  }

  /** Reads nothing more. */
  pause(): void {
    if (this.isClosed) return
    this.#resumeWanted = false
    this.connection.pause()
    this.#followWants(false)
  }

  /** Reads on, from the next turn on. */
  resume(): void {
    this.#isHeld = false
    this.#readOn()
  }

  /** Writes what is to be written, and reads or does not. @param isRead - whether whoever reads is told to go on or not */
  abstract flush(isRead?: boolean): void

  /** Reads, or does not, as the connection wants it and the work of a turn allows. */
  protected follow(isRead: boolean): void {
    this.#followWants(isRead)
    if (this.connection.hasRetained && !this.#turnQueued) this.#nextTurn()
  }

  #followWants(isRead: boolean): void {
    const stop = !this.connection.wantsBytes || this.#bytesThisTurn >= this.options.maxBytesPerTurn
    if (stop === this.#isStopped) return
    this.#isStopped = stop
    if (!stop) resumeTransport(this.socket)
    else if (!isRead) pauseTransport(this.socket)
  }

  #readOn(): void {
    this.#resumeWanted = true
    this.#nextTurn()
  }

  #nextTurn(): void {
    if (this.#turnQueued) return
    this.#turnQueued = true
    setImmediate(() => {
      this.#turnQueued = false
      this.#bytesThisTurn = 0
      if (this.isClosed) return
      const before = this.connection.decodedBytes
      this.isReading = true
      if (this.#resumeWanted) this.connection.resume()
      else this.connection.readRetained()
      this.#resumeWanted = false
      this.isReading = false
      this.options.memory?.kept(this.connection.decodedBytes - before)
      if (this.#isHeld) this.#spend(0)
      this.flush()
    })
  }

  /** Counts what was read while it is held, and stops when it was enough. */
  #spend(length: number): void {
    const { decodedBytes } = this.connection
    this.#aheadLeft -= length + decodedBytes - this.#decodedBefore
    this.#decodedBefore = decodedBytes
    if (this.#aheadLeft <= 0) this.connection.pause()
  }
}
