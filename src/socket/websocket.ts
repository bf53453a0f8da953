import type { Duplex } from 'node:stream'
import { ConnectionClosedError, UsageError } from '../errors.ts'
import { StatusCode } from '../frames/status-code.ts'
import { type Guard, listenerOf, printUnseen, thrownBy, toError } from '../ground/application.ts'
import { checkOptionNames } from '../ground/option-names.ts'
import { nextTick } from '../ground/scheduling.ts'
import { closeBody } from '../protocol/sender.ts'
import { ReadyState } from '../protocol/state.ts'
import { BlobQueue } from './blob-queue.ts'
import { type ClientOptions, isClientOptions } from './client-options.ts'
import type { CloseInfo } from './close-info.ts'
import { closedCleanly, messagesWanted, SocketEventTarget } from './event-target.ts'
import type { BinaryType } from './events.ts'
import { type ReceivedMessage, type ReceiveOptions, receiveOptionNames } from './inbox.ts'
import type { MessageStream } from './message-stream.ts'
import type { Opening } from './opening.ts'
import type { SendStreamOptions, StreamSource } from './outgoing-stream.ts'
import {
  type ControlPayload,
  checkBinaryType,
  checkSendOptions,
  type Sendable,
  type SendOptions,
  toBytes,
  toMessage,
  toText,
  unknownOption,
} from './payload.ts'
import { callBack, givenCallback, type SendCallback } from './send-callbacks.ts'
import { type Attachment, Session } from './session.ts'
import { type WaitOptions, waitOptionNames } from './waiters.ts'

/** Begins an opening handshake; `client/` has it. @internal */
export type Dialler = <Data>(
  ws: WebSocket<Data>,
  address: string | URL,
  protocols: string | readonly string[] | undefined,
  options: ClientOptions,
) => Opening

let dial: Dialler | null = null

/** Says who dials for `new WebSocket(url)`. The client registers itself when it is loaded. @internal */
export function registerDialler(dialler: Dialler): void {
  dial = dialler
}

/** A method of `WebSocket` that may reword an error before anybody is told. @internal */
export const describeError = Symbol('framewright.describeError')

/** Gives a connection its transport; called once. Nothing is read before {@link startReading}. @internal */
export let attach: <Data>(ws: WebSocket<Data>, attachment: Attachment) => void
/** The transport of a connection; undefined before {@link attach}. @internal */
export let transportOf: <Data>(ws: WebSocket<Data>) => Duplex | undefined
/** What of the connection holds memory; null before {@link attach}. @internal */
export let holderOf: <Data>(ws: WebSocket<Data>) => Session | null
/** Begins to read. @param head - bytes that came behind the opening handshake. @internal */
export let startReading: <Data>(ws: WebSocket<Data>, head: Uint8Array) => void
/** Who hears of handlers of a connection that fail, so that it ends with 1011. @internal */
export let guardOf: <Data>(ws: WebSocket<Data>) => Guard

/** One that was made with null belongs to nobody yet. */
const NOBODY: Guard = { handlerFailed: (error) => printUnseen(error, '') }

/**
 * One WebSocket connection, RFC 6455, with the events and methods of `ws`.
 *
 * @example
 * server.on('connection', (ws) => {
 *   ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }))
 * })
 */
export class WebSocket<Data = unknown> extends SocketEventTarget {
  /** What the server's `authorize` returned for this connection. */
  data: Data = undefined as Data

  #session: Session | null = null
  #attachment: Attachment | null = null
  /** How a client came, or comes, to its connection. */
  #opening: Opening | null = null
  #binaryType: BinaryType = 'nodebuffer'
  #blobs: BlobQueue | null = null

  static {
    attach = (ws, attachment) => {
      ws.#attachment = attachment
      ws.data = attachment.data as typeof ws.data
      ws.#session = new Session(ws, attachment)
      ws.#session.binaryType = ws.#binaryType
    }
    transportOf = (ws) => ws.#attachment?.socket
    holderOf = (ws) => ws.#session
    startReading = (ws, head) => ws.#session?.driver.start(head)
    guardOf = (ws) => ws.#session ?? ws.#opening ?? NOBODY
  }

  /**
   * Opens a connection, RFC 6455 §4.1. `open` says when it is there, `error` and `close` when it could not be.
   *
   * @param address - a ws, wss, http, https or ws+unix URL; null: no connection is opened, as a server needs it
   * @param protocols - subprotocols to offer, the preferred one first; or the options
   * @param options - see {@link ClientOptions}
   * @throws UsageError when the URL, a subprotocol or an option is wrong
   */
  constructor(
    address: string | URL | null,
    protocols?: string | readonly string[] | ClientOptions | null,
    options?: ClientOptions,
  ) {
    super()
    if (address === null) return
    if (dial === null) throw new UsageError('new WebSocket(url): the client is not loaded')
    if (isClientOptions(protocols)) this.#opening = dial(this, address, undefined, protocols)
    else this.#opening = dial(this, address, protocols ?? undefined, options ?? {})
  }

  /** CONNECTING 0, OPEN 1, CLOSING 2 or CLOSED 3; RFC 6455 §7.1. */
  get readyState(): ReadyState {
    if (this.#session !== null) return this.#session.driver.readyState
    return this.#opening === null ? ReadyState.CONNECTING : this.#opening.readyState
  }

  /** The URL of a client, after redirects; empty on a server. */
  get url(): string {
    return this.#opening?.url ?? ''
  }

  /** The subprotocol in use, RFC 6455 §1.9; empty when there is none. */
  get protocol(): string {
    return this.#attachment?.protocol ?? ''
  }

  /** The extensions in use, as in `Sec-WebSocket-Extensions`, RFC 6455 §9.1; empty when there are none. */
  get extensions(): string {
    return this.#attachment?.extensions ?? ''
  }

  /**
   * What a binary message arrives as: `'nodebuffer'` (default), `'arraybuffer'`, `'blob'`, or `'fragments'`: a list of
   * Buffers, which are the message when joined.
   */
  get binaryType(): BinaryType {
    return this.#binaryType
  }

  set binaryType(type: BinaryType) {
    this.#binaryType = checkBinaryType(type)
    if (this.#session !== null) this.#session.binaryType = type
  }

  /** Bytes that were sent and have not been handed to the operating system; frame headers count. */
  get bufferedAmount(): number {
    return (this.#session?.bufferedAmount ?? 0) + (this.#blobs?.bytes ?? 0)
  }

  /** Whether `pause()` is in force. */
  get isPaused(): boolean {
    return this.#session?.isPaused ?? false
  }

  /** The peer's address, or undefined when the transport has none; behind a proxy see `trustProxy`. */
  get remoteAddress(): string | undefined {
    return this.#attachment?.remoteAddress
  }

  /** Milliseconds of the last heartbeat's round trip; -1 before the first one. */
  get rttMs(): number {
    return this.#session?.driver.rttMs ?? -1
  }

  /** Resolves when the connection is over, with how and why. Never rejects. */
  get closed(): Promise<CloseInfo> {
    return this.#session?.closed ?? this.#requireOpening('closed').closed
  }

  override get [closedCleanly](): boolean {
    return this.#session?.closeInfo?.wasClean === true
  }

  /** Messages that were dropped because the peer was too slow, see `slowConsumer`. */
  get dropped(): number {
    return this.#session?.dropped ?? 0
  }

  /**
   * Sends a message, RFC 6455 §6.1. Everything sent in one tick leaves in one write; what the transport cannot take
   * waits, and control frames overtake it.
   *
   * @param data - a string is sent as text, bytes as binary, a prepared message as it is. Up to 16 KiB of bytes are copied;
   * more must not change before `callback` was called
   * @param options - or `callback`
   * @param callback - called when the message was handed to the operating system, or with the error that prevented it
   * @returns false when `highWaterMark` bytes or more wait, the message was dropped, or the connection is not OPEN;
   * `drain` tells when to go on
   * @throws UsageError while CONNECTING, when `data` cannot be sent, an option is unknown, or text bytes are not UTF-8
   */
  send(data: Sendable, options?: SendOptions | SendCallback | null, callback?: SendCallback): boolean {
    if (typeof options === 'function') return this.send(data, undefined, options)
    if (options !== undefined && options !== null) checkSendOptions(this, options)
    const session = this.#requireSession('send')
    const done = givenCallback(callback)
    if (data instanceof Blob || this.#blobs?.isEmpty === false) return this.#sendInTurn(data, options, done)
    return session === null ? this.#sendAfterClose(done) : session.send(toMessage(data), options, done)
  }

  /**
   * Sends one message of unknown length, in fragments, as its source gives them: RFC 6455 §5.4. The source is asked for
   * more when the transport has nothing left to send, and control frames come in between. Messages that are sent
   * meanwhile follow when it is over.
   *
   * When the source fails or `signal` is aborted, and a part was sent already, the connection is closed with 1011: the
   * peer must not take the part for the whole.
   *
   * @param source - pieces of text or bytes: a generator, a Web or Node stream, any iterable but a string or bytes
   * @returns when all of it was handed to the operating system
   * @throws what the source threw; the reason of `signal`; ConnectionClosedError; UsageError when a piece cannot be sent
   */
  async sendStream(source: StreamSource, options: SendStreamOptions = {}): Promise<void> {
    await this.#requireOpened('sendStream').sendStream(source, options)
  }

  /** Resolves when less than `highWaterMark` bytes wait. @throws ConnectionClosedError; the reason of `signal` */
  async drained(options: WaitOptions = {}): Promise<void> {
    checkOptionNames('drained', options, waitOptionNames)
    await this.#requireOpened('drained').outbox.drained(options.signal)
  }

  /** Calls `send`, and writes what it has sent before it returns, in one go up to 128 KiB. @returns what `send` returned */
  cork<T>(send: () => T): T {
    return this.#requireOpened('cork').driver.cork(send)
  }

  /**
   * Sends a Ping, RFC 6455 §5.5.2.
   *
   * @param data - at most 125 bytes; default none
   * @param mask - ignored: the role decides. It stands here because `ws` has it
   * @throws UsageError while CONNECTING or when `data` is too long
   */
  ping(data?: ControlPayload | SendCallback, mask?: boolean | SendCallback, callback?: SendCallback): void {
    this.#sendControl('sendPing', data, mask, callback)
  }

  /** Sends a Pong that nobody asked for, RFC 6455 §5.5.3. As `ping()`. */
  pong(data?: ControlPayload | SendCallback, mask?: boolean | SendCallback, callback?: SendCallback): void {
    this.#sendControl('sendPong', data, mask, callback)
  }

  /**
   * Starts the closing handshake, RFC 6455 §7.1.2. Does nothing when it has begun. A client that is still CONNECTING
   * gives up: `error` and `close` with 1006 follow.
   *
   * @param code - 1000-1003, 1007-1009, 1011-1014 or 3000-4999; omitted: none is sent and the peer sees 1005
   * @param reason - at most 123 bytes of UTF-8; needs a code
   * @throws UsageError when the code may not be sent or the reason does not fit
   */
  close(code?: number, reason?: string | Uint8Array): void {
    const text = typeof reason === 'object' ? toText(reason) : reason
    // What was sent before must still go out.
    if (this.#blobs?.isEmpty === false) {
      closeBody(this.#session!.driver.connection.role, code, text ?? '')
      this.#blobs.add(null, () => this.#session!.close(code, text))
    } else if (this.#session !== null) this.#session.close(code, text)
    else this.#requireOpening('close').abort()
  }

  /** Destroys the transport at once; the close code will be 1006. */
  terminate(): void {
    if (this.#session !== null) this.#session.driver.terminate()
    else this.#opening?.abort()
  }

  /**
   * The messages from now on: `for await (const { data, isBinary } of ws)`. It ends when the connection has ended;
   * `closed` says how. While an iteration runs, `message` is not emitted; when it is left, what was not taken waits for
   * the next one or for a listener.
   *
   * @throws UsageError while CONNECTING, or when the messages are being iterated already
   */
  [Symbol.asyncIterator](): AsyncGenerator<ReceivedMessage, void, undefined> {
    return this.messages()
  }

  /** The same as iterating over the `WebSocket`, with options. @throws the reason of `signal` when it is aborted */
  messages(options: ReceiveOptions = {}): AsyncGenerator<ReceivedMessage, void, undefined> {
    checkOptionNames('messages', options, receiveOptionNames)
    return this.#requireOpened('messages').inbox.messages(options)
  }

  /**
   * The messages from now on, each as a stream of bytes while it arrives, inside frames too. Nothing of it is collected,
   * so with `maxPayload: Infinity` a message may be of any length. A stream that was not begun when the next is asked
   * for is discarded; one that is being read is not. Otherwise as {@link messages}.
   */
  streams(options: ReceiveOptions = {}): AsyncGenerator<MessageStream, void, undefined> {
    checkOptionNames('streams', options, receiveOptionNames)
    return this.#requireOpened('streams').inbox.streams(options)
  }

  /**
   * Stops the messages: none comes after the one in hand. 64 KiB are read further and kept, so that a Close frame and the
   * end of the transport are seen at once; they bring what was kept before `close`. Then TCP tells the peer to wait.
   */
  pause(): void {
    this.#session?.pause()
  }

  /** Reads on after `pause()`. */
  resume(): void {
    this.#session?.resume()
  }

  override [messagesWanted](): void {
    this.#session?.messageReady()
  }

  /** For subclasses that speak of errors in other words. @internal */
  [describeError](_error: Error): void {}

  /** For subclasses that are not as strict. @internal */
  [unknownOption](_name: string, message: string): void {
    throw new UsageError(message)
  }

  /** Called by `EventEmitter` when an async handler rejects. @internal */
  [Symbol.for('nodejs.rejection')](thrown: unknown, event: string): void {
    const source = listenerOf(event)
    const error = thrownBy(source, thrown)
    if (event === 'error' && this.#session !== null) this.#session.errorHandlerFailed(error)
    else guardOf(this).handlerFailed(error, source)
  }

  #sendControl(
    what: 'sendPing' | 'sendPong',
    data: ControlPayload | SendCallback | undefined,
    mask: boolean | SendCallback | undefined,
    callback: SendCallback | undefined,
  ): void {
    const done = givenCallback(typeof data === 'function' ? data : typeof mask === 'function' ? mask : callback)
    const payload = data === undefined || typeof data === 'function' ? undefined : toBytes(data)
    const driver = this.#requireSession(what)?.driver
    if (driver === undefined || !driver.canSend) {
      this.#sendAfterClose(done)
      return
    }
    driver.connection[what](payload)
    driver.sent(done)
  }

  /** Sends when the Blobs before, or this one, have been read. */
  #sendInTurn(data: Sendable, options: SendOptions | null | undefined, callback: SendCallback | undefined): false {
    this.#blobs ??= new BlobQueue()
    this.#blobs.add(data instanceof Blob ? data : null, (bytes, error) => {
      try {
        if (error !== null) throw error
        // A Blob is binary unless its sender says otherwise; anything else is sent as it is.
        this.#session!.send(bytes ?? toMessage(data), options, callback)
      } catch (thrown) {
        const failure = toError(thrown)
        if (callback === undefined) guardOf(this).handlerFailed(failure, 'send() of a Blob, or behind one')
        else callBack(guardOf(this), callback, failure)
      }
    })
    return false
  }

  #sendAfterClose(callback: SendCallback | undefined): false {
    if (callback === undefined) return false
    if (this.#session !== null) this.#session.driver.refuse(callback, this.#session.endError())
    else nextTick(callBack, guardOf(this), callback, new ConnectionClosedError(StatusCode.AbnormalClosure, ''))
    return false
  }

  /** @returns null when the opening handshake failed, so that there never was a session */
  #requireSession(what: string): Session | null {
    if (this.#session === null && this.readyState === ReadyState.CONNECTING) {
      throw new UsageError(`${what}: the connection is still CONNECTING`)
    }
    return this.#session
  }

  #requireOpened(what: string): Session {
    const session = this.#requireSession(what)
    if (session === null) throw new ConnectionClosedError(StatusCode.AbnormalClosure, '')
    return session
  }

  #requireOpening(what: string): Opening {
    if (this.#opening === null)
      throw new UsageError(`${what}: the object is CONNECTING, to nothing: it was made without a URL`)
    return this.#opening
  }
}
