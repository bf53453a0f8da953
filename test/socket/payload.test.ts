import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { toBuffer, toBytes, toPayload } from '../../src/socket/payload.ts'
import { fcOptions } from '../support/fc-options.ts'

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
})

describe('toBuffer', () => {
  const bytes = Uint8Array.of(1, 2, 3, 4)

  it('shares memory that the receiver may keep', () => {
    const buffer = toBuffer(bytes, 1, 3, true)
    expect([...buffer]).toEqual([2, 3])
    expect(buffer.buffer).toBe(bytes.buffer)
  })

  it('copies memory that it may not', () => {
    for (const [start, end] of [
      [0, 4],
      [1, 3],
      [2, 2],
    ] as const) {
      const buffer = toBuffer(bytes, start, end, false)
      expect([...buffer]).toEqual([...bytes].slice(start, end))
      expect(buffer.buffer).not.toBe(bytes.buffer)
    }
  })
})

describe('the memory of messages', () => {
  it('is its own for every message, whatever lengths follow each other', () => {
    const source = Uint8Array.from({ length: 20_000 }, (_, i) => i % 251)
    fc.assert(
      fc.property(fc.array(fc.nat(20_000), { minLength: 1, maxLength: 40 }), (lengths) => {
        const buffers = lengths.map((length) => toBuffer(source, source.length - length, source.length, false))
        buffers.forEach((buffer, i) => {
          expect(Buffer.compare(buffer, source.subarray(source.length - lengths[i]!))).toBe(0)
          buffer.fill(i)
        })
        buffers.forEach((buffer, i) => {
          expect(buffer.every((byte) => byte === i)).toBe(true)
        })
      }),
      fcOptions(50),
    )
  })
})
