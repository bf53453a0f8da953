import { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { type AddressInfo, createServer, type Server as NetServer } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type TLSSocket,
  Server as TlsServer,
} from 'node:tls'
import { type HandshakeError, UsageError } from '../errors.ts'
import { emit, emitHook, type Guard, listenerOf, printUnseen, tell, thrownBy } from '../ground/application.ts'
import { nextTick } from '../ground/scheduling.ts'
import { connectionOf, publishConnectionError } from '../socket/diagnostics.ts'
import type { ConnectionObserver } from '../socket/taps.ts'
import { guardOf, holderOf, type WebSocket } from '../socket/websocket.ts'
import { MemoryBudget, type MemoryHolder } from './memory-budget.ts'
import { type CheckedServerOptions, checkServerOptions, type WebSocketServerOptions } from './options.ts'
import type { Accepted } from './pending-handshake.ts'
import { checkShutdownOptions, closeAll, type ShutdownOptions, type ShutdownReport } from './shutdown.ts'
import { bytesOf, type ServerStats, statsOf } from './stats.ts'
import { attachTo } from './upgrade-dispatcher.ts'
import { type AnyRequest, pathOf } from './upgrade-request.ts'
import { Upgrader } from './upgrader.ts'

/** A half-closed peer can still be answered, and small frames do not wait for each other. */
const SOCKET_OPTIONS = { allowHalfOpen: true, noDelay: true } as const

/** Events of a {@link WebSocketServer}, with the arguments of their listeners. */
export interface WebSocketServerEvents<Data> {
  /** A connection is open. Attach its listeners here; nothing was read yet. */
  connection: [ws: WebSocket<Data>, request: AnyRequest]
  /**
   * A request is about to be accepted. Lines pushed to the list go into the response; ours stay as they are.
   */
  headers: [lines: string[], request: AnyRequest]
  /**
   * A request is no opening handshake. Whoever listens owns the socket, and must answer or destroy it; without a listener
   * it is refused with the status code that says why.
   */
  wsClientError: [error: HandshakeError, socket: Duplex, request: AnyRequest]
  /** The server listens. */
  listening: []
  /** The server cannot listen, or can no longer. */
  error: [error: Error]
  /** The server is closed and its own sockets are gone. */
  close: []
  /**
   * Something went wrong with one handshake or connection; the others go on. `ws` is undefined during a handshake,
   * `request` before its head is complete. Also on the diagnostics channel `framewright:connectionError`.
   */
  connectionError: [error: Error, ws: WebSocket<Data> | undefined, request: AnyRequest | undefined]
}

/**
 * A WebSocket server, RFC 6455: it listens by itself, answers the upgrade requests of an HTTP server, or takes sockets.
 *
 * @example
 * const server = new WebSocketServer({ port: 8080 })
 * server.on('connection', (ws) => {
 *   ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }))
 * })
 */
export class WebSocketServer<Data = unknown> extends EventEmitter<WebSocketServerEvents<Data>> {
  /** The options as they were given. */
  readonly options: WebSocketServerOptions<Data>
  /** The open connections; stays empty when `clientTracking` is false. */
  readonly clients: Set<WebSocket<Data>> = new Set()

  readonly #checked: CheckedServerOptions
  readonly #budget: MemoryBudget
  readonly #upgrader: Upgrader<Data>
  /** Open connections, tracked for `shutdown` whatever `clientTracking` says. */
  readonly #open: Set<WebSocket<Data>> = new Set()
  /** Bytes of connections that are over. */
  readonly #bytes = { received: 0, sent: 0 }
  readonly #listening: Promise<AddressInfo>
  /** Whether somebody took the promise, and so hears of a failure to listen. */
  #isAwaited = false
  #own: NetServer | null = null
  /** Rejects `listening`, unless it is settled. */
  #rejectListening: (error: Error) => void = () => {}
  /** Undoes what was attached to somebody else's HTTP server. */
  #detach: (() => void) | null = null
  #state: 'running' | 'closing' | 'closed' = 'running'

  /**
   * @param options - see {@link WebSocketServerOptions}
   * @param callback - called when the own port listens
   * @throws UsageError that names the option which is wrong
   */
  constructor(options: WebSocketServerOptions<Data>, callback?: () => void) {
    super({ captureRejections: true })
    this.options = options
    this.#checked = checkServerOptions(options)
    this.#budget = new MemoryBudget(this.#checked.memoryBudget, this.#checked.socket.clock, () => this.#holders())
    this.#upgrader = new Upgrader(options, this.#checked, {
      budget: this.#budget,
      isDraining: () => this.#state !== 'running',
      // Through `this`: both may be overridden or assigned.
      shouldHandle: (request) => this.shouldHandle(request),
      refusal: (error) => this.refusal(error),
      editLines: (request) =>
        this.listenerCount('headers') === 0 ? null : (lines) => emitHook(this, 'headers', lines, request),
      clientError: (error, socket, request) => emitHook(this, 'wsClientError', error, socket, request),
      onClosed: (ws) => this.#closed(ws),
      onError: (error, isUnseen, ws, request) => this.#connectionError(error, isUnseen, ws, request),
    })
    if (callback !== undefined) this.once('listening', callback)
    this.#listening = this.#start()
    // Whoever does not look at the promise hears of a failure by the `error` event.
    this.#listening.catch(() => {})
  }

  /**
   * Resolves with the address once the own port listens, and rejects when it cannot, or when the server is closed before.
   * Whoever takes the promise needs no listener of `error` for that. With `noServer` there is no port, and it rejects
   * with a UsageError.
   */
  get listening(): Promise<AddressInfo> {
    this.#isAwaited = true
    return this.#listening
  }

  /** Where the own port or the attached server listens; null before it does. @throws UsageError with `noServer` */
  address(): AddressInfo | string | null {
    if (this.options.noServer) throw new UsageError('address: a server with noServer does not listen')
    return (this.#own ?? this.options.server)?.address() ?? null
  }

  /** Whether a request is for this server: its path fits `path`. May be overridden or assigned. */
  shouldHandle(request: AnyRequest): boolean {
    const { path } = this.options
    return path === undefined || pathOf(request.url ?? '') === path
  }

  /**
   * Answers an upgrade request that `node:http` has read, RFC 6455 §4.2. `connection` is not emitted.
   *
   * @param head - the bytes that came behind the request
   * @param callback - gets the connection, if the request is accepted
   * @throws UsageError when the socket was given to a server before, this one or another
   */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array, callback: Accepted<Data>): void {
    this.#upgrader.acceptRequest(request, socket, head, this.#admit(callback))
  }

  /**
   * Takes a raw socket from any `net` or `tls` server: reads the request itself and emits `connection`.
   * The socket should be new, with `allowHalfOpen`, and nothing read from it.
   *
   * @throws UsageError when the socket was given to a server before, this one or another
   */
  handleSocket(socket: Duplex): void {
    this.#upgrader.acceptSocket(socket, this.#admitOwn, false)
  }

  /**
   * Takes other certificates from the next connection on; open connections keep what they have.
   *
   * @param options - as in the option `tls`
   * @throws UsageError when the server does not listen with `tls` itself; an https server has this method too
   */
  setSecureContext(options: SecureContextOptions): void {
    if (!(this.#own instanceof TlsServer)) throw new UsageError('setSecureContext: the server has no TLS of its own')
    this.#own.setSecureContext(options)
  }

  /** What the server has done so far, and is doing now. */
  stats(): ServerStats {
    return statsOf(this.#open, this.#bytes, this.#upgrader, this.#budget)
  }

  /**
   * Lets somebody see the bytes of every connection that is taken from now on, in both directions, and how it opens and
   * ends. They are shown before they are unmasked, as TCP cut them, and beneath TLS. A connection without an observer
   * costs nothing for that.
   *
   * @returns ends it: connections to come are not shown, those that are shown go on
   * @throws UsageError when it is no observer, or observes the server already
   */
  observe(observer: ConnectionObserver): () => void {
    return this.#upgrader.observers.add(observer)
  }

  /** Last look at a refusal before it is sent, for a subclass that wants another one. */
  protected refusal(error: HandshakeError): HandshakeError {
    return error
  }

  /**
   * Takes no more connections. Open ones stay open; `close` comes when the own port and its sockets are gone.
   *
   * @param callback - called then, or with an error when the server is closed already
   */
  close(callback?: (error?: Error) => void): void {
    if (this.#state === 'closed') {
      if (callback === undefined) return
      const error = new UsageError('the server is closed already')
      nextTick(() => tell(this.#guard, callback, 'the callback of close()', error))
      return
    }
    if (callback !== undefined) this.once('close', callback)
    if (this.#state === 'closing') return
    this.#state = 'closing'
    this.#rejectListening(new UsageError('the server was closed before it listened'))
    this.#upgrader.refuseAll()
    this.#detach?.()
    if (this.#own === null) this.#closeWhenEmpty()
    else this.#own.close(() => this.#finish())
  }

  /**
   * Ends well: takes no more connections, sends every client a Close frame, and terminates those that do not answer.
   *
   * @returns when all connections are gone
   * @throws UsageError that names the option which is wrong; then nothing was closed
   */
  async shutdown(options: ShutdownOptions = {}): Promise<ShutdownReport> {
    const { clock, closeTimeout } = this.#checked.socket
    const checked = checkShutdownOptions(options, closeTimeout)
    if (this.#state === 'running') this.close()
    return closeAll(this.#open, clock, checked)
  }

  /** As {@link shutdown}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown()
  }

  /** Called by `EventEmitter` when an async handler rejects. @internal */
  [Symbol.for('nodejs.rejection')](thrown: unknown, event: string, ...args: unknown[]): void {
    const source = listenerOf(event)
    const error = thrownBy(source, thrown)
    if (event === 'connection') guardOf(args[0] as WebSocket<Data>).handlerFailed(error, source)
    else if (event === 'connectionError') printUnseen(error, placeOf(...(args.slice(1) as Place<Data>)))
    else this.#guard.handlerFailed(error, source)
    // Who took the socket over will not answer it any more.
    if (event === 'wsClientError') (args[1] as Duplex).destroy()
  }

  /** Hears of handlers that belong to no connection. */
  readonly #guard: Guard = {
    handlerFailed: (error) => this.#connectionError(error, true, undefined, undefined),
  }

  #start(): Promise<AddressInfo> {
    const { options } = this
    if (options.server !== undefined) return this.#attach(options.server)
    if (options.noServer) return Promise.reject(new UsageError('listening: a server with noServer does not listen'))
    // @req 6455-4.2.2-2 @req 6455-10.6-1
    const own =
      options.tls === undefined
        ? createServer(SOCKET_OPTIONS)
        : createTlsServer({ handshakeTimeout: this.#tlsTimeout, ...options.tls, ...SOCKET_OPTIONS })
    this.#own = own
    if (options.tls === undefined) {
      own.on('connection', (socket) => this.#upgrader.acceptSocket(socket, this.#admitOwn, true))
    } else {
      own.on('connection', (socket) => this.#upgrader.beginTls(socket))
      own.on('secureConnection', (socket: TLSSocket) => this.#upgrader.acceptTls(socket, this.#admitOwn))
    }
    own.on('tlsClientError', (error: Error, socket: Duplex) => {
      // Node: after its own handshake timeout it leaves the socket to us.
      socket.destroy()
      this.#connectionError(error, false, undefined, undefined)
    })
    const listening = this.#follow(own)
    const { port, host, socketPath, backlog } = options
    // Node: a member `port`, even undefined, comes before `path`.
    own.listen(socketPath === undefined ? { port, host, backlog } : { path: socketPath, backlog })
    return listening
  }

  /** TLS has a handshake of its own, before ours. It takes no `Infinity`. */
  get #tlsTimeout(): number {
    return Math.min(this.#checked.handshakeTimeout, 2 ** 31 - 1)
  }

  #attach(server: NonNullable<WebSocketServerOptions<Data>['server']>): Promise<AddressInfo> {
    const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
      this.handleUpgrade(request, socket, head, this.#emitConnection)
    }
    const detachUpgrades = attachTo(server, {
      shouldHandle: (request) => this.shouldHandle(request),
      answer: onUpgrade,
    })
    const listening = this.#follow(server)
    const detachListening = this.#detach
    this.#detach = () => {
      detachListening?.()
      detachUpgrades()
    }
    return listening
  }

  /** Repeats the `listening` and `error` of a server as our own. */
  #follow(server: Pick<NetServer, 'on' | 'off' | 'listening' | 'address'>): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#rejectListening = reject
      const onListening = (): void => {
        // Node: whoever is closed while the name of its host is looked up listens all the same.
        if (this.#state !== 'running') {
          this.#own?.close()
          return
        }
        resolve(server.address() as AddressInfo)
        emit(this.#guard, this, 'listening')
      }
      const onError = (error: Error): void => {
        reject(error)
        if (this.listenerCount('error') > 0) emit(this.#guard, this, 'error', error)
        // As of every emitter: a failure that nobody hears of ends the process.
        else if (!this.#isAwaited) throw error
      }
      const onClose = (): void => reject(new UsageError('the server was closed before it listened'))
      server.on('listening', onListening)
      server.on('error', onError)
      server.on('close', onClose)
      this.#detach = () => {
        server.off('listening', onListening)
        server.off('error', onError)
        server.off('close', onClose)
      }
      if (server.listening) resolve(server.address() as AddressInfo)
    })
  }

  #emitConnection: Accepted<Data> = (ws, request) => {
    emit(guardOf(ws), this, 'connection', ws, request)
  }

  #admitOwn: Accepted<Data> = this.#admit(this.#emitConnection)

  /** Puts a connection on the list before anybody sees it, and keeps a callback that throws to its own connection. */
  #admit(callback: Accepted<Data>): Accepted<Data> {
    return (ws, request) => {
      this.#open.add(ws)
      if (this.options.clientTracking !== false) this.clients.add(ws)
      tell(guardOf(ws), callback, 'the callback of handleUpgrade()', ws, request)
    }
  }

  #closed(ws: WebSocket<Data>): void {
    this.#open.delete(ws)
    const { bytesRead, bytesWritten } = bytesOf(ws)
    this.#bytes.received += bytesRead
    this.#bytes.sent += bytesWritten
    if (this.options.clientTracking !== false) this.clients.delete(ws)
    if (this.#state === 'closing' && this.#own === null) this.#closeWhenEmpty()
  }

  *#holders(): Iterable<MemoryHolder> {
    for (const ws of this.#open) {
      const holder = holderOf(ws)
      if (holder !== null) yield holder
    }
  }

  #closeWhenEmpty(): void {
    if (this.#open.size === 0) nextTick(() => this.#finish())
  }

  #finish(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    emit(this.#guard, this, 'close')
  }

  #connectionError(
    error: Error,
    isUnseen: boolean,
    ws: WebSocket<Data> | undefined,
    request: AnyRequest | undefined,
  ): void {
    publishConnectionError({ error, ws, request })
    const where = (): string => placeOf(ws, request)
    const last: Guard = { handlerFailed: (failure) => printUnseen(failure, where()) }
    const isListened = emit(last, this, 'connectionError', error, ws, request)
    // A bug of the application must not go unseen; what peers do wrong is no reason to write to its log.
    if (isUnseen && !isListened) printUnseen(error, where())
  }
}

/** Where something went wrong, as `connectionError` says it. */
type Place<Data> = [ws: WebSocket<Data> | undefined, request: AnyRequest | undefined]

/** A place as a report names it. */
function placeOf<Data>(...[ws, request]: Place<Data>): string {
  return request === undefined ? '' : connectionOf(request.socket, ws?.remoteAddress)
}
