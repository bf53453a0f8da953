import type { Server as HttpServer } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { TlsOptions } from 'node:tls'
import { quote, UsageError } from '../errors.ts'
import type { Extension } from '../extensions/extension.ts'
import { checkDeflateOptions, type PerMessageDeflateOptions } from '../extensions/permessage-deflate/options.ts'
import { deflateNegotiator } from '../extensions/permessage-deflate/permessage-deflate.ts'
import { checkOptionNames, type OptionNames } from '../ground/option-names.ts'
import { type HeadLimits, headLimits } from '../handshake/head-limits.ts'
import type { ExtensionNegotiator } from '../handshake/negotiation.ts'
import { limitOption } from '../protocol/options.ts'
import {
  booleanOption,
  type CheckedSocketOptions,
  checkSocketOptions,
  type SocketOptions,
  socketOptionNames,
} from '../socket/options.ts'
import { type Rate, rateOption } from '../socket/token-bucket.ts'
import { WebSocket } from '../socket/websocket.ts'
import type { Authorize } from './admission.ts'
import { type AddressFinder, addressFinder, type TrustProxyOptions } from './client-address.ts'
import { memoryBudgetOption } from './memory-budget.ts'
import type { AnyRequest } from './upgrade-request.ts'
import type { VerifyClient } from './verify-client.ts'

/** A class of connections: `WebSocket` or one derived from it. */
export type WebSocketClass<Data> = new (address: null, protocols: undefined, options: object) => WebSocket<Data>

/**
 * Options of a `WebSocketServer`. Exactly one of `port`, `socketPath`, `server` and `noServer` is given.
 *
 * `path`, `origins`, `verifyClient`, `authorize`, `subprotocols`, `handleProtocols` and `WebSocket` are read again at
 * every upgrade, so they may be changed later in `server.options`; the others are checked once.
 */
export interface WebSocketServerOptions<Data = unknown> extends SocketOptions {
  /** TCP port to listen on; 0 takes a free one. The server reads HTTP itself, no `http.Server` is involved. */
  port?: number
  /** Address to listen on. Default: all. */
  host?: string
  /** Length of the queue of connections that the system holds; default 511. */
  backlog?: number
  /** Path of a Unix domain socket to listen on. */
  socketPath?: string
  /** Makes the server listen with TLS (wss): options of `tls.createServer`. */
  tls?: TlsOptions
  /** An existing HTTP or HTTPS server whose upgrade requests are answered. */
  server?: HttpServer | HttpsServer
  /** No server at all: sockets come through `handleUpgrade()` and `handleSocket()`. */
  noServer?: boolean
  /** The one path that is served, without the query; another is answered with 404. Default: every path. */
  path?: string
  /** Whether `clients` is kept. Default true. */
  clientTracking?: boolean
  /**
   * Pages that may connect. `'same-origin'` (default): a request that carries cookies, `Authorization` or a TLS
   * client certificate must come from the host it goes to; others pass. A list: a request with an `Origin` must have one of these, compared exactly,
   * such as `https://example.org`; `'same-origin'` on the list adds what the default lets in. `'any'`: no check. Refusals
   * are 403. RFC 6455 §10.2.
   */
  origins?: 'same-origin' | 'any' | readonly string[]
  /** Decides who may connect, and what `ws.data` is. May be asynchronous; its time counts in `handshakeTimeout`. */
  authorize?: Authorize<Data>
  /** Subprotocols the server speaks, the preferred one first. Only one that the client offers is chosen. */
  subprotocols?: readonly string[]
  /** Chooses the subprotocol instead: one of the offered ones, or false for none. */
  handleProtocols?: (protocols: Set<string>, request: AnyRequest) => string | false
  /**
   * Decides who may connect, as in `ws`: before `authorize`, which is the better place. Its refusal is 401 unless it says
   * otherwise.
   */
  verifyClient?: VerifyClient
  /** Class of the connections. Default `WebSocket`. */
  WebSocket?: WebSocketClass<Data>
  /**
   * Proxies whose word on the client's address is taken: how many, or which. Then `ws.remoteAddress` and the limit per
   * address go by `X-Forwarded-For`, or `Forwarded`. Default false: the address is the peer's of the transport.
   */
  trustProxy?: false | number | readonly string[] | TrustProxyOptions
  /**
   * Compresses messages, RFC 7692: true, or what to agree on with clients that offer it; one connection can have other
   * options through `accept()`. Default false. On TLS, compressing secrets together with text that somebody else chooses
   * can give the secrets away: send such messages with `compress: false`.
   */
  perMessageDeflate?: boolean | PerMessageDeflateOptions
  /** Milliseconds from accept to the end of the opening handshake, `authorize` included; then 408. Default 10,000. */
  handshakeTimeout?: number
  /** Opening handshakes under way at most; the oldest is dropped for a new one. Default 1,024. */
  maxPendingHandshakes?: number
  /** Connections at most; more are refused with 503. Default Infinity. */
  maxConnections?: number
  /** Connections from one address at most; more are refused with 429. Default Infinity. */
  maxConnectionsPerAddress?: number
  /**
   * Bytes of memory that the engine may hold for all connections together: messages that are not complete, input and
   * messages that wait to be taken, output that waits, and the state of compression; not what an application was given,
   * nor prepared messages. Above it new connections are refused with 503, and those that hold most for longest give way:
   * closed with 1013, or destroyed where a Close frame cannot leave; cause `memory-budget`. Default: a quarter of what the
   * process may use, by its constraint (a cgroup) or the machine's memory.
   */
  memoryBudget?: number
  /** Limits of the request head: 8 KiB request line (414), 16 KiB in all and 100 fields (431). */
  headLimits?: Partial<HeadLimits>
}

/** Every option of {@link WebSocketServerOptions}. */
export const serverOptionNames = {
  ...socketOptionNames,
  port: true,
  host: true,
  backlog: true,
  socketPath: true,
  tls: true,
  server: true,
  noServer: true,
  path: true,
  clientTracking: true,
  origins: true,
  authorize: true,
  subprotocols: true,
  handleProtocols: true,
  verifyClient: true,
  WebSocket: true,
  trustProxy: true,
  perMessageDeflate: true,
  handshakeTimeout: true,
  maxPendingHandshakes: true,
  maxConnections: true,
  maxConnectionsPerAddress: true,
  memoryBudget: true,
  headLimits: true,
} satisfies OptionNames<WebSocketServerOptions>

/** {@link WebSocketServerOptions} after the checks. */
export interface CheckedServerOptions {
  readonly socket: CheckedSocketOptions
  readonly extensions: readonly ExtensionNegotiator<Extension>[]
  readonly handshakeTimeout: number
  readonly maxPendingHandshakes: number
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  readonly memoryBudget: number
  readonly headLimits: HeadLimits
  readonly addressOf: AddressFinder
  /** Opening handshakes of one address; null: no limit. */
  readonly handshakeRate: Rate | null
}

/**
 * Checks the options of a server.
 *
 * @throws UsageError that names the option which is wrong
 */
export function checkServerOptions<Data>(options: WebSocketServerOptions<Data>): CheckedServerOptions {
  checkOptionNames('WebSocketServer', options, serverOptionNames)
  const places = [options.port, options.socketPath, options.server].filter((place) => place !== undefined).length
  const noServer = booleanOption('noServer', options.noServer, false)
  if (places + (noServer ? 1 : 0) !== 1) {
    throw new UsageError('give exactly one of the options port, socketPath, server and noServer')
  }
  checkPort(options.port)
  checkHttpServer(options.server)
  if (options.tls !== undefined && options.port === undefined && options.socketPath === undefined) {
    throw new UsageError('option tls goes with port or socketPath; an https server brings its own')
  }
  checkPath(options.path)
  checkOrigins(options.origins)
  const { subprotocols } = options
  if (subprotocols !== undefined && !Array.isArray(subprotocols)) {
    throw new UsageError(`option subprotocols is of type ${typeof subprotocols}; it must be a list, such as ["chat"]`)
  }
  for (const name of ['authorize', 'verifyClient', 'handleProtocols'] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'function') {
      throw new UsageError(`option ${name} is ${String(options[name])}; it must be a function`)
    }
  }
  checkClass(options.WebSocket)
  booleanOption('clientTracking', options.clientTracking, true)
  return {
    socket: checkSocketOptions(options, true),
    extensions: deflateNegotiators(options.perMessageDeflate),
    handshakeTimeout: limitOption('handshakeTimeout', options.handshakeTimeout, 10_000, 1),
    maxPendingHandshakes: limitOption('maxPendingHandshakes', options.maxPendingHandshakes, 1024, 1),
    maxConnections: limitOption('maxConnections', options.maxConnections, Number.POSITIVE_INFINITY),
    maxConnectionsPerAddress: limitOption(
      'maxConnectionsPerAddress',
      options.maxConnectionsPerAddress,
      Number.POSITIVE_INFINITY,
      1,
    ),
    memoryBudget: memoryBudgetOption(options.memoryBudget),
    headLimits: headLimits(options.headLimits),
    addressOf: addressFinder(options.trustProxy),
    handshakeRate: rateOption('rateLimit.handshakes', options.rateLimit?.handshakes),
  }
}

function checkPort(port: unknown): void {
  if (port === undefined) return
  // What comes from the environment is text, and undefined when it is not set.
  if (typeof port === 'string') {
    throw new UsageError(
      `option port is the string ${quote(port)}; it must be a number, such as Number(${quote(port)})`,
    )
  }
  if (typeof port === 'number' && Number.isInteger(port) && port >= 0 && port < 65_536) return
  throw new UsageError(`option port is ${String(port)}; it must be an integer from 0 to 65535`)
}

function checkHttpServer(server: unknown): void {
  if (server === undefined) return
  if (typeof server === 'function') {
    throw new UsageError(
      'option server is a function; it must be an http.Server, such as http.createServer(app) or what app.listen() returns',
    )
  }
  const methods = ['on', 'off', 'address'] as const
  const candidate = server as Record<string, unknown> | null
  if (typeof candidate === 'object' && methods.every((name) => typeof candidate?.[name] === 'function')) return
  throw new UsageError('option server is no http.Server')
}

function checkPath(path: unknown): void {
  if (path === undefined || (typeof path === 'string' && /^\/[^?#]*$/.test(path))) return
  const shown = typeof path === 'string' ? quote(path) : String(path)
  throw new UsageError(`option path is ${shown}; it must begin with "/" and have no query, such as "/chat"`)
}

/** An origin that no browser sends would let nobody in. */
function checkOrigins(origins: unknown): void {
  if (origins === undefined || origins === 'same-origin' || origins === 'any') return
  if (!Array.isArray(origins)) {
    throw new UsageError(`option origins is ${String(origins)}; it must be 'same-origin', 'any' or a list of origins`)
  }
  for (const origin of origins as unknown[]) {
    if (origin === 'same-origin' || origin === 'null') continue
    if (origin === 'any' || origin === '*') {
      throw new UsageError(`option origins has ${quote(origin)} on its list; 'any' stands alone: origins: 'any'`)
    }
    if (typeof origin !== 'string') throw new UsageError(`option origins has ${String(origin)}; an origin is a string`)
    const sent = sentOrigin(origin)
    if (sent === origin) continue
    const wanted = sent === null ? 'scheme://host[:port], such as "https://example.org"' : quote(sent)
    throw new UsageError(`option origins has ${quote(origin)}; browsers send ${wanted}`)
  }
}

/** How a browser writes this origin, RFC 6454 §6.2: lower case, no path, no default port; null when it is none. */
function sentOrigin(origin: string): string | null {
  if (!URL.canParse(origin)) return null
  const { protocol, host } = new URL(origin)
  // Schemes such as chrome-extension have origins that `URL` does not know.
  return host === '' ? null : `${protocol}//${host}`
}

function checkClass(candidate: unknown): void {
  if (candidate === undefined || candidate === WebSocket) return
  if (typeof candidate !== 'function' || !(candidate.prototype instanceof WebSocket)) {
    throw new UsageError('option WebSocket is no class derived from WebSocket')
  }
}

/**
 * What a server may agree on by the option `perMessageDeflate`.
 *
 * @throws UsageError that names what is wrong
 */
export function deflateNegotiators(
  option: boolean | PerMessageDeflateOptions | undefined,
): readonly ExtensionNegotiator<Extension>[] {
  const options = checkDeflateOptions(option ?? false)
  return options === null ? [] : [deflateNegotiator(options)]
}
