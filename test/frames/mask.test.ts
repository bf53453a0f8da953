import { describe, expect, it } from 'vitest'
import { applyMask, applyMaskInRange, keyToInteger } from '../../src/frames/mask.ts'
import { hex } from '../support/hex.ts'
import { Resizable } from '../support/resizable.ts'
import { sweepStep } from '../support/sweep.ts'

const KEY = hex('37 fa 21 3d')

/** §5.3 word for word: octet i of the payload XOR octet (i mod 4) of the masking-key. */
function maskedByTheBook(bytes: Uint8Array, key: Uint8Array, phase: number): Uint8Array {
  return bytes.map((octet, i) => octet ^ key[(phase + i) % 4]!)
}

/** Bytes that differ from their neighbours, so that a shift by one shows. */
function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 167 + (i >> 8)) & 0xff)
}

describe('applyMask', () => {
  it('unmasks the example of the RFC (§5.7) [6455-6.2-7] [6455-5.3-5]', () => {
    expect(applyMask(hex('7f 9f 4d 51 58'), KEY)).toEqual(hex('48 65 6c 6c 6f'))
  })

  it('works in place and returns what it was given', () => {
    const bytes = hex('00 00 00 00')
    expect(applyMask(bytes, KEY)).toBe(bytes)
    expect(bytes).toEqual(KEY)
  })

  it.each([
    [0, '37 fa 21 3d 37'],
    [1, 'fa 21 3d 37 fa'],
    [2, '21 3d 37 fa 21'],
    [3, '3d 37 fa 21 3d'],
    [4, '37 fa 21 3d 37'],
    [2 ** 31 + 1, 'fa 21 3d 37 fa'],
    [2 ** 32 + 2, '21 3d 37 fa 21'],
    [2 ** 53 - 1, '3d 37 fa 21 3d'],
  ])('goes on with the key behind %d bytes (§5.3) [6455-5.3-5]', (offset, expected) => {
    expect(applyMask(new Uint8Array(5), KEY, offset)).toEqual(hex(expected))
  })

  it.each([
    ['zeros', '00 00 00 00'],
    ['ones', 'ff ff ff ff'],
    ['a sign bit in each octet', '80 80 80 80'],
    ['a sign bit in the first', '80 00 00 01'],
  ])('takes a key of %s (§5.3)', (_, digits) => {
    for (const length of [5, 100]) {
      expect(applyMask(pattern(length), hex(digits))).toEqual(maskedByTheBook(pattern(length), hex(digits), 0))
    }
  })

  it('equals the byte loop for all lengths 0-600, alignments 0-7 and phases 0-7, and touches nothing else (§5.3) [6455-5.3-5]', () => {
    const MARGIN = 8
    const source = pattern(600)
    for (let phase = 0; phase < 8; phase++) {
      const masked = maskedByTheBook(source, KEY, phase)
      for (let alignment = 0; alignment < 8; alignment++) {
        for (let length = 0; length <= 600; length += length < 140 ? 1 : sweepStep(23)) {
          const start = MARGIN + alignment
          const memory = new Uint8Array(start + length + MARGIN).fill(0xaa)
          memory.set(source.subarray(0, length), start)
          const expected = memory.slice()
          expected.set(masked.subarray(0, length), start)
          applyMask(memory.subarray(start, start + length), KEY, phase)
          if (Buffer.compare(memory, expected) !== 0) {
            expect.fail(`length ${length}, alignment ${alignment}, phase ${phase}`)
          }
        }
      }
    }
  })

  it('works on pieces of pooled Buffers without touching their neighbours', () => {
    const buffers = Array.from({ length: 20 }, (_, i) => Buffer.from(pattern(61 + i)))
    expect(buffers.some(({ byteOffset }) => byteOffset % 8 !== 0 || byteOffset > 0)).toBe(true)
    for (const [i, buffer] of buffers.entries()) {
      const before = buffers.map((other) => Buffer.from(other))
      applyMask(buffer.subarray(1, 60), KEY, i)
      const expected = before.map((other) => new Uint8Array(other))
      expected[i]!.set(maskedByTheBook(expected[i]!.subarray(1, 60), KEY, i), 1)
      expect(buffers.map((other) => new Uint8Array(other))).toEqual(expected)
    }
  })

  it.each([2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1])(
    'works on a buffer of %d bytes, before and behind a small one',
    (length) => {
      const large = pattern(length)
      const small = pattern(100)
      applyMask(small, KEY, 1)
      applyMask(large, KEY, 3)
      applyMask(small, KEY, 1)
      expect(Buffer.compare(large, maskedByTheBook(pattern(length), KEY, 3))).toBe(0)
      expect(small).toEqual(pattern(100))
      applyMask(large, KEY, 3)
      expect(Buffer.compare(large, pattern(length))).toBe(0)
    },
  )

  it.each([100, 101, 102, 103, 2 ** 20 + 3])('works on shared memory of %d bytes', (length) => {
    const bytes = new Uint8Array(new SharedArrayBuffer(length))
    bytes.set(pattern(length))
    applyMask(bytes.subarray(1), KEY, 1)
    expect(Buffer.compare(bytes.slice(1), maskedByTheBook(pattern(length).subarray(1), KEY, 1))).toBe(0)
    expect(bytes[0]).toBe(pattern(1)[0])
  })

  it('works on a buffer that has grown, shrunk and grown again since it was seen', () => {
    const buffer = new Resizable(64, { maxByteLength: 4096 })
    for (const length of [64, 80, 256, 4096, 60, 256, 2000, 100, 300]) {
      buffer.resize(length)
      const bytes = new Uint8Array(buffer)
      bytes.fill(0)
      applyMask(bytes, KEY)
      expect(bytes.slice()).toEqual(maskedByTheBook(new Uint8Array(length), KEY, 0))
    }
  })

  it('works beyond 2 GiB, where word positions no longer fit into 31 bits', () => {
    const length = 2 ** 31 + 4096
    // Zeroed lazily: only the pages that are touched take memory.
    const memory = new Uint8Array(length)
    for (const start of [2 ** 31 - 300, 2 ** 31 - 100, 2 ** 31 + 1]) {
      const piece = memory.subarray(start, start + 200)
      applyMask(piece, KEY, 1)
      expect(piece).toEqual(maskedByTheBook(new Uint8Array(200), KEY, 1))
      expect([memory[start - 1], memory[start + 200]]).toEqual([0, 0])
      piece.fill(0)
    }
  })
})

describe('applyMaskInRange', () => {
  it('masks the range alone, at every start and for every length (§5.3)', () => {
    const key = keyToInteger(KEY)
    for (let start = 0; start < 8; start++) {
      for (let end = start; end <= 120; end++) {
        const bytes = pattern(128)
        applyMaskInRange(bytes, start, end, key, 3)
        const expected = pattern(128)
        expected.set(maskedByTheBook(expected.subarray(start, end), KEY, 3), start)
        if (Buffer.compare(bytes, expected) !== 0) expect.fail(`${start}-${end}`)
      }
    }
  })
})

describe('keyToInteger', () => {
  it.each([
    ['00 00 00 00', 0],
    ['01 02 03 04', 0x0102_0304],
    ['7f ff ff ff', 0x7fff_ffff],
    ['80 00 00 00', -0x8000_0000],
    ['ff ff ff ff', -1],
  ])('reads %s big-endian, as 32 bits with a sign', (digits, expected) => {
    expect(keyToInteger(hex(digits))).toBe(expected)
  })
})
