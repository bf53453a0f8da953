import { type FieldLines, quote, UsageError } from '../errors.ts'
import { isAuthority } from './authority.ts'
import { FieldList, refuseReserved } from './field-list.ts'
import { formatExtensions, isToken } from './grammar.ts'
import type { ResponseHead } from './head.ts'
import { acceptKey } from './key.ts'
import { isKey } from './key-syntax.ts'
import { type ExtensionProposer, type NegotiatedExtension, offersOf } from './negotiation.ts'
import { serializeRequestHead } from './request.ts'
import { HEAD_CHECKS, readExtensions, readSubprotocol } from './response-checks.ts'

/** What an opening handshake asks for. RFC 6455 §4.1. */
export interface UpgradeRequestOptions<Config = unknown> {
  /** Host name or address for the Host field, without a port; ASCII, an IPv6 address in brackets. */
  readonly host: string
  /** Port, 1 to 65535. Default: 443 when secure, otherwise 80; it is then left out of the Host field. */
  readonly port?: number | undefined
  /** Whether the connection is a `wss` one. Default false. */
  readonly secure?: boolean | undefined
  /** RFC 6455 §3: resource name, path and query. Default `'/'`. */
  readonly target?: string | undefined
  /** Value of `Sec-WebSocket-Key`, a new one from `generateKey()` for each connection. */
  readonly key: string
  /** Value of `Origin`. Default: none is sent. */
  readonly origin?: string | undefined
  /** Subprotocols, the preferred one first, each once. Default: none. */
  readonly subprotocols?: readonly string[] | undefined
  /** Extensions to offer, the preferred one first. Default: none. */
  readonly extensions?: ReadonlyArray<ExtensionProposer<Config>> | undefined
  /** Field lines to add to the request. Default: none. */
  readonly fields?: FieldLines | undefined
}

/** A request on its way, and what the response must match. */
export interface UpgradeRequest<Config = unknown> {
  /** Octets to send. Nothing else may be sent before the response is there. */
  readonly octets: Uint8Array
  /** The key sent, which the `Sec-WebSocket-Accept` of the response must answer. */
  readonly key: string
  /** Subprotocols offered. */
  readonly subprotocols: readonly string[]
  /** Extensions offered. */
  readonly extensions: ReadonlyArray<ExtensionProposer<Config>>
}

/** What the server agreed to; the connection is OPEN. */
export interface UpgradeResult<Config = unknown> {
  /** The response's head. */
  readonly head: ResponseHead
  /** Subprotocol in use, `undefined` when the server chose none. */
  readonly subprotocol: string | undefined
  /** Extensions in use, in the order of the response. */
  readonly extensions: readonly NegotiatedExtension<Config>[]
}

const MAX_PORT = 65_535

/** Lines that `requestUpgrade()` alone may write, and those that would give the request a body. */
const RESERVED: ReadonlySet<string> = new Set([
  'host',
  'upgrade',
  'connection',
  'origin',
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-protocol',
  'sec-websocket-extensions',
  'sec-websocket-accept',
  'content-length',
  'transfer-encoding',
])

/**
 * Writes the request that opens a connection. RFC 6455 §4.1.
 *
 * @throws UsageError when a part of it is not valid, or when an added field line is one the handshake writes itself.
 *
 * @example
 * const request = requestUpgrade({ host: 'example.org', secure: true, target: '/chat', key: generateKey() })
 */
export function requestUpgrade<Config>(options: UpgradeRequestOptions<Config>): UpgradeRequest<Config> {
  const { target = '/', key, origin, subprotocols = [], extensions = [], fields = [] } = options
  // @req 6455-4.1-22
  // @req 6455-3-2
  if (!target.startsWith('/')) throw new UsageError(`target ${quote(target)} does not begin with "/"`)
  // @req 6455-4.1-27
  if (!isKey(key)) throw new UsageError('key is not base64 of 16 octets')
  refuseReserved(fields, RESERVED)
  const lines: [string, string][] = [
    ['Host', hostField(options)],
    // @req 6455-4.1-24
    ['Upgrade', 'websocket'],
    // @req 6455-4.1-25
    ['Connection', 'Upgrade'],
    // @req 6455-4.1-26
    ['Sec-WebSocket-Key', key],
    // @req 6455-4.1-31
    ['Sec-WebSocket-Version', '13'],
  ]
  // @req 6455-4.1-30
  if (origin !== undefined) lines.push(['Origin', origin])
  // @req 6455-4.1-32
  if (subprotocols.length > 0) lines.push(['Sec-WebSocket-Protocol', subprotocolList(subprotocols)])
  const offers = offersOf(extensions)
  // @req 6455-4.1-35
  if (offers.length > 0) lines.push(['Sec-WebSocket-Extensions', formatExtensions(offers)])
  // @req 6455-4.1-36
  for (const [name, value] of fields) lines.push([name, value])
  // @req 6455-4.1-19
  // @req 6455-4.1-20
  // @req 6455-4.1-21
  const octets = serializeRequestHead({ method: 'GET', target, httpVersion: '1.1', fields: FieldList.from(lines) })
  return { octets, key, subprotocols, extensions }
}

/** Host = uri-host [ ":" port ], the port left out when it is the scheme's own. */
function hostField(options: UpgradeRequestOptions): string {
  const defaultPort = options.secure ? 443 : 80
  const { host, port = defaultPort } = options
  // @req 6455-4.1-3
  if (!Number.isInteger(port) || port < 1 || port > MAX_PORT) {
    throw new UsageError(`port is ${String(port)}; it must be an integer from 1 to ${MAX_PORT}`)
  }
  if (!isAuthority(`${host}:${port}`)) throw new UsageError(`host ${quote(host)} is not a host`)
  // @req 6455-4.1-23
  return port === defaultPort ? host : `${host}:${port}`
}

function subprotocolList(subprotocols: readonly string[]): string {
  for (const subprotocol of subprotocols) {
    // @req 6455-4.1-33
    if (!isToken(subprotocol)) throw new UsageError(`subprotocol ${quote(subprotocol)} is not a token`)
  }
  // @req 6455-4.1-34
  if (new Set(subprotocols).size !== subprotocols.length) throw new UsageError('a subprotocol stands twice')
  return subprotocols.join(', ')
}

/**
 * Checks the response to a request, in the order of RFC 6455 §4.1.
 *
 * Lenient: a 101 with a `Content-Length` or `Transfer-Encoding` passes, since a 101 has no body whatever it says.
 *
 * @param request What `requestUpgrade()` returned.
 * @param head The response's head.
 * @throws HandshakeError when the server did not accept or its answer is not valid; `httpStatus` is the status of the
 *   response, 101 included, and the connection must be dropped.
 */
export function confirmUpgrade<Config>(request: UpgradeRequest<Config>, head: ResponseHead): UpgradeResult<Config> {
  const { key, subprotocols, extensions } = request
  const expected = { accept: acceptKey(key), subprotocols, extensions }
  for (const { check } of HEAD_CHECKS) check(head, expected)
  return {
    head,
    extensions: readExtensions(head, extensions),
    subprotocol: readSubprotocol(head, subprotocols),
  }
}
