import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TokenBucket } from '../../src/socket/token-bucket.ts'
import { FC_TIMEOUT_MS, fcOptions } from '../support/fc-options.ts'

const rates = fc.record({
  perSecond: fc.oneof(fc.integer({ min: 1, max: 1_000_000 }), fc.constantFrom(0.01, 0.3, 2.5)),
  burst: fc.integer({ min: 1, max: 1000 }),
})
/** Milliseconds since the last request, and how much is wanted. */
const requests = fc.array(
  fc.record({ after: fc.oneof(fc.nat(50), fc.nat(5000), fc.constant(0)), count: fc.integer({ min: 1, max: 20 }) }),
  { maxLength: 60 },
)
/** What rounding may add up to. */
const EPSILON = 1e-3

describe('TokenBucket', { timeout: FC_TIMEOUT_MS }, () => {
  it('never gives more than burst + perSecond * t in any t seconds', () => {
    fc.assert(
      fc.property(rates, requests, (rate, wanted) => {
        const bucket = new TokenBucket(rate, 0)
        const given: Array<{ at: number; count: number }> = []
        let now = 0
        for (const { after, count } of wanted) {
          now += after
          if (bucket.take(count, now)) given.push({ at: now, count })
        }
        for (const [first, { at: from }] of given.entries()) {
          let sum = 0
          for (const { at, count } of given.slice(first)) {
            sum += count
            expect(sum).toBeLessThanOrEqual(rate.burst + (rate.perSecond * (at - from)) / 1000 + EPSILON)
          }
        }
      }),
      fcOptions(300),
    )
  })

  it('never starves: after the wait that it names, the tokens are there', () => {
    fc.assert(
      fc.property(rates, requests, (rate, wanted) => {
        const bucket = new TokenBucket(rate, 0)
        let now = 0
        for (const { after, count } of wanted) {
          now += after
          bucket.spend(count, now)
          now += bucket.waitFor(1, now)
          expect(bucket.waitFor(1, now)).toBeLessThan(EPSILON)
          // One more millisecond at most, where rounding makes it so.
          now += 1
          expect(bucket.take(1, now)).toBe(true)
        }
      }),
      fcOptions(300),
    )
  })

  it('refuses nobody who keeps to the rate', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 50 }), (perSecond, burst) => {
        const bucket = new TokenBucket({ perSecond, burst }, 0)
        const step = Math.ceil(1000 / perSecond)
        for (let now = 0; now < 100 * step; now += step) expect(bucket.take(1, now)).toBe(true)
      }),
      fcOptions(100),
    )
  })
})
