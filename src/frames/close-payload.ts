import { UsageError } from '../errors.ts'
import { decodeUtf8, isValidUtf8, utf8Length, writeUtf8 } from './bytes.ts'
import { checkCloseCode } from './close-code.ts'
import { MAX_CONTROL_PAYLOAD } from './header.ts'
import { isValidOnWire, StatusCode } from './status-code.ts'
import { type Violation, violations } from './violation.ts'

/** The body of a Close frame holds at most this many bytes of reason: 125 less the status code. §5.5, §5.5.1. */
export const MAX_REASON_LENGTH = MAX_CONTROL_PAYLOAD - 2

const NO_BODY = new Uint8Array(0)

/**
 * Every rule that the body of a Close frame can break, RFC 6455 §5.5.1 and §7.4.
 *
 * @returns the first rule that is broken, or null
 */
export function checkClosePayload(bytes: Uint8Array, start = 0, end = bytes.length): Violation | null {
  const violation = checkCloseCode(bytes, start, end)
  if (violation !== null || end === start) return violation
  // @req 6455-5.5.1-3 @req 6455-8.1-1
  if (!isValidUtf8(bytes, start + 2, end)) return violations.InvalidUtf8Reason
  return null
}

/** The reason of a body that passed {@link checkClosePayload}; empty when there is none. §7.1.6. */
export function readReason(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return end === start ? '' : decodeUtf8(bytes, start + 2, end)
}

/**
 * The body of a Close frame, RFC 6455 §5.5.1.
 *
 * @param statusCode - omitted or 1005: no body
 * @param reason - at most 123 bytes of UTF-8; needs a status code
 * @throws UsageError when the code may not stand on the wire, or the reason is too long or has no code
 */
export function serializeClosePayload(statusCode?: number, reason = ''): Uint8Array {
  if (statusCode === undefined || statusCode === StatusCode.NoStatusReceived) {
    if (reason !== '') throw new UsageError('a close reason needs a status code (6455-5.5.1-2)')
    return NO_BODY
  }
  if (!Number.isInteger(statusCode) || !isValidOnWire(statusCode)) {
    throw new UsageError(
      `status code ${statusCode} may not be sent; use 1000-1003, 1007-1014 or 3000-4999 (6455-7.4.1)`,
    )
  }
  const length = utf8Length(reason)
  if (length > MAX_REASON_LENGTH) {
    throw new UsageError(
      `close reason of ${length} bytes; at most ${MAX_REASON_LENGTH} fit in a Close frame (6455-5.5-1)`,
    )
  }
  const body = new Uint8Array(2 + length)
  body[0] = statusCode >>> 8
  body[1] = statusCode
  writeUtf8(reason, body, 2)
  return body
}
