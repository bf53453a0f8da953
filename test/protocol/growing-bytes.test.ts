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
      expect(bytes.capacity).toBeLessThanOrEqual(Math.max(256, 2 * length))
    }
  })

  it('grows no further than what there will ever be', () => {
    const bytes = new GrowingBytes()
    bytes.append(new Uint8Array(20_000), 0, 20_000, 20_001)
    expect(bytes.bytes.length).toBe(20_001)
  })

  it('holds at most a block of 64 KiB more than what came, while it is not known how much will', () => {
    const bytes = new GrowingBytes()
    const sent: number[] = []
    for (let i = 0; i < 200; i += 1) {
      const piece = Uint8Array.from({ length: (i * 97) % 4000 }, (_, j) => (i + j) % 251)
      bytes.append(piece, 0, piece.length)
      sent.push(...piece)
      expect(bytes.length).toBe(sent.length)
      expect(bytes.capacity).toBeLessThanOrEqual(sent.length + (64 << 10))
    }
    const large = Uint8Array.from({ length: 300_000 }, (_, j) => j % 253)
    bytes.append(large, 0, large.length)
    expect(Buffer.compare(bytes.bytes.subarray(0, bytes.length), Uint8Array.from([...sent, ...large]))).toBe(0)
    expect(bytes.capacity).toBe(bytes.length)
    bytes.append(large, 0, 7)
    expect([...bytes.bytes.subarray(bytes.length - 7, bytes.length)]).toEqual([...large.subarray(0, 7)])
  })

  it('goes on in one buffer when it becomes known how much will come', () => {
    const bytes = new GrowingBytes()
    const large = Uint8Array.from({ length: 100_000 }, (_, j) => j % 253)
    bytes.append(large, 0, large.length)
    bytes.append(large, 0, large.length, 2 * large.length)
    expect(bytes.capacity).toBeLessThanOrEqual(2 * large.length)
    expect(Buffer.compare(bytes.bytes, Uint8Array.from([...large, ...large]))).toBe(0)
  })

  it('holds at most twice what came while it is known how much will, and in the end just that', () => {
    const most = 1_000_003
    const bytes = new GrowingBytes()
    for (let length = 0; length < most; ) {
      const piece = Uint8Array.from({ length: Math.min(37_001, most - length) }, (_, j) => (length + j) % 251)
      bytes.append(piece, 0, piece.length, most)
      length += piece.length
      expect(bytes.length).toBe(length)
      expect(bytes.capacity).toBeLessThanOrEqual(2 * length)
    }
    expect(bytes.capacity).toBe(most)
    expect(
      Buffer.compare(
        bytes.bytes,
        Uint8Array.from({ length: most }, (_, j) => j % 251),
      ),
    ).toBe(0)
  })

  it('uses blocks again, and nothing of what was handed on', () => {
    const taken: Uint8Array[] = []
    for (let round = 1; round <= 5; round += 1) {
      const bytes = new GrowingBytes()
      for (let i = 0; i < 10; i += 1) bytes.append(new Uint8Array(50_000).fill(round), 0, 50_000, 500_000)
      taken.push(bytes.bytes)
      bytes.clear()
    }
    expect(taken.map((one) => one.length === 500_000 && new Set(one).size)).toEqual([1, 1, 1, 1, 1])
    expect(taken.map((one) => one[499_999])).toEqual([1, 2, 3, 4, 5])
  })

  it.each([1, 300, 16_384, 20_000, 65_536, 100_000])(
    'leaves %i bytes to who took them, alone in their memory',
    (length) => {
      for (const most of [length, Number.POSITIVE_INFINITY]) {
        const bytes = new GrowingBytes()
        bytes.append(new Uint8Array(length).fill(1), 0, length, most)
        const taken = bytes.take()
        expect([bytes.length, bytes.capacity]).toEqual([0, 0])
        for (let i = 0; i < 3; i += 1) bytes.append(new Uint8Array(length).fill(2), 0, length)
        expect([taken.length, taken.buffer.byteLength, new Set(taken)]).toEqual([length, length, new Set([1])])
      }
    },
  )

  it('has nothing to take when nothing came', () => {
    const taken = [new GrowingBytes().take(), new GrowingBytes().take()]
    expect(taken.map(({ length }) => length)).toEqual([0, 0])
    expect(taken[0]!.buffer).not.toBe(taken[1]!.buffer)
  })

  it('says that bytes are alone in their memory when that was made for all of them', () => {
    const bytes = new GrowingBytes()
    bytes.append(new Uint8Array(15_000), 0, 15_000, 20_000)
    expect(bytes.isOwn).toBe(false)
    bytes.append(new Uint8Array(5000), 0, 5000, 20_000)
    expect(bytes.isOwn).toBe(true)
    bytes.clear()
    bytes.append(new Uint8Array(256), 0, 256, 256)
    expect(bytes.isOwn).toBe(false)
  })

  it('uses the memory of short ones again, of each length', () => {
    for (const length of [1, 257, 1000, 5000, 33_000]) {
      const bytes = new GrowingBytes()
      bytes.append(new Uint8Array(length), 0, length)
      const { buffer } = bytes.bytes
      bytes.clear()
      bytes.append(new Uint8Array(length), 0, length)
      expect(bytes.bytes.buffer).toBe(buffer)
    }
  })

  it('holds at most twice what came, or 256 bytes, however the pieces are cut', () => {
    const piece = new Uint8Array(3000)
    for (const lengths of [
      [200, 300],
      [1, 400, 7],
      [300, 1, 2000],
      [129, 130, 131, 132],
    ]) {
      const bytes = new GrowingBytes()
      let came = 0
      for (const length of lengths) {
        bytes.append(piece, 500, 500 + length)
        came += length
        expect(bytes.length).toBe(came)
        expect(bytes.capacity).toBeLessThanOrEqual(Math.max(256, 2 * came))
      }
    }
  })

  it('puts everything together as soon as half of what will come is there, and only then', () => {
    const large = new Uint8Array(300_000)
    for (const [came, capacity] of [
      [99_999, 128 << 10],
      [100_000, 200_000],
    ] as const) {
      const bytes = new GrowingBytes()
      bytes.append(large, 150_000, 150_000 + came, 200_000)
      expect(bytes.capacity).toBe(capacity)
    }
  })

  it('puts everything together once', () => {
    const large = Uint8Array.from({ length: 100_000 }, (_, j) => j % 253)
    const bytes = new GrowingBytes()
    bytes.append(large, 0, 40_000)
    bytes.append(large, 40_000, 55_000, 100_000)
    const taken = bytes.bytes
    bytes.append(large, 55_000, 58_000, 100_000)
    bytes.append(large, 58_000, 100_000, 100_000)
    expect(bytes.bytes).toBe(taken)
    expect(Buffer.compare(taken, large)).toBe(0)
  })
})

describe('the blocks of GrowingBytes', () => {
  const piece = new Uint8Array(60_000)

  /** Bytes that fill more than half of one block, and that block. */
  function inOneBlock(): [GrowingBytes, Uint8Array] {
    const bytes = new GrowingBytes()
    bytes.append(piece, 0, 40_000)
    return [bytes, bytes.bytes]
  }

  it.each([
    { when: 'it forgets them', more: 60_000, giveBack: (bytes: GrowingBytes) => bytes.clear() },
    { when: 'it puts several together', more: 60_000, giveBack: (bytes: GrowingBytes) => bytes.bytes },
    {
      when: 'it puts the only one together with what comes',
      more: 1,
      giveBack: (bytes: GrowingBytes) => bytes.append(piece, 0, 1, 70_000),
    },
  ])('are used again as soon as $when', ({ more, giveBack }) => {
    // Whatever other tests left is in use.
    const others = Array.from({ length: 40 }, inOneBlock)
    const [bytes, block] = inOneBlock()
    bytes.append(piece, 0, more)
    giveBack(bytes)
    const [again] = [inOneBlock()[1], inOneBlock()[1]].filter((one) => one === block)
    expect(again).toHaveLength(64 << 10)
    expect(others.some(([, one]) => one === block)).toBe(false)
  })

  it('are not used for less than a block', () => {
    const [bytes] = inOneBlock()
    bytes.append(piece, 0, 60_000)
    bytes.clear()
    const short = new GrowingBytes()
    short.append(piece, 0, 1)
    expect(short.capacity).toBe(256)
  })

  it('are kept up to 32, for all connections together', () => {
    const all = Array.from({ length: 40 }, inOneBlock)
    for (const [bytes] of all) bytes.clear()
    const blocks = new Set(all.map(([, block]) => block))
    const again = Array.from({ length: 40 }, () => inOneBlock()[1])
    expect(again.filter((block) => blocks.has(block))).toHaveLength(32)
  })
})
