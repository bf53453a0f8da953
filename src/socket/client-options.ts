import type { TcpNetConnectOpts } from 'node:net'
import type { Duplex, Readable } from 'node:stream'
import type { ConnectionOptions as TlsConnectionOptions } from 'node:tls'
import type { PerMessageDeflateOptions } from '../extensions/permessage-deflate/options.ts'
import type { OptionNames } from '../ground/option-names.ts'
import { type SocketOptions, socketOptionNames } from './options.ts'

/** TLS options that a client takes without the wrapping `tls`, as `ws` does. */
type InlineTlsOptions = Pick<
  TlsConnectionOptions,
  | 'ca'
  | 'cert'
  | 'checkServerIdentity'
  | 'ciphers'
  | 'key'
  | 'maxVersion'
  | 'minVersion'
  | 'passphrase'
  | 'pfx'
  | 'rejectUnauthorized'
  | 'secureContext'
  | 'servername'
>

type InlineTcpOptions = Pick<TcpNetConnectOpts, 'family' | 'localAddress' | 'lookup'>

/** Where a client connects to; what `createConnection` gets. */
export interface ConnectTarget extends InlineTcpOptions {
  readonly host: string
  readonly port: number
  /** Path of a Unix domain socket, which goes before `host` and `port`; undefined with TCP. */
  readonly socketPath: string | undefined
  /** Whether the connection is a wss one. */
  readonly secure: boolean
  /** TLS options, when `secure`. */
  readonly tls: TlsConnectionOptions
}

/** The value of a header field; a list becomes one field line for each. */
export type RequestFieldValue = string | number | readonly string[]

/** Values of the request's header fields, by name: an object, or pairs such as a `Headers` or a `Map` gives. */
export type RequestFields =
  | Readonly<Record<string, RequestFieldValue | undefined>>
  | Iterable<readonly [name: string, value: RequestFieldValue]>

/** Options of a client: `new WebSocket(url, protocols, options)`. */
export interface ClientOptions extends SocketOptions, InlineTlsOptions, InlineTcpOptions {
  /** Further header fields of the request. `Host` and `Origin` stand here or in the options of these names. */
  headers?: RequestFields
  /** Value of `Host`, when it is not the host of the URL. */
  host?: string
  /** Value of `Origin`. Default: none is sent. */
  origin?: string
  /** `user:password`, sent as `Authorization: Basic`. Default: what stands in the URL, if anything. */
  auth?: string
  /** Offers to compress messages, RFC 7692: true, or with which parameters. Default false. */
  perMessageDeflate?: boolean | PerMessageDeflateOptions
  /** Milliseconds from the call to the end of the opening handshake, redirects included. Default 10,000. */
  handshakeTimeout?: number
  /** Whether redirects are followed. Default false: they are refusals like any other. */
  followRedirects?: boolean
  /** Redirects at most. Default 10. */
  maxRedirects?: number
  /** Path of a Unix domain socket to connect to instead of the URL's host. */
  socketPath?: string
  /** More options of `tls.connect`. */
  tls?: TlsConnectionOptions
  /**
   * Makes the transport instead of `net.connect` and `tls.connect`, for instance through a proxy. What it returns may
   * still be connecting. There is no `agent`: an upgraded connection is never pooled.
   */
  createConnection?: (target: ConnectTarget) => Duplex
  /** Fills four bytes with a masking-key, RFC 6455 §5.3, for tests and replays. Default: `node:crypto`. */
  generateMask?: (mask: Buffer) => void
  /** Gets the request before it is sent and calls its `end()`, now or later. Default: it is sent at once. */
  finishRequest?: (request: OpeningRequest, ws: object) => void
}

/** Every option of {@link ClientOptions}. */
export const clientOptionNames = {
  ...socketOptionNames,
  ca: true,
  cert: true,
  checkServerIdentity: true,
  ciphers: true,
  key: true,
  maxVersion: true,
  minVersion: true,
  passphrase: true,
  pfx: true,
  rejectUnauthorized: true,
  secureContext: true,
  servername: true,
  family: true,
  localAddress: true,
  lookup: true,
  headers: true,
  host: true,
  origin: true,
  auth: true,
  perMessageDeflate: true,
  handshakeTimeout: true,
  followRedirects: true,
  maxRedirects: true,
  socketPath: true,
  tls: true,
  createConnection: true,
  generateMask: true,
  finishRequest: true,
} satisfies OptionNames<ClientOptions>

/** Whether what stands in the place of subprotocols is the options. */
export function isClientOptions(
  value: string | readonly string[] | ClientOptions | null | undefined,
): value is ClientOptions {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The request of an opening handshake, with the members of an `http.ClientRequest` that belong to its head. */
export interface OpeningRequest {
  readonly method: string
  /** Path and query. */
  readonly path: string
  /** Name of the host, as in the URL. */
  readonly host: string
  /** `'http:'` or `'https:'`. */
  readonly protocol: string
  /** The value of a field that is set, names compared without case. */
  getHeader(name: string): string | number | readonly string[] | undefined
  /** Sets a field; too late after `end()`. @throws UsageError then */
  setHeader(name: string, value: string | number | readonly string[]): void
  /** Removes a field; too late after `end()`. @throws UsageError then */
  removeHeader(name: string): void
  /** Sends the request. */
  end(): void
  /** Gives up: the transport is destroyed and `close` comes with 1006. */
  destroy(error?: Error): void
  /** As {@link destroy}. */
  abort(): void
}

/** The response of a server; its stream is the body, which only a refusal has. */
export interface OpeningResponse extends Readable {
  readonly statusCode: number
  readonly statusMessage: string
  readonly httpVersion: string
  /** Names in lower case; the values of a name that stood more than once are joined, those of `set-cookie` are a list. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Names and values as they were sent, in turn. */
  readonly rawHeaders: readonly string[]
  readonly socket: Duplex
}
