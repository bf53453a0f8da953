import { describe, expect, it } from 'vitest'
import type { HandshakeError } from '../../src/errors.ts'
import { HandshakeRate } from '../../src/server/handshake-rate.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** The seconds of `Retry-After`, or null when the request passes. */
function secondsFor(rate: HandshakeRate, address: string | undefined): number | null {
  try {
    rate.check(address)
    return null
  } catch (error) {
    const { httpStatus, fields } = error as HandshakeError
    expect(httpStatus).toBe(429)
    return Number(new Map(fields).get('Retry-After'))
  }
}

const addressOf = (i: number): string => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`

describe('HandshakeRate', () => {
  it('counts each address for itself (§10.4) [6455-10.4-1]', () => {
    const rate = new HandshakeRate({ perSecond: 1, burst: 2 }, new FakeClock())
    expect(['a', 'a', 'a', 'b'].map((address) => secondsFor(rate, address))).toEqual([null, null, 1, null])
  })

  it('says after how many whole seconds the address may come again, and lets it', () => {
    const clock = new FakeClock()
    const rate = new HandshakeRate({ perSecond: 0.1, burst: 1 }, clock)
    rate.check('a')
    expect(secondsFor(rate, 'a')).toBe(10)
    clock.advance(8500)
    expect(secondsFor(rate, 'a')).toBe(2)
    clock.advance(1500)
    expect(secondsFor(rate, 'a')).toBeNull()
  })

  it('limits nobody whose address is unknown', () => {
    const rate = new HandshakeRate({ perSecond: 1, burst: 1 }, new FakeClock())
    expect([1, 2, 3].map(() => secondsFor(rate, undefined))).toEqual([null, null, null])
    expect(rate.size).toBe(0)
  })

  it('remembers no more than 65,536 of 100,000 addresses that come at once', () => {
    const rate = new HandshakeRate({ perSecond: 1, burst: 5 }, new FakeClock())
    let most = 0
    for (let i = 0; i < 100_000; i++) {
      rate.check(addressOf(i))
      most = Math.max(most, rate.size)
    }
    expect(most).toBe(65_536)
    expect(rate.size).toBe(65_536)
  })

  it('keeps whoever keeps coming when others push out the oldest', () => {
    const rate = new HandshakeRate({ perSecond: 1, burst: 1 }, new FakeClock())
    rate.check('busy')
    for (let i = 0; i < 100_000; i++) {
      rate.check(addressOf(i))
      if (i % 1000 === 0) expect(secondsFor(rate, 'busy')).toBe(1)
    }
  })

  it('forgets addresses whose buckets are full, without a timer', () => {
    const clock = new FakeClock()
    const rate = new HandshakeRate({ perSecond: 1, burst: 5 }, clock)
    for (let i = 0; i < 1000; i++) rate.check(addressOf(i))
    clock.advance(1000)
    expect(clock.pending).toBe(0)
    for (let i = 0; i < 200; i++) secondsFor(rate, 'late')
    expect(rate.size).toBe(1)
  })
})
