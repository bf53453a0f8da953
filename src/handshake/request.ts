import { HandshakeError, quote, UsageError } from '../errors.ts'
import { FieldList, serializeFields } from './field-list.ts'
import { isToken } from './grammar.ts'
import type { RequestHead } from './head.ts'
import type { HeadLimits } from './head-limits.ts'
import { RequestHeadReader } from './head-reader.ts'
import { encodeLatin1, isAll, OctetClass } from './octets.ts'

/** The members of an `http.IncomingMessage` that its head is made from. */
export interface IncomingRequest {
  /** Method; absent on a response. */
  readonly method?: string | undefined
  /** Request-target as it was sent; absent on a response. */
  readonly url?: string | undefined
  /** Version without its name. */
  readonly httpVersion: string
  /** Names and values in turn, in the order they were sent; not the joined `headers`, which drop and merge lines. */
  readonly rawHeaders: readonly string[]
}

/**
 * Parses the head of a request that is there as a whole. What follows the head is not looked at; where it matters, read
 * with a `RequestHeadReader`, which hands it back. RFC 9112 §3.
 *
 * @param octets The head, from the request-line to the empty line.
 * @param limits Limits to hold instead of the default ones.
 * @throws HandshakeError with status 400, 414 or 431; 400 when the empty line is missing.
 * @throws UsageError when a limit is neither a positive integer nor `Infinity`.
 *
 * @example
 * const plan = validateUpgrade(parseRequestHead(octets))
 */
export function parseRequestHead(octets: Uint8Array, limits?: Partial<HeadLimits>): RequestHead {
  const head = new RequestHeadReader(limits).receive(octets)
  if (head === null) throw new HandshakeError('9112-2.1', 400, 'the request ends before the empty line after its head')
  return head
}

/**
 * The head of a request that node:http has parsed, its field lines in order and none of them joined or dropped. Nothing
 * is checked here: `validateUpgrade()` does that, and node:http has refused what is malformed.
 *
 * @throws UsageError when the request has no method or url, because it is a response.
 */
export function requestHeadFrom(request: IncomingRequest): RequestHead {
  const { method, url, httpVersion, rawHeaders } = request
  if (method === undefined || url === undefined)
    throw new UsageError('a request has a method and a url; this one has not')
  return { method, target: url, httpVersion, fields: FieldList.fromRaw(rawHeaders) }
}

/**
 * Writes a request head, its empty line included. RFC 9112 §3.
 *
 *     request-line = method SP request-target SP HTTP-version CRLF
 *
 * @throws UsageError when a part could not be read back as it is.
 */
export function serializeRequestHead(head: RequestHead): Uint8Array {
  const { method, target, httpVersion, fields } = head
  if (!isToken(method)) throw new UsageError(`method ${quote(method)} is not a token`)
  if (!isAll(target, OctetClass.Target))
    throw new UsageError(`request-target ${quote(target)} is not visible ASCII without "#"`)
  if (httpVersion !== '1.1') throw new UsageError(`HTTP version ${quote(httpVersion)} is not 1.1`)
  return encodeLatin1(`${method} ${target} HTTP/1.1\r\n${serializeFields(fields)}\r\n`)
}
