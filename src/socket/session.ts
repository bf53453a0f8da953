/*
 * What stands between the driver, which speaks in bytes, and the `WebSocket` object, whose listeners belong to the
 * application. Here a handler that throws ends its own connection and nothing else, an `error` that nobody listens to
 * crashes nothing, and a message that comes before its listener waits for it.
 */
import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import { UsageError } from '../errors.ts'
import { asBuffer, decodeUtf8, encodeUtf8 } from '../frames/bytes.ts'
import type { Violation } from '../frames/violation.ts'
import { emit, thrownBy } from '../ground/application.ts'
import { nextTick } from '../ground/scheduling.ts'
import type { MessageSink } from '../protocol/listener.ts'
import { PreparedMessage } from '../protocol/prepared-message.ts'
import { closeBody } from '../protocol/sender.ts'
import { CloseCause, type CloseInfo, protocolErrorOf } from './close-info.ts'
import type { DriverEvents, DriverOptions } from './driver-contract.ts'
import type { BinaryType, MessageData, WebSocketEvents } from './events.ts'
import { warnOfHeld } from './held-messages.ts'
import { Inbox, type InboxOwner } from './inbox.ts'
import { Outbox, type OutboxOwner } from './outbox.ts'
import type { OutboxOptions } from './outbox-options.ts'
import { OutgoingStream, type SendStreamOptions, type StreamSource } from './outgoing-stream.ts'
import { applicationFailed } from './own-faults.ts'
import { type Payload, type SendOptions, toBinaryType } from './payload.ts'
import type { Counted } from './rate-limiter.ts'
import type { SendCallback } from './send-callbacks.ts'
import { SocketDriver } from './socket-driver.ts'
import { tapsOf } from './taps.ts'
import { Traffic } from './traffic.ts'

/** How a server or a client sets up a connection whose opening handshake is done. */
export interface SessionOptions {
  readonly socket: Duplex
  readonly driver: DriverOptions & OutboxOptions
  readonly textFormat: 'string' | 'buffer'
  /** What becomes of messages while nobody listens. Default `'hold'`. */
  readonly withoutListener?: 'hold' | 'discard' | undefined
  /** Counts messages; default: nobody does. */
  readonly traffic?: Traffic | undefined
  /** Told of every error. `isUnseen`: it is the application's own and nobody listened to it. */
  readonly onError: (error: Error, isUnseen: boolean) => void
  /** Told when everything is over, before the application is. */
  readonly onClosed: (info: CloseInfo) => void
}

/** What the opening handshake settled. @internal */
export interface Attachment extends SessionOptions {
  readonly protocol: string
  readonly extensions: string
  readonly data: unknown
  /** The peer's address as far as it can be trusted; undefined: none is known. */
  readonly remoteAddress: string | undefined
}

/** Whether messages are read: on, held for somebody who takes none for now, or not at all. */
const Reading = { On: 0, Held: 1, Stopped: 2 } as const
type Reading = (typeof Reading)[keyof typeof Reading]

/** One connection between its driver and its listeners. */
export class Session implements DriverEvents, InboxOwner, OutboxOwner {
  readonly driver: SocketDriver
  binaryType: BinaryType = 'nodebuffer'
  readonly traffic: Traffic
  readonly #emitter: EventEmitter<WebSocketEvents>
  readonly #options: SessionOptions
  #isPaused = false
  #reading: Reading = Reading.On
  /** Where messages wait for the transport; made when one has to. */
  #outbox: Outbox | null = null
  /** Messages for which no listener was there; made when there is one. */
  #inbox: Inbox | null = null
  #resolveClosed: ((info: CloseInfo) => void) | null = null
  #closed: Promise<CloseInfo> | null = null

  constructor(emitter: EventEmitter<WebSocketEvents>, options: SessionOptions) {
    this.#emitter = emitter
    this.#options = options
    this.traffic = options.traffic ?? new Traffic()
    this.driver = new SocketDriver(options.socket, this, options.driver)
  }

  /** Bytes that were sent and have not been handed to the operating system; frame headers count. */
  get bufferedAmount(): number {
    return this.#outbox === null ? this.driver.bufferedAmount : this.#outbox.bufferedAmount
  }

  /** Bytes of memory that are held for the connection; what an application was given is its own. */
  get heldBytes(): number {
    const output = this.#outbox === null ? this.driver.bufferedAmount : this.#outbox.heldBytes
    return output + this.driver.heldInput + (this.#inbox === null ? 0 : this.#inbox.heldBytes)
  }

  /** Messages that were dropped because the peer was too slow. */
  get dropped(): number {
    return this.#outbox === null ? 0 : this.#outbox.dropped
  }

  /** Where messages wait for the transport. */
  get outbox(): Outbox {
    this.#outbox ??= new Outbox(this.driver, this.#options.driver, this)
    return this.#outbox
  }

  /** Whether `pause` is in force. */
  get isPaused(): boolean {
    return this.#isPaused
  }

  /** How it ended; null before that. */
  get closeInfo(): CloseInfo | null {
    return this.driver.closeInfo
  }

  /** Resolves when everything is over; never rejects. */
  get closed(): Promise<CloseInfo> {
    if (this.closeInfo !== null) return Promise.resolve(this.closeInfo)
    this.#closed ??= new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    return this.#closed
  }

  /** Where messages wait for whoever iterates over them. */
  get inbox(): Inbox {
    if (this.#inbox === null) {
      this.#inbox = new Inbox(this)
      if (this.closeInfo !== null) this.#inbox.over()
    }
    return this.#inbox
  }

  pause(): void {
    this.#isPaused = true
    this.fullnessChanged()
  }

  resume(): void {
    this.#isPaused = false
    this.fullnessChanged()
    this.messageReady()
  }

  /** Frees what is held, and ends. */
  giveWay(): void {
    this.driver.giveWay()
    this.#outbox?.abandon()
    this.#inbox?.giveWay()
  }

  /** Starts the closing handshake. Messages that nobody takes do not keep the peer's Close frame from being read. */
  close(code: number | undefined, reason: string | undefined): void {
    // What may not be sent is refused before anything is done.
    closeBody(this.driver.connection.role, code, reason ?? '')
    const { canSend } = this.driver
    if (canSend) this.#outbox?.sendAll()
    this.driver.close(code, reason)
    if (canSend) this.#outbox?.abandon()
    if (this.#inbox !== null && !this.#isTaken(this.#inbox)) this.#inbox.abandon()
  }

  /** Sends a message, or a fragment of one; see `WebSocket`. */
  send(payload: Payload, options: SendOptions | null | undefined, callback: SendCallback | undefined): boolean {
    const { driver } = this
    if (!driver.canSend) {
      if (callback !== undefined) driver.refuse(callback, this.endError())
      return false
    }
    const isBinary = options?.binary ?? typeof payload !== 'string'
    const fin = options?.fin !== false
    const isFragmenting = this.#isFragmenting()
    // @req 6455-5.4-4
    if (isFragmenting && payload instanceof PreparedMessage) {
      throw new UsageError('send: a fragmented message is open; a prepared one is no fragment (6455-5.4-4)')
    }
    const compress = options?.compress
    if (!(payload instanceof PreparedMessage) && (isFragmenting || !fin)) {
      return this.traffic.sent(fin, this.outbox.sendFragment(payload, isBinary, fin, compress, callback))
    }
    const isEmpty = this.#outbox === null || this.#outbox.isEmpty
    if (!isEmpty || !driver.isWritable) {
      return this.traffic.sent(true, this.outbox.enqueue(payload, isBinary, compress, callback))
    }
    driver.connection.sendMessage(payload, isBinary, compress)
    this.traffic.messagesSent++
    driver.sent(callback)
    return driver.bufferedAmount < this.#options.driver.highWaterMark || this.outbox.expectRoom()
  }

  /** Sends a message as its source gives it; see `WebSocket`. */
  async sendStream(source: StreamSource, options: SendStreamOptions): Promise<void> {
    if (!this.driver.canSend) throw this.endError()
    // @req 6455-5.4-4
    if (this.#isFragmenting()) throw new UsageError('sendStream: a fragmented message is open (6455-5.4-4)')
    await new OutgoingStream(this.driver, this.outbox, source, options).run()
    this.traffic.messagesSent++
  }

  /** A listener for messages was added, or is about to be; or what it waits for is complete. */
  messageReady(): void {
    if (this.#inbox !== null && !this.#inbox.isIdle) nextTick(() => this.#deliverWaiting())
  }

  /** Reads or does not, as `pause` and the inbox want it. */
  fullnessChanged(): void {
    const isHeld = this.#isPaused || this.#inbox?.isFull === true
    const reading = this.driver.limiter?.isWaiting === true ? Reading.Stopped : isHeld ? Reading.Held : Reading.On
    if (reading === this.#reading) return
    this.#reading = reading
    if (reading === Reading.On) this.driver.resume()
    else if (reading === Reading.Held) this.driver.hold()
    else this.driver.pause()
  }

  /** Why whatever was under way will not be done. */
  endError(): Error {
    return this.driver.endError()
  }

  /** A handler of the application threw or rejected. */
  handlerFailed(thrown: Error, source: string): void {
    const error = thrownBy(source, thrown)
    this.#endForFailure(error)
    this.#report(error, true)
  }

  /** A handler of `error` threw or rejected: it is not asked again. */
  errorHandlerFailed(error: Error): void {
    this.#endForFailure(error)
    this.#options.onError(error, true)
  }

  #endForFailure(error: Error): void {
    // @req 6455-7.4.1-8
    this.driver.fail(applicationFailed, CloseCause.HandlerError, error)
    // What was held for the listeners is not for one that failed.
    if (this.#inbox !== null && this.#inbox.consumer === null) this.#inbox.abandon()
  }

  message(isBinary: boolean, bytes: Uint8Array, start: number, end: number, owned: boolean): void {
    if (!this.#isWithinRate('messages')) return
    this.traffic.messagesReceived++
    if (!this.#isPaused && (this.#inbox === null || this.#inbox.isIdle)) {
      const isTaken = this.#emit(this.toData(isBinary, bytes, start, end, owned), isBinary)
      if (!isTaken && this.#isHeld()) this.inbox.message(isBinary, bytes, start, end, owned)
    } else this.inbox.message(isBinary, bytes, start, end, owned)
  }

  /** Pieces are for `streams()`, and for whoever may still come; everybody else gets whole messages. */
  messageStart(isBinary: boolean): MessageSink | null {
    const consumer = this.#inbox === null ? null : this.#inbox.consumer
    if (consumer === 'messages') return null
    if (consumer === null && (!this.#isHeld() || this.#emitter.listenerCount('message') > 0)) return null
    if (!this.#isWithinRate('messages')) return null
    this.traffic.messagesReceived++
    return this.inbox.start(isBinary)
  }

  ping(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#isWithinRate('controlFrames')) return
    this.#control('ping', bytes, start, end)
  }

  pong(bytes: Uint8Array, start: number, end: number): void {
    this.driver.pongReceived()
    if (!this.#isWithinRate('controlFrames')) return
    this.#control('pong', bytes, start, end)
  }

  closing(): void {
    tapsOf(this.driver.socket)?.closing('remote')
    this.#outbox?.sendAll()
    this.#outbox?.abandon()
  }

  closeReceived(): void {}

  woken(): void {
    this.driver.woken()
  }

  failed(violation: Violation): void {
    tapsOf(this.driver.socket)?.closing('local')
    this.#outbox?.abandon()
    if (violation !== applicationFailed) {
      this.#report(protocolErrorOf(violation))
    }
  }

  drained(): void {
    this.#outbox?.writable()
  }

  roomAgain(): void {
    emit(this, this.#emitter, 'drain')
  }

  transportFailed(error: Error): void {
    this.#report(error)
  }

  beat(now: number): void {
    const inbox = this.#inbox
    if (inbox === null) return
    const isForgotten = !this.#isPaused && !inbox.isIdle && !this.#isTaken(inbox)
    if (!isForgotten) inbox.heldSince = -1
    else if (inbox.heldSince < 0) inbox.heldSince = now
    else warnOfHeld(inbox.heldSince, now)
  }

  rateExceeded(violation: Violation): void {
    this.driver.fail(violation, CloseCause.RateLimit)
  }

  rateChanged(): void {
    this.fullnessChanged()
  }

  ended(info: CloseInfo): void {
    this.#options.onClosed(info)
    this.#inbox?.over()
    this.#outbox?.abandon()
    // Whoever has paused takes them too, then or never. What is terminated gives listeners nothing more.
    if (info.cause !== CloseCause.Terminated) while (this.#deliverOne());
    else if (this.#inbox !== null && this.#inbox.consumer === null) this.#inbox.abandon()
    emit(this, this.#emitter, 'close', info.code, asBuffer(encodeUtf8(info.reason)))
    this.#resolveClosed?.(info)
  }

  toData(isBinary: boolean, bytes: Uint8Array, start: number, end: number, owned: boolean): MessageData {
    if (!isBinary && this.#options.textFormat === 'string') return decodeUtf8(bytes, start, end)
    const { binaryType } = this
    if (isBinary && (binaryType === 'arraybuffer' || binaryType === 'blob')) {
      return toBinaryType(binaryType, bytes.subarray(start, end))
    }
    const buffer = owned ? asBuffer(bytes) : this.keep(bytes, start, end)
    return isBinary && binaryType === 'fragments' ? [buffer] : buffer
  }

  keep(bytes: Uint8Array, start: number, end: number): Buffer {
    return asBuffer(this.driver.connection.keep(bytes, start, end))
  }

  /** Whether what came is to be taken; if not, the connection ends. */
  #isWithinRate(counted: Counted): boolean {
    const { limiter } = this.driver
    return limiter === null || limiter.count(counted, 1)
  }

  /** Whether a message was begun in fragments and not ended; one that is streamed does not count. */
  #isFragmenting(): boolean {
    return this.driver.connection.isSendingFragments && this.#outbox?.isStreaming !== true
  }

  /** Whether a message that no listener took is kept: for an iteration, or, until we close, for whoever may still come. */
  #isHeld(): boolean {
    if (this.#inbox !== null && this.#inbox.consumer !== null) return true
    return this.#options.withoutListener !== 'discard' && this.driver.connection.sentCloseCode === 0
  }

  /** @returns whether somebody listened */
  #emit(data: MessageData, isBinary: boolean): boolean {
    return emit(this, this.#emitter, 'message', data, isBinary)
  }

  /** Whether somebody takes what waits. */
  #isTaken(inbox: Inbox): boolean {
    return inbox.consumer !== null || this.#emitter.listenerCount('message') > 0
  }

  /** Gives listeners that came late what waited for them. */
  #deliverWaiting(): void {
    while (!this.#isPaused && this.#deliverOne());
  }

  /** @returns whether there was a message, and it is not to be kept for anybody else */
  #deliverOne(): boolean {
    const inbox = this.#inbox
    if (inbox === null || inbox.consumer !== null) return false
    const isHeard = this.#emitter.listenerCount('message') > 0
    if (!isHeard && this.#options.withoutListener !== 'discard') return false
    const message = inbox.takeWhole()
    if (message === null) return false
    if (isHeard) this.#emit(message.data, message.isBinary)
    return true
  }

  #control(event: 'ping' | 'pong', bytes: Uint8Array, start: number, end: number): void {
    if (this.#emitter.listenerCount(event) === 0) return
    emit(this, this.#emitter, event, this.keep(bytes, start, end))
  }

  #report(error: Error, isOurs = false): void {
    const isHandled = this.#emitter.listenerCount('error') > 0
    this.#options.onError(error, isOurs && !isHandled)
    // The connection is ending already; the handler's own fault must still be seen.
    if (isHandled)
      emit({ handlerFailed: (second) => this.#options.onError(second, true) }, this.#emitter, 'error', error)
  }
}
