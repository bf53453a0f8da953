import { describe, expect, it } from 'vitest'
import { RetainedInput } from '../../src/protocol/retained-input.ts'

describe('RetainedInput', () => {
  it('gives back what was appended, in order, and is empty then', () => {
    const retained = new RetainedInput()
    retained.append(Uint8Array.of(9, 1, 2, 9), 1, 3)
    retained.append(Uint8Array.of(3), 0, 1)
    expect(retained.length).toBe(3)
    expect([...retained.take()]).toEqual([1, 2, 3])
    expect(retained.length).toBe(0)
    expect([...retained.take()]).toEqual([])
  })

  it('copies what is appended: the caller may use its memory again', () => {
    const retained = new RetainedInput()
    for (const pool of [Uint8Array.of(1, 2), Buffer.from([1, 2])]) {
      retained.append(pool, 0, 2)
      pool.fill(0)
      expect([...retained.take()]).toEqual([1, 2])
    }
  })

  it('puts back what was not read without a copy when nothing came meanwhile', () => {
    const retained = new RetainedInput()
    const rest = Uint8Array.of(2, 3)
    retained.putBack(rest)
    expect(retained.take()).toBe(rest)
  })

  it('puts back what was not read in front of what came meanwhile', () => {
    const retained = new RetainedInput()
    retained.append(Uint8Array.of(4), 0, 1)
    retained.putBack(Uint8Array.of(2, 3))
    expect([...retained.take()]).toEqual([2, 3, 4])
  })

  it('keeps no more than twice what waits of the memory of what was read', () => {
    const retained = new RetainedInput()
    retained.append(new Uint8Array(64 << 10).fill(7), 0, 64 << 10)
    while (retained.length > 0) {
      const bytes = retained.take()
      const rest = bytes.subarray(Math.min(bytes.length, 1000))
      retained.putBack(rest)
      expect(retained.heldBytes).toBe(retained.take().buffer.byteLength)
      retained.putBack(rest)
      expect(retained.heldBytes).toBeLessThanOrEqual(rest.length * 2)
      expect(retained.length).toBe(rest.length)
    }
    expect(retained.heldBytes).toBe(0)
  })

  it('forgets the bytes and remembers the end', () => {
    const retained = new RetainedInput()
    expect(retained.ended).toBe(false)
    retained.append(Uint8Array.of(1), 0, 1)
    retained.ended = true
    retained.discard()
    expect(retained.length).toBe(0)
    expect(retained.ended).toBe(true)
  })
})
