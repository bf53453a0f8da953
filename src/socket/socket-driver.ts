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
import type { ConnectionListener } from '../protocol/listener.ts'
import type { ConnectionOptions } from '../protocol/options.ts'
import { ReadyState, TransportIntent } from '../protocol/state.ts'
import type { Clock } from './clock.ts'
import { CloseCause, type CloseInfo, closeInfoOf } from './close-info.ts'
import { type Flushable, flushSoon } from './flush-queue.ts'
import type { Heartbeat, Patient } from './heartbeat.ts'

/** What the driver tells the `WebSocket` object. */
export interface DriverEvents extends ConnectionListener {
  /** The transport can take more after `send` said that it cannot. */
  drained(): void
  /** The transport reported an error; `closed` follows. */
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

/** Called when what was sent has been handed to the operating system, or cannot be any more. */
export type SendCallback = (error?: Error | null) => void

/** The listeners of all sockets are the same few functions; this is how they find the driver. */
const driverOf = Symbol('framewright.driver')
type DrivenSocket = Duplex & { [driverOf]: SocketDriver }

function onData(this: DrivenSocket, chunk: Buffer): void {
  this[driverOf].receive(chunk)
}
function onEnd(this: DrivenSocket): void {
  this[driverOf].receiveEnd()
}
function onDrain(this: DrivenSocket): void {
  this[driverOf].transportDrained()
}
function onError(this: DrivenSocket, error: Error): void {
  this[driverOf].transportFailed(error)
}
function onClose(this: DrivenSocket): void {
  this[driverOf].transportClosed()
}

/** One connection on one Duplex. */
export class SocketDriver implements ConnectionListener, Flushable, Patient {
  readonly socket: Duplex
  readonly connection: Connection
  readonly #events: DriverEvents
  readonly #options: DriverOptions
  #callbacks: SendCallback[] | null = null
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
  /** Since when the write queue has stood still at which length; -1 when it does not. */
  #stalledSince = -1
  #stalledLength = 0
  #probeSentAt = -1
  #rttMs = -1

  constructor(socket: Duplex, events: DriverEvents, options: DriverOptions) {
    this.socket = socket
    this.#events = events
    this.#options = options
    this.connection = new Connection(this, options.connection)
  }

  /** Milliseconds from the last heartbeat Ping to its Pong; -1 when none was answered yet. */
  get rttMs(): number {
    return this.#rttMs
  }

  /** Bytes that were sent and have not been handed to the operating system. */
  get bufferedAmount(): number {
    return this.connection.pendingOutput + this.socket.writableLength
  }

  /** Begins to read. @param head - bytes that came behind the opening handshake */
  start(head: Uint8Array): void {
    const socket = this.socket as DrivenSocket
    socket[driverOf] = this
    socket.on('data', onData)
    socket.on('end', onEnd)
    socket.on('drain', onDrain)
    socket.on('error', onError)
    socket.on('close', onClose)
    this.#options.heartbeat.add(this)
    if (head.length > 0) this.receive(head)
    if (socket.destroyed) process.nextTick(() => this.transportClosed())
    else if (!this.#isPaused) socket.resume()
  }

  // The transport speaks ----------------------------------------------------------------------------------------------

  receive(chunk: Uint8Array): void {
    this.#heard = true
    this.#isReading = true
    this.connection.receive(chunk)
    this.#isReading = false
    this.flush()
  }

  receiveEnd(): void {
    this.connection.receiveEnd()
    this.flush()
  }

  transportDrained(): void {
    this.connection.outputDrained()
    this.flush()
    if (this.#owesDrain && this.bufferedAmount < this.#options.highWaterMark) {
      this.#owesDrain = false
      this.#events.drained()
    }
  }

  transportFailed(error: Error): void {
    this.#forcedCause ??= CloseCause.TransportError
    this.#events.transportFailed(error)
  }

  transportClosed(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#options.clock.clearTimeout(this.#closeTimer)
    this.#options.heartbeat.remove(this)
    // Bytes that were held back still count: they came before the end.
    if (this.connection.paused) this.connection.resume()
    while (this.connection.hasRetained) this.connection.readRetained()
    const info = closeInfoOf(this.connection, this.#forcedCause, this.#closedFirst)
    this.connection.transportClosed()
    this.#settle(new ConnectionClosedError(info.code, info.reason))
    this.#events.ended(info)
  }

  // The connection speaks ---------------------------------------------------------------------------------------------

  message(isBinary: boolean, bytes: Uint8Array, start: number, end: number, owned: boolean): void {
    this.#events.message(isBinary, bytes, start, end, owned)
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

  // The application speaks --------------------------------------------------------------------------------------------

  /**
   * Flushes after the application sent something: at the end of the read or of the tick, at once when the output
   * refers to memory of the application.
   *
   * @returns false when more than `highWaterMark` bytes wait; `drained` follows
   */
  sent(callback: SendCallback | undefined): boolean {
    if (callback !== undefined) {
      if (this.#callbacks === null) this.#callbacks = [callback]
      else this.#callbacks.push(callback)
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

  /** Ends the transport at once. */
  terminate(cause: CloseCause = CloseCause.Terminated): void {
    if (this.socket.destroyed) return
    this.#forcedCause ??= cause
    this.socket.destroy()
  }

  pause(): void {
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
    this.terminate(CloseCause.HeartbeatTimeout)
  }

  beat(now: number): void {
    const length = this.socket.writableLength
    if (length === 0 || length !== this.#stalledLength) {
      this.#stalledLength = length
      this.#stalledSince = length === 0 ? -1 : now
    } else if (now - this.#stalledSince >= this.#options.writeStallTimeout) this.terminate(CloseCause.WriteStall)
  }

  // The flush ---------------------------------------------------------------------------------------------------------

  flush(): void {
    this.#flushQueued = false
    if (this.connection.pendingOutput > 0) this.#write()
    if (this.connection.transportIntent !== TransportIntent.None) this.#followIntent()
    this.#followWants()
    if (this.connection.hasRetained && !this.#turnQueued) this.#nextTurn()
  }

  #write(): void {
    const { socket, connection } = this
    const chunks = connection.takeOutput()
    if (this.#finSent || !socket.writable) {
      connection.outputWritten(true)
      this.#settle(new ConnectionClosedError(connection.closeCode, connection.closeReason))
      return
    }
    const last = chunks.length - 1
    if (last > 0) socket.cork()
    for (let i = 0; i < last; i++) socket.write(chunks[i])
    if (this.#callbacks === null) socket.write(chunks[last])
    else socket.write(chunks[last], this.#takeCallbacks())
    if (last > 0) socket.uncork()
    connection.outputWritten(this.#options.writesAreCopied && socket.writableLength === 0)
  }

  /** Leaves the callbacks of what is being written to the write. */
  #takeCallbacks(): SendCallback {
    const callbacks = this.#callbacks ?? []
    this.#callbacks = null
    return (error) => {
      for (const callback of callbacks) callback(error)
    }
  }

  /** Tells everybody who waits for a write that it will not happen. */
  #settle(error: Error): void {
    if (this.#callbacks !== null) this.#takeCallbacks()(error)
  }

  #followIntent(): void {
    if (this.#closeTimer === undefined) {
      this.#closeTimer = this.#options.clock.setTimeout(
        () => this.terminate(CloseCause.CloseTimeout),
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
