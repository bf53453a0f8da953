/*
 * Moves the bytes of one connection between a Duplex and the sans-I/O `Connection`.
 *
 * Theory of operation
 * -------------------
 * Whatever calls into the connection (bytes that arrived, a send of the application, a timer) is followed by one
 * `flush`: write all output in one write, act on the transport intent, read on or not. Inside a read the flush comes
 * when the whole chunk was parsed; a send outside a read is flushed at the end of the tick.
 * The socket has an `error` listener from `start` to `close`, and `close` is the only place where the end is reported.
 */
import type { Duplex } from 'node:stream'
import { ConnectionClosedError } from '../errors.ts'
import type { Violation } from '../frames/violation.ts'
import { Deadline } from '../ground/deadline.ts'
import { nextTick } from '../ground/scheduling.ts'
import { ReadyState, TransportIntent } from '../protocol/state.ts'
import { CloseCause, type CloseInfo, closeInfoOf, protocolErrorOf } from './close-info.ts'
import type { DriverEvents, DriverOptions } from './driver-contract.ts'
import { type Flushable, flushSoon } from './flush-queue.ts'
import type { Patient } from './heartbeat.ts'
import { outOfMemory } from './own-faults.ts'
import { callBack, type SendCallback, SendCallbacks } from './send-callbacks.ts'
import { tapsOf } from './taps.ts'
import type { TransportListener } from './transport-listeners.ts'
import { destroyTransport, endTransport, listenTo, pauseTransport, resumeTransport } from './transport-listeners.ts'
import { TransportReader } from './transport-reader.ts'
import { TransportWriter, type WriterOwner } from './transport-writer.ts'
import { WriteStall } from './write-stall.ts'

/** Output from here on does not wait for the end of the tick: the transport may be full, and others should know. */
const FLUSH_FROM = 128 << 10

/** What may be held more when the connection is woken: a piece inflated on another thread, in memory that doubles. */
const ELSEWHERE = 128 << 10

/** One connection on one Duplex. */
export class SocketDriver extends TransportReader implements Flushable, Patient, TransportListener, WriterOwner {
  silentSince = 0
  askedAt = -1
  /** Milliseconds from the last heartbeat Ping to its Pong; -1 when none was answered yet. */
  rttMs = -1
  /** How it ended; null before that. */
  closeInfo: CloseInfo | null = null
  readonly #events: DriverEvents
  /** Made when somebody wants to be called back. */
  #callbacks: SendCallbacks | null = null
  /** Made while something waits. */
  #stall: WriteStall | null = null
  /** Made for the first write, or when an earlier one is under way. */
  #writer: TransportWriter | null = null
  #flushQueued = false
  #finSent = false
  #expectsDrain = false
  #isCorked = false
  #closedFirst = false
  /** By when the peer has to end. */
  #closeDeadline: Deadline | null = null
  #forcedCause: CloseCause | null = null
  /** What stands behind it. */
  #error: Error | null = null
  /** Bytes that were given to the socket. */
  #outputBytes = 0
  #probeSentAt = -1

  constructor(socket: Duplex, events: DriverEvents, options: DriverOptions) {
    super(socket, events, options)
    this.#events = events
  }

  /** As the application sees it: CLOSED not before `ended`, and not OPEN once the transport is gone. All ask here. */
  get readyState(): ReadyState {
    if (this.closeInfo !== null) return ReadyState.CLOSED
    const { readyState } = this.connection
    const isGone = readyState === ReadyState.CLOSED || this.isClosed || this.socket.destroyed
    return isGone ? ReadyState.CLOSING : readyState
  }

  /** Whether a message can be sent. */
  get canSend(): boolean {
    return this.readyState === ReadyState.OPEN
  }

  /** Why whatever was under way will not be done: what the peer did, or what we did while it has not answered. */
  endError(): Error {
    const { violation, closeReceived, closeCode, closeReason, sentCloseCode } = this.connection
    if (violation !== null) return protocolErrorOf(violation)
    const isOurs = !closeReceived && sentCloseCode !== 0 && !this.isClosed && !this.socket.destroyed
    return isOurs
      ? new ConnectionClosedError(sentCloseCode, '', true)
      : new ConnectionClosedError(closeCode, closeReason)
  }

  /** Bytes that were sent and have not been handed to the operating system. */
  get bufferedAmount(): number {
    return this.connection.pendingOutput + this.connection.waitingOutput + this.#givenOutput()
  }

  /** Bytes of memory that are held for what came, and by an extension. */
  get heldInput(): number {
    return this.connection.bufferedInput + this.connection.extensionBytes
  }

  /** Begins to read. @param head - bytes that came behind the opening handshake */
  start(head: Uint8Array): void {
    const { socket } = this
    // A server listens to it already, for the opening handshake.
    listenTo(socket, this, this.options.writesAreCopied)
    this.options.heartbeat.add(this)
    // The answer to the opening handshake may still be on its way, and whoever sends waits for it.
    if (!this.isWritable) this.#makeWriter()
    if (head.length > 0 && !this.receive(head, head.length)) pauseTransport(socket)
    if (socket.destroyed) nextTick(() => this.transportClosed())
    else if (!this.isDeaf && socket.readableFlowing === false) resumeTransport(socket)
  }

  // The transport speaks ----------------------------------------------------------------------------------------------

  receiveEnd(): void {
    this.connection.receiveEnd()
    this.flush()
  }

  transportDrained(): void {
    if (this.isClosed) return
    this.connection.outputDrained()
    this.#expectsDrain = false
    this.#events.drained()
    this.flush()
  }

  transportFailed(error: Error): void {
    if (this.isClosed) return
    // Both Close frames were exchanged: how the peer lets go of the transport says nothing any more.
    if (this.connection.closeReceived && this.connection.sentCloseCode !== 0) return
    this.#forcedCause ??= CloseCause.TransportError
    this.#error ??= error
    this.#events.transportFailed(error)
  }

  transportClosed(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.#closeDeadline?.cancel()
    this.options.heartbeat.remove(this)
    this.limiter?.close()
    this.#end()
  }

  /** Ends when all bytes that came before the end have been read. */
  #end(): void {
    this.#readAll()
    if (this.connection.isDecoding) return
    const info = closeInfoOf(this.connection, this.#forcedCause, this.#closedFirst, this.#error)
    this.closeInfo = info
    tapsOf(this.socket)?.ended(info)
    this.connection.transportClosed()
    this.#callbacks?.settle(() => this.endError())
    this.#events.ended(info)
  }

  /** Bytes that were held back still count: they came before the end. */
  #readAll(): void {
    do {
      this.connection.outputDrained()
      this.connection.resume()
    } while (!this.connection.wantsBytes && !this.connection.isDecoding)
  }

  // The connection speaks, through whoever listens to it --------------------------------------------------------------

  /** A Pong came; the heartbeat's question may be answered by it. */
  pongReceived(): void {
    if (this.#probeSentAt < 0) return
    this.rttMs = this.options.clock.now() - this.#probeSentAt
    this.#probeSentAt = -1
  }

  /** As `ConnectionListener.woken`. */
  woken(): void {
    this.options.memory?.kept(ELSEWHERE)
    if (this.isClosed) this.#end()
    else this.flush()
  }

  // The writer speaks -------------------------------------------------------------------------------------------------

  written(): void {
    if (!this.isWritable || this.isClosed) return
    if (this.options.writesAreCopied) this.connection.outputWritten(true)
    if (this.#expectsDrain || !this.connection.wantsBytes) this.transportDrained()
  }

  // The application speaks --------------------------------------------------------------------------------------------

  /** Whether the transport has nothing left to send, so that it takes more at once. */
  get isWritable(): boolean {
    return this.#givenOutput() === 0 && this.connection.waitingFrames === 0
  }

  /** Bytes that the transport has and the operating system has not. */
  #givenOutput(): number {
    return this.#writer === null ? this.socket.writableLength : this.#writer.pending
  }

  /** Asks for one `drained`, once the transport has nothing left of what it got until then. */
  expectDrain(): void {
    this.#expectsDrain = true
  }

  /**
   * Flushes after the application sent something: at the end of the read or of the tick; at once when the output refers
   * to memory of the application, or is large.
   */
  sent(callback: SendCallback | undefined): void {
    if (callback !== undefined) this.addCallback(callback)
    if (this.connection.pendingOutput >= FLUSH_FROM) this.flush()
    else if (this.#isCorked) return
    else if (this.connection.hasBorrowedOutput) this.flush()
    else if (!this.isReading && !this.#flushQueued) {
      this.#flushQueued = true
      flushSoon(this)
    }
  }

  /** Does something, and writes what it sent at once, or when there is much of it. */
  cork<T>(send: () => T): T {
    if (this.#isCorked) return send()
    this.#isCorked = true
    try {
      return send()
    } finally {
      this.#isCorked = false
      this.flush()
    }
  }

  /** Tells whoever sends too late that it cannot be done, in a tick of its own. */
  refuse(callback: SendCallback, error: Error): void {
    nextTick(() => callBack(this.#events, callback, error))
  }

  /** Starts the closing handshake, unless there is nobody left to answer. */
  close(statusCode: number | undefined, reason: string | undefined): void {
    if (this.socket.destroyed) return
    const wasOpen = this.canSend
    this.connection.close(statusCode, reason)
    if (wasOpen) {
      this.#closedFirst = true
      tapsOf(this.socket)?.closing('local')
    }
    this.sent(undefined)
  }

  /** Starts the closing handshake for a reason of its own. */
  closeFor(cause: CloseCause, statusCode: number, reason: string): void {
    if (this.canSend) this.#forcedCause ??= cause
    this.close(statusCode, reason)
  }

  /** Fails the connection for a fault that is not the peer's. @param error - what stands behind it */
  fail(violation: Violation, cause: CloseCause, error?: Error): void {
    this.connection.fail(violation)
    // Also after our own Close frame: the peer broke no rule.
    if (this.connection.violation === violation) this.#forcedCause ??= cause
    if (this.#forcedCause === cause) this.#error ??= error ?? null
    if (!this.isReading) this.flush()
  }

  /** The application ends the transport at once: nothing more is delivered. */
  terminate(): void {
    if (!this.socket.destroyed) this.connection.transportClosed()
    this.#destroy(CloseCause.Terminated)
  }

  /** Frees what it holds and ends; with a Close frame, if one can leave. */
  giveWay(): void {
    if (this.readyState === ReadyState.OPEN && this.#givenOutput() === 0) {
      this.fail(outOfMemory, CloseCause.MemoryBudget)
      return
    }
    if (!this.socket.destroyed) this.connection.transportClosed()
    this.#destroy(CloseCause.MemoryBudget)
  }

  #destroy(cause: CloseCause): void {
    if (!this.socket.destroyed) this.#forcedCause ??= cause
    destroyTransport(this.socket)
  }

  // The heartbeat asks ------------------------------------------------------------------------------------------------

  probe(now: number): boolean {
    if (!this.canSend) return false
    this.connection.sendPing()
    this.#probeSentAt = now
    this.flush()
    return true
  }

  giveUp(): void {
    this.#destroy(CloseCause.HeartbeatTimeout)
  }

  beat(now: number): void {
    this.connection.rest(now)
    this.#events.beat(now)
    this.limiter?.beat(now)
    // Somebody else destroyed it, and it says no `close`.
    if (this.socket.destroyed) destroyTransport(this.socket)
    const waiting = this.#givenOutput()
    if (waiting === 0) this.#stall = null
    if (waiting === 0) return
    this.#stall ??= new WriteStall(this.options.writeStallTimeout)
    if (this.#stall.isStalled(this.socket, this.#outputBytes, waiting, now)) this.#destroy(CloseCause.WriteStall)
  }

  // The flush ---------------------------------------------------------------------------------------------------------

  flush(isRead = false): void {
    this.#flushQueued = false
    if (this.isClosed) return
    if (this.connection.pendingOutput > 0) this.#write()
    if (this.connection.transportIntent !== TransportIntent.None) this.#followIntent()
    this.follow(isRead)
  }

  #write(): void {
    const { socket, connection } = this
    const callbacks = this.#callbacks
    callbacks?.release(connection.releasedFrames)
    this.#outputBytes += connection.pendingOutput
    const chunks = connection.takeOutput()
    if (this.#finSent || !socket.writable) {
      // What was written before may wait in the socket still: its memory is not free.
      connection.outputWritten(this.options.writesAreCopied && this.#givenOutput() === 0)
      connection.outputDrained()
      callbacks?.settle(() => this.endError())
      return
    }
    const writer = this.#writer ?? this.#makeWriter()
    const callback = callbacks === null || callbacks.isEmpty ? null : callbacks.take()
    // @req 6455-6.1-9
    writer.write(chunks, callback, this.#expectsDrain || !connection.wantsBytes)
    const given = this.#givenOutput()
    if (given > 0) this.options.memory?.kept(given)
    connection.outputWritten(this.options.writesAreCopied && given === 0)
  }

  #makeWriter(): TransportWriter {
    this.#writer = new TransportWriter(this.socket, this, this.options.writesAreCopied)
    return this.#writer
  }

  /** Calls back when what was sent last has been handed to the operating system. */
  addCallback(callback: SendCallback): void {
    const { waitingFrames, releasedFrames } = this.connection
    this.#callbacks ??= new SendCallbacks(this.#events)
    if (waitingFrames === 0) this.#callbacks.add(callback)
    else this.#callbacks.addWaiting(callback, releasedFrames + waitingFrames)
  }

  #followIntent(): void {
    const { clock, closeTimeout } = this.options
    this.#closeDeadline ??= new Deadline(
      clock,
      closeTimeout,
      () => this.#destroy(CloseCause.CloseTimeout),
      () => this.connection.closeReceived,
    )
    if (this.connection.transportIntent === TransportIntent.HalfClose && !this.#finSent) {
      this.#finSent = true
      // @req 6455-7.1.1-1
      if (!this.socket.destroyed) endTransport(this.socket)
    }
  }
}
