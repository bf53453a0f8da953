import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyMask } from '../../src/frames/mask.ts'
import { FC_TIMEOUT_MS, fcOptions } from '../support/fc-options.ts'

const key = fc.uint8Array({ minLength: 4, maxLength: 4 })
const payload = fc.uint8Array({ maxLength: 300, size: 'max' })

describe('applyMask', () => {
  it('twice with the same key gives back what was there', { timeout: FC_TIMEOUT_MS }, () => {
    fc.assert(
      fc.property(payload, key, fc.nat(), (bytes, maskingKey, offset) => {
        const twice = applyMask(applyMask(bytes.slice(), maskingKey, offset), maskingKey, offset)
        expect(twice).toEqual(bytes)
      }),
      fcOptions(500),
    )
  })

  it('in pieces equals at once, wherever the pieces lie (§5.3) [6455-5.3-5]', { timeout: FC_TIMEOUT_MS }, () => {
    fc.assert(
      fc.property(payload, key, fc.array(fc.nat(300)), fc.nat(7), (bytes, maskingKey, positions, shift) => {
        const memory = new Uint8Array(bytes.length + shift)
        memory.set(bytes, shift)
        const cuts = [...positions, bytes.length].map((p) => Math.min(p, bytes.length)).sort((a, b) => a - b)
        let at = 0
        for (const cut of cuts) {
          applyMask(memory.subarray(shift + at, shift + cut), maskingKey, at)
          at = cut
        }
        expect(memory.slice(shift)).toEqual(bytes.map((octet, i) => octet ^ maskingKey[i % 4]!))
      }),
      fcOptions(500),
    )
  })
})
