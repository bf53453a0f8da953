import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { readStatusCode } from '../../src/frames/close-code.ts'
import {
  checkClosePayload,
  MAX_REASON_LENGTH,
  readReason,
  serializeClosePayload,
} from '../../src/frames/close-payload.ts'
import { violations } from '../../src/frames/violation.ts'
import { concat } from '../support/chunkings.ts'
import { hex } from '../support/hex.ts'

/** Every status code there can be in two bytes, and the rule it breaks; §7.4.1, §7.4.2 and the IANA registry. */
const RANGES = [
  [0, 999, 'UnusedStatusCode'],
  [1000, 1003, null],
  [1004, 1004, 'ReservedStatusCode'],
  [1005, 1005, 'NoStatusOnWire'],
  [1006, 1006, 'AbnormalOnWire'],
  [1007, 1014, null],
  [1015, 1015, 'TlsHandshakeOnWire'],
  [1016, 2999, 'UnassignedStatusCode'],
  [3000, 4999, null],
  [5000, 65_535, 'StatusCodeOutOfRange'],
] as const

const body = (statusCode: number, reason: Uint8Array = new Uint8Array(0)) => {
  return concat(Uint8Array.of(Math.floor(statusCode / 256), statusCode % 256), reason)
}

describe('checkClosePayload', () => {
  it('takes an empty body (§5.5.1) [6455-5.5.1-1]', () => {
    expect(checkClosePayload(new Uint8Array(0))).toBeNull()
  })

  it('fails with 1002 at a body of one byte (§5.5.1) [6455-5.5.1-2]', () => {
    expect(checkClosePayload(hex('03'))).toBe(violations.TruncatedStatusCode)
  })

  it.each(RANGES)('judges each of the status codes %d-%d: %s (§7.4)', (first, last, name) => {
    const expected = name === null ? null : violations[name]
    for (let statusCode = first as number; statusCode <= last; statusCode++) {
      const violation = checkClosePayload(body(statusCode))
      if (violation !== expected) expect.fail(`${statusCode}: ${violation?.message ?? null}`)
    }
  })

  it('has a row for every status code', () => {
    expect(RANGES.map(([first]) => first)).toEqual([0, ...RANGES.slice(0, -1).map(([, last]) => last + 1)])
  })

  it.each([
    ['nothing', ''],
    ['ASCII', '6f 6b'],
    ['characters of two, three and four octets', 'c3 a9 e2 82 ac f0 9f 98 80'],
    ['123 bytes', '61'.repeat(123)],
  ])('takes a reason of %s (§5.5.1) [6455-5.5.1-3]', (_, reason) => {
    expect(checkClosePayload(body(1000, hex(reason)))).toBeNull()
  })

  it.each([
    ['a stray octet', '61 ff'],
    ['a surrogate', 'ed a0 80'],
    ['a character that is cut', 'e2 82'],
    ['a bad octet behind much text', `${'61'.repeat(60)} c0`],
  ])('fails with 1007 at a reason with %s (§8.1) [6455-8.1-1]', (_, reason) => {
    expect(checkClosePayload(body(1000, hex(reason)))).toBe(violations.InvalidUtf8Reason)
  })

  it('names the status code first when both are wrong', () => {
    expect(checkClosePayload(body(1005, hex('ff')))).toBe(violations.NoStatusOnWire)
  })

  it('looks at the range alone', () => {
    expect(checkClosePayload(hex('ff 03 e8 61 ff'), 1, 4)).toBeNull()
    expect(checkClosePayload(hex('03 e8 ff 03 ec 61'), 3)).toBe(violations.ReservedStatusCode)
    expect(checkClosePayload(hex('03 e8 ff'), 1, 1)).toBeNull()
    expect(checkClosePayload(hex('03 e8 ff'), 2, 3)).toBe(violations.TruncatedStatusCode)
  })
})

describe('readStatusCode', () => {
  it('reads two bytes, big-endian (§5.5.1) [6455-5.2-9]', () => {
    expect(readStatusCode(hex('0f a1 61'))).toBe(4001)
    expect(readStatusCode(hex('ff ff 03 e8 61'), 2)).toBe(1000)
  })

  it('is 1005 when there is no body (§7.1.5) [6455-7.1.5-2]', () => {
    expect(readStatusCode(new Uint8Array(0))).toBe(1005)
    expect(readStatusCode(hex('03 e8'), 2, 2)).toBe(1005)
  })
})

describe('readReason', () => {
  it('reads the UTF-8 behind the status code (§7.1.6) [6455-7.1.6-1]', () => {
    expect(readReason(hex('03 e8 62 79 65'))).toBe('bye')
    expect(readReason(hex('03 e8 e2 82 ac'))).toBe('€')
    expect(readReason(hex('ff 03 e8 62 79 65 ff'), 1, 6)).toBe('bye')
  })

  it('is empty when there is none (§7.1.6) [6455-7.1.6-1]', () => {
    expect(readReason(new Uint8Array(0))).toBe('')
    expect(readReason(hex('03 e8'))).toBe('')
    expect(readReason(hex('03 e8 61'), 0, 2)).toBe('')
    expect(readReason(hex('03 e8 61'), 3, 3)).toBe('')
  })
})

describe('serializeClosePayload', () => {
  it.each([[undefined], [1005]])('writes no body for the status code %s (§7.4.1) [6455-7.4.1-3]', (statusCode) => {
    expect(serializeClosePayload(statusCode)).toEqual(new Uint8Array(0))
    expect(serializeClosePayload(statusCode, '')).toEqual(new Uint8Array(0))
  })

  it('writes the status code and the reason (§7.1.2) [6455-7.1.2-1]', () => {
    expect(serializeClosePayload(4001, 'x')).toEqual(hex('0f a1 78'))
    expect(serializeClosePayload(1000)).toEqual(hex('03 e8'))
    expect(serializeClosePayload(1001, '€')).toEqual(hex('03 e9 e2 82 ac'))
  })

  it('writes each status code that may stand on the wire and refuses all others (§7.4) [6455-7.4.1-4]', () => {
    for (const [first, last, name] of RANGES) {
      for (let statusCode = first as number; statusCode <= last; statusCode++) {
        if (statusCode === 1005) continue
        if (name === null) {
          if (readStatusCode(serializeClosePayload(statusCode)) !== statusCode) expect.fail(`${statusCode} is changed`)
        } else if (!isRefused(statusCode)) expect.fail(`${statusCode} is written`)
      }
    }
  })

  it.each([-1, 1000.5, 65_536, 70_536, Number.NaN, Number.POSITIVE_INFINITY])('refuses %d', (statusCode) => {
    expect(() => serializeClosePayload(statusCode)).toThrow(UsageError)
    expect(() => serializeClosePayload(statusCode)).toThrow(`status code ${statusCode} may not be sent`)
  })

  it.each([[undefined], [1005]])('refuses a reason with the status code %s (§5.5.1) [6455-5.5.1-2]', (statusCode) => {
    expect(() => serializeClosePayload(statusCode, 'x')).toThrow(UsageError)
    expect(() => serializeClosePayload(statusCode, 'x')).toThrow('a close reason needs a status code')
  })

  it('takes a reason of 123 bytes of UTF-8 and refuses one of 124 (§5.5) [6455-5.5-1]', () => {
    expect(MAX_REASON_LENGTH).toBe(123)
    expect(serializeClosePayload(1000, 'a'.repeat(123))).toHaveLength(125)
    expect(serializeClosePayload(1000, '€'.repeat(41))).toHaveLength(125)
    for (const reason of ['a'.repeat(124), `${'€'.repeat(41)}a`]) {
      expect(() => serializeClosePayload(1000, reason)).toThrow(UsageError)
      expect(() => serializeClosePayload(1000, reason)).toThrow('close reason of 124 bytes; at most 123 fit')
    }
  })

  it('writes U+FFFD for a lone surrogate: what goes out is UTF-8 (§5.5.1)', () => {
    expect(serializeClosePayload(1000, '\ud800')).toEqual(hex('03 e8 ef bf bd'))
    expect(checkClosePayload(serializeClosePayload(1000, 'a\udc00b'))).toBeNull()
  })
})

function isRefused(statusCode: number): boolean {
  try {
    serializeClosePayload(statusCode)
    return false
  } catch (error) {
    return error instanceof UsageError
  }
}
