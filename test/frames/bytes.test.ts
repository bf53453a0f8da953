import { describe, expect, it } from 'vitest'
import {
  asBuffer,
  copyOf,
  decodeUtf8,
  encodeUtf8,
  isValidUtf8,
  joined,
  uninitialised,
  utf8Length,
  writeUtf8,
} from '../../src/frames/bytes.ts'
import { concat } from '../support/chunkings.ts'
import { hex } from '../support/hex.ts'
import { Resizable } from '../support/resizable.ts'
import { sweepStep } from '../support/sweep.ts'

describe('asBuffer', () => {
  it('gives a Buffer as it is', () => {
    const buffer = Buffer.from('abc')
    expect(asBuffer(buffer)).toBe(buffer)
  })

  it('gives a view of the same memory of an array that is no Buffer', () => {
    const bytes = Uint8Array.of(0x78, 0x61, 0x62, 0x63, 0x78).subarray(1, 4)
    const view = asBuffer(bytes)
    expect(view).toBeInstanceOf(Buffer)
    expect(view.toString()).toBe('abc')
    view[0] = 0x7a
    expect(bytes[0]).toBe(0x7a)
  })
})

describe('joined', () => {
  it('puts parts one behind the other, in memory of their own', () => {
    const bytes = joined([Buffer.from('ab'), Buffer.alloc(0), Buffer.from('c')])
    expect(Buffer.from(bytes).toString()).toBe('abc')
    expect([bytes.buffer.byteLength, joined([]).length]).toEqual([3, 0])
  })
})

/** Texts on both sides of the length from which the runtime's own kernels are used, and the UTF-8 of each. */
const TEXTS = [
  ['nothing', '', ''],
  ['ASCII', 'Hello', '48 65 6c 6c 6f'],
  ['U+0000 and U+007F', '\0\x7f', '00 7f'],
  ['two octets', 'é', 'c3 a9'],
  ['three octets', '€', 'e2 82 ac'],
  ['four octets', '😀', 'f0 9f 98 80'],
  ['a byte order mark, which is kept', '\ufeffa', 'ef bb bf 61'],
  ['31 bytes of ASCII', 'a'.repeat(31), '61'.repeat(31)],
  ['32 bytes of ASCII', 'a'.repeat(32), '61'.repeat(32)],
  ['33 bytes of ASCII', 'a'.repeat(33), '61'.repeat(33)],
  ['31 bytes with é at the end', `${'a'.repeat(29)}é`, `${'61'.repeat(29)}c3a9`],
  ['32 bytes with é at the end', `${'a'.repeat(30)}é`, `${'61'.repeat(30)}c3a9`],
  ['much text', '€'.repeat(100), 'e282ac'.repeat(100)],
] as const

describe.each(TEXTS)('%s', (_, text, digits) => {
  const bytes = hex(digits)
  // Between octets that are wrong, at an odd offset of a larger buffer.
  const inside = concat(hex('ff c0 80'), bytes, hex('80 ff')).subarray(1)
  const [start, end] = [2, 2 + bytes.length]

  it('is valid, and only the range is looked at', () => {
    expect(isValidUtf8(bytes, 0, bytes.length)).toBe(true)
    expect(isValidUtf8(inside, start, end)).toBe(true)
    expect(isValidUtf8(inside, start, end + 1)).toBe(false)
    expect(isValidUtf8(inside, start - 1, end)).toBe(false)
  })

  it('is decoded from the range alone', () => {
    expect(decodeUtf8(bytes, 0, bytes.length)).toBe(text)
    expect(decodeUtf8(inside, start, end)).toBe(text)
  })

  it('is encoded', () => {
    expect(utf8Length(text)).toBe(bytes.length)
    expect([...encodeUtf8(text)]).toEqual([...bytes])
    const target = new Uint8Array(bytes.length + 5).fill(0xaa)
    expect(writeUtf8(text, target, 3)).toBe(bytes.length)
    expect(target).toEqual(concat(hex('aa aa aa'), bytes, hex('aa aa')))
  })
})

describe('isValidUtf8', () => {
  it.each([
    ['a cut character', 'e2 82'],
    ['a stray octet', '80'],
    ['an overlong form', 'c0 af'],
    ['a surrogate', 'ed a0 80'],
    ['a value above U+10FFFF', 'f4 90 80 80'],
  ])('refuses %s, behind little text and much (§8.1) [6455-8.1-1]', (_, digits) => {
    for (const before of [0, 20, 31, 32, 100]) {
      const bytes = concat(new Uint8Array(before).fill(0x61), hex(digits))
      expect(isValidUtf8(bytes, 0, bytes.length), `behind ${before} bytes`).toBe(false)
    }
  })
})

describe('isValidUtf8 on memory of all kinds', () => {
  it('looks at all of a buffer that has grown since it was seen', () => {
    const buffer = new Resizable(64, { maxByteLength: 256 })
    expect(isValidUtf8(new Uint8Array(buffer), 0, 64)).toBe(true)
    buffer.resize(256)
    const bytes = new Uint8Array(buffer)
    bytes[100] = 0xff
    expect(isValidUtf8(bytes, 0, 256)).toBe(false)
    expect(isValidUtf8(bytes, 0, 100)).toBe(true)
  })

  it('looks at every octet beyond 2 GiB, where word positions no longer fit into 31 bits', () => {
    // Zeroed lazily: only the pages that are touched take memory.
    const memory = new Uint8Array(2 ** 31 + 4096)
    for (const start of [2 ** 31 - 50, 2 ** 31 + 1]) {
      for (const at of [0, 1, 2, 50, 98, 99]) {
        memory[start + at] = 0x80
        expect(isValidUtf8(memory, start, start + 100), `${start} + ${at}`).toBe(false)
        const view = memory.subarray(start, start + 100)
        expect(isValidUtf8(view, 0, 100), `a view at ${start}, ${at}`).toBe(false)
        memory[start + at] = 0
        expect(isValidUtf8(view, 0, 100)).toBe(true)
      }
    }
  })
})

describe('copyOf', () => {
  it.each([
    ['a Uint8Array', Uint8Array.of(1, 2, 3, 4, 5)],
    ['a Buffer', Buffer.of(1, 2, 3, 4, 5)],
  ])('copies the range of %s into memory of its own', (_, bytes) => {
    const copy = copyOf(bytes, 1, 4)
    expect([...copy]).toEqual([2, 3, 4])
    bytes.fill(9)
    expect([...copy]).toEqual([2, 3, 4])
    expect(copy.buffer).not.toBe(bytes.buffer)
    expect([...copyOf(bytes, 2, 2)]).toEqual([])
  })
})

describe('encoding a lone surrogate', () => {
  it('gives U+FFFD, as long as was said', () => {
    const target = new Uint8Array(3)
    expect(utf8Length('\ud83d')).toBe(3)
    expect(writeUtf8('\ud83d', target, 0)).toBe(3)
    expect(target).toEqual(hex('ef bf bd'))
    expect([...encodeUtf8('\ud83d')]).toEqual([0xef, 0xbf, 0xbd])
  })
})

describe('uninitialised', () => {
  it.each([0, 1, 4096, 65_536])('gives %d bytes in a buffer of their own', (length) => {
    const bytes = uninitialised(length)
    expect(bytes).toHaveLength(length)
    expect(bytes.byteOffset).toBe(0)
    expect(bytes.buffer.byteLength).toBe(length)
    expect(uninitialised(length).buffer).not.toBe(bytes.buffer)
  })
})

describe('a range of any length at any place', () => {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

  it('is judged and decoded like the runtime does, with a foreign octet anywhere (RFC 3629 §4) [6455-8.1-1]', () => {
    const text = 'aß€🦀'
    for (const length of [0, 1, 31, 32, 33, 47, 64, 125, 200, 512, 513, 4095, 4096]) {
      for (let start = 0; start < 5; start++) {
        const ascii = new Uint8Array(start + length + 8).fill(0x61, 0, start + length).fill(0xff, start + length)
        expect(isValidUtf8(ascii, start, start + length)).toBe(true)
        expect(decodeUtf8(ascii, start, start + length)).toBe('a'.repeat(length))
        for (let at = start; at < start + length; at += length > 300 ? 97 : sweepStep(5)) {
          const broken = ascii.slice()
          broken[at] = 0x80
          expect(isValidUtf8(broken, start, start + length)).toBe(false)
          const whole = ascii.slice()
          whole.set(Buffer.from(text).subarray(0, start + length - at), at)
          if (at + 10 > start + length) continue
          expect(isValidUtf8(whole, start, start + length)).toBe(true)
          expect(decodeUtf8(whole, start, start + length)).toBe(decoder.decode(whole.subarray(start, start + length)))
        }
      }
    }
  })
})
