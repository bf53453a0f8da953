import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { type Rate, rateOption, TokenBucket } from '../../src/socket/token-bucket.ts'

describe('TokenBucket', () => {
  it('begins full and refuses what is not there', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 3 })
    expect([1, 2, 3, 4].map(() => bucket.take(1, 0))).toEqual([true, true, true, false])
  })

  it('fills up by perSecond, and never above burst', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 3 })
    bucket.take(3, 0)
    expect([bucket.take(1, 99), bucket.take(1, 100), bucket.take(1, 100)]).toEqual([false, true, false])
    expect([1, 2, 3, 4].map(() => bucket.take(1, 1_000_000))).toEqual([true, true, true, false])
  })

  it('takes nothing when it refuses', () => {
    const bucket = new TokenBucket({ perSecond: 1, burst: 3 })
    expect(bucket.take(4, 0)).toBe(false)
    expect(bucket.isFull(0)).toBe(true)
  })

  it('lets tokens be owed, and says how long it takes to have one again', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 3 })
    bucket.spend(8, 0)
    expect(bucket.waitMs(1, 0)).toBe(600)
    expect(bucket.waitMs(1, 599)).toBe(1)
    expect(bucket.waitMs(1, 600)).toBe(0)
    expect(bucket.waitMs(4, 600)).toBe(Number.POSITIVE_INFINITY)
  })

  it('is full when what was taken has come back', () => {
    const bucket = new TokenBucket({ perSecond: 0.5, burst: 10 })
    bucket.take(3, 0)
    expect([0, 5999, 6000].map((now) => bucket.isFull(now))).toEqual([false, false, true])
  })
})

describe('rateOption', () => {
  it('takes numbers as they are', () => {
    expect(rateOption('x', { perSecond: 0.25, burst: 1 })).toEqual({ perSecond: 0.25, burst: 1 })
  })

  it('is null where there is no limit', () => {
    for (const rate of [
      undefined,
      { perSecond: Number.POSITIVE_INFINITY, burst: 1 },
      { perSecond: 1, burst: Number.POSITIVE_INFINITY },
    ]) {
      expect(rateOption('x', rate)).toBeNull()
    }
  })

  const burst = 1
  const perSecond = 1
  for (const [rate, name] of [
    [null, 'option x '],
    [5, 'option x '],
    ...['1', true, null, undefined, 0, -1, Number.NaN].map((bad) => [{ perSecond: bad, burst }, 'x.perSecond']),
    ...['1', true, null, undefined, 0, -1, 1.5, Number.NaN].map((bad) => [{ perSecond, burst: bad }, 'x.burst']),
  ] as const) {
    it(`refuses ${JSON.stringify(rate)} by its name, and coerces nothing`, () => {
      expect(() => rateOption('x', rate as unknown as Rate)).toThrow(UsageError)
      expect(() => rateOption('x', rate as unknown as Rate)).toThrow(name as string)
    })
  }
})
