import { type FieldLines, HandshakeError, quote, UsageError } from '../errors.ts'
import { refuseReserved, serializeFields } from './field-list.ts'
import type { ResponseHead } from './head.ts'
import type { HeadLimits } from './head-limits.ts'
import { ResponseHeadReader } from './head-reader.ts'
import { encodeLatin1, isAll, OctetClass } from './octets.ts'

/** Reason phrases, RFC 9110 §15; a status without one gets an empty phrase, which is valid. */
const REASONS: ReadonlyMap<number, string> = new Map([
  [101, 'Switching Protocols'],
  [200, 'OK'],
  [301, 'Moved Permanently'],
  [302, 'Found'],
  [303, 'See Other'],
  [307, 'Temporary Redirect'],
  [308, 'Permanent Redirect'],
  [400, 'Bad Request'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [405, 'Method Not Allowed'],
  [408, 'Request Timeout'],
  [410, 'Gone'],
  [414, 'URI Too Long'],
  [426, 'Upgrade Required'],
  [429, 'Too Many Requests'],
  [431, 'Request Header Fields Too Large'],
  [500, 'Internal Server Error'],
  [501, 'Not Implemented'],
  [502, 'Bad Gateway'],
  [503, 'Service Unavailable'],
  [504, 'Gateway Timeout'],
])

const BODY_FIELDS: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding'])
const utf8Encoder = new TextEncoder()

/**
 * Parses the head of a response that is there as a whole. What follows the head is not looked at; where it matters, read
 * with a `ResponseHeadReader`, which hands it back. RFC 9112 §4.
 *
 * @throws HandshakeError with status 502, also when the empty line is missing.
 * @throws UsageError when a limit is neither a positive integer nor `Infinity`.
 */
export function parseResponseHead(octets: Uint8Array, limits?: Partial<HeadLimits>): ResponseHead {
  const head = new ResponseHeadReader(limits).receive(octets)
  if (head === null) throw new HandshakeError('9112-2.1', 502, 'the response ends before the empty line after its head')
  return head
}

/**
 * Writes a response head, its empty line included. RFC 9112 §4.
 *
 *     status-line = HTTP-version SP status-code SP [ reason-phrase ] CRLF
 *
 * @throws UsageError when a part could not be read back as it is.
 */
export function serializeResponseHead(head: ResponseHead): Uint8Array {
  const { httpVersion, status, reason, fields } = head
  if (httpVersion !== '1.1') throw new UsageError(`HTTP version ${quote(httpVersion)} is not 1.1`)
  if (reason !== '' && !isAll(reason, OctetClass.FieldValue)) {
    throw new UsageError(`reason phrase ${quote(reason)} cannot stand in a status-line`)
  }
  return encodeLatin1(`HTTP/1.1 ${checkedStatus(status)} ${reason}\r\n${serializeFields(fields)}\r\n`)
}

/**
 * Writes a response: head and body, with the `Content-Length` of the body unless the status allows none.
 *
 * @param status Status code, 100 to 999.
 * @param fields Field lines, in the order they are written.
 * @param body Body; text goes as UTF-8. Default empty.
 * @throws UsageError when the status is no status code, a field line is malformed or says how long the body is, or a
 *   1xx, 204 or 304 has a body.
 */
export function serializeResponse(status: number, fields: FieldLines, body: string | Uint8Array = ''): Uint8Array {
  refuseReserved(fields, BODY_FIELDS)
  const octets = typeof body === 'string' ? utf8Encoder.encode(body) : body
  const start = `HTTP/1.1 ${checkedStatus(status)} ${REASONS.get(status) ?? ''}\r\n${serializeFields(fields)}`
  // RFC 9110 §8.6: no Content-Length in a 1xx or 204.
  if (status < 200 || status === 204 || status === 304) {
    if (octets.length > 0) throw new UsageError(`a response with status ${status} has no body`)
    return encodeLatin1(`${start}\r\n`)
  }
  const head = encodeLatin1(`${start}Content-Length: ${octets.length}\r\n\r\n`)
  const response = new Uint8Array(head.length + octets.length)
  response.set(head)
  response.set(octets, head.length)
  return response
}

function checkedStatus(status: number): number {
  if (!Number.isInteger(status) || status < 100 || status > 999) {
    throw new UsageError(`${String(status)} is no status code; one is an integer from 100 to 999`)
  }
  return status
}
