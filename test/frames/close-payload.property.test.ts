import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readStatusCode } from '../../src/frames/close-code.ts'
import { checkClosePayload, readReason, serializeClosePayload } from '../../src/frames/close-payload.ts'
import { violations } from '../../src/frames/violation.ts'
import { FC_TIMEOUT_MS, fcOptions } from '../support/fc-options.ts'
import { textOf } from '../support/frame-arbitraries.ts'
import { isUtf8Text } from '../support/reference-parser.ts'

const statusCode = fc.oneof(
  fc.integer({ min: 1000, max: 1003 }),
  fc.integer({ min: 1007, max: 1014 }),
  fc.integer({ min: 3000, max: 4999 }),
)

describe('a close payload', () => {
  it('reads back as it was written (§5.5.1) [6455-5.5.1-2] [6455-5.5.1-3]', { timeout: FC_TIMEOUT_MS }, () => {
    // 30 characters of up to 4 octets each: at most 120 of the 123 that fit.
    const reason = textOf(30)
    fc.assert(
      fc.property(statusCode, reason, (code, text) => {
        const body = serializeClosePayload(code, text)
        expect(checkClosePayload(body)).toBeNull()
        expect(readStatusCode(body)).toBe(code)
        expect(readReason(body)).toBe(text)
      }),
      fcOptions(500),
    )
  })

  it('with any reason passes exactly when the strict decoder takes the reason (§8.1) [6455-8.1-1]', {
    timeout: FC_TIMEOUT_MS,
  }, () => {
    const octet = fc.oneof(
      fc.nat(0x7f),
      fc.constantFrom(0x80, 0xa0, 0xbf, 0xc2, 0xe0, 0xe2, 0xed, 0xf0, 0xf4),
      fc.nat(255),
    )
    fc.assert(
      fc.property(statusCode, fc.array(octet, { maxLength: 6 }), fc.nat(117), (code, octets, ascii) => {
        const reason = [...new Array<number>(ascii).fill(0x61), ...octets]
        const violation = checkClosePayload(Uint8Array.of(code >> 8, code & 0xff, ...reason))
        expect(violation).toBe(isUtf8Text(reason) ? null : violations.InvalidUtf8Reason)
      }),
      fcOptions(1000),
    )
  })
})
