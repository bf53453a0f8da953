/*
 * One opening handshake of a client, RFC 6455 §4.1: from a URL to an OPEN connection, or to `error` and `close`.
 *
 * Theory of operation
 * -------------------
 * An attempt connects, sends the request, and reads heads until one is final: interim responses are skipped. Its end is
 * a connection (`#open`), the next attempt (`#redirect`), a response that the application takes over (`#handOver`) or a
 * failure (`#fail`). Failures are told in a later tick, so that whoever calls `new WebSocket` has time to listen.
 *
 * Rules for editors
 * 1. A socket has an `error` listener until its `close`, also after it was let go.
 * 2. An application's listener may end everything: look at `#state` after each event.
 */
import type { Duplex } from 'node:stream'
import { HandshakeError, WebSocketError } from '../errors.ts'
import type { Extension } from '../extensions/extension.ts'
import { StatusCode } from '../frames/status-code.ts'
import { emit, emitHook, hookLater, sourceOf, thrownBy, toError } from '../ground/application.ts'
import { Deadline } from '../ground/deadline.ts'
import { nextTick } from '../ground/scheduling.ts'
import { confirmUpgrade, type UpgradeRequest, type UpgradeResult } from '../handshake/client-handshake.ts'
import type { ResponseHead } from '../handshake/head.ts'
import { ResponseHeadReader } from '../handshake/head-reader.ts'
import { ReadyState } from '../protocol/state.ts'
import { CloseCause, type CloseInfo } from '../socket/close-info.ts'
import type { Opening } from '../socket/opening.ts'
import type { WebSocket } from '../socket/websocket.ts'
import { attachClient, beginClient, reportError } from './attach-client.ts'
import { connectTo, type Transport, whenReady } from './connect.ts'
import { ClientRequest } from './opening-request.ts'
import { ServerResponse } from './opening-response.ts'
import type { CheckedClientOptions } from './options.ts'
import { redirectTarget } from './redirect.ts'
import { type FieldPairs, fieldsForRedirect } from './request-fields.ts'
import type { TargetUrl } from './target-url.ts'

const NO_BYTES = new Uint8Array(0)

const State = { Connecting: 0, HandedOver: 1, Open: 2, Failing: 3, Failed: 4 } as const

/** One opening handshake, redirects included. */
export class Dial<Data> implements Opening {
  readonly #ws: WebSocket<Data>
  readonly #options: CheckedClientOptions
  readonly #subprotocols: readonly string[]
  #target: TargetUrl
  #state: number = State.Connecting
  #redirects = 0
  #fields: FieldPairs
  /** Whether the request goes to the place that the application named; its Host and credentials are for nobody else. */
  #isFirstPlace = true
  #request: ClientRequest
  #transport: Transport
  #sent: UpgradeRequest<Extension> | null = null
  #reader = new ResponseHeadReader()
  readonly #deadline: Deadline
  #closeInfo: CloseInfo | null = null
  #closed: Promise<CloseInfo> | null = null
  #resolveClosed: ((info: CloseInfo | Promise<CloseInfo>) => void) | null = null

  /** @throws UsageError when the request cannot be made, or by `createConnection` */
  constructor(ws: WebSocket<Data>, target: TargetUrl, subprotocols: readonly string[], options: CheckedClientOptions) {
    this.#ws = ws
    this.#options = options
    this.#subprotocols = subprotocols
    this.#target = target
    this.#fields = options.fields
    this.#request = this.#makeRequest()
    // What is wrong with the request is the caller's fault, and thrown before anything is opened.
    this.#request.build()
    this.#transport = this.#connect()
    this.#deadline = new Deadline(options.socket.clock, options.handshakeTimeout, () => {
      this.#fail(new HandshakeError('6455-4.1-4', 504, 'the opening handshake has timed out'))
    })
    this.#begin()
  }

  get url(): string {
    return this.#target.href
  }

  get readyState(): ReadyState {
    if (this.#state === State.Failed) return ReadyState.CLOSED
    return this.#state === State.Failing ? ReadyState.CLOSING : ReadyState.CONNECTING
  }

  get closed(): Promise<CloseInfo> {
    if (this.#closeInfo !== null) return Promise.resolve(this.#closeInfo)
    this.#closed ??= new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    return this.#closed
  }

  abort(error?: Error): void {
    this.#fail(error ?? new WebSocketError('ERR_ABORTED', 'WebSocket was closed before the connection was established'))
  }

  // An attempt --------------------------------------------------------------------------------------------------------

  #makeRequest(): ClientRequest {
    const { host, origin, auth } = this.#options.given
    return new ClientRequest(
      {
        target: this.#target,
        fields: this.#fields,
        host: this.#isFirstPlace ? host : undefined,
        origin,
        auth: this.#target.auth ?? (this.#isFirstPlace ? auth : undefined),
        subprotocols: this.#subprotocols,
        extensions: this.#options.extensions,
      },
      () => whenReady(this.#transport.socket, () => this.#send()),
      (error) => this.abort(error),
    )
  }

  #connect(): Transport {
    const transport = connectTo(this.#target, this.#options)
    const { socket } = transport
    socket.on('error', this.#onError)
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('close', this.#onEnd)
    // Of `createConnection` comes what its maker wants, also what is over.
    if (socket.destroyed || socket.readableEnded) nextTick(this.#onEnd)
    return transport
  }

  /** Lets the application see the request, in a later tick than `new WebSocket`, and sends it. */
  #begin(): void {
    const { finishRequest } = this.#options.given
    if (finishRequest === undefined) {
      this.#request.end()
      return
    }
    // It may be asynchronous: the request is sent when it says so.
    hookLater('the option finishRequest', finishRequest, this.#request, this.#ws).catch((error: Error) =>
      this.#fail(error),
    )
  }

  #send(): void {
    const { socket } = this.#transport
    if (this.#state !== State.Connecting || socket.destroyed) return
    try {
      this.#sent = this.#request.build()
    } catch (error) {
      this.#fail(toError(error))
      return
    }
    // @req 6455-4.1-18 @req 6455-4.1-37
    socket.write(this.#sent.octets)
  }

  #onData = (chunk: Uint8Array): void => {
    let bytes = chunk
    try {
      for (;;) {
        const head = this.#reader.receive(bytes)
        if (head === null) return
        bytes = this.#reader.takeLeftover()
        // RFC 9110 §15.2: any number of interim responses may come before the final one.
        if (head.status === 101 || head.status >= 200) {
          this.#receiveHead(head, bytes)
          return
        }
        this.#reader = new ResponseHeadReader()
        if (bytes.length === 0) return
      }
    } catch (error) {
      this.#fail(toError(error))
    }
  }

  #onEnd = (): void => {
    // @req 6455-7.2.1-2
    this.#fail(new HandshakeError('6455-4.1-38', 502, 'the server ended the connection before it answered'))
  }

  #onError = (error: Error): void => {
    // @req 6455-4.1-13 @req 6455-4.1-15
    if (this.#state === State.Connecting) this.#fail(withMessage(toError(error)))
  }

  /** Takes our listeners off, all but the one for errors. */
  #letGo(): Duplex {
    const { socket } = this.#transport
    socket.off('data', this.#onData)
    socket.off('end', this.#onEnd)
    socket.off('close', this.#onEnd)
    return socket
  }

  // The answer --------------------------------------------------------------------------------------------------------

  #receiveHead(head: ResponseHead, rest: Uint8Array): void {
    const { followRedirects } = this.#options
    const location = head.fields.get('location')
    const isRedirect = head.status >= 300 && head.status < 400 && location !== undefined
    if (head.status === 101) this.#confirm(head, rest)
    else if (followRedirects && isRedirect) this.#redirect(location)
    else if (this.#ws.listenerCount('unexpected-response') > 0) this.#handOver(head, rest)
    else this.#refuse(head)
  }

  #refuse(head: ResponseHead): void {
    confirmUpgrade(this.#sentRequest(), head)
  }

  #confirm(head: ResponseHead, rest: Uint8Array): void {
    const socket = this.#letGo()
    if (this.#ws.listenerCount('upgrade') > 0) emitHook(this.#ws, 'upgrade', new ServerResponse(head, socket))
    if (this.#state !== State.Connecting) return
    const result = confirmUpgrade(this.#sentRequest(), head)
    // As browsers do: whoever offers subprotocols cannot go on without one.
    if (this.#subprotocols.length > 0 && result.subprotocol === undefined) {
      throw new HandshakeError(
        '6455-4.1-44',
        head.status,
        'the server chose none of the subprotocols that were offered',
      )
    }
    this.#open(socket, result, rest)
  }

  #sentRequest(): UpgradeRequest<Extension> {
    if (this.#sent === null) throw new HandshakeError('6455-4.1-38', 502, 'the server answered before it was asked')
    return this.#sent
  }

  #open(socket: Duplex, result: UpgradeResult<Extension>, rest: Uint8Array): void {
    const isPlain = this.#transport.isPlain
    const protocol = result.subprotocol ?? ''
    attachClient(this.#ws, { socket, isPlain, protocol, extensions: result.extensions, options: this.#options })
    this.#state = State.Open
    this.#deadline.cancel()
    this.#resolveClosed?.(this.#ws.closed)
    beginClient(this.#ws, rest)
    socket.off('error', this.#onError)
  }

  #handOver(head: ResponseHead, rest: Uint8Array): void {
    this.#state = State.HandedOver
    this.#deadline.cancel()
    const socket = this.#letGo()
    socket.on('close', () => {
      if (this.#state === State.HandedOver) this.#end(null)
    })
    const response = new ServerResponse(head, socket)
    emitHook(this.#ws, 'unexpected-response', this.#request, response)
    response.readBody(head, rest)
  }

  #redirect(location: string): void {
    if (++this.#redirects > this.#options.maxRedirects) {
      throw new HandshakeError('6455-4.1-38', 502, `more than ${this.#options.maxRedirects} redirects`)
    }
    const to = redirectTarget(this.#target, location)
    const keepsPlace =
      to.host === this.#target.host && to.port === this.#target.port && to.secure === this.#target.secure
    if (!keepsPlace) {
      this.#isFirstPlace = false
      this.#fields = fieldsForRedirect(this.#fields)
    }
    this.#letGo().destroy()
    this.#target = to
    this.#reader = new ResponseHeadReader()
    this.#sent = null
    this.#request = this.#makeRequest()
    this.#transport = this.#connect()
    emitHook(this.#ws, 'redirect', to.href, this.#request)
    if (this.#state === State.Connecting) this.#begin()
  }

  /** A handler of the application failed where there is no connection yet: it will be none. */
  handlerFailed(thrown: Error, source: string): void {
    const error = thrownBy(source, thrown)
    if (this.#state === State.Connecting || this.#state === State.HandedOver) this.#fail(error)
    else reportError(this.#ws, error, true)
  }

  // The end -----------------------------------------------------------------------------------------------------------

  #fail(error: Error): void {
    if (this.#state !== State.Connecting && this.#state !== State.HandedOver) return
    this.#state = State.Failing
    this.#deadline.cancel()
    this.#letGo().destroy()
    nextTick(() => this.#end(error))
  }

  /** @param error - null: the application has it already */
  #end(error: Error | null): void {
    if (error !== null) {
      const isListened = this.#ws.listenerCount('error') > 0
      reportError(this.#ws, error, !isListened && sourceOf(error) !== undefined)
      if (isListened) emit(this, this.#ws, 'error', error)
    }
    this.#state = State.Failed
    this.#closeInfo = {
      // @req 6455-7.1.5-2
      code: StatusCode.AbnormalClosure,
      reason: '',
      sentCode: 0,
      initiator: 'none',
      cause: CloseCause.HandshakeFailed,
      error,
      requirement: error instanceof HandshakeError ? error.requirement : null,
      wasClean: false,
    }
    emit(this, this.#ws, 'close', StatusCode.AbnormalClosure, Buffer.from(NO_BYTES))
    this.#resolveClosed?.(this.#closeInfo)
  }
}

/** Node: when every address of a host failed, the message is empty. */
function withMessage(error: Error): Error {
  if (error.message === '' && error instanceof AggregateError) {
    error.message = error.errors.map((each) => toError(each).message).join('; ')
  }
  return error
}
