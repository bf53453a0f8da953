import { type FieldLines, HandshakeError, quote, UsageError } from '../errors.ts'
import { refuseReserved, serializeFields } from './field-list.ts'
import { type ExtensionOffer, formatExtensions } from './grammar.ts'
import type { RequestHead } from './head.ts'
import { acceptKey } from './key.ts'
import type { NegotiatedExtension } from './negotiation.ts'
import { encodeLatin1 } from './octets.ts'
import {
  checkConnection,
  checkHost,
  checkKey,
  checkNoBody,
  checkRequestLine,
  checkUpgrade,
  checkVersion,
  readExtensionOffers,
  readOrigin,
  readSubprotocols,
} from './request-checks.ts'
import { serializeResponse } from './response.ts'

/** What `validateUpgrade()` checks besides RFC 6455 §4.2.1. */
export interface UpgradeOptions {
  /** The one path to serve, compared as it is with the request's path without the query. Default: every path. */
  readonly path?: string | undefined
}

/** A request that may be accepted: everything RFC 6455 §4.2.2 wants established before the answer. */
export interface UpgradePlan {
  /** The request's head, for what the application wants to know besides. */
  readonly head: RequestHead
  /** Value of `Sec-WebSocket-Key`, as sent. */
  readonly key: string
  /** Request-target, as sent: a path with its query, or an absolute http(s) URI. */
  readonly target: string
  /** RFC 6455 §3: path and query, nothing decoded or normalised; begins with `/`. */
  readonly resourceName: string
  /** The resource name without its query. */
  readonly path: string
  /** Host and perhaps port: of the absolute request-target if that was sent, otherwise of the Host field. */
  readonly host: string
  /** Value of `Origin`, as sent; `undefined` when there was none, which says that no browser sent the request. */
  readonly origin: string | undefined
  /** Subprotocols offered, in the client's order of preference. */
  readonly subprotocols: readonly string[]
  /** Extensions offered, in the client's order of preference; a name can stand more than once. */
  readonly extensionOffers: readonly ExtensionOffer[]
}

/** How a request is accepted. */
export interface UpgradeChoices {
  /** Subprotocol in use; one the client offered. Default: none. */
  readonly subprotocol?: string | undefined
  /** Extensions in use, from `negotiateExtensions()`. Default: none. */
  readonly extensions?: readonly NegotiatedExtension[] | undefined
  /** Field lines to add to the response. Default: none. */
  readonly fields?: FieldLines | undefined
}

const NO_OFFERS: readonly never[] = []

/** Lines that `acceptUpgrade()` alone may write, and those that would give a 101 a body. */
const RESERVED_IN_ACCEPT: ReadonlySet<string> = new Set([
  'upgrade',
  'connection',
  'sec-websocket-accept',
  'sec-websocket-protocol',
  'sec-websocket-extensions',
  'sec-websocket-key',
  'sec-websocket-version',
  'content-length',
  'transfer-encoding',
])
const RESERVED_IN_REJECT: ReadonlySet<string> = new Set(['connection'])

/**
 * Checks that a request is an opening handshake, in the order of RFC 6455 §4.2.1.
 *
 * @param head The request's head, from a `RequestHeadReader`, `parseRequestHead()` or `requestHeadFrom()`.
 * @param options What else to check.
 * @returns The plan to pass to `acceptUpgrade()`, at once or after the application has decided.
 * @throws HandshakeError to pass to `rejectUpgrade()`: 405 for another method than GET, 426 for a request without
 *   `Upgrade: websocket` or with another version than 13, 404 for another path, 400 for everything else.
 *
 * @example
 * const plan = validateUpgrade(head)
 * const response = acceptUpgrade(plan, { subprotocol: chooseSubprotocol(plan.subprotocols, ['chat']) })
 */
export function validateUpgrade(head: RequestHead, options: UpgradeOptions = {}): UpgradePlan {
  const { fields } = head
  const target = checkRequestLine(head)
  // RFC 9112 §3.2.2: the authority of the absolute form stands in for the Host field.
  const hostField = checkHost(fields)
  checkNoBody(fields)
  checkUpgrade(fields)
  checkConnection(fields)
  const key = checkKey(fields)
  checkVersion(fields)
  // @req 6455-4.2.1-11
  // @req 6455-4.2.1-12
  const origin = readOrigin(fields)
  // @req 6455-4.2.1-14
  const plan: UpgradePlan = {
    head,
    key,
    target: head.target,
    resourceName: target.resourceName,
    path: target.path,
    host: target.authority ?? hostField,
    origin,
    subprotocols: readSubprotocols(fields),
    extensionOffers: readExtensionOffers(fields),
  }
  // @req 6455-4.2.2-8
  if (options.path !== undefined && options.path !== plan.path) {
    throw new HandshakeError('6455-4.2.2-8', 404, `nothing is served at ${quote(plan.path)}`)
  }
  return plan
}

/**
 * The response that accepts a request; after it the connection is OPEN. RFC 6455 §4.2.2.
 *
 * @param plan What `validateUpgrade()` returned.
 * @param choices What was chosen from it.
 * @returns The octets to send, before any frame.
 * @throws UsageError when a subprotocol or extension was not offered, when two extensions share a name or an RSV bit, or
 *   when an added field line is malformed or one the handshake writes itself. Nothing can have been sent.
 */
export function acceptUpgrade(plan: UpgradePlan, choices: UpgradeChoices = {}): Uint8Array {
  const { subprotocol, extensions = NO_OFFERS, fields } = choices
  // @req 6455-4.2.2-13
  // @req 6455-4.2.2-14
  // @req 6455-4.2.2-15
  // @req 6455-4.2.2-16
  let text = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
  // @req 6455-11.3.3-1
  text += `Sec-WebSocket-Accept: ${acceptKey(plan.key)}\r\n`
  // @req 6455-4.2.2-10
  if (subprotocol !== undefined) {
    // @req 6455-4.2.2-9
    if (!plan.subprotocols.includes(subprotocol)) {
      throw new UsageError(`the client did not offer the subprotocol ${quote(subprotocol)}`)
    }
    text += `Sec-WebSocket-Protocol: ${subprotocol}\r\n`
  }
  // @req 7692-5-13
  if (extensions.length > 0) {
    checkChosenExtensions(plan, extensions)
    // @req 6455-9.1-9 @req 7692-5-6
    text += `Sec-WebSocket-Extensions: ${formatExtensions(extensions)}\r\n`
  }
  if (fields !== undefined) {
    // @req 6455-11.3.4-2
    refuseReserved(fields, RESERVED_IN_ACCEPT)
    text += serializeFields(fields)
  }
  return encodeLatin1(`${text}\r\n`)
}

function checkChosenExtensions(plan: UpgradePlan, extensions: readonly NegotiatedExtension[]): void {
  const names = new Set<string>()
  let claimed = 0
  for (const { name, rsvBits } of extensions) {
    // @req 6455-4.2.2-12
    // @req 6455-9-3
    if (!plan.extensionOffers.some((offer) => offer.name === name)) {
      throw new UsageError(`the client did not offer the extension ${quote(name)}`)
    }
    // @req 7692-5-9
    if (names.has(name) || (claimed & rsvBits) !== 0) {
      throw new UsageError(`the extension ${quote(name)} stands twice or shares an RSV bit with another one`)
    }
    names.add(name)
    claimed |= rsvBits
  }
}

/**
 * The response that refuses a request: `Connection: close` and one line of text that says which rule was broken. After it
 * the socket must be ended and what else arrives must not be parsed. RFC 6455 §4.2.1, §4.2.2.
 *
 * @param error Why, with the status and the field lines of the response.
 * @returns The octets to send, the last ones on the connection.
 * @throws UsageError when the status is not 300 to 599, or when a field line of the error is malformed or one that the
 *   refusal writes itself: `Connection`, `Content-Length`, `Transfer-Encoding`.
 */
export function rejectUpgrade(error: HandshakeError): Uint8Array {
  const { httpStatus, fields } = error
  if (httpStatus < 300 || httpStatus > 599) {
    throw new UsageError(`${httpStatus} does not refuse a request; a status from 300 to 599 does`)
  }
  refuseReserved(fields, RESERVED_IN_REJECT)
  const names = new Set(fields.map(([name]) => name.toLowerCase()))
  const lines = [...fields]
  if (!names.has('content-type')) lines.push(['Content-Type', 'text/plain; charset=utf-8'])
  // RFC 9110 §7.8: whoever sends Upgrade names it in Connection.
  if (names.has('upgrade')) lines.push(['Connection', 'Upgrade'])
  lines.push(['Connection', 'close'])
  return serializeResponse(httpStatus, lines, `${oneLine(error.message)}\n`)
}

/** Text with every control character turned into a space, so that it is one line wherever it is shown. */
function oneLine(text: string): string {
  let line = ''
  for (const char of text) line += char < ' ' || (char >= '\x7f' && char <= '\x9f') ? ' ' : char
  return line
}
