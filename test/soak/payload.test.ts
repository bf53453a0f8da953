import { describe, expect, it } from 'vitest'
import { checkPayload, makePayload } from './payload.ts'
import { Plan } from './plan.ts'

const binary = { isText: false, size: 500, fragments: 1, pings: false }

describe('Plan', () => {
  it('gives both ends the same messages, and other connections others', () => {
    const drawn = (index: number): unknown[] => {
      const plan = new Plan(7, index)
      return [plan.messages, plan.ending, plan.deflates, ...Array.from({ length: 20 }, () => plan.next())]
    }
    expect(drawn(3)).toEqual(drawn(3))
    expect(drawn(3)).not.toEqual(drawn(4))
  })

  it('covers every ending and the sizes from 0 bytes to 256 KiB', () => {
    const plans = Array.from({ length: 200 }, (_, index) => new Plan(7, index))
    expect(new Set(plans.map(({ ending }) => ending))).toEqual(new Set(['client', 'server', 'reset', 'terminate']))
    const sizes = plans.flatMap((plan) => Array.from({ length: plan.messages }, () => plan.next().size))
    expect(Math.min(...sizes)).toBe(0)
    expect(Math.max(...sizes)).toBe(256 << 10)
  })
})

describe('checkPayload', () => {
  it.each([0, 1, 15, 16, 17, 1000, 256 << 10])('accepts a message of %i bytes as it was made', (size) => {
    for (const isText of [true, false]) {
      const planned = { ...binary, isText, size }
      expect(checkPayload(planned, 5, makePayload(planned, 5), !isText)).toBeNull()
    }
  })

  it('notices one that comes again, too early, changed, cut, longer, or as the other kind', () => {
    const payload = makePayload(binary, 5)
    const changed = Buffer.from(payload)
    changed[100]! ^= 1
    expect(checkPayload(binary, 6, payload, true)).toMatch(/message 5 .* 6 was due/)
    expect(checkPayload(binary, 4, payload, true)).toMatch(/message 5 .* 4 was due/)
    expect(checkPayload(binary, 5, changed, true)).toMatch(/checksum/)
    expect(checkPayload(binary, 5, payload.subarray(0, 499), true)).toMatch(/499 bytes/)
    expect(checkPayload(binary, 5, Buffer.concat([payload, Buffer.of(0)]), true)).toMatch(/501 bytes/)
    expect(checkPayload(binary, 5, payload, false)).toMatch(/text/)
  })
})
