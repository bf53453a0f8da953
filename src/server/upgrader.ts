import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { HandshakeError, UsageError } from '../errors.ts'
import type { Extension } from '../extensions/extension.ts'
import { formatExtensions } from '../handshake/grammar.ts'
import type { RequestHead } from '../handshake/head.ts'
import { chooseSubprotocol, type NegotiatedExtension, negotiateExtensions } from '../handshake/negotiation.ts'
import { requestHeadFrom } from '../handshake/request.ts'
import { acceptUpgrade, type UpgradePlan, validateUpgrade } from '../handshake/server-handshake.ts'
import { Heartbeat } from '../socket/heartbeat.ts'
import { slabPool } from '../socket/shared.ts'
import type { DriverOptions } from '../socket/socket-driver.ts'
import { attach, startReading, WebSocket } from '../socket/websocket.ts'
import {
  Acceptance,
  type Admission,
  type ConnectionChoices,
  ConnectionCounter,
  checkOrigin,
  Rejection,
} from './admission.ts'
import { type CheckedServerOptions, deflateNegotiators, type WebSocketServerOptions } from './options.ts'
import { PendingHandshake, type PendingOptions } from './pending-handshake.ts'
import { RawUpgradeRequest, type UpgradeRequest } from './upgrade-request.ts'

/** The request behind a connection: ours, or the one `node:http` made. */
export type AnyRequest = UpgradeRequest | IncomingMessage

/** Takes a connection; reading begins when it returns. */
export type Accepted<Data> = (ws: WebSocket<Data>, request: AnyRequest) => void

/** What the {@link Upgrader} tells the server. */
export interface UpgraderHooks<Data> {
  /** Whether new connections are refused with 503. */
  readonly isDraining: () => boolean
  /** A connection is over. */
  readonly onClosed: (ws: WebSocket<Data>) => void
  /**
   * Something went wrong with one handshake or connection. `isUnseen`: it is the application's own fault and nobody
   * listened to it.
   */
  readonly onError: (
    error: Error,
    isUnseen: boolean,
    ws: WebSocket<Data> | undefined,
    request: AnyRequest | undefined,
  ) => void
}

const NO_CHOICES: ConnectionChoices = {}

/** Takes sockets and requests through the opening handshake, RFC 6455 §4.2, and makes connections of them. */
export class Upgrader<Data> {
  readonly #options: WebSocketServerOptions<Data>
  readonly #hooks: UpgraderHooks<Data>
  readonly #checked: CheckedServerOptions
  readonly #driverOptions: DriverOptions
  readonly #tcpDriverOptions: DriverOptions
  readonly #pendingOptions: PendingOptions
  readonly #counter: ConnectionCounter
  readonly #pending: Map<PendingHandshake, { accepted: Accepted<Data>; request: AnyRequest | undefined }> = new Map()
  /** Sockets that came through `acceptRequest`, so that a second handshake on one is noticed. */
  readonly #seen: WeakSet<Duplex> = new WeakSet()

  constructor(options: WebSocketServerOptions<Data>, checked: CheckedServerOptions, hooks: UpgraderHooks<Data>) {
    const { socket } = checked
    this.#options = options
    this.#hooks = hooks
    this.#checked = checked
    this.#counter = new ConnectionCounter(checked.maxConnections, checked.maxConnectionsPerAddress)
    this.#driverOptions = {
      ...socket,
      connection: { ...socket, role: 'server', slabPool },
      heartbeat: new Heartbeat(socket.clock, socket.heartbeat),
      writesAreCopied: false,
    }
    this.#tcpDriverOptions = { ...this.#driverOptions, writesAreCopied: true }
    this.#pendingOptions = {
      clock: socket.clock,
      handshakeTimeout: checked.handshakeTimeout,
      closeTimeout: socket.closeTimeout,
      headLimits: checked.headLimits,
      onHead: (pending, head) => this.#receiveHead(pending, head),
      onDone: (pending, error) => this.#done(pending, error),
    }
  }

  /** Takes a socket on which nothing was read yet. */
  acceptSocket(socket: Duplex, accepted: Accepted<Data>): void {
    this.#begin(socket, null, accepted, undefined)
  }

  /**
   * Takes a request that `node:http` has read.
   *
   * @throws UsageError when the socket was taken before
   */
  acceptRequest(request: IncomingMessage, socket: Duplex, head: Uint8Array, accepted: Accepted<Data>): void {
    if (this.#seen.has(socket)) throw new UsageError('handleUpgrade was called twice for one socket')
    const requestHead = requestHeadFrom(request)
    this.#seen.add(socket)
    const pending = this.#begin(socket, head, accepted, request)
    if (pending.isOpen) this.#decide(pending, requestHead, request)
  }

  /** Refuses every handshake that is under way. */
  refuseAll(): void {
    for (const pending of [...this.#pending.keys()]) pending.refuse(draining())
  }

  #begin(
    socket: Duplex,
    head: Uint8Array | null,
    accepted: Accepted<Data>,
    request: AnyRequest | undefined,
  ): PendingHandshake {
    const pending = new PendingHandshake(socket, this.#pendingOptions, head)
    this.#pending.set(pending, { accepted, request })
    if (this.#hooks.isDraining()) pending.refuse(draining())
    else if (this.#pending.size > this.#checked.maxPendingHandshakes) {
      const [oldest] = this.#pending.keys()
      oldest!.drop(new HandshakeError('6455-10.4-1', 503, 'too many opening handshakes are under way'))
    }
    return pending
  }

  #receiveHead(pending: PendingHandshake, head: RequestHead): void {
    const request = new RawUpgradeRequest(head, pending.socket)
    this.#pending.get(pending)!.request = request
    this.#decide(pending, head, request)
  }

  #decide(pending: PendingHandshake, head: RequestHead, request: AnyRequest): void {
    let plan: UpgradePlan
    try {
      plan = validateUpgrade(head, { path: this.#options.path })
      checkOrigin(plan, this.#options.origins ?? 'same-origin')
      this.#counter.check(addressOf(pending.socket))
    } catch (error) {
      pending.refuse(error as HandshakeError)
      return
    }
    const { authorize } = this.#options
    if (authorize === undefined) this.#accept(pending, plan, request, undefined as Data, NO_CHOICES)
    else this.#authorize(pending, plan, request)
  }

  /** Asks the application. What it settles after the handshake is over is ignored. */
  async #authorize(pending: PendingHandshake, plan: UpgradePlan, request: AnyRequest): Promise<void> {
    let admission: Admission<Data>
    try {
      admission = await this.#options.authorize!(request, { signal: pending.signal })
    } catch (error) {
      if (!pending.isOpen) return
      pending.refuse(applicationFault(error))
      return
    }
    if (!pending.isOpen) return
    if (admission instanceof Rejection) pending.refuse(admission)
    else if (admission instanceof Acceptance) this.#accept(pending, plan, request, admission.data, admission.choices)
    else this.#accept(pending, plan, request, admission, NO_CHOICES)
  }

  #accept(
    pending: PendingHandshake,
    plan: UpgradePlan,
    request: AnyRequest,
    data: Data,
    choices: ConnectionChoices,
  ): void {
    const { socket } = pending
    if (!socket.writable) {
      pending.drop(new Error('the transport was gone before the opening handshake was done'))
      return
    }
    const { accepted } = this.#pending.get(pending)!
    const address = addressOf(socket)
    let subprotocol: string | undefined
    let extensions: readonly NegotiatedExtension<Extension>[]
    let response: Uint8Array
    try {
      // Time may have passed in `authorize`.
      this.#counter.check(address)
      subprotocol = this.#chooseSubprotocol(plan, request)
      extensions = this.#chooseExtensions(plan, choices)
      // @req 6455-4.2.2-1
      response = acceptUpgrade(plan, { subprotocol, extensions })
    } catch (error) {
      pending.refuse(error instanceof HandshakeError ? error : applicationFault(error))
      return
    }
    const head = pending.release()
    socket.write(response)
    const ws = new WebSocket<Data>(null)
    this.#counter.add(address)
    attach(ws, {
      socket,
      driver: withExtensions(isTcp(socket) ? this.#tcpDriverOptions : this.#driverOptions, extensions),
      textFormat: this.#checked.socket.textFormat,
      protocol: subprotocol ?? '',
      extensions: extensions.length > 0 ? formatExtensions(extensions) : '',
      data,
      remoteAddress: address,
      onError: (error, isUnseen) => this.#hooks.onError(error, isUnseen, ws, request),
      onClosed: () => {
        this.#counter.remove(address)
        this.#hooks.onClosed(ws)
      },
    })
    accepted(ws, request)
    startReading(ws, head)
  }

  #chooseSubprotocol(plan: UpgradePlan, request: AnyRequest): string | undefined {
    const { handleProtocols, subprotocols } = this.#options
    // @req 6455-4.2.2-9 @req 6455-4.2.2-10
    if (plan.subprotocols.length === 0) return undefined
    if (handleProtocols !== undefined) return handleProtocols(new Set(plan.subprotocols), request) || undefined
    return subprotocols === undefined ? undefined : chooseSubprotocol(plan.subprotocols, subprotocols)
  }

  #chooseExtensions(plan: UpgradePlan, choices: ConnectionChoices): readonly NegotiatedExtension<Extension>[] {
    const { perMessageDeflate } = choices
    const negotiators =
      perMessageDeflate === undefined ? this.#checked.extensions : deflateNegotiators(perMessageDeflate)
    return plan.extensionOffers.length === 0 ? [] : negotiateExtensions(plan.extensionOffers, negotiators)
  }

  #done(pending: PendingHandshake, error: Error | null): void {
    const entry = this.#pending.get(pending)
    this.#pending.delete(pending)
    if (error === null) return
    this.#hooks.onError(error, error instanceof HandshakeError && error.httpStatus === 500, undefined, entry?.request)
  }
}

/** At most one extension owns RSV1, so at most one changes messages. */
function withExtensions(options: DriverOptions, extensions: readonly NegotiatedExtension<Extension>[]): DriverOptions {
  const [first] = extensions
  if (first === undefined) return options
  return { ...options, connection: { ...options.connection, extension: first.config } }
}

function draining(): HandshakeError {
  return new HandshakeError('6455-7.2.2-1', 503, 'the server shuts down')
}

function applicationFault(cause: unknown): HandshakeError {
  const error = new HandshakeError('6455-4.2.2-3', 500, 'the application could not decide')
  error.cause = cause
  return error
}

function addressOf(socket: Duplex): string | undefined {
  return (socket as Partial<Socket>).remoteAddress
}

/** On a plain TCP or Unix socket a write that has completed was copied by the system. */
function isTcp(socket: Duplex): boolean {
  return socket instanceof Socket && !(socket instanceof TLSSocket)
}
