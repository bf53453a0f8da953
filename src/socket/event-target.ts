import { EventEmitter } from 'node:events'
import { UsageError } from '../errors.ts'
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
  /** Whether both Close frames were exchanged, RFC 6455 §7.1.4. */
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

/** Options of `addEventListener`, as in browsers; `passive` says nothing here. */
export interface SocketListenerOptions {
  /** The listener is removed when it is called. */
  readonly once?: boolean | undefined
  /** Aborted: the listener is removed. When it is aborted already, nothing is added. */
  readonly signal?: AbortSignal | undefined
  /** Part of what makes a listener the same: one added with `capture` is removed with `capture`. Nothing else. */
  readonly capture?: boolean | undefined
  readonly passive?: boolean | undefined
}

/** A listener of `addEventListener`, or what an `on…` attribute holds. */
interface Registration {
  /** An attribute is one place that is filled anew. */
  listener: unknown
  readonly isAttribute: boolean
  readonly capture: boolean
  /** A listener that is removed while its event is being told is not told any more. */
  isRemoved: boolean
  /** Stops waiting for the signal. */
  readonly letGo: (() => void) | null
}

/** Where what stands in the emitter for a listener keeps whose it is. */
const registrationOf = Symbol('framewright.registration')
/** A function of an emitter; ours stand for somebody. */
type EmitterListener = ((...args: never[]) => unknown) & { readonly [registrationOf]?: Registration }

/** Whether the connection that an object held was closed cleanly, RFC 6455 §7.1.4. @internal */
export const closedCleanly = Symbol('framewright.closedCleanly')

/** Says that a listener of `message` was added, or is about to be: what waits for one can be told. @internal */
export const messagesWanted = Symbol('framewright.messagesWanted')

/** How the arguments of each event become an event object. */
const EVENTS: {
  [T in keyof SocketEventMap]: (target: SocketEventTarget, ...args: WebSocketEvents[T]) => SocketEventMap[T]
} = {
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
    wasClean: target[closedCleanly],
  }),
  error: (target, error) => ({ type: 'error', target, error, message: error.message }),
}

/** The members of a browser's `WebSocket` that an `EventEmitter` does not have, over the same listeners. */
export abstract class SocketEventTarget extends EventEmitter<WebSocketEvents> {
  static readonly CONNECTING = ReadyState.CONNECTING
  static readonly OPEN = ReadyState.OPEN
  static readonly CLOSING = ReadyState.CLOSING
  static readonly CLOSED = ReadyState.CLOSED

  constructor() {
    // An async handler that rejects is a handler that failed.
    super({ captureRejections: true })
    slimListenerTable(this)
  }

  /** For the event `close`. @internal */
  abstract get [closedCleanly](): boolean

  /** A listener of `message` is there, or is about to be. @internal */
  abstract [messagesWanted](): void

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
   * @param listener - null: nothing is added
   * @param options - see {@link SocketListenerOptions}; a boolean stands for `capture`
   * @throws UsageError when the listener is neither a function nor an object
   */
  addEventListener<T extends keyof SocketEventMap>(
    type: T,
    listener: SocketEventListener<T> | null,
    options?: SocketListenerOptions | boolean,
  ): void {
    if (listener === null || listener === undefined || !Object.hasOwn(EVENTS, type)) return
    if (typeof listener !== 'function' && typeof listener !== 'object') {
      throw new UsageError(`addEventListener: the listener is of type ${typeof listener}; it must be a function`)
    }
    const { once = false, signal, capture = false } = typeof options === 'object' ? options : { capture: options }
    if (signal?.aborted || this.#find(type, listener, capture) !== undefined) return
    const abort = (): void => this.#remove(type, standIn)
    const standIn = this.#add(
      type,
      {
        listener,
        isAttribute: false,
        capture,
        isRemoved: false,
        letGo: signal === undefined ? null : () => signal.removeEventListener('abort', abort),
      },
      once,
    )
    signal?.addEventListener('abort', abort, { once: true })
  }

  /**
   * Removes what {@link addEventListener} added; does nothing when there is none.
   *
   * @param options - `capture` as when it was added; a boolean stands for it
   */
  removeEventListener<T extends keyof SocketEventMap>(
    type: T,
    listener: SocketEventListener<T> | null,
    options?: Pick<SocketListenerOptions, 'capture'> | boolean,
  ): void {
    const capture = typeof options === 'object' ? options.capture : options
    const standIn = this.#find(type, listener, capture ?? false)
    if (standIn !== undefined) this.#remove(type, standIn)
  }

  override on<E extends keyof WebSocketEvents>(event: E, listener: (...args: WebSocketEvents[E]) => void): this {
    if (event === 'message') this[messagesWanted]()
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
    if (event === 'message') this[messagesWanted]()
    return super.prependListener(event as never, listener as never)
  }

  override removeAllListeners(event?: keyof WebSocketEvents): this {
    for (const type of event === undefined ? this.eventNames() : [event]) {
      for (const listener of this.#listenersOf(type as keyof SocketEventMap)) letGo(listener)
    }
    return event === undefined ? super.removeAllListeners() : super.removeAllListeners(event as never)
  }

  #add<T extends keyof SocketEventMap>(type: T, registration: Registration, once: boolean): EmitterListener {
    const call = (...args: WebSocketEvents[T]): unknown => {
      if (registration.isRemoved) return undefined
      if (once) this.#remove(type, standIn)
      const event = EVENTS[type](this, ...args)
      const listener = registration.listener as SocketEventListener<T>
      return typeof listener === 'function' ? listener.call(this, event) : listener.handleEvent(event)
    }
    const standIn: EmitterListener = Object.assign(call, { [registrationOf]: registration })
    this.on(type, standIn as never)
    return standIn
  }

  #remove(type: keyof SocketEventMap, standIn: EmitterListener): void {
    letGo(standIn)
    this.off(type, standIn as never)
  }

  /** Node: `listeners()` unwraps what has a member `listener`, as `once` makes it; these are the functions themselves. */
  #listenersOf(type: keyof SocketEventMap): EmitterListener[] {
    return this.rawListeners(type)
  }

  #find(type: keyof SocketEventMap, listener: unknown, capture: boolean): EmitterListener | undefined {
    return this.#listenersOf(type).find(({ [registrationOf]: registration }) => {
      if (registration === undefined || registration.isAttribute) return false
      return registration.listener === listener && registration.capture === capture
    })
  }

  #findAttribute(type: keyof SocketEventMap): EmitterListener | undefined {
    return this.#listenersOf(type).find(({ [registrationOf]: registration }) => registration?.isAttribute === true)
  }

  #attribute<T extends keyof SocketEventMap>(type: T): SocketEventHandler<T> {
    return (this.#findAttribute(type)?.[registrationOf]?.listener ?? null) as SocketEventHandler<T>
  }

  /** HTML §8.1.8.1: a handler that replaces another has its place among the listeners; null gives the place up. */
  #setAttribute<T extends keyof SocketEventMap>(type: T, handler: SocketEventHandler<T>): void {
    const standIn = this.#findAttribute(type)
    const registration = standIn?.[registrationOf]
    // As in browsers, what is no function takes the handler away.
    if (typeof handler !== 'function') {
      if (standIn !== undefined) this.#remove(type, standIn)
    } else if (registration !== undefined) registration.listener = handler
    else {
      this.#add(type, { listener: handler, isAttribute: true, capture: false, isRemoved: false, letGo: null }, false)
    }
  }
}

/** The listener is about to be removed: its signal does not keep it, and an event that is being told passes it by. */
function letGo({ [registrationOf]: registration }: EmitterListener): void {
  if (registration === undefined) return
  registration.isRemoved = true
  registration.letGo?.()
}
