import { describe, expect, it } from 'vitest'
import { wordsOf } from '../../src/frames/words.ts'
import { Resizable } from '../support/resizable.ts'

const MIB = 1 << 20

describe('wordsOf', () => {
  it.each([
    [0, 0, 0],
    [7, 1, 0],
    [8, 2, 1],
    [21, 5, 2],
  ])('gives the whole words of a buffer of %d bytes', (length, words32, words64) => {
    const bytes = new Uint8Array(length)
    const { base, int32, int64 } = wordsOf(bytes)
    expect(base).toBe(0)
    expect([int32.buffer, int32.length]).toEqual([bytes.buffer, words32])
    expect([int64.buffer, int64.length]).toEqual([bytes.buffer, words64])
  })

  it('says where a view begins in its buffer, of which it gives all words', () => {
    const { buffer } = new Uint8Array(64)
    const words = wordsOf(new Uint8Array(buffer, 13, 20))
    expect(words.base).toBe(13)
    expect(words.int32).toHaveLength(16)
  })

  it('keeps the words of the last buffer for all its views, each with its own beginning', () => {
    const bytes = new Uint8Array(100)
    const { int32, int64 } = wordsOf(bytes)
    for (const [view, start] of [
      [bytes, 0],
      [bytes.subarray(30), 30],
      [bytes.subarray(0), 0],
    ] as const) {
      const words = wordsOf(view)
      expect(words.base).toBe(start)
      expect(words.int32).toBe(int32)
      expect(words.int64).toBe(int64)
    }
  })

  it('does not keep those of a buffer whose length may change', () => {
    const buffer = new Resizable(64, { maxByteLength: 256 })
    const bytes = new Uint8Array(buffer)
    expect(wordsOf(bytes).int32).toHaveLength(16)
    buffer.resize(256)
    expect([wordsOf(bytes).int32.length, wordsOf(bytes).int64.length]).toEqual([64, 32])
    buffer.resize(32)
    expect(wordsOf(bytes).int64).toHaveLength(4)
  })

  it('keeps those of a buffer of 1 MiB, and does not pin the memory of a larger one', () => {
    const largest = new Uint8Array(MIB)
    const { int32 } = wordsOf(largest)
    const larger = new Uint8Array(MIB + 1).subarray(0, 10)
    const ofLarger = wordsOf(larger).int32
    expect(ofLarger.buffer).toBe(larger.buffer)
    expect(wordsOf(larger).int32).not.toBe(ofLarger)
    expect(wordsOf(largest).int32).toBe(int32)
  })
})
