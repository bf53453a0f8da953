import { EventEmitter } from 'node:events'
import { UsageError } from '../errors.ts'
import { ReadyState } from '../protocol/state.ts'
import type { CloseInfo } from './close-info.ts'
import type { WebSocketEvents } from './events.ts'
import type { ReceivedMessage, ReceiveOptions } from './inbox.ts'
import type { MessageStream } from './message-stream.ts'
import { type Sendable, toBytes, toPayload, toText } from './payload.ts'
import { Session, type SessionOptions } from './session.ts'
import type { SendCallback } from './socket-driver.ts'

/** Options of one `send()`. */
export interface SendOptions {
  /** Whether the message is binary. Default: a string is not, bytes are. */
  binary?: boolean | undefined
  /** Whether this is the last fragment of its message, RFC 6455 §5.4. Default true. */
  fin?: boolean | undefined
}

/** What the opening handshake settled. @internal */
export interface Attachment extends SessionOptions {
  readonly protocol: string
  readonly extensions: string
  readonly data: unknown
}

/** Gives a connection its transport; called once. Nothing is read before {@link startReading}. @internal */
export let attach: <Data>(ws: WebSocket<Data>, attachment: Attachment) => void
/** Begins to read. @param head - bytes that came behind the opening handshake. @internal */
export let startReading: <Data>(ws: WebSocket<Data>, head: Uint8Array) => void
/** Says that a handler (of `event`) of the application failed, so that its connection ends with 1011. @internal */
export let failHandler: <Data>(ws: WebSocket<Data>, error: unknown, event?: string) => void

/**
 * One WebSocket connection, RFC 6455, with the events and methods of `ws`.
 *
 * @example
 * server.on('connection', (ws) => {
 *   ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }))
 * })
 */
export class WebSocket<Data = unknown> extends EventEmitter<WebSocketEvents> {
  static readonly CONNECTING = ReadyState.CONNECTING
  static readonly OPEN = ReadyState.OPEN
  static readonly CLOSING = ReadyState.CLOSING
  static readonly CLOSED = ReadyState.CLOSED

  /** What the server's `authorize` returned for this connection. */
  data: Data = undefined as Data

  #session: Session | null = null
  #attachment: Attachment | null = null

  static {
    attach = (ws, attachment) => {
      ws.#attachment = attachment
      ws.data = attachment.data as typeof ws.data
      ws.#session = new Session(ws, attachment)
    }
    startReading = (ws, head) => ws.#session?.driver.start(head)
    failHandler = (ws, error, event) => ws.#session?.handlerFailed(error, event)
  }

  constructor() {
    // An async handler that rejects is a handler that failed.
    super({ captureRejections: true })
  }

  get CONNECTING(): typeof ReadyState.CONNECTING {
    return ReadyState.CONNECTING
  }

  get OPEN(): typeof ReadyState.OPEN {
    return ReadyState.OPEN
  }

  get CLOSING(): typeof ReadyState.CLOSING {
    return ReadyState.CLOSING
  }

  get CLOSED(): typeof ReadyState.CLOSED {
    return ReadyState.CLOSED
  }

  /** CONNECTING 0, OPEN 1, CLOSING 2 or CLOSED 3; RFC 6455 §7.1. */
  get readyState(): ReadyState {
    return this.#session === null ? ReadyState.CONNECTING : this.#session.driver.readyState
  }

  /** The subprotocol in use, RFC 6455 §1.9; empty when there is none. */
  get protocol(): string {
    return this.#attachment?.protocol ?? ''
  }

  /** The extensions in use, as in `Sec-WebSocket-Extensions`, RFC 6455 §9.1; empty when there are none. */
  get extensions(): string {
    return this.#attachment?.extensions ?? ''
  }

  /** What a binary message arrives as: `'nodebuffer'` (default) or `'arraybuffer'`. */
  get binaryType(): 'nodebuffer' | 'arraybuffer' {
    return this.#session?.binaryType ?? 'nodebuffer'
  }

  set binaryType(type: 'nodebuffer' | 'arraybuffer') {
    if (type !== 'nodebuffer' && type !== 'arraybuffer') {
      throw new UsageError(`binaryType is ${String(type)}; it must be 'nodebuffer' or 'arraybuffer'`)
    }
    this.#requireSession('binaryType').binaryType = type
  }

  /** Bytes that were sent and have not been handed to the operating system; frame headers count. */
  get bufferedAmount(): number {
    return this.#session?.driver.bufferedAmount ?? 0
  }

  /** Whether `pause()` is in force. */
  get isPaused(): boolean {
    return this.#session?.isPaused ?? false
  }

  /** The peer's address, or undefined when the transport has none. */
  get remoteAddress(): string | undefined {
    return (this.#attachment?.socket as { remoteAddress?: string } | undefined)?.remoteAddress
  }

  /** Milliseconds of the last heartbeat's round trip; -1 before the first one. */
  get rttMs(): number {
    return this.#session?.driver.rttMs ?? -1
  }

  /** Resolves when the connection is over, with how and why. Never rejects. */
  get closed(): Promise<CloseInfo> {
    return this.#requireSession('closed').closed
  }

  /**
   * Sends a message, RFC 6455 §6.1. Everything sent in one tick leaves in one write.
   *
   * @param data - a string is sent as text, bytes as binary. Bytes may be changed once `send` has returned, unless
   * it returned false: then only once `callback` was called
   * @param options - or `callback`
   * @param callback - called when the message was handed to the operating system, or with the error that prevented it
   * @returns false when `highWaterMark` bytes or more wait, or the connection is not OPEN; `drain` tells when to go on
   * @throws UsageError while CONNECTING, when `data` cannot be sent, or text bytes are not UTF-8
   */
  send(data: Sendable, options?: SendOptions | SendCallback, callback?: SendCallback): boolean {
    if (typeof options === 'function') return this.send(data, undefined, options)
    const payload = toPayload(data)
    const session = this.#requireSession('send')
    const { connection } = session.driver
    if (connection.readyState !== ReadyState.OPEN) return this.#sendAfterClose(callback)
    const isBinary = options?.binary ?? typeof payload !== 'string'
    const fin = options?.fin !== false
    if (fin && !connection.isSendingFragments) connection.sendMessage(payload, isBinary)
    else connection.sendFragment(payload, isBinary, fin)
    return session.driver.sent(callback)
  }

  /**
   * Sends a Ping, RFC 6455 §5.5.2.
   *
   * @param data - at most 125 bytes; default none
   * @param mask - ignored: the role decides. It stands here because `ws` has it
   * @throws UsageError while CONNECTING or when `data` is too long
   */
  ping(data?: Sendable | SendCallback, mask?: boolean | SendCallback, callback?: SendCallback): void {
    this.#sendControl('sendPing', data, mask, callback)
  }

  /** Sends a Pong that nobody asked for, RFC 6455 §5.5.3. As `ping()`. */
  pong(data?: Sendable | SendCallback, mask?: boolean | SendCallback, callback?: SendCallback): void {
    this.#sendControl('sendPong', data, mask, callback)
  }

  /**
   * Starts the closing handshake, RFC 6455 §7.1.2. Does nothing when it has begun.
   *
   * @param code - 1000-1003, 1007-1009, 1011-1014 or 3000-4999; omitted: none is sent and the peer sees 1005
   * @param reason - at most 123 bytes of UTF-8; needs a code
   * @throws UsageError when the code may not be sent or the reason does not fit
   */
  close(code?: number, reason?: string | Uint8Array): void {
    const text = typeof reason === 'object' ? toText(reason) : reason
    this.#requireSession('close').close(code, text)
  }

  /** Destroys the transport at once; the close code will be 1006. */
  terminate(): void {
    this.#session?.driver.terminate()
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
    return this.#requireSession('messages').inbox.messages(options)
  }

  /**
   * The messages from now on, each as a stream of bytes while it arrives, inside frames too. Nothing of it is collected,
   * so with `maxPayload: Infinity` a message may be of any length. A stream that was not begun when the next is asked
   * for is discarded; one that is being read is not. Otherwise as {@link messages}.
   */
  streams(options: ReceiveOptions = {}): AsyncGenerator<MessageStream, void, undefined> {
    return this.#requireSession('streams').inbox.streams(options)
  }

  /** Stops reading: no `message` after the one in hand, and TCP tells the peer to wait. */
  pause(): void {
    this.#session?.pause()
  }

  /** Reads on after `pause()`. */
  resume(): void {
    this.#session?.resume()
  }

  override on<E extends keyof WebSocketEvents>(event: E, listener: (...args: WebSocketEvents[E]) => void): this {
    if (event === 'message') this.#session?.messageReady()
    return super.on(event as never, listener as never)
  }

  override addListener<E extends keyof WebSocketEvents>(
    event: E,
    listener: (...args: WebSocketEvents[E]) => void,
  ): this {
    return this.on(event, listener)
  }

  override prependListener<E extends keyof WebSocketEvents>(
    event: E,
    listener: (...args: WebSocketEvents[E]) => void,
  ): this {
    if (event === 'message') this.#session?.messageReady()
    return super.prependListener(event as never, listener as never)
  }

  /** Called by `EventEmitter` when an async handler rejects. @internal */
  [Symbol.for('nodejs.rejection')](error: unknown, event: string): void {
    failHandler(this, error, event)
  }

  #sendControl(
    what: 'sendPing' | 'sendPong',
    data: Sendable | SendCallback | undefined,
    mask: boolean | SendCallback | undefined,
    callback: SendCallback | undefined,
  ): void {
    const done = typeof data === 'function' ? data : typeof mask === 'function' ? mask : callback
    const payload = data === undefined || typeof data === 'function' ? undefined : toBytes(data)
    const { driver } = this.#requireSession(what)
    if (driver.connection.readyState !== ReadyState.OPEN) {
      this.#sendAfterClose(done)
      return
    }
    driver.connection[what](payload)
    driver.sent(done)
  }

  #sendAfterClose(callback: SendCallback | undefined): false {
    if (callback !== undefined) this.#requireSession('send').driver.refuse(callback)
    return false
  }

  #requireSession(what: string): Session {
    if (this.#session === null) throw new UsageError(`${what}: the connection is still CONNECTING`)
    return this.#session
  }
}
