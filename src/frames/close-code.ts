import { isValidOnWire, StatusCode } from './status-code.ts'
import { type Violation, violations } from './violation.ts'

/**
 * Every rule that the status code in the body of a Close frame can break, RFC 6455 §5.5.1 and §7.4. The reason behind it is
 * not looked at.
 *
 * @returns the rule that is broken, or null
 */
export function checkCloseCode(bytes: Uint8Array, start: number, end: number): Violation | null {
  // @req 6455-5.5.1-1
  if (end === start) return null
  // @req 6455-5.5.1-2
  if (end - start === 1) return violations.TruncatedStatusCode
  const statusCode = readStatusCode(bytes, start, end)
  return isValidOnWire(statusCode) ? null : whyNotOnWire(statusCode)
}

function whyNotOnWire(statusCode: number): Violation {
  if (statusCode < 1000) return violations.UnusedStatusCode
  if (statusCode > 4999) return violations.StatusCodeOutOfRange
  switch (statusCode) {
    case 1004:
      return violations.ReservedStatusCode
    case StatusCode.NoStatusReceived:
      return violations.NoStatusOnWire
    case StatusCode.AbnormalClosure:
      return violations.AbnormalOnWire
    case StatusCode.TlsHandshake:
      return violations.TlsHandshakeOnWire
    default:
      return violations.UnassignedStatusCode
  }
}

/** The status code of a body that passed {@link checkClosePayload}; 1005 when there is none. §7.1.5. */
export function readStatusCode(bytes: Uint8Array, start = 0, end = bytes.length): number {
  // @req 6455-7.1.5-2
  if (end === start) return StatusCode.NoStatusReceived
  // @req 6455-5.2-9
  return (bytes[start]! << 8) | bytes[start + 1]!
}
