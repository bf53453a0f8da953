import { isUtf8 } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { Utf8Validator } from '../../src/frames/utf8.ts'
import { concat } from '../support/chunkings.ts'
import { hex } from '../support/hex.ts'
import { sweepStep } from '../support/sweep.ts'
import { BOUNDARY_OCTETS, canBeCompleted, isUtf8ByTheGrammar } from '../support/utf8-grammar.ts'

/** Pushes octet by octet. @returns the index of the first octet that was refused, or -1 */
function firstRefused(octets: readonly number[], validator = new Utf8Validator()): number {
  return octets.findIndex((octet) => !validator.push(Uint8Array.of(octet)))
}

describe('Utf8Validator', () => {
  it.each([
    ['nothing', ''],
    ['ASCII', '00 41 7f'],
    ['the first and last of two octets', 'c2 80 df bf'],
    ['the first and last of three octets', 'e0 a0 80 ef bf bf'],
    ['the neighbours of the surrogates', 'ed 9f bf ee 80 80'],
    ['the first and last of four octets', 'f0 90 80 80 f4 8f bf bf'],
    ['much text of three octets', 'e2 82 ac '.repeat(50)],
  ])('takes %s, in every cut in two (§8.1) [6455-5.6-1]', (_, digits) => {
    const bytes = hex(digits)
    for (let cut = 0; cut <= bytes.length; cut++) {
      const validator = new Utf8Validator()
      expect([validator.push(bytes, 0, cut), validator.push(bytes, cut)], `cut at ${cut}`).toEqual([true, true])
      expect(validator.isComplete).toBe(true)
    }
  })

  it.each([
    ['a stray continuation octet', '61 80', 1],
    ['the lead octets C0 and C1, always overlong', 'c0', 0],
    ['the lead octet C1', 'c1', 0],
    ['an overlong form of three octets', 'e0 9f bf', 1],
    ['a surrogate', 'ed a0 80', 1],
    ['an overlong form of four octets', 'f0 8f bf bf', 1],
    ['a value above U+10FFFF', 'f4 90 80 80', 1],
    ['the lead octet F5', 'f5', 0],
    ['the octet FF', 'ff', 0],
    ['ASCII inside a character of two', 'c3 28', 1],
    ['ASCII inside a character of three', 'e2 82 28', 2],
    ['a new character inside one of four', 'f0 9f 98 c3', 3],
  ])('refuses %s at the first octet that cannot be right (§8.1) [6455-8.1-1]', (_, digits, index) => {
    expect(firstRefused([...hex(digits)])).toBe(index)
    for (const before of [0, 31, 32, 100]) {
      const bytes = concat(new Uint8Array(before).fill(0x61), hex(digits))
      expect(new Utf8Validator().push(bytes.subarray(0, before + index))).toBe(true)
      expect(new Utf8Validator().push(bytes.subarray(0, before + index + 1))).toBe(false)
      expect(new Utf8Validator().push(bytes)).toBe(false)
    }
  })

  it('is complete between characters and not inside one', () => {
    const validator = new Utf8Validator()
    const states = [...hex('61 c3 a9 e2 82 ac f0 9f 98 80')].map((octet) => {
      return validator.push(Uint8Array.of(octet)) && validator.isComplete
    })
    expect(states).toEqual([true, false, true, false, false, true, false, false, false, true])
  })

  it('looks at the range alone', () => {
    expect(new Utf8Validator().push(hex('ff 61 c3 a9 ff'), 1, 4)).toBe(true)
    expect(new Utf8Validator().push(hex('ff c3 a9'), 1)).toBe(true)
    expect(new Utf8Validator().push(hex('61 ff'), 1)).toBe(false)
    expect(new Utf8Validator().push(hex('f0 90'), 1)).toBe(false)
    const validator = new Utf8Validator()
    expect(validator.push(hex('a9 c3 ff'), 1, 2)).toBe(true)
    expect(validator.isComplete).toBe(false)
  })

  it.each(['c3', 'e0', 'ed', 'f0', 'f4', 'f0 90', 'e2 ff', 'ed a0'])('forgets %s at reset()', (digits) => {
    const validator = new Utf8Validator()
    for (const octet of hex(digits)) validator.push(Uint8Array.of(octet))
    validator.reset()
    expect(validator.isComplete).toBe(true)
    expect(validator.push(hex('c3 a9'))).toBe(true)
    expect(validator.push(hex('c3'))).toBe(true)
    expect(validator.push(hex('80'))).toBe(true)
    expect(validator.push(hex('e1'))).toBe(true)
    expect(validator.push(hex('bf'))).toBe(true)
    expect(validator.push(hex('bf'))).toBe(true)
  })

  describe('fails at the first octet after which no completion can be valid (§8.1) [6455-5.6-1]', () => {
    it('for every sequence of boundary octets up to four octets behind every lead octet', () => {
      let tried = 0
      const tryOut = (octets: number[]): void => {
        // Only prefixes that can be completed get here; a longer one fails at its last octet or not at all.
        tried++
        const canBe = canBeCompleted(octets)
        if (firstRefused(octets) !== (canBe ? -1 : octets.length - 1)) expect.fail(`octet by octet: ${octets}`)
        const validator = new Utf8Validator()
        if (validator.push(Uint8Array.from(octets)) !== canBe) expect.fail(`at once: ${octets}`)
        if (canBe && validator.isComplete !== isUtf8ByTheGrammar(octets)) expect.fail(`isComplete: ${octets}`)
        if (canBe && octets.length < 4) for (const octet of BOUNDARY_OCTETS) tryOut([...octets, octet])
      }
      for (let lead = 0; lead < 256; lead++) tryOut([lead])
      expect(tried).toBeGreaterThan(256 * BOUNDARY_OCTETS.length)
    })

    it('for all 65,536 pairs of octets', () => {
      for (let lead = 0; lead < 256; lead++) {
        const canBe = canBeCompleted([lead])
        for (let second = 0; second < 256; second += sweepStep(15)) {
          const expected = !canBe ? 0 : canBeCompleted([lead, second]) ? -1 : 1
          if (firstRefused([lead, second]) !== expected) expect.fail(`${lead}, ${second}`)
        }
      }
    })
  })

  it('equals the grammar of RFC 3629 for every lead octet before all boundary octets, in any cut, behind ASCII or not', () => {
    const shift = new Uint8Array(40).fill(0x61)
    const validator = new Utf8Validator()
    for (let lead = 0; lead < 256; lead += sweepStep(5)) {
      for (const second of BOUNDARY_OCTETS) {
        for (const third of BOUNDARY_OCTETS) {
          for (const fourth of BOUNDARY_OCTETS) {
            const octets = [lead, second, third, fourth]
            const expected = isUtf8ByTheGrammar(octets)
            const bytes = Uint8Array.from(octets)
            if (isUtf8(bytes) !== expected) expect.fail(`the grammar and the runtime differ on ${octets}`)
            for (let cut = 0; cut <= 4; cut++) {
              validator.reset()
              const valid = validator.push(bytes, 0, cut) && validator.push(bytes, cut) && validator.isComplete
              if (valid !== expected) expect.fail(`${octets} cut at ${cut}`)
            }
            validator.reset()
            const valid = validator.push(concat(shift, bytes)) && validator.isComplete
            if (valid !== expected) expect.fail(`${octets} behind ASCII`)
          }
        }
      }
    }
  })
})
