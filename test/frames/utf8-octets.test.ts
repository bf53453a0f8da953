import { describe, expect, it } from 'vitest'
import { Utf8Octets } from '../../src/frames/utf8-octets.ts'
import { hex } from '../support/hex.ts'

/** How many octets are taken before one that cannot be right. */
function taken(utf8: Utf8Octets, text: string): number {
  const octets = hex(text)
  const wrong = octets.findIndex((octet) => !utf8.octet(octet))
  return wrong < 0 ? octets.length : wrong
}

describe('Utf8Octets', () => {
  it.each([
    ['61 c3 bc e2 82 ac f0 9f 8e 89', 10],
    ['61 ff', 1],
    ['e0 9f', 1],
    ['ed a0', 1],
    ['f0 8f', 1],
    ['f4 90', 1],
    ['e2 82 61', 2],
  ])('takes of %s the first %d octets', (text, count) => {
    expect(taken(new Utf8Octets(), text)).toBe(count)
  })

  it('knows whether a character is open, and forgets it', () => {
    const utf8 = new Utf8Octets()
    expect([taken(utf8, 'e2 82'), utf8.isComplete]).toEqual([2, false])
    utf8.reset()
    expect([utf8.isComplete, taken(utf8, '61')]).toEqual([true, 1])
  })
})
