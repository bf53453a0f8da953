import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ReadMemory } from '../../src/protocol/read-memory.ts'
import { fcOptions } from '../support/fc-options.ts'

const KIB = 1 << 10

/** Copies ranges of the given lengths, one behind the other, out of one chunk. */
function copyAll(lengths: readonly number[], gap = 2): Uint8Array[] {
  const chunk = Uint8Array.from({ length: lengths.reduce((sum, length) => sum + length + gap, 0) }, (_, i) => i % 251)
  const memory = ReadMemory.of(chunk, 0, chunk.length)
  let at = 0
  const copies = lengths.map((length) => {
    const copy = memory.copy(chunk, at + gap, at + gap + length)
    expect(Buffer.compare(copy, chunk.subarray(at + gap, at + gap + length))).toBe(0)
    at += gap + length
    return copy
  })
  memory.release()
  return copies
}

describe('memory for one read', () => {
  it('is another for each byte, whatever lengths follow each other', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20_000), { minLength: 1, maxLength: 40 }), fc.constantFrom(2, 6), (lengths, gap) => {
        const copies = copyAll(lengths, gap)
        copies.forEach((copy, i) => {
          copy.fill(i + 1)
        })
        copies.forEach((copy, i) => {
          expect(copy.every((byte) => byte === i + 1)).toBe(true)
          const strange = new Uint8Array(copy.buffer).filter((byte) => byte > copies.length)
          expect(strange).toHaveLength(0)
          expect(copy.buffer.byteLength - copy.length).toBeLessThanOrEqual(64 * KIB)
        })
      }),
      fcOptions(50),
    )
  })

  it('is shared by what is short, so that few pieces serve many', () => {
    const copies = copyAll(Array(1000).fill(125))
    const buffers = new Set(copies.map(({ buffer }) => buffer))
    expect(buffers.size).toBeLessThanOrEqual((1000 * 128) / (8 * KIB) + 2)
    for (const { byteLength } of buffers) expect(byteLength).toBeLessThanOrEqual(8 * KIB)
  })

  it('begins at a multiple of eight, so that any kind of number can be read there', () => {
    for (const { byteOffset } of copyAll([125, 77, 1001, 90, 300])) expect(byteOffset % 8).toBe(0)
  })

  it.each([0, 1, 64])('is alone for %i bytes, for which it costs nothing', (length) => {
    const copies = copyAll(Array(10).fill(length))
    expect(new Set(copies.map(({ buffer }) => buffer)).size).toBe(10)
  })

  it.each([65, 125, 1000, 16 * KIB, 16 * KIB + 1, 70 * KIB])('is alone for %i bytes that come alone', (length) => {
    const [copy] = copyAll([length])
    expect(copy!.buffer.byteLength).toBe(length)
  })

  it('is another one for another read', () => {
    const [a] = copyAll(Array(10).fill(125))
    const [b] = copyAll(Array(10).fill(125))
    expect(a!.buffer).not.toBe(b!.buffer)
  })

  it('goes on when what was given was detached', () => {
    const chunk = new Uint8Array(4000).fill(7)
    const memory = ReadMemory.of(chunk, 0, chunk.length)
    for (let i = 0; i < 20; i += 1) {
      const copy = memory.copy(chunk, i * 100, i * 100 + 100)
      expect(copy.every((byte) => byte === 7)).toBe(true)
      structuredClone(null, { transfer: [copy.buffer as ArrayBuffer] })
    }
    memory.release()
  })

  it('doubles for what comes from elsewhere than the chunk, as an extension gives it', () => {
    const memory = ReadMemory.of(new Uint8Array(10), 0, 10)
    const scratch = new Uint8Array(64 * KIB)
    const buffers = new Set<ArrayBufferLike>()
    for (let i = 0; i < 100; i += 1) buffers.add(memory.copy(scratch, 0, 1000).buffer)
    memory.release()
    expect(buffers.size).toBeLessThan(15)
    for (const { byteLength } of buffers) expect(byteLength).toBeLessThanOrEqual(16_000)
  })

  it('has one piece for a message that began in an earlier read and what follows it in this one', () => {
    const chunk = new Uint8Array(400).fill(1)
    const memory = ReadMemory.of(chunk, 0, 400)
    const joined = memory.copy(new Uint8Array(256).fill(2), 0, 200)
    const [a, b] = [memory.copy(chunk, 106, 206), memory.copy(chunk, 212, 312)]
    memory.release()
    expect(new Set([joined.buffer, a.buffer, b.buffer]).size).toBe(1)
    expect([joined, a, b].map((bytes) => new Set(bytes))).toEqual([new Set([2]), new Set([1]), new Set([1])])
  })

  it('serves reads that happen within each other, each with its own', () => {
    const chunk = new Uint8Array(1000).fill(1)
    const outer = ReadMemory.of(chunk, 0, 1000)
    const a = outer.copy(chunk, 0, 100)
    const inner = ReadMemory.of(chunk, 0, 1000)
    const b = inner.copy(chunk, 0, 100)
    inner.release()
    const c = outer.copy(chunk, 100, 200)
    outer.release()
    expect(b.buffer).not.toBe(a.buffer)
    expect(c.buffer).toBe(a.buffer)
  })
})
