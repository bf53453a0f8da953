/*
 * Moves the bytes of one connection between a Duplex and the sans-I/O `Connection`.
 *
 * Theory of operation
 * -------------------
 * Whatever calls into the connection (bytes that arrived, a send of the application, a timer) is followed by one
 * `flush`: write all output in one write, act on the transport intent, read on or not. Inside a read the flush comes
 * when the whole chunk was parsed; a send outside a read is flushed at the end of the tick.
 *
 * The socket has an `error` listener from `start` to `close`, and `close` is the only place where the end is reported.
 */
import type { Duplex } from 'node:stream'
import { ConnectionClosedError } from '../errors.ts'
import type { Violation } from '../frames/violation.ts'
import { Connection } from '../protocol/connection.ts'
import type { ConnectionListener, MessageSink } from '../protocol/listener.ts'
import type { ConnectionOptions } from '../protocol/options.ts'
import { ReadyState, TransportIntent } from '../protocol/state.ts'
import type { Clock } from './clock.ts'
import { CloseCause, type CloseInfo, closeInfoOf } from './close-info.ts'
import { type Flushable, flushSoon } from './flush-queue.ts'
import type { Heartbeat, Patient } from './heartbeat.ts'
import { type SendCallback, SendCallbacks } from './send-callbacks.ts'
import { listenTo, type TransportListener } from './transport-listeners.ts'

/** What the driver tells the `WebSocket` object. */
export interface DriverEvents extends ConnectionListener {
  messageStart(isBinary: boolean): MessageSink | null
  /** The transport can take more after `send` said that it cannot. */
  drained(): void
  /** A callback of the application threw. */
  handlerFailed(error: unknown): void
  /** The transport reported an error; `ended` follows. */
  transportFailed(error: Error): void
  /** Everything is over. Called exactly once. */
  ended(info: CloseInfo): void
}

/** What a driver needs besides the socket. */
export interface DriverOptions {
  readonly connection: ConnectionOptions
  readonly clock: Clock
  /** The watch over silent peers and stalled writes. */
  readonly heartbeat: Heartbeat
  /** Milliseconds that the peer has to end its side once we wait for that. */
  readonly closeTimeout: number
  /** Milliseconds after which a write that makes no progress ends the connection. */
  readonly writeStallTimeout: number
  /** Bytes of unsent output above which `send` says false. */
  readonly highWaterMark: number
  /** Whether a write that has completed leaves no reference to its bytes, as with a plain TCP socket. */
  readonly writesAreCopied: boolean
}

/** One connection on one Duplex. */
export class SocketDriver implements ConnectionListener, Flushable, Patient, TransportListener {
  readonly socket: Duplex
  readonly connection: Connection
  readonly #events: DriverEvents
  readonly #options: DriverOptions
  readonly #callbacks: SendCallbacks
  #isReading = false
  #isClosed = false
  #flushQueued = false
  #turnQueued = false
  #resumeWanted = false
  #finSent = false
  #isPaused = false
  #heard = false
  #owesDrain = false
  #closedFirst = false
  #closeTimer: unknown
  #forcedCause: CloseCause | null = null
  /** Bytes that were given to the socket, and how many of them it had passed on when progress was last seen. */
  #outputBytes = 0
  #passedBytes = -1
  #progressAt = 0
  #probeSentAt = -1
  #rttMs = -1

  constructor(socket: Duplex, events: DriverEvents, options: DriverOptions) {
    this.socket = socket
    this.#events = events
    this.#options = options
    this.#callbacks = new SendCallbacks((thrown) => events.handlerFailed(thrown))
    this.connection = new Connection(this, options.connection)
  }

  /** Milliseconds from the last heartbeat Ping to its Pong; -1 when none was answered yet. */
  get rttMs(): number {
    return this.#rttMs
  }

  /** As the application sees it: CLOSED not before `ended`. */
  get readyState(): ReadyState {
    if (this.#isClosed) return ReadyState.CLOSED
    const { readyState } = this.connection
    return readyState === ReadyState.CLOSED || this.socket.destroyed ? ReadyState.CLOSING : readyState
  }

  /** Bytes that were sent and have not been handed to the operating system. */
  get bufferedAmount(): number {
    return this.connection.pendingOutput + this.connection.waitingOutput + this.socket.writableLength
  }

  /** Begins to read. @param head - bytes that came behind the opening handshake */
  start(head: Uint8Array): void {
    const { socket } = this
    listenTo(socket, this, this.#options.writesAreCopied)
    this.#options.heartbeat.add(this)
    if (head.length > 0) this.receive(head, head.length)
    if (socket.destroyed) process.nextTick(() => this.transportClosed())
    else if (!this.#isPaused) socket.resume()
  }

  // The transport speaks ----------------------------------------------------------------------------------------------

  receive(chunk: Uint8Array, length: number): void {
    this.#heard = true
    this.#isReading = true
    this.connection.receive(chunk, 0, length)
    this.#isReading = false
    this.flush()
  }

  receiveEnd(): void {
    this.connection.receiveEnd()
    this.flush()
  }

  transportDrained(): void {
    if (this.#isClosed) return
    this.connection.outputDrained()
    this.flush()
    if (this.#owesDrain && this.bufferedAmount < this.#options.highWaterMark) {
      this.#owesDrain = false
      this.#events.drained()
    }
  }

  transportFailed(error: Error): void {
    // Both Close frames were exchanged: how the peer lets go of the transport says nothing any more.
    if (this.connection.closeReceived && this.connection.sentCloseCode !== 0) return
    this.#forcedCause ??= CloseCause.TransportError
    this.#events.transportFailed(error)
  }

  transportClosed(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#options.clock.clearTimeout(this.#closeTimer)
    this.#options.heartbeat.remove(this)
    this.#end()
  }

  /** Ends when all bytes that came before the end have been read. */
  #end(): void {
    this.#readAll()
    if (this.connection.isDecoding) return
    const info = closeInfoOf(this.connection, this.#forcedCause, this.#closedFirst)
    this.connection.transportClosed()
    this.#callbacks.settle(new ConnectionClosedError(info.code, info.reason))
    this.#events.ended(info)
  }

  /** Bytes that were held back still count: they came before the end. */
  #readAll(): void {
    do {
      this.connection.outputDrained()
      this.connection.resume()
    } while (!this.connection.wantsBytes && !this.connection.isDecoding)
  }

  // The connection speaks ---------------------------------------------------------------------------------------------

  message(isBinary: boolean, bytes: Uint8Array, start: number, end: number, owned: boolean): void {
    this.#events.message(isBinary, bytes, start, end, owned)
  }

  messageStart(isBinary: boolean): MessageSink | null {
    return this.#events.messageStart(isBinary)
  }

  ping(bytes: Uint8Array, start: number, end: number): void {
    this.#events.ping(bytes, start, end)
  }

  pong(bytes: Uint8Array, start: number, end: number): void {
    if (this.#probeSentAt >= 0) {
      this.#rttMs = this.#options.clock.now() - this.#probeSentAt
      this.#probeSentAt = -1
    }
    this.#events.pong(bytes, start, end)
  }

  closeReceived(statusCode: number, reason: string): void {
    this.#events.closeReceived(statusCode, reason)
  }

  failed(violation: Violation): void {
    this.#events.failed(violation)
  }

  woken(): void {
    if (this.#isClosed) this.#end()
    else this.flush()
  }

  // The application speaks --------------------------------------------------------------------------------------------

  /**
   * Flushes after the application sent something: at the end of the read or of the tick, at once when the output
   * refers to memory of the application.
   *
   * @returns false when more than `highWaterMark` bytes wait; `drained` follows
   */
  sent(callback: SendCallback | undefined): boolean {
    if (callback !== undefined) {
      const { waitingFrames, releasedFrames } = this.connection
      if (waitingFrames === 0) this.#callbacks.add(callback)
      else this.#callbacks.addWaiting(callback, releasedFrames + waitingFrames)
    }
    if (this.connection.hasBorrowedOutput) this.flush()
    else if (!this.#isReading && !this.#flushQueued) {
      this.#flushQueued = true
      flushSoon(this)
    }
    if (this.bufferedAmount < this.#options.highWaterMark) return true
    this.#owesDrain = true
    return false
  }

  /** Tells whoever sends too late that it cannot be done, in a tick of its own. */
  refuse(callback: SendCallback): void {
    const { closeCode, closeReason } = this.connection
    process.nextTick(() => this.#callbacks.call(callback, new ConnectionClosedError(closeCode, closeReason)))
  }

  /** Starts the closing handshake. */
  close(statusCode: number | undefined, reason: string | undefined): void {
    const wasOpen = this.connection.readyState === ReadyState.OPEN
    this.connection.close(statusCode, reason)
    if (wasOpen) this.#closedFirst = true
    this.sent(undefined)
  }

  /** Fails the connection for a fault that is not the peer's. */
  fail(violation: Violation, cause: CloseCause): void {
    if (this.connection.readyState === ReadyState.OPEN) this.#forcedCause ??= cause
    this.connection.fail(violation)
    if (!this.#isReading) this.flush()
  }

  /** The application ends the transport at once: nothing more is delivered. */
  terminate(): void {
    if (!this.socket.destroyed) this.connection.transportClosed()
    this.#destroy(CloseCause.Terminated)
  }

  #destroy(cause: CloseCause): void {
    if (this.socket.destroyed) return
    this.#forcedCause ??= cause
    this.socket.destroy()
  }

  pause(): void {
    // What came before the end is delivered, whether or not there is a listener.
    if (this.#isClosed) return
    this.#resumeWanted = false
    this.connection.pause()
    this.#followWants()
  }

  resume(): void {
    this.#resumeWanted = true
    this.#nextTurn()
  }

  // The heartbeat asks ------------------------------------------------------------------------------------------------

  get isDeaf(): boolean {
    return this.#isPaused
  }

  takeHeard(): boolean {
    const heard = this.#heard
    this.#heard = false
    return heard
  }

  probe(now: number): boolean {
    if (this.connection.readyState !== ReadyState.OPEN) return false
    this.connection.sendPing()
    this.#probeSentAt = now
    this.flush()
    return true
  }

  giveUp(): void {
    this.#destroy(CloseCause.HeartbeatTimeout)
  }

  beat(now: number): void {
    const waiting = this.socket.writableLength
    const passed = this.#outputBytes - waiting
    if (waiting === 0 || passed !== this.#passedBytes) {
      this.#passedBytes = passed
      this.#progressAt = now
    } else if (now - this.#progressAt >= this.#options.writeStallTimeout) this.#destroy(CloseCause.WriteStall)
  }

  // The flush ---------------------------------------------------------------------------------------------------------

  flush(): void {
    this.#flushQueued = false
    if (this.#isClosed) return
    if (this.connection.pendingOutput > 0) this.#write()
    if (this.connection.transportIntent !== TransportIntent.None) this.#followIntent()
    this.#followWants()
    if (this.connection.hasRetained && !this.#turnQueued) this.#nextTurn()
  }

  #write(): void {
    const { socket, connection } = this
    // The socket says `drain` only above its own mark; whoever waits for less hears of the write itself.
    if (this.#owesDrain || connection.hasBorrowedOutput || !connection.wantsBytes) {
      this.#callbacks.add(() => {
        if (socket.writableLength === 0) this.transportDrained()
      })
    }
    this.#callbacks.release(connection.releasedFrames)
    this.#outputBytes += connection.pendingOutput
    const chunks = connection.takeOutput()
    if (this.#finSent || !socket.writable) {
      connection.outputWritten(true)
      this.#callbacks.settle(new ConnectionClosedError(connection.closeCode, connection.closeReason))
      return
    }
    // @req 6455-6.1-9
    const last = chunks.length - 1
    if (last > 0) socket.cork()
    for (let i = 0; i < last; i++) socket.write(chunks[i])
    if (this.#callbacks.isEmpty) socket.write(chunks[last])
    else socket.write(chunks[last], this.#callbacks.take())
    if (last > 0) socket.uncork()
    connection.outputWritten(this.#options.writesAreCopied && socket.writableLength === 0)
  }

  #followIntent(): void {
    if (this.#closeTimer === undefined) {
      this.#closeTimer = this.#options.clock.setTimeout(
        () => this.#destroy(CloseCause.CloseTimeout),
        this.#options.closeTimeout,
      )
    }
    if (this.connection.transportIntent === TransportIntent.HalfClose && !this.#finSent) {
      this.#finSent = true
      // @req 6455-7.1.1-1
      if (!this.socket.destroyed) this.socket.end()
    }
  }

  /** Reads, or does not, as the connection wants it. */
  #followWants(): void {
    const pause = !this.connection.wantsBytes
    if (pause === this.#isPaused) return
    this.#isPaused = pause
    if (pause) this.socket.pause()
    else this.socket.resume()
  }

  #nextTurn(): void {
    if (this.#turnQueued) return
    this.#turnQueued = true
    setImmediate(() => {
      this.#turnQueued = false
      if (this.#isClosed) return
      this.#isReading = true
      if (this.#resumeWanted) this.connection.resume()
      else this.connection.readRetained()
      this.#resumeWanted = false
      this.#isReading = false
      this.flush()
    })
  }
}
