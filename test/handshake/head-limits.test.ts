import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { DEFAULT_HEAD_LIMITS, headLimits } from '../../src/handshake/head-limits.ts'

describe('headLimits', () => {
  it('has 8 KiB, 16 KiB and 100 lines when nothing is named [6455-10.4-1]', () => {
    expect(headLimits()).toEqual({ maxStartLineBytes: 8192, maxHeadBytes: 16_384, maxFieldLines: 100 })
  })

  it('puts the named ones in their place, Infinity included', () => {
    expect(headLimits({ maxFieldLines: 3, maxHeadBytes: Number.POSITIVE_INFINITY })).toEqual({
      ...DEFAULT_HEAD_LIMITS,
      maxFieldLines: 3,
      maxHeadBytes: Number.POSITIVE_INFINITY,
    })
  })

  it('takes 1, the least that is positive', () => {
    expect(headLimits({ maxHeadBytes: 1 }).maxHeadBytes).toBe(1)
  })

  it('gives limits that were checked back as they are, and lets nobody change them', () => {
    expect(headLimits()).toBe(DEFAULT_HEAD_LIMITS)
    const limits = headLimits({ maxFieldLines: 3 })
    expect(headLimits(limits)).toBe(limits)
    expect(Object.isFrozen(limits)).toBe(true)
    expect(Object.isFrozen(DEFAULT_HEAD_LIMITS)).toBe(true)
  })

  it.each([0, -1, 1.5, Number.NaN, '5' as unknown as number])('throws UsageError for %j', (limit) => {
    expect(() => headLimits({ maxHeadBytes: limit })).toThrow(UsageError)
    expect(() => headLimits({ maxStartLineBytes: limit })).toThrow(UsageError)
    expect(() => headLimits({ maxFieldLines: limit })).toThrow(UsageError)
    expect(() => headLimits({ maxFieldLines: limit })).toThrow(
      `maxFieldLines is ${limit}; it must be a positive integer or Infinity`,
    )
  })
})
