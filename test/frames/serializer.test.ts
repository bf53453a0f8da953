import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { parseFrames } from '../../src/frames/parse-frames.ts'
import { serializeFrame } from '../../src/frames/serializer.ts'
import { type FrameCase, legalCases, rfcCases, titleOf } from '../fixtures/frame-cases.ts'
import { concat } from '../support/chunkings.ts'
import { hex } from '../support/hex.ts'

const KEY = hex('37 fa 21 3d')

/** Cases that end where a frame ends; the header of a frame that is cut cannot be written without its payload. */
const complete = [...rfcCases, ...legalCases].filter(({ bytes, options }) => {
  return parseFrames(bytes, options).rest.length === 0
})

describe('serializeFrame', () => {
  it.each(complete.map((row) => [titleOf(row), row] as const))(
    'writes the very bytes that the peer %s',
    (_, { bytes, options }: FrameCase) => {
      const { frames } = parseFrames(bytes, options)
      expect(concat(...frames.map(serializeFrame))).toEqual(bytes)
    },
  )

  it('takes FIN for set, the reserved bits for clear and the payload for empty (§5.2) [6455-5.2-2] [6455-6.1-7]', () => {
    expect(serializeFrame({ opcode: 1 })).toEqual(hex('81 00'))
  })

  it.each([
    ['FIN clear', { fin: false }, '02 00'],
    ['FIN set', { fin: true }, '82 00'],
    ['RSV1', { rsv1: true }, 'c2 00'],
    ['RSV2', { rsv2: true }, 'a2 00'],
    ['RSV3', { rsv3: true }, '92 00'],
    ['everything', { fin: true, rsv1: true, rsv2: true, rsv3: true, maskingKey: KEY }, 'f2 80 37 fa 21 3d'],
  ])('writes %s (§5.2)', (_, init, expected) => {
    expect(serializeFrame({ opcode: 2, ...init })).toEqual(hex(expected))
  })

  it('writes all sixteen opcodes, the reserved ones too: tests and tools need them (§5.2)', () => {
    for (let opcode = 0; opcode < 16; opcode++)
      expect(serializeFrame({ opcode })).toEqual(Uint8Array.of(0x80 | opcode, 0))
  })

  it('writes an unmasked frame without a key, absent or null (§5.1) [6455-5.1-4]', () => {
    const expected = hex('81 05 48 65 6c 6c 6f')
    expect(serializeFrame({ opcode: 1, payload: hex('48 65 6c 6c 6f') })).toEqual(expected)
    expect(serializeFrame({ opcode: 1, payload: hex('48 65 6c 6c 6f'), maskingKey: null })).toEqual(expected)
  })

  it('masks a copy of the payload and leaves the payload and the key as they are (§5.3) [6455-5.1-1] [6455-6.1-8]', () => {
    const [payload, maskingKey] = [hex('48 65 6c 6c 6f'), KEY.slice()]
    expect(serializeFrame({ opcode: 1, payload, maskingKey })).toEqual(hex('81 85 37 fa 21 3d 7f 9f 4d 51 58'))
    expect(payload).toEqual(hex('48 65 6c 6c 6f'))
    expect(maskingKey).toEqual(KEY)
  })

  it('hands out bytes that do not change with the payload', () => {
    const payload = hex('01 02 03')
    const bytes = serializeFrame({ opcode: 2, payload })
    payload.fill(0xff)
    expect(bytes).toEqual(hex('82 03 01 02 03'))
  })

  it.each([
    [125, '82 7d'],
    [126, '82 7e 00 7e'],
    [65_535, '82 7e ff ff'],
    [65_536, '82 7f 00 00 00 00 00 01 00 00'],
  ])('writes %d bytes behind the shortest length (§5.2) [6455-5.2-6]', (length, header) => {
    const payload = new Uint8Array(length).map((_, i) => i)
    expect(Buffer.compare(serializeFrame({ opcode: 2, payload }), concat(hex(header), payload))).toBe(0)
  })

  it.each([-1, 16, 0.5, Number.NaN])('refuses the opcode %d (§5.2)', (opcode) => {
    expect(() => serializeFrame({ opcode })).toThrow(UsageError)
    expect(() => serializeFrame({ opcode })).toThrow(`opcode ${opcode}`)
  })

  it('refuses text, which is no bytes yet, and says how it becomes some', () => {
    const call = () => serializeFrame({ opcode: 1, payload: 'Hello' as never })
    expect(call).toThrow(UsageError)
    expect(call).toThrow('payload is the string "Hello"; it is a Uint8Array: new TextEncoder().encode(text)')
    expect(() => serializeFrame({ opcode: 1, maskingKey: '1234' as never })).toThrow('maskingKey is the string "1234"')
  })

  it.each([0, 3, 5])('refuses a masking-key of %d bytes (§5.3)', (length) => {
    const maskingKey = new Uint8Array(length)
    expect(() => serializeFrame({ opcode: 1, maskingKey })).toThrow(UsageError)
    expect(() => serializeFrame({ opcode: 1, maskingKey })).toThrow(`masking-key of ${length} bytes`)
  })

  it.each([8, 9, 10, 15])(
    'takes 125 bytes in a control frame with the opcode %d and refuses 126 (§5.5) [6455-5.5-1]',
    (opcode) => {
      expect(serializeFrame({ opcode, payload: new Uint8Array(125) })).toHaveLength(127)
      expect(() => serializeFrame({ opcode, payload: new Uint8Array(126) })).toThrow(UsageError)
      expect(() => serializeFrame({ opcode, payload: new Uint8Array(126) })).toThrow('control frame of 126 bytes')
    },
  )
})
