import { describe, expect, it } from 'vitest'
import { GrowingBytes } from '../../src/protocol/growing-bytes.ts'

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = ({ bytes, length }: GrowingBytes): string => Buffer.from(bytes.subarray(0, length)).toString()

describe('GrowingBytes', () => {
  it('joins ranges in the order they came', () => {
    const bytes = new GrowingBytes()
    bytes.append(ascii('.Hel.'), 1, 4)
    bytes.append(ascii('lo'), 0, 2)
    expect(textOf(bytes)).toBe('Hello')
  })

  it('holds at most twice what came, or 256 bytes', () => {
    const bytes = new GrowingBytes()
    for (let length = 1; length < 5000; length += 1) {
      bytes.append(ascii('x'), 0, 1)
      expect(bytes.bytes.length).toBeLessThanOrEqual(Math.max(256, 2 * length))
    }
  })

  it('grows no further than what there will ever be', () => {
    const bytes = new GrowingBytes()
    bytes.append(new Uint8Array(300), 0, 300, 301)
    expect(bytes.bytes.length).toBe(301)
  })

  it('leaves the buffer to who took it when it forgets', () => {
    const bytes = new GrowingBytes()
    bytes.append(ascii('a'), 0, 1)
    const taken = bytes.bytes
    bytes.clear()
    bytes.append(ascii('b'), 0, 1)
    expect(taken[0]).toBe(0x61)
    expect(textOf(bytes)).toBe('b')
  })
})
