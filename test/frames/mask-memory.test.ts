import { afterEach, describe, expect, it, vi } from 'vitest'
import { isValidUtf8 } from '../../src/frames/bytes.ts'
import { applyMaskInRange } from '../../src/frames/mask.ts'
import { makeMaskMemory, maskMemory, sharedReadBuffer } from '../../src/frames/mask-memory.ts'
import { sweepStep } from '../support/sweep.ts'

const KEY = 0x37fa213d

/** §5.3 word for word. */
function maskedByTheBook(bytes: Uint8Array, phase: number): Uint8Array {
  return bytes.map((octet, i) => octet ^ ((KEY >>> (24 - 8 * ((i + phase) & 3))) & 0xff))
}

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 167 + (i >> 8)) & 0xff)
}

/** Masks a range of `memory` and compares with the byte loop: all of it, or its first `extent` bytes. */
function expectByTheBook(memory: Uint8Array, start: number, end: number, phase: number, extent = memory.length): void {
  const seen = memory.subarray(0, extent)
  seen.set(pattern(extent))
  const expected = seen.slice()
  expected.set(maskedByTheBook(seen.subarray(start, end), phase), start)
  applyMaskInRange(memory, start, end, KEY, phase)
  if (Buffer.compare(seen, expected) !== 0) expect.fail(`[${start}, ${end}) phase ${phase}`)
}

describe('the masking kernel', () => {
  it('equals the byte loop for lengths 0-400, all alignments and phases (§5.3) [6455-5.3-5]', () => {
    for (const memory of [sharedReadBuffer(), sharedReadBuffer().subarray(1)]) {
      for (let start = 0; start < 20; start++) {
        for (let length = 0; length <= 400; length += sweepStep(3))
          expectByTheBook(memory, start, start + length, length & 3, 450)
      }
    }
  })

  it('equals the byte loop on all of the shared buffer (§5.3) [6455-5.3-5]', () => {
    const memory = sharedReadBuffer()
    expect(memory.length).toBe(65_536)
    for (let phase = 0; phase < 4; phase++) expectByTheBook(memory, phase, memory.length - phase, phase)
  })

  it.each([4095, 4096, 4097, 65_535, 65_536, 65_537, 131_072, 200_003])(
    'equals the byte loop on %d bytes of other memory (§5.3) [6455-5.3-5]',
    (length) => {
      const memory = new Uint8Array(length + 32)
      for (let phase = 0; phase < 4; phase++) expectByTheBook(memory, 7 + phase, 7 + phase + length, phase)
    },
  )

  it('is made anew for whoever asks with an engine, and masks its own memory (§5.3) [6455-5.3-5]', () => {
    const engine = (globalThis as { WebAssembly?: Parameters<typeof makeMaskMemory>[0] }).WebAssembly
    const kernel = makeMaskMemory(engine)
    expect(kernel).not.toBeNull()
    const { bytes, window } = kernel!
    expect(bytes.buffer).not.toBe(maskMemory()!.bytes.buffer)
    expect([bytes.byteOffset, bytes.length]).toEqual([0, 65_536])
    expect([window.byteOffset, window.length]).toEqual([65_536, bytes.buffer.byteLength - 65_536])
    const all = new Uint8Array(bytes.buffer)
    const expected = all.slice()
    expected.set(maskedByTheBook(expected.subarray(3, 203), 0), 3)
    kernel!.mask(3, 203, 0x3d21fa37)
    expect(Buffer.compare(all, expected)).toBe(0)
  })

  it('sees every octet above 127 in ranges of 0-150 bytes, and none outside of them (§8.1) [6455-8.1-1]', () => {
    const { bytes, isAscii } = maskMemory()!
    bytes.fill(0x7f)
    for (let start = 0; start < 20; start++) {
      for (let length = 0; length <= 150; length += sweepStep(3)) {
        const end = start + length
        expect(isAscii(start, end)).toBe(1)
        for (let at = start; at < end; at += sweepStep(5)) {
          bytes[at] = 0x80
          if (isAscii(start, end) !== 0) expect.fail(`octet ${at} of [${start}, ${end})`)
          bytes[at] = 0x7f
        }
        bytes[end] = 0xff
        if (start > 0) bytes[start - 1] = 0xff
        expect(isAscii(start, end)).toBe(1)
        bytes[end] = 0x7f
        if (start > 0) bytes[start - 1] = 0x7f
      }
    }
  })

  it('judges text in the shared buffer as in any other memory (§8.1) [6455-8.1-1]', () => {
    const memory = sharedReadBuffer()
    for (const length of [0, 1, 15, 16, 100, 4095, 4096, 4097, 65_536]) {
      memory.fill(0x61)
      expect(isValidUtf8(memory, 0, length)).toBe(true)
      if (length < 2) continue
      memory[length - 1] = 0xc3
      expect(isValidUtf8(memory, 0, length)).toBe(false)
      memory[length - 2] = 0xc3
      memory[length - 1] = 0xa4
      expect(isValidUtf8(memory, 0, length)).toBe(true)
      expect(isValidUtf8(memory, 0, length - 1)).toBe(false)
    }
  })

  it('leaves the shared buffer alone when it masks other memory', () => {
    const shared = sharedReadBuffer()
    shared.set(pattern(shared.length))
    applyMaskInRange(new Uint8Array(200_000), 0, 200_000, KEY, 0)
    expect(Buffer.compare(shared, pattern(shared.length))).toBe(0)
  })

  it('is there in this version of Node', () => {
    expect(maskMemory()).not.toBeNull()
    expect(sharedReadBuffer()).toBe(maskMemory()!.bytes)
  })
})

describe('without the masking kernel', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.resetModules()
  })

  it('there is none where the engine has no WebAssembly, or refuses the module', () => {
    const refusing = class {
      constructor() {
        throw new Error('refused')
      }
    }
    expect(makeMaskMemory(undefined)).toBeNull()
    expect(makeMaskMemory({ Module: refusing, Instance: refusing as never })).toBeNull()
  })

  it('long ranges are masked all the same (§5.3) [6455-5.3-5]', async () => {
    vi.stubGlobal('WebAssembly', undefined)
    vi.resetModules()
    const plain = await import('../../src/frames/mask.ts')
    const { sharedReadBuffer: plainBuffer } = await import('../../src/frames/mask-memory.ts')
    const memory = plainBuffer()
    expect(memory.length).toBe(65_536)
    expect(plainBuffer()).toBe(memory)
    memory.set(pattern(memory.length))
    plain.applyMaskInRange(memory, 3, 65_530, KEY, 1)
    expect(Buffer.compare(memory.subarray(3, 65_530), maskedByTheBook(pattern(65_536).subarray(3, 65_530), 1))).toBe(0)
  })
})
