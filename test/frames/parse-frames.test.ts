import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { parseFrames } from '../../src/frames/parse-frames.ts'
import { violations } from '../../src/frames/violation.ts'
import { frameCases, titleOf } from '../fixtures/frame-cases.ts'
import { concat } from '../support/chunkings.ts'
import { hex, toHex } from '../support/hex.ts'
import { referenceParse } from '../support/reference-parser.ts'

describe('parseFrames', () => {
  it.each(frameCases.map((row) => [titleOf(row), row] as const))('%s', (_, row) => {
    const { frames, rest, violation } = parseFrames(row.bytes, row.options)
    const seen = frames.map(({ opcode, fin, rsv1, payload }) => {
      return { opcode, fin, rsv1, payload: toHex(payload).replaceAll(' ', '') }
    })
    expect(seen).toEqual(row.frames)
    expect(violation === null ? null : [violation.id, violation.statusCode]).toEqual(
      row.violation === null ? null : [violations[row.violation].id, violations[row.violation].statusCode],
    )
    expect(rest).toEqual(row.bytes.slice(referenceParse(row.bytes, row.options).ends.at(-1) ?? 0))
  })

  it('tells every field of a masked frame; the payload is unmasked (§5.2) [6455-6.2-7]', () => {
    expect(parseFrames(hex('818537fa213d7f9f4d5158'), { role: 'server' })).toEqual({
      frames: [
        {
          fin: true,
          rsv1: false,
          rsv2: false,
          rsv3: false,
          opcode: 1,
          masked: true,
          maskingKey: hex('37 fa 21 3d'),
          payloadLength: 5,
          payload: hex('48 65 6c 6c 6f'),
        },
      ],
      rest: new Uint8Array(0),
      violation: null,
    })
  })

  it('tells every field of an unmasked frame with RSV1 (§5.2)', () => {
    const { frames } = parseFrames(hex('41 02 01 02'), { role: 'client', rsv1Owned: true })
    expect(frames).toEqual([
      {
        fin: false,
        rsv1: true,
        rsv2: false,
        rsv3: false,
        opcode: 1,
        masked: false,
        maskingKey: null,
        payloadLength: 2,
        payload: hex('01 02'),
      },
    ])
  })

  it('leaves the bytes untouched and shares no memory with them', () => {
    const bytes = hex('818537fa213d7f9f4d5158')
    const { frames } = parseFrames(bytes, { role: 'server' })
    expect(bytes).toEqual(hex('818537fa213d7f9f4d5158'))
    bytes.fill(0)
    expect(frames[0]?.payload).toEqual(hex('48 65 6c 6c 6f'))
    expect(frames[0]?.maskingKey).toEqual(hex('37 fa 21 3d'))
  })

  it.each([
    ['a header', '82'],
    ['a length', '82 7e 01'],
    ['a control payload', '89 05 61 62'],
    ['a data payload', '82 05 61 62'],
  ])('hands back as rest a frame that is cut inside %s', (_, cut) => {
    const whole = hex('82 7e 00 7e').length
    const first = concat(hex('82 7e 00 7e'), new Uint8Array(126))
    const { frames, rest, violation } = parseFrames(concat(first, hex(cut)), { role: 'client' })
    expect(frames.map(({ payloadLength }) => payloadLength)).toEqual([first.length - whole])
    expect(rest).toEqual(hex(cut))
    expect(violation).toBeNull()
  })

  it('hands back as rest everything from the frame that broke a rule (§7.1.7) [6455-7.1.7-7]', () => {
    const { frames, rest, violation } = parseFrames(hex('81 01 61 88 01 03 81 01 62'), { role: 'client' })
    expect(frames).toHaveLength(1)
    expect(rest).toEqual(hex('88 01 03 81 01 62'))
    expect(violation).toEqual({
      id: '6455-5.5.1-2',
      statusCode: 1002,
      at: 3,
      message: `frame at byte 3 (opcode 8, FIN 1, RSV 000, MASK 0, length 1): ${violations.TruncatedStatusCode.message}`,
    })
  })

  it('honours the limits (§10.4) [6455-10.4-2]', () => {
    const bytes = hex('82 03 01 02 03')
    expect(parseFrames(bytes, { role: 'client', maxPayload: 3 }).violation).toBeNull()
    expect(parseFrames(bytes, { role: 'client', maxPayload: 2 }).violation?.id).toBe(violations.MessageTooBig.id)
  })

  it('takes nothing for nothing', () => {
    expect(parseFrames(new Uint8Array(0), { role: 'server' })).toEqual({
      frames: [],
      rest: new Uint8Array(0),
      violation: null,
    })
  })

  it('says which opcode, where, and what the rule wants (§5.2) [6455-5.2-4]', () => {
    const { violation } = parseFrames(hex('81 80 00 00 00 00 a3 80 00 00 00 00'), { role: 'server' })
    expect(violation?.message).toBe(
      `frame at byte 6 (opcode 3, FIN 1, RSV 010, MASK 1, length 0): ${violations.ReservedBit.message}`,
    )
  })

  it.each([
    [undefined, 'role is missing; it says who receives the bytes, "server" or "client"'],
    [{}, 'role is missing'],
    [{ role: 'c2s' }, 'role is the string "c2s"'],
  ])('refuses %j in place of options, and says what they are', (options, message) => {
    const call = () => parseFrames(hex('81 80 00 00 00 00'), options as never)
    expect(call).toThrow(UsageError)
    expect(call).toThrow(message)
    expect(call).toThrow('probably "server": the first frame is masked')
    expect(() => parseFrames(hex('81 00'), options as never)).toThrow(
      'probably "client": the first frame is not masked',
    )
    expect(() => parseFrames(hex('81'), options as never)).not.toThrow('probably')
  })

  it.each([
    ['8100', 'bytes is the string "8100"; it is a Uint8Array'],
    [[0x81], 'bytes is of type Array; it is a Uint8Array: Uint8Array.from(numbers) makes one'],
    [new ArrayBuffer(2), 'a new Uint8Array can look at that memory'],
    [new DataView(new ArrayBuffer(2)), 'bytes is of type DataView'],
    [null, 'bytes is null'],
    [7, 'bytes is the number 7'],
    [() => 7, 'bytes is a function'],
    ['x'.repeat(21), 'bytes is a string'],
    [Object.create(null), 'bytes is of type object'],
  ])('refuses %j in place of bytes', (bytes, message) => {
    expect(() => parseFrames(bytes as never, { role: 'client' })).toThrow(message)
  })
})
