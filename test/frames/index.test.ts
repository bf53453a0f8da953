import { describe, expect, it } from 'vitest'
import {
  applyMask,
  FrameParser,
  Opcode,
  parseFrames,
  StatusCode,
  serializeFrame,
  Utf8Validator,
  violations,
} from '../../src/frames/index.ts'
import { hex } from '../support/hex.ts'
import { RecordingSink } from '../support/recording-sink.ts'

describe('framewright/frames', () => {
  it('serialises, masks, parses and judges with the names of its entry point (§5.7)', () => {
    const maskingKey = hex('37 fa 21 3d')
    const payload = new TextEncoder().encode('Hello')
    const bytes = serializeFrame({ opcode: Opcode.Text, payload, maskingKey })
    expect(bytes).toEqual(hex('81 85 37 fa 21 3d 7f 9f 4d 51 58'))
    expect(applyMask(bytes.slice(6), maskingKey)).toEqual(payload)
    expect(parseFrames(bytes, { role: 'server' }).frames[0]?.payload).toEqual(payload)
    expect(new Utf8Validator().push(payload)).toBe(true)

    const sink = new RecordingSink()
    new FrameParser(sink, { role: 'client' }).parse(bytes)
    expect(sink.broken).toBe(violations.MaskedServerFrame)
    expect(sink.broken?.statusCode).toBe(StatusCode.ProtocolError)
  })
})
