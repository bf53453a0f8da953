import { EventEmitter } from 'node:events'
import { ReadyState } from '../protocol/state.ts'
import type { MessageData, WebSocketEvents } from './events.ts'
import { slimListenerTable } from './listener-table.ts'

/** An event as a browser gives it to a listener. */
export interface SocketEvent<Type extends string = string> {
  readonly type: Type
  /** The WebSocket the event came from. */
  readonly target: object
}

/** A whole message arrived. */
export interface SocketMessageEvent extends SocketEvent<'message'> {
  /** Text as a string, binary by `binaryType`. */
  readonly data: MessageData
}

/** The connection is over. */
export interface SocketCloseEvent extends SocketEvent<'close'> {
  /** The Connection Close Code, RFC 6455 §7.1.5. */
  readonly code: number
  /** The Connection Close Reason, RFC 6455 §7.1.6. */
  readonly reason: string
  /** Whether a Close frame arrived. */
  readonly wasClean: boolean
}

/** Something went wrong; `close` follows. */
export interface SocketErrorEvent extends SocketEvent<'error'> {
  readonly error: Error
  /** The message of `error`. */
  readonly message: string
}

/** The events that `addEventListener` knows, with what a listener gets. */
export interface SocketEventMap {
  open: SocketEvent<'open'>
  message: SocketMessageEvent
  close: SocketCloseEvent
  error: SocketErrorEvent
}

/** A listener of `addEventListener`: a function, or an object with a method `handleEvent`. */
export type SocketEventListener<T extends keyof SocketEventMap> =
  | ((event: SocketEventMap[T]) => unknown)
  | { handleEvent(event: SocketEventMap[T]): unknown }

/** What `onopen` and the like hold. */
export type SocketEventHandler<T extends keyof SocketEventMap> = ((event: SocketEventMap[T]) => unknown) | null

/** What stands in the emitter for a listener; it knows whose it is. */
interface Wrapper {
  (...args: never[]): unknown
  readonly listener: unknown
  /** Whether it stands for an `on…` attribute, which is one place that is filled anew. */
  readonly isAttribute: boolean
}

/** How the arguments of each event become an event object. */
const EVENTS: { [T in keyof SocketEventMap]: (target: object, ...args: WebSocketEvents[T]) => SocketEventMap[T] } = {
  open: (target) => ({ type: 'open', target }),
  message: (target, data, isBinary) => ({
    type: 'message',
    target,
    // Browsers know text only as a string, whatever `textFormat` says.
    data: isBinary || typeof data === 'string' ? data : data.toString(),
  }),
  close: (target, code, reason) => ({
    type: 'close',
    target,
    code,
    reason: reason.toString(),
    // RFC 6455 §7.1.5: 1006 says that no Close frame arrived.
    wasClean: code !== 1006,
  }),
  error: (target, error) => ({ type: 'error', target, error, message: error.message }),
}

/** The members of a browser's `WebSocket` that an `EventEmitter` does not have, over the same listeners. */
export class SocketEventTarget extends EventEmitter<WebSocketEvents> {
  static readonly CONNECTING = ReadyState.CONNECTING
  static readonly OPEN = ReadyState.OPEN
  static readonly CLOSING = ReadyState.CLOSING
  static readonly CLOSED = ReadyState.CLOSED

  constructor() {
    // An async handler that rejects is a handler that failed.
    super({ captureRejections: true })
    slimListenerTable(this)
  }

  /** The opening handshake is under way. */
  get CONNECTING(): typeof ReadyState.CONNECTING {
    return ReadyState.CONNECTING
  }

  /** Messages can be sent. */
  get OPEN(): typeof ReadyState.OPEN {
    return ReadyState.OPEN
  }

  /** The closing handshake is under way. */
  get CLOSING(): typeof ReadyState.CLOSING {
    return ReadyState.CLOSING
  }

  /** The connection is over, or never came about. */
  get CLOSED(): typeof ReadyState.CLOSED {
    return ReadyState.CLOSED
  }

  /** Handler of `open`; null when there is none. Setting it replaces the one before. */
  get onopen(): SocketEventHandler<'open'> {
    return this.#attribute('open')
  }

  set onopen(handler: SocketEventHandler<'open'>) {
    this.#setAttribute('open', handler)
  }

  /** Handler of `message`; null when there is none. Setting it replaces the one before. */
  get onmessage(): SocketEventHandler<'message'> {
    return this.#attribute('message')
  }

  set onmessage(handler: SocketEventHandler<'message'>) {
    this.#setAttribute('message', handler)
  }

  /** Handler of `close`; null when there is none. Setting it replaces the one before. */
  get onclose(): SocketEventHandler<'close'> {
    return this.#attribute('close')
  }

  set onclose(handler: SocketEventHandler<'close'>) {
    this.#setAttribute('close', handler)
  }

  /** Handler of `error`; null when there is none. Setting it replaces the one before. */
  get onerror(): SocketEventHandler<'error'> {
    return this.#attribute('error')
  }

  set onerror(handler: SocketEventHandler<'error'>) {
    this.#setAttribute('error', handler)
  }

  /**
   * Adds a listener as in a browser: it gets one event object. The same listener is added once only; types other than
   * `open`, `message`, `close` and `error` are ignored.
   *
   * @param options - `once`: the listener is removed when it is called
   */
  addEventListener<T extends keyof SocketEventMap>(
    type: T,
    listener: SocketEventListener<T>,
    options?: { once?: boolean } | boolean,
  ): void {
    if (!Object.hasOwn(EVENTS, type) || this.#find(type, listener, false) !== undefined) return
    const once = typeof options === 'object' && options.once === true
    this.#add(type, listener, false, once)
  }

  /** Removes what {@link addEventListener} added; does nothing when there is none. */
  removeEventListener<T extends keyof SocketEventMap>(type: T, listener: SocketEventListener<T>): void {
    const wrapper = this.#find(type, listener, false)
    if (wrapper !== undefined) this.off(type, wrapper as never)
  }

  #add<T extends keyof SocketEventMap>(
    type: T,
    listener: SocketEventListener<T>,
    isAttribute: boolean,
    once: boolean,
  ): void {
    const call = (...args: WebSocketEvents[T]): unknown => {
      if (once) this.off(type, wrapper as never)
      const event = EVENTS[type](this, ...args)
      return typeof listener === 'function' ? listener.call(this, event) : listener.handleEvent(event)
    }
    const wrapper: Wrapper = Object.assign(call as (...args: never[]) => unknown, { listener, isAttribute })
    this.on(type, wrapper as never)
  }

  #find(type: keyof SocketEventMap, listener: unknown, isAttribute: boolean): Wrapper | undefined {
    const wrappers = this.listeners(type) as unknown as Partial<Wrapper>[]
    const isIt = (wrapper: Partial<Wrapper>): wrapper is Wrapper =>
      wrapper.isAttribute === isAttribute && (isAttribute || wrapper.listener === listener)
    return wrappers.find(isIt)
  }

  #attribute<T extends keyof SocketEventMap>(type: T): SocketEventHandler<T> {
    const wrapper = this.#find(type, undefined, true)
    return wrapper === undefined ? null : (wrapper.listener as SocketEventHandler<T>)
  }

  #setAttribute<T extends keyof SocketEventMap>(type: T, handler: SocketEventHandler<T>): void {
    const before = this.#find(type, undefined, true)
    if (before !== undefined) this.off(type, before as never)
    // As in browsers, what is no function takes the handler away.
    if (typeof handler === 'function') this.#add(type, handler, true, false)
  }
}
