import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { rateOption, TokenBucket } from '../../src/socket/token-bucket.ts'
import { fcOptions } from '../support/fc-options.ts'

describe('TokenBucket', () => {
  it('gives its burst at once, and then as much as its rate', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 3 }, 0)
    expect([0, 0, 0, 0].map((now) => bucket.take(1, now))).toEqual([true, true, true, false])
    expect(bucket.waitFor(1, 0)).toBe(100)
    expect(bucket.take(1, 99)).toBe(false)
    expect(bucket.take(1, 100)).toBe(true)
    expect(bucket.take(4, 1_000_000)).toBe(false)
    expect(bucket.take(3, 1_000_000)).toBe(true)
  })

  it('owes what was spent beyond it, and says how long', () => {
    const bucket = new TokenBucket({ perSecond: 1000, burst: 100 }, 0)
    bucket.spend(600, 0)
    expect(bucket.waitFor(0, 0)).toBe(500)
    expect(bucket.waitFor(0, 400)).toBeCloseTo(100)
    expect(bucket.waitFor(0, 500)).toBe(0)
  })

  it('does not fill when the clock goes back', () => {
    const bucket = new TokenBucket({ perSecond: 1, burst: 1 }, 1000)
    expect(bucket.take(1, 1000)).toBe(true)
    expect(bucket.take(1, 0)).toBe(false)
  })

  it('never gives more than its burst and what its rate adds, in any time, and never starves', () => {
    const steps = fc.array(fc.record({ wait: fc.nat(2000), count: fc.integer({ min: 1, max: 5 }) }), { maxLength: 200 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 5, max: 20 }), steps, (perSecond, burst, all) => {
        const bucket = new TokenBucket({ perSecond, burst }, 0)
        let now = 0
        let given = 0
        for (const { wait, count } of all) {
          now += wait
          const allowed = bucket.take(count, now)
          if (allowed) given += count
          expect(given).toBeLessThanOrEqual(burst + (perSecond * now) / 1000 + 1e-6)
          if (!allowed) expect(bucket.waitFor(count, now)).toBeLessThanOrEqual((count / perSecond) * 1000 + 1e-6)
        }
      }),
      fcOptions(200),
    )
  })
})

describe('rateOption', () => {
  it('fills in the burst: a second’s worth, at least one', () => {
    expect(rateOption('x', { perSecond: 50 })).toEqual({ perSecond: 50, burst: 50 })
    expect(rateOption('x', { perSecond: 0.1 })).toEqual({ perSecond: 0.1, burst: 1 })
    expect(rateOption('x', { perSecond: 5, burst: 20 })).toEqual({ perSecond: 5, burst: 20 })
  })

  it('is no limit when it is absent or Infinity', () => {
    expect(rateOption('x', undefined)).toBeNull()
    expect(rateOption('x', { perSecond: Number.POSITIVE_INFINITY })).toBeNull()
  })

  it.each([null, 5, 'fast', {}, { perSecond: 0 }, { perSecond: -1 }, { perSecond: Number.NaN }, { perSecond: '5' }])(
    'refuses %j',
    (rate) => {
      expect(() => rateOption('rateLimit.messages', rate as never)).toThrow(UsageError)
    },
  )

  it('refuses a burst below one', () => {
    expect(() => rateOption('rateLimit.bytes', { perSecond: 5, burst: 0 })).toThrow(/rateLimit.bytes.burst is 0/)
  })
})
