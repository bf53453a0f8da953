/*
 * What RFC 6455 §4.1 wants of a response, one check for each thing. `confirmUpgrade()` runs them in this order and stops at
 * the first that fails; tools run all of them.
 */
import { HandshakeError, quote } from '../errors.ts'
import { parseExtensions, parseTokenList } from './grammar.ts'
import type { ResponseHead } from './head.ts'
import { confirmExtensions, type ExtensionProposer, type NegotiatedExtension } from './negotiation.ts'

/** What the response is held against. */
export interface ResponseExpectation<Config = unknown> {
  /** The accept value that answers the key sent; undefined when it is not known. */
  readonly accept: string | undefined
  /** Subprotocols offered; undefined when that is not known. */
  readonly subprotocols: readonly string[] | undefined
  /** Extensions offered. */
  readonly extensions: ReadonlyArray<ExtensionProposer<Config>>
}

/** One check, and the field it is about in lower case; `''` is the status-line. */
export interface ResponseCheck {
  readonly field: string
  /** @throws HandshakeError when the response breaks the rule. */
  check(head: ResponseHead, expected: ResponseExpectation): void
}

/** The checks that have no outcome but the fault. */
export const HEAD_CHECKS: readonly ResponseCheck[] = [
  { field: '', check: checkStatus },
  { field: '', check: checkHttpVersion },
  { field: 'upgrade', check: checkUpgradeField },
  { field: 'connection', check: checkConnectionField },
  { field: 'sec-websocket-accept', check: (head, { accept }) => checkAccept(head, accept) },
]

/** Every check, in the order of `confirmUpgrade()`. */
export const RESPONSE_CHECKS: readonly ResponseCheck[] = [
  ...HEAD_CHECKS,
  { field: 'sec-websocket-extensions', check: (head, { extensions }) => readExtensions(head, extensions) },
  { field: 'sec-websocket-protocol', check: (head, { subprotocols }) => readSubprotocol(head, subprotocols) },
]

function checkStatus(head: ResponseHead): void {
  // @req 6455-4.1-38
  if (head.status !== 101) {
    throw refused(head, '6455-4.1-38', `the server answered with ${head.status}; it did not accept the upgrade`)
  }
}

function checkHttpVersion(head: ResponseHead): void {
  // @req 6455-4.1-44
  if (head.httpVersion !== '1.1')
    throw refused(head, '6455-4.1-44', 'the response is HTTP/1.0, which cannot be upgraded')
}

function checkUpgradeField(head: ResponseHead): void {
  // @req 6455-4.1-39
  const upgrade = head.fields.get('upgrade')
  if (upgrade?.toLowerCase() !== 'websocket')
    throw refused(head, '6455-4.1-39', unexpected('Upgrade', upgrade, '"websocket"'))
}

function checkConnectionField(head: ResponseHead): void {
  // @req 6455-4.1-40
  const connection = head.fields.get('connection')
  if (!(parseTokenList(connection ?? '', false)?.includes('upgrade') ?? false)) {
    throw refused(head, '6455-4.1-40', unexpected('Connection', connection, 'a list with the token "Upgrade"'))
  }
}

function checkAccept(head: ResponseHead, expected: string | undefined): void {
  // @req 6455-4.1-41
  const accept = head.fields.get('sec-websocket-accept')
  if (accept === undefined || (expected !== undefined && accept !== expected)) {
    const wanted = expected === undefined ? 'the hash of the key' : `"${expected}"`
    throw refused(head, '6455-4.1-41', unexpected('Sec-WebSocket-Accept', accept, wanted))
  }
}

/** @returns the extensions in use, in the order of the response */
export function readExtensions<Config>(
  head: ResponseHead,
  offered: ReadonlyArray<ExtensionProposer<Config>>,
): NegotiatedExtension<Config>[] {
  // @req 6455-11.3.2-2
  // Erratum 3433: the field may stand in several lines of a response.
  const extensions = head.fields.get('sec-websocket-extensions')
  const answers = extensions === undefined ? [] : parseExtensions(extensions, head.status)
  return confirmExtensions(answers, offered, head.status)
}

/** @returns the subprotocol in use */
export function readSubprotocol(head: ResponseHead, offered: readonly string[] | undefined): string | undefined {
  // @req 6455-11.3.4-2
  if (head.fields.count('sec-websocket-protocol') > 1) {
    throw refused(head, '6455-11.3.4-2', 'the response has more than one Sec-WebSocket-Protocol field')
  }
  const subprotocol = head.fields.get('sec-websocket-protocol')
  // @req 6455-4.1-43
  if (subprotocol !== undefined && offered !== undefined && !offered.includes(subprotocol)) {
    throw refused(head, '6455-4.1-43', unexpected('Sec-WebSocket-Protocol', subprotocol, 'one that was offered'))
  }
  return subprotocol
}

function unexpected(name: string, value: string | undefined, wanted: string): string {
  return `${name} is ${value === undefined ? 'missing' : quote(value)}; it must be ${wanted}`
}

function refused(head: ResponseHead, requirement: string, message: string): HandshakeError {
  return new HandshakeError(requirement, head.status, message)
}
