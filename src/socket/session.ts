/*
 * What stands between the driver, which speaks in bytes, and the `WebSocket` object, whose listeners belong to the
 * application. Here a handler that throws ends its own connection and nothing else, an `error` that nobody listens to
 * crashes nothing, and a message that comes before its listener waits for it.
 */
import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import { ProtocolError } from '../errors.ts'
import { decodeUtf8 } from '../frames/bytes.ts'
import { StatusCode } from '../frames/status-code.ts'
import type { Violation } from '../frames/violation.ts'
import { CloseCause, type CloseInfo } from './close-info.ts'
import type { MessageData, WebSocketEvents } from './events.ts'
import { toBuffer } from './payload.ts'
import { type DriverEvents, type DriverOptions, SocketDriver } from './socket-driver.ts'

/** How a server or a client sets up a connection whose opening handshake is done. */
export interface SessionOptions {
  readonly socket: Duplex
  readonly driver: DriverOptions
  readonly textFormat: 'string' | 'buffer'
  /** Told of every error. `isUnseen`: it is the application's own and nobody listened to it. */
  readonly onError: (error: Error, isUnseen: boolean) => void
  /** Told when everything is over, before the application is. */
  readonly onClosed: (info: CloseInfo) => void
}

/** RFC 6455 §7.4.1: what the peer is told when the application fails; the cause stays on our side. */
const applicationFailed: Violation = Object.freeze({
  id: '6455-7.4.1-8',
  statusCode: StatusCode.InternalError,
  message: 'the application failed',
})

interface HeldMessage {
  readonly data: MessageData
  readonly isBinary: boolean
}

/** One connection between its driver and its listeners. */
export class Session implements DriverEvents {
  readonly driver: SocketDriver
  binaryType: 'nodebuffer' | 'arraybuffer' = 'nodebuffer'
  readonly #emitter: EventEmitter<WebSocketEvents>
  readonly #options: SessionOptions
  #isPaused = false
  /** Messages that arrived before anybody listened; reading waits behind them. */
  #held: HeldMessage[] | null = null
  #closeInfo: CloseInfo | null = null
  #resolveClosed: ((info: CloseInfo) => void) | null = null
  #closed: Promise<CloseInfo> | null = null

  constructor(emitter: EventEmitter<WebSocketEvents>, options: SessionOptions) {
    this.#emitter = emitter
    this.#options = options
    this.driver = new SocketDriver(options.socket, this, options.driver)
  }

  /** Whether `pause` is in force. */
  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Resolves when everything is over; never rejects. */
  get closed(): Promise<CloseInfo> {
    if (this.#closeInfo !== null) return Promise.resolve(this.#closeInfo)
    this.#closed ??= new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    return this.#closed
  }

  pause(): void {
    this.#isPaused = true
    this.driver.pause()
  }

  resume(): void {
    this.#isPaused = false
    if (this.#held === null) this.driver.resume()
    else this.consumerAttached()
  }

  /** A listener for messages was added, or is about to be. */
  consumerAttached(): void {
    if (this.#held !== null) process.nextTick(() => this.#deliverHeld())
  }

  /** A handler of the application threw or rejected. @param event - whose handler, when that is known */
  handlerFailed(error: unknown, event?: string): void {
    // @req 6455-7.4.1-8
    this.driver.fail(applicationFailed, CloseCause.HandlerError)
    // A handler of `error` that fails is not asked again.
    if (event === 'error') this.#options.onError(toError(error), true)
    else this.#report(toError(error), true)
  }

  message(isBinary: boolean, bytes: Uint8Array, start: number, end: number, owned: boolean): void {
    this.#deliver(this.#toData(isBinary, bytes, start, end, owned), isBinary)
  }

  ping(bytes: Uint8Array, start: number, end: number): void {
    this.#control('ping', bytes, start, end)
  }

  pong(bytes: Uint8Array, start: number, end: number): void {
    this.#control('pong', bytes, start, end)
  }

  closeReceived(): void {}

  failed(violation: Violation): void {
    if (violation !== applicationFailed) {
      this.#report(new ProtocolError(violation.id, violation.statusCode, violation.message))
    }
  }

  drained(): void {
    this.#guard(() => this.#emitter.emit('drain'))
  }

  transportFailed(error: Error): void {
    this.#report(error)
  }

  ended(info: CloseInfo): void {
    this.#closeInfo = info
    this.#options.onClosed(info)
    this.#guard(() => this.#emitter.emit('close', info.code, Buffer.from(info.reason)))
    this.#resolveClosed?.(info)
  }

  #toData(isBinary: boolean, bytes: Uint8Array, start: number, end: number, owned: boolean): MessageData {
    if (!isBinary && this.#options.textFormat === 'string') return decodeUtf8(bytes, start, end)
    if (isBinary && this.binaryType === 'arraybuffer') return new Uint8Array(bytes.subarray(start, end)).buffer
    return toBuffer(bytes, start, end, owned)
  }

  #deliver(data: MessageData, isBinary: boolean): void {
    if (this.#held === null && this.#emit(data, isBinary)) return
    this.#held ??= []
    this.#held.push({ data, isBinary })
    this.driver.pause()
  }

  /** @returns whether somebody listened */
  #emit(data: MessageData, isBinary: boolean): boolean {
    try {
      return this.#emitter.emit('message', data, isBinary)
    } catch (error) {
      this.handlerFailed(error)
      return true
    }
  }

  #deliverHeld(): void {
    const held = this.#held
    if (held === null) return
    let i = 0
    while (i < held.length && !this.#isPaused && this.#emit(held[i]!.data, held[i]!.isBinary)) i++
    held.splice(0, i)
    if (held.length > 0) return
    this.#held = null
    if (!this.#isPaused) this.driver.resume()
  }

  #control(event: 'ping' | 'pong', bytes: Uint8Array, start: number, end: number): void {
    if (this.#emitter.listenerCount(event) === 0) return
    const data = toBuffer(bytes, start, end, false)
    this.#guard(() => this.#emitter.emit(event, data))
  }

  #report(error: Error, isOurs = false): void {
    const isHandled = this.#emitter.listenerCount('error') > 0
    this.#options.onError(error, isOurs && !isHandled)
    if (!isHandled) return
    try {
      this.#emitter.emit('error', error)
    } catch (second) {
      // The connection is ending already; the handler's own fault must still be seen.
      this.#options.onError(toError(second), true)
    }
  }

  #guard(emit: () => void): void {
    try {
      emit()
    } catch (error) {
      this.handlerFailed(error)
    }
  }
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`a handler threw ${String(thrown)}`)
}
