import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseFrames } from '../../src/frames/parse-frames.ts'
import { serializeFrame } from '../../src/frames/serializer.ts'
import { clientFrame } from '../support/client-frames.ts'
import { FC_TIMEOUT_MS, fcOptions } from '../support/fc-options.ts'
import { textOf } from '../support/frame-arbitraries.ts'

const maskingKey = fc.option(fc.uint8Array({ minLength: 4, maxLength: 4 }))
const short = fc.uint8Array({ maxLength: 125, size: 'max' })
/** Payloads at the boundaries of the three forms of the length. */
const LONG = [126, 127, 128, 255, 256, 65_535, 65_536, 65_537].map((length) => {
  return Uint8Array.from({ length }, (_, i) => (i * 31) & 0xff)
})
const payload = fc.oneof({ weight: 8, arbitrary: short }, { weight: 2, arbitrary: fc.constantFrom(...LONG) })

describe('serializeFrame', () => {
  it('writes any frame, legal or not, as a builder made from the RFC alone does (§5.2)', {
    timeout: FC_TIMEOUT_MS,
  }, () => {
    const frame = fc
      .record({ opcode: fc.nat(15), fin: fc.boolean(), rsv: fc.nat(7), maskingKey, short, payload })
      .map(({ short, payload, ...rest }) => ({ ...rest, payload: rest.opcode >= 8 ? short : payload }))
    fc.assert(
      fc.property(frame, ({ opcode, fin, rsv, maskingKey, payload }) => {
        const before = payload.slice()
        const bytes = serializeFrame({
          opcode,
          fin,
          rsv1: (rsv & 4) !== 0,
          rsv2: (rsv & 2) !== 0,
          rsv3: (rsv & 1) !== 0,
          maskingKey,
          payload,
        })
        const expected = clientFrame({ opcode, fin, rsv, maskingKey: maskingKey && [...maskingKey], payload })
        expect(Buffer.compare(bytes, expected)).toBe(0)
        expect(Buffer.compare(payload, before)).toBe(0)
      }),
      fcOptions(500),
    )
  })

  it('writes what parseFrames reads back, and the other way round (§5.2) [6455-6.1-4]', {
    timeout: FC_TIMEOUT_MS,
  }, () => {
    const frame = fc.oneof(
      fc.record({ opcode: fc.constant(2), payload }),
      fc.record({ opcode: fc.constantFrom(9, 10), payload: short }),
      fc.record({
        opcode: fc.constant(1),
        payload: textOf(40).map((text) => new TextEncoder().encode(text)),
      }),
    )
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 5 }), maskingKey, (frames, maskingKey) => {
        const wire = frames.map((init) => serializeFrame({ ...init, maskingKey }))
        const bytes = new Uint8Array(Buffer.concat(wire))
        const parsed = parseFrames(bytes, { role: maskingKey === null ? 'client' : 'server' })
        expect(parsed.violation).toBeNull()
        expect(parsed.rest).toHaveLength(0)
        expect(parsed.frames.map(({ opcode }) => opcode)).toEqual(frames.map(({ opcode }) => opcode))
        for (const [i, { payload, payloadLength, masked, fin }] of parsed.frames.entries()) {
          expect(Buffer.compare(payload, frames[i]!.payload)).toBe(0)
          expect({ payloadLength, masked, fin }).toEqual({
            payloadLength: frames[i]!.payload.length,
            masked: maskingKey !== null,
            fin: true,
          })
        }
        expect(Buffer.compare(Buffer.concat(parsed.frames.map(serializeFrame)), bytes)).toBe(0)
      }),
      fcOptions(300),
    )
  })
})
