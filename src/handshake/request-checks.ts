/*
 * What RFC 6455 §4.2.1 wants of a request, one check for each thing. `validateUpgrade()` runs them in this order and stops
 * at the first that fails; tools run all of them.
 */
import { type FieldLines, HandshakeError, quote } from '../errors.ts'
import { isAuthority } from './authority.ts'
import type { FieldList } from './field-list.ts'
import { type ExtensionOffer, parseExtensions, parseSubprotocols, parseTokenList } from './grammar.ts'
import type { RequestHead } from './head.ts'
import { isKey } from './key-syntax.ts'
import { parseTarget, type RequestTarget } from './request-target.ts'

const NO_OFFERS: readonly never[] = []
const VERSION_LINE = ['Sec-WebSocket-Version', '13'] as const
// RFC 9110 §15.5.22: a 426 has an Upgrade field.
const UPGRADE_REQUIRED_FIELDS: FieldLines = [['Upgrade', 'websocket'], VERSION_LINE]

/** One check, and the field it is about in lower case; `''` is the request-line. */
export interface RequestCheck {
  readonly field: string
  /** @throws HandshakeError when the request breaks the rule. */
  check(head: RequestHead): void
}

/** Every check, in the order of `validateUpgrade()`. */
export const REQUEST_CHECKS: readonly RequestCheck[] = [
  { field: '', check: checkRequestLine },
  { field: 'host', check: ({ fields }) => checkHost(fields) },
  { field: 'content-length', check: ({ fields }) => checkNoBody(fields) },
  { field: 'upgrade', check: ({ fields }) => checkUpgrade(fields) },
  { field: 'connection', check: ({ fields }) => checkConnection(fields) },
  { field: 'sec-websocket-key', check: ({ fields }) => checkKey(fields) },
  { field: 'sec-websocket-version', check: ({ fields }) => checkVersion(fields) },
  { field: 'origin', check: ({ fields }) => readOrigin(fields) },
  { field: 'sec-websocket-protocol', check: ({ fields }) => readSubprotocols(fields) },
  { field: 'sec-websocket-extensions', check: ({ fields }) => readExtensionOffers(fields) },
]

/** The subprotocols offered, in the client's order; perhaps none. */
export function readSubprotocols(fields: FieldList): readonly string[] {
  // @req 6455-11.3.4-1
  const value = fields.get('sec-websocket-protocol')
  return value === undefined ? NO_OFFERS : parseSubprotocols(value)
}

/** The extensions offered, in the client's order; perhaps none. */
export function readExtensionOffers(fields: FieldList): readonly ExtensionOffer[] {
  // @req 6455-9.1-3
  // @req 6455-11.3.2-1
  const value = fields.get('sec-websocket-extensions')
  return value === undefined ? NO_OFFERS : parseExtensions(value)
}

/** Method, version and request-target. */
export function checkRequestLine(head: RequestHead): RequestTarget {
  // @req 6455-4.2.1-2
  if (head.method !== 'GET') {
    throw new HandshakeError('6455-4.2.1-2', 405, `the method is ${quote(head.method)}; it must be GET`, [
      ['Allow', 'GET'],
    ])
  }
  // @req 6455-4.2.1-3
  if (head.httpVersion !== '1.1') {
    throw malformed('6455-4.2.1-3', `the HTTP version is ${quote(head.httpVersion)}; it must be 1.1`)
  }
  return parseTarget(head.target)
}

/** @returns the value of the one Host field */
export function checkHost(fields: FieldList): string {
  // @req 6455-4.2.1-5
  const count = fields.count('host')
  if (count !== 1) throw malformed('6455-4.2.1-5', `the request has ${count} Host fields; it must have one`)
  const host = fields.get('host')!
  if (!isAuthority(host))
    throw malformed('6455-4.2.1-5', `Host is ${quote(host)}; that is no host with an optional port`)
  return host
}

/**
 * Stricter than RFC 9110 §7.8, which has a server read the body before it switches: where a body ends and frames begin is
 * what request smuggling lives on, and no client sends one.
 */
export function checkNoBody(fields: FieldList): void {
  // @req 6455-4.2.1-1
  if (fields.has('transfer-encoding'))
    throw malformed('9112-6.1', 'Transfer-Encoding on an opening handshake; it has no body')
  const count = fields.count('content-length')
  if (count === 0) return
  if (count > 1) throw malformed('9112-6.3', `the request has ${count} Content-Length fields`)
  const length = fields.get('content-length')!
  if (!isZero(length))
    throw malformed('9112-6.3', `Content-Length is ${quote(length)}; an opening handshake has no body`)
}

/** The field Upgrade names WebSocket. */
export function checkUpgrade(fields: FieldList): void {
  const value = fields.get('upgrade')
  // @req 6455-4.2.1-6
  if (value === undefined) {
    throw upgradeRequired('6455-4.2.1-6', 'the request has no Upgrade field; this resource is for WebSocket only')
  }
  const protocols = parseTokenList(value, true)
  if (protocols === null) throw malformed('9110-7.8', `Upgrade is ${quote(value)}; that is no list of protocols`)
  if (!protocols.includes('websocket')) {
    throw upgradeRequired('6455-4.2.1-6', `Upgrade is ${quote(value)}; it must contain "websocket"`)
  }
}

/** The field Connection names Upgrade. */
export function checkConnection(fields: FieldList): void {
  const value = fields.get('connection')
  // @req 6455-4.2.1-7
  if (value === undefined) throw malformed('6455-4.2.1-7', 'the request has no Connection field')
  if (!(parseTokenList(value, false)?.includes('upgrade') ?? false)) {
    throw malformed('6455-4.2.1-7', `Connection is ${quote(value)}; it must be a list with the token "Upgrade"`)
  }
}

/** @returns the value of the one Sec-WebSocket-Key field */
export function checkKey(fields: FieldList): string {
  const count = fields.count('sec-websocket-key')
  // @req 6455-4.2.1-8
  if (count === 0) throw malformed('6455-4.2.1-8', 'the request has no Sec-WebSocket-Key field')
  // @req 6455-11.3.1-1
  if (count > 1) throw malformed('6455-11.3.1-1', `the request has ${count} Sec-WebSocket-Key fields; it must have one`)
  const key = fields.get('sec-websocket-key')!
  if (!isKey(key)) throw malformed('6455-4.2.1-8', `Sec-WebSocket-Key is ${quote(key)}; it must be base64 of 16 octets`)
  return key
}

/** The one version of the protocol. */
export function checkVersion(fields: FieldList): void {
  const version = fields.get('sec-websocket-version')
  // @req 6455-11.3.5-2
  const count = fields.count('sec-websocket-version')
  if (count > 1)
    throw malformed('6455-11.3.5-2', `the request has ${count} Sec-WebSocket-Version fields; it must have one`)
  // @req 6455-4.2.1-9
  // @req 6455-4.2.2-7
  // @req 6455-4.4-1
  if (version !== '13') {
    const found = version === undefined ? 'missing' : quote(version)
    throw upgradeRequired('6455-4.2.1-9', `Sec-WebSocket-Version is ${found}; it must be 13`)
  }
}

/** @returns the value of Origin, if there is one */
export function readOrigin(fields: FieldList): string | undefined {
  // Stricter than RFC 6454 §7.3: with two lines it would be open which one a check of the origin looks at.
  if (fields.count('origin') > 1) throw malformed('6455-4.2.1-1', 'the request has more than one Origin field')
  // @req 6455-4.2.1-10
  return fields.get('origin')
}

/** 1*"0" */
function isZero(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '0') return false
  }
  return text.length > 0
}

function malformed(requirement: string, message: string): HandshakeError {
  return new HandshakeError(requirement, 400, message)
}

function upgradeRequired(requirement: string, message: string): HandshakeError {
  return new HandshakeError(requirement, 426, message, UPGRADE_REQUIRED_FIELDS)
}
