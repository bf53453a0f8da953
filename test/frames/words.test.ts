import { describe, expect, it } from 'vitest'
import { wordsOf } from '../../src/frames/words.ts'

const MIB = 1 << 20

describe('wordsOf', () => {
  it.each([
    [0, 0, 0],
    [7, 1, 0],
    [8, 2, 1],
    [21, 5, 2],
  ])('gives the whole words of a buffer of %d bytes', (length, words32, words64) => {
    const buffer = new ArrayBuffer(length)
    const { int32, int64 } = wordsOf(buffer, length)
    expect([int32.buffer, int32.length]).toEqual([buffer, words32])
    expect([int64.buffer, int64.length]).toEqual([buffer, words64])
  })

  it('keeps the views of the last buffer, whatever part of it is asked for', () => {
    const buffer = new ArrayBuffer(100)
    const words = wordsOf(buffer, 50)
    expect(wordsOf(buffer, 100)).toBe(words)
    expect(wordsOf(buffer, 10)).toBe(words)
    expect(wordsOf(new ArrayBuffer(100), 100)).not.toBe(words)
    expect(wordsOf(buffer, 100)).not.toBe(words)
  })

  it('makes new views where the old ones are too short, and keeps those', () => {
    // The type checker's library is older than resizable buffers; Node 20 has them.
    const Resizable = ArrayBuffer as unknown as new (
      length: number,
      options: { maxByteLength: number },
    ) => ArrayBuffer & { resize(length: number): void }
    const buffer = new Resizable(64, { maxByteLength: 256 })
    const words = wordsOf(buffer, 64)
    expect(words.int32).toHaveLength(16)
    buffer.resize(256)
    const grown = wordsOf(buffer, 256)
    expect([grown.int32.length, grown.int64.length]).toEqual([64, 32])
    expect(wordsOf(buffer, 256)).toBe(grown)
  })

  it('keeps a buffer of 1 MiB, and does not pin the memory of a larger one', () => {
    const largest = new ArrayBuffer(MIB)
    const words = wordsOf(largest, MIB)
    const larger = new ArrayBuffer(MIB + 1)
    const views = wordsOf(larger, MIB + 1)
    expect(views.int32.buffer).toBe(larger)
    expect(wordsOf(larger, MIB + 1)).not.toBe(views)
    expect(wordsOf(largest, MIB)).toBe(words)
  })
})
