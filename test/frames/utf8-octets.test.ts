import { describe, expect, it } from 'vitest'
import { Utf8Octets } from '../../src/frames/utf8-octets.ts'
import { hex } from '../support/hex.ts'

describe('Utf8Octets', () => {
  it.each([
    ['behind a whole character', '61', '61', 'e282ac'],
    ['inside one', 'e2 82', 'ac', '61'],
    ['behind an octet that narrows the next', 'e0', 'a0 80', '80'],
    ['behind an octet that narrows the next from above', 'ed', '9f bf', 'a0'],
  ])('goes on %s where another one is, and leaves that alone', (_, first, rest, other) => {
    const [one, copy] = [new Utf8Octets(), new Utf8Octets()]
    for (const octet of hex(first)) one.octet(octet)
    copy.copyFrom(one)
    const isValid = (utf8: Utf8Octets, text: string): boolean => [...hex(text)].every((octet) => utf8.octet(octet))
    expect([isValid(copy, rest), copy.isComplete]).toEqual([true, true])
    // What the copy read the other one has not.
    expect(isValid(one, other)).toBe(first === '61')
    one.reset()
    expect([isValid(one, '61'), one.isComplete]).toEqual([true, true])
  })
})
