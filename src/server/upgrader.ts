import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { HandshakeError, quote, UsageError } from '../errors.ts'
import type { Extension } from '../extensions/extension.ts'
import { hook, hookAtOnce, hookLater, toError } from '../ground/application.ts'
import type { Clock } from '../ground/clock.ts'
import { formatExtensions } from '../handshake/grammar.ts'
import type { RequestHead } from '../handshake/head.ts'
import type { HeadLimits } from '../handshake/head-limits.ts'
import { chooseSubprotocol, type NegotiatedExtension, negotiateExtensions } from '../handshake/negotiation.ts'
import { acceptUpgrade, type UpgradeChoices, type UpgradePlan, validateUpgrade } from '../handshake/server-handshake.ts'
import type { CloseInfo } from '../socket/close-info.ts'
import { Heartbeat } from '../socket/heartbeat.ts'
import type { SessionOptions } from '../socket/session.ts'
import { withPools } from '../socket/shared.ts'
import { Traffic } from '../socket/traffic.ts'
import { listenerTo, listenTo, useTransport, writeTo } from '../socket/transport-listeners.ts'
import { attach, describeError, startReading, transportOf, WebSocket } from '../socket/websocket.ts'
import {
  type Acceptance,
  type Admission,
  acceptanceOf,
  type ConnectionChoices,
  ConnectionCounter,
  checkOrigin,
  NO_CHOICES,
} from './admission.ts'
import { HandshakeRate } from './handshake-rate.ts'
import { Observers } from './observers.ts'
import { OpeningHandshakes } from './opening-handshakes.ts'
import { type CheckedServerOptions, deflateNegotiators, type WebSocketServerOptions } from './options.ts'
import { type Accepted, PendingHandshake, type PendingOwner } from './pending-handshake.ts'
import { draining, refusalFor } from './refusal.ts'
import { addedLines } from './response-lines.ts'
import { ServedConnection, type ServedConnectionOwner } from './served-connection.ts'
import { Tally } from './stats.ts'
import { TlsHandshake, TlsHandshakes } from './tls-handshakes.ts'
import { type AnyRequest, headOf, RawUpgradeRequest } from './upgrade-request.ts'
import { hasClientCertificate, isTcp, takeOver } from './upgrade-transport.ts'
import type { UpgraderHooks } from './upgrader-hooks.ts'
import { askVerifyClient, isSynchronous, refusedClient, verifyClientInfo } from './verify-client.ts'

/** Takes sockets and requests through the opening handshake, RFC 6455 §4.2, and makes connections of them. */
export class Upgrader<Data> implements PendingOwner<Data>, ServedConnectionOwner<Data> {
  readonly clock: Clock
  readonly handshakeTimeout: number
  readonly closeTimeout: number
  readonly headLimits: HeadLimits
  readonly observers: Observers = new Observers()
  readonly textFormat: 'string' | 'buffer'
  readonly withoutListener: 'hold' | 'discard'
  /** Messages so far. */
  readonly traffic: Traffic = new Traffic()
  readonly #options: WebSocketServerOptions<Data>
  readonly #hooks: UpgraderHooks<Data>
  readonly #checked: CheckedServerOptions
  readonly #driverOptions: SessionOptions['driver']
  readonly #tcpDriverOptions: SessionOptions['driver']
  readonly #counter: ConnectionCounter
  readonly #handshakeRate: HandshakeRate | null
  readonly #tally = new Tally()
  readonly #pending: OpeningHandshakes
  readonly #tls = new TlsHandshakes()

  constructor(options: WebSocketServerOptions<Data>, checked: CheckedServerOptions, hooks: UpgraderHooks<Data>) {
    const { socket } = checked
    this.#options = options
    this.#hooks = hooks
    this.#checked = checked
    this.#counter = new ConnectionCounter(checked.maxConnections, checked.maxConnectionsPerAddress, hooks.budget)
    this.#driverOptions = {
      ...socket,
      connection: withPools({ ...socket, role: 'server' } as const),
      heartbeat: new Heartbeat(socket.clock, socket.heartbeat),
      memory: hooks.budget,
      writesAreCopied: false,
    }
    this.#tcpDriverOptions = { ...this.#driverOptions, writesAreCopied: true }
    this.clock = socket.clock
    this.#handshakeRate = checked.handshakeRate === null ? null : new HandshakeRate(checked.handshakeRate, socket.clock)
    this.handshakeTimeout = checked.handshakeTimeout
    this.closeTimeout = socket.closeTimeout
    this.headLimits = checked.headLimits
    this.textFormat = socket.textFormat
    this.withoutListener = socket.withoutListener
    this.#pending = new OpeningHandshakes(socket.clock, checked.maxPendingHandshakes)
  }

  /**
   * Takes a socket, to read the request from it.
   *
   * @param isNew - whether it was accepted in this very tick
   * @throws UsageError when somebody else has it
   */
  acceptSocket(socket: Duplex, accepted: Accepted<Data>, isNew: boolean): void {
    if (this.#isTaken(socket, 'handleSocket', undefined)) return
    this.#begin(new PendingHandshake(this, socket, accepted, undefined, null), isNew)
  }

  /**
   * A TCP connection came to a port with TLS: it counts among the opening handshakes from now on. Of one address there
   * are as many in TLS as it may have connections; behind a proxy the address is not known yet.
   */
  beginTls(socket: Socket): void {
    const handshake = new TlsHandshake(socket, this.clock.now() + this.handshakeTimeout)
    if (!this.#options.trustProxy && this.#tls.from(handshake.address) >= this.#checked.maxConnectionsPerAddress) {
      socket.destroy()
      this.#tally.refused++
      return
    }
    this.#pending.add(handshake)
    this.#tls.add(socket, handshake)
    socket.once('close', () => {
      if (handshake.next !== null) return
      this.#tls.delete(handshake)
      this.#pending.delete(handshake)
      this.#tally.refused++
    })
    this.#pending.dropOldest()
  }

  /** Takes a TLS connection, in the place of the TCP connection below. */
  acceptTls(socket: TLSSocket, accepted: Accepted<Data>): void {
    const below = this.#tls.below(socket)
    const pending = new PendingHandshake(this, socket, accepted, undefined, null, below)
    if (below !== undefined) {
      this.#tls.delete(below)
      below.next = pending
    }
    this.#begin(pending, true)
  }

  /**
   * Takes a request that `node:http` has read.
   *
   * @throws UsageError when somebody else has the socket
   */
  acceptRequest(request: IncomingMessage, socket: Duplex, head: Uint8Array, accepted: Accepted<Data>): void {
    if (this.#isTaken(socket, 'handleUpgrade', request)) return
    const requestHead = headOf(request)
    const pending = new PendingHandshake(this, socket, accepted, request, head)
    this.#begin(pending, false)
    if (pending.isOpen) this.#decide(pending, requestHead, request)
  }

  /** Handshakes and ends so far. */
  get tally(): Readonly<Tally> {
    return this.#tally
  }

  /** Opening handshakes under way. */
  get pendingHandshakes(): number {
    return this.#pending.size
  }

  /** Refuses every handshake that is under way. */
  refuseAll(): void {
    this.#pending.refuseAll(draining())
  }

  /** Called by a pending handshake. */
  headReceived(pending: PendingHandshake<Data>, head: RequestHead, text: string): void {
    const request = new RawUpgradeRequest(head, text, pending.socket)
    pending.request = request
    this.#decide(pending, head, request)
  }

  /** Called by a pending handshake. */
  lingers(pending: PendingHandshake<Data>): void {
    this.#pending.lingers(pending)
  }

  /** Called by a pending handshake. */
  left(pending: PendingHandshake<Data>): void {
    this.#pending.left(pending)
  }

  /** Called by a pending handshake. */
  handshakeOver(pending: PendingHandshake<Data>, error: Error | null): void {
    this.#pending.delete(pending.place)
    if (error === null) return
    this.#tally.refused++
    const isOurs = error instanceof HandshakeError && error.httpStatus === 500
    this.#hooks.onError(error, isOurs, undefined, pending.request)
  }

  /** Called by a connection. */
  connectionFailed({ ws, request }: ServedConnection<Data>, error: Error, isUnseen: boolean): void {
    ws[describeError](error)
    this.#hooks.onError(error, isUnseen, ws, request)
  }

  /** Called by a connection. */
  connectionClosed({ ws, remoteAddress }: ServedConnection<Data>, info: CloseInfo): void {
    this.#counter.remove(remoteAddress)
    this.#tally.closed(info)
    this.#hooks.onClosed(ws)
  }

  /**
   * Whether a server, this one or another, has had the socket already.
   *
   * @returns true when it was refused, so that there is nothing left to answer
   * @throws UsageError when it is another handshake's or a connection's: two would read and answer the same bytes
   */
  #isTaken(socket: Duplex, method: string, request: IncomingMessage | undefined): boolean {
    const owner = listenerTo(socket)
    if (owner === undefined) return false
    if (!(owner instanceof PendingHandshake && owner.isOver)) {
      throw new UsageError(`${method}: the socket was given to a WebSocketServer before; one socket is for one server`)
    }
    this.#tally.refused++
    this.#hooks.onError(new HandshakeError('6455-4.2.1-1', 400, `${method}: refused before`), false, undefined, request)
    return true
  }

  #begin(pending: PendingHandshake<Data>, isNew: boolean): void {
    const { socket } = pending
    this.#pending.add(pending.place)
    listenTo(socket, pending, isTcp(socket), isNew)
    pending.checkTransport()
    if (!pending.isOpen) return
    if (this.#hooks.isDraining()) pending.refuse(draining())
    else this.#pending.dropOldest()
  }

  #decide(pending: PendingHandshake<Data>, head: RequestHead, request: AnyRequest): void {
    let plan: UpgradePlan
    try {
      plan = validateUpgrade(head)
    } catch (error) {
      this.#refuseMalformed(pending, error as HandshakeError, request)
      return
    }
    const { authorize, verifyClient } = this.#options
    try {
      if (!hookAtOnce('shouldHandle()', this.#hooks.shouldHandle, request)) {
        // @req 6455-4.2.2-8
        throw new HandshakeError('6455-4.2.2-8', 404, `nothing is served at ${quote(plan.path)}`)
      }
      const address = this.#addressOf(pending.socket, plan)
      this.#handshakeRate?.count(address)
      checkOrigin(plan, this.#options.origins ?? 'same-origin', () => hasClientCertificate(pending.socket))
      this.#counter.check(address)
      if (authorize === undefined && verifyClient !== undefined && isSynchronous(verifyClient)) {
        const info = verifyClientInfo(request, plan.origin, pending.socket)
        if (!hookAtOnce('the option verifyClient', verifyClient, info)) throw refusedClient()
      }
    } catch (error) {
      this.#refuse(pending, error)
      return
    }
    if (authorize === undefined && (verifyClient === undefined || isSynchronous(verifyClient))) {
      this.#accept(pending, plan, request, undefined as Data, NO_CHOICES)
    } else this.#authorize(pending, plan, request)
  }

  /** What is no opening handshake may be answered by the application instead. */
  #refuseMalformed(pending: PendingHandshake<Data>, error: HandshakeError, request: AnyRequest): void {
    let isTaken = false
    try {
      isTaken = this.#hooks.clientError(error, pending.socket, request)
    } catch (thrown) {
      // Whoever wanted to answer will not: the peer gets the answer that it would have had without.
      this.#hooks.onError(toError(thrown), true, undefined, request)
    }
    if (isTaken) {
      pending.socket.on('error', () => {})
      pending.giveUp()
    } else this.#refuse(pending, error)
  }

  #refuse(pending: PendingHandshake<Data>, error: unknown): void {
    pending.refuse(refusalFor(error, this.#hooks.refusal))
  }

  /** Asks the application. What it settles after the handshake is over is ignored. */
  async #authorize(pending: PendingHandshake<Data>, plan: UpgradePlan, request: AnyRequest): Promise<void> {
    const { authorize, verifyClient } = this.#options
    let accepted: Acceptance<Data>
    try {
      if (verifyClient !== undefined) {
        const rejection = await askVerifyClient(verifyClient, verifyClientInfo(request, plan.origin, pending.socket))
        if (rejection !== null) throw rejection
      }
      if (!pending.isOpen) return
      const admission: Admission<Data> =
        authorize === undefined
          ? (undefined as Data)
          : await hookLater('the option authorize', authorize, request, { signal: pending.signal })
      accepted = acceptanceOf(admission)
    } catch (error) {
      if (pending.isOpen) this.#refuse(pending, error)
      return
    }
    if (pending.isOpen) this.#accept(pending, plan, request, accepted.data, accepted.choices)
  }

  #accept(
    pending: PendingHandshake<Data>,
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
    const address = this.#addressOf(socket, plan)
    let subprotocol: string | undefined
    let extensions: readonly NegotiatedExtension<Extension>[]
    let response: Uint8Array
    let ws: WebSocket<Data>
    try {
      // Time may have passed in `authorize`.
      this.#counter.check(address)
      subprotocol = this.#chooseSubprotocol(plan, request)
      extensions = this.#chooseExtensions(plan, choices)
      // @req 6455-4.2.2-1
      response = this.#respond(plan, { subprotocol, extensions }, request)
      ws = this.#makeSocket()
    } catch (error) {
      this.#refuse(pending, error)
      return
    }
    try {
      writeTo(socket, response)
    } catch (thrown) {
      pending.drop(toError(thrown))
      return
    }
    const head = pending.release()
    useTransport(socket, () => takeOver(socket))
    this.#counter.add(address)
    this.#tally.accepted++
    const served = new ServedConnection(this, {
      ws,
      request,
      socket,
      driver: withExtensions(isTcp(socket) ? this.#tcpDriverOptions : this.#driverOptions, extensions),
      protocol: subprotocol ?? '',
      extensions: extensions.length > 0 ? formatExtensions(extensions) : '',
      data,
      remoteAddress: address,
    })
    attach(ws, served)
    pending.accepted(ws, request)
    if (request instanceof RawUpgradeRequest) request.pack()
    startReading(ws, head)
  }

  #respond(plan: UpgradePlan, choices: UpgradeChoices, request: AnyRequest): Uint8Array {
    const response = acceptUpgrade(plan, choices)
    const edit = this.#hooks.editLines(request)
    return edit === null ? response : acceptUpgrade(plan, { ...choices, fields: addedLines(response, edit) })
  }

  #makeSocket(): WebSocket<Data> {
    const SocketClass = this.#options.WebSocket
    if (SocketClass === undefined) return new WebSocket<Data>(null)
    const ws = hook('the option WebSocket', () => new SocketClass(null, undefined, this.#options))
    // What is none of ours throws here, while the peer can still be told.
    if (transportOf(ws) === undefined) return ws
    throw new UsageError('the class of the option WebSocket gave a WebSocket that has a connection')
  }

  #addressOf(socket: Duplex, { head }: UpgradePlan): string | undefined {
    return this.#checked.addressOf((socket as Partial<Socket>).remoteAddress, (name) => head.fields.get(name))
  }

  #chooseSubprotocol(plan: UpgradePlan, request: AnyRequest): string | undefined {
    const { handleProtocols, subprotocols } = this.#options
    // @req 6455-4.2.2-9 @req 6455-4.2.2-10
    if (plan.subprotocols.length === 0) return undefined
    if (handleProtocols !== undefined) {
      return hookAtOnce('the option handleProtocols', handleProtocols, new Set(plan.subprotocols), request) || undefined
    }
    return subprotocols === undefined ? undefined : chooseSubprotocol(plan.subprotocols, subprotocols)
  }

  #chooseExtensions(plan: UpgradePlan, choices: ConnectionChoices): readonly NegotiatedExtension<Extension>[] {
    const { perMessageDeflate } = choices
    const negotiators =
      perMessageDeflate === undefined ? this.#checked.extensions : deflateNegotiators(perMessageDeflate)
    return plan.extensionOffers.length === 0 ? [] : negotiateExtensions(plan.extensionOffers, negotiators)
  }
}

/** At most one extension owns RSV1, so at most one changes messages. */
function withExtensions(
  options: SessionOptions['driver'],
  extensions: readonly NegotiatedExtension<Extension>[],
): SessionOptions['driver'] {
  if (extensions.length === 0) return options
  return { ...options, connection: withPools({ ...options.connection, extension: extensions[0]!.config }) }
}
