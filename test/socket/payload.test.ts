import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { toBytes, toPayload } from '../../src/socket/payload.ts'

describe('toPayload', () => {
  it('leaves strings and Uint8Arrays as they are', () => {
    const bytes = Buffer.from('abc')
    expect(toPayload('text')).toBe('text')
    expect(toPayload(bytes)).toBe(bytes)
  })

  it('sends a number as its decimal digits', () => {
    expect(toPayload(80)).toBe('80')
    expect(toPayload(-0.5)).toBe('-0.5')
  })

  for (const value of [undefined, null, true, {}, [1, 2], Symbol('s'), 1n, () => {}]) {
    it(`refuses ${Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value}`, () => {
      expect(() => toPayload(value)).toThrow(UsageError)
      expect(() => toPayload(value)).toThrow(value === null ? 'null' : typeof value)
    })
  }
})

describe('toBytes', () => {
  it('gives the UTF-8 of text', () => {
    expect([...toBytes('é€')]).toEqual([0xc3, 0xa9, 0xe2, 0x82, 0xac])
  })

  it('gives memory of its own, where it has to make some: that of Node can be detached by anybody', () => {
    for (const given of ['text', 12, [Buffer.from('te'), Buffer.from('xt')]]) {
      const bytes = toBytes(given)
      expect(bytes.buffer.byteLength).toBe(bytes.length)
    }
  })
})
