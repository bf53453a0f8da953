import type { Duplex } from 'node:stream'
import { adoptTransport } from '../client/dialler.ts'
import type { ClientOptions } from '../socket/client-options.ts'
import { unknownOption } from '../socket/payload.ts'
import { WebSocket as Base, describeError, transportOf } from '../socket/websocket.ts'
import { describeAsWs } from './error-codes.ts'
import { clientPreset } from './presets.ts'
import { Sender } from './sender.ts'
import { warnOnce } from './unknown-options.ts'

/** `WebSocket` with the defaults of `ws`: text arrives as a Buffer, and a message may have 100 MiB. */
export class WebSocket<Data = unknown> extends Base<Data> {
  /** @internal */
  _isServer: boolean
  #sender: Sender | null = null

  /** As the class it extends; in `options` null stands for the default. */
  constructor(
    address: string | URL | null,
    protocols?: string | readonly string[] | ClientOptions | null,
    options?: ClientOptions,
  ) {
    const hasList = typeof protocols === 'string' || Array.isArray(protocols)
    const given = hasList || protocols === null || protocols === undefined ? options : (protocols as ClientOptions)
    super(address, hasList ? (protocols as string | string[]) : [], address === null ? {} : clientPreset(given ?? {}))
    this._isServer = address === null
  }

  /** The transport. Frameworks look at its addresses and its buffer. @internal */
  get _socket(): Duplex | null {
    return transportOf(this) ?? null
  }

  /** Where adapters write frames that they made once for many. @internal */
  get _sender(): Sender {
    this.#sender ??= new Sender(this)
    return this.#sender
  }

  /** Makes a client's connection of a transport whose opening handshake is done; test helpers do so. @internal */
  setSocket(socket: Duplex, head: Uint8Array, options: ClientOptions): void {
    adoptTransport(this, socket, head, clientPreset(options))
  }

  /** `mask` is an option of `ws`, and the role decides. */
  override [unknownOption](name: string, message: string): void {
    if (name !== 'mask') warnOnce(message)
  }

  override [describeError](error: Error): void {
    describeAsWs(error)
  }
}
