import { isControl, isReserved, Opcode, opcodeName } from '../../frames/opcode.ts'
import { extendedLength } from './header-faults.ts'
import { hex, hexByte, textOf } from './text.ts'
import type { FrameUnit, Span } from './types.ts'

/** A frame, and what is known of its message. */
export interface FrameInMessage extends FrameUnit {
  /** Whether RSV1 has a meaning, RFC 7692 §6. */
  readonly rsv1Owned: boolean
  /** Whether its message is compressed. */
  readonly isCompressed: boolean
  /** Whether its payload is part of a text message. */
  readonly isText: boolean
}

/** So much of a payload stands in a span; the rest is in the frame. */
const SHOWN = 32

const BASE_FRAMING = '6455-5.2'
const MASKING = '6455-5.3'
const PER_MESSAGE_COMPRESSION = '7692-6'

/** The spans of a frame: header bits, length, key, payload; they tile what there is of it. */
export function frameSpans(frame: FrameInMessage): Span[] {
  const { wire } = frame
  const spans = firstByte(frame, wire[0]!)
  if (wire.length > 1) secondByte(frame, wire[1]!, spans)
  let at = 2
  const size = wire.length > 1 ? extendedLength(wire[1]!) : 0
  if (size > 0 && wire.length > at) {
    const end = Math.min(at + size, wire.length)
    const length = frame.payloadLength
    spans.push({
      ...bytesAt(frame.at, wire, at, end),
      field: 'extended payload length',
      value: length ?? '',
      textKey: length === null ? 'cut' : 'length.extended',
      ref: BASE_FRAMING,
    })
    at = end
  }
  if (frame.masked && wire.length > at) {
    const end = Math.min(at + 4, wire.length)
    const textKey = end - at < 4 ? 'cut' : 'key'
    const place = bytesAt(frame.at, wire, at, end)
    spans.push({ ...place, field: 'masking-key', value: place.raw, textKey, ref: MASKING })
    at = end
  }
  if (wire.length > at) payload(frame, wire, at, spans)
  return spans
}

function bit(at: number, byte: number, index: number, field: string, textKey: string, ref: string): Span {
  const value = (byte >> (7 - index)) & 1
  return { at, end: at + 1, bits: [index, index], field, raw: String(value), value, textKey, ref }
}

function firstByte(frame: FrameInMessage, byte: number): Span[] {
  const { at, opcode, rsv1Owned } = frame
  const rsv = (index: number) => `rsv.${(byte >> (7 - index)) & 1}`
  return [
    bit(at, byte, 0, 'FIN', isControl(opcode) && frame.fin ? 'fin.control' : `fin.${frame.fin ? 1 : 0}`, BASE_FRAMING),
    rsv1Owned
      ? bit(at, byte, 1, 'RSV1', `rsv1.${frame.rsv1 ? 1 : 0}`, PER_MESSAGE_COMPRESSION)
      : bit(at, byte, 1, 'RSV1', rsv(1), BASE_FRAMING),
    bit(at, byte, 2, 'RSV2', rsv(2), BASE_FRAMING),
    bit(at, byte, 3, 'RSV3', rsv(3), BASE_FRAMING),
    {
      at,
      end: at + 1,
      bits: [4, 7],
      field: 'opcode',
      raw: opcode.toString(2).padStart(4, '0'),
      value: opcode,
      textKey: isReserved(opcode) ? 'opcode.reserved' : `opcode.${opcode}`,
      ref: BASE_FRAMING,
    },
  ]
}

function secondByte(frame: FrameInMessage, byte: number, spans: Span[]): void {
  const at = frame.at + 1
  const size = extendedLength(byte)
  const value = byte & 0x7f
  spans.push(bit(at, byte, 0, 'MASK', `mask.${frame.masked ? 1 : 0}`, BASE_FRAMING), {
    at,
    end: at + 1,
    bits: [1, 7],
    field: 'payload length',
    raw: value.toString(2).padStart(7, '0'),
    value,
    textKey: size === 0 ? 'length' : `length.${size * 8}`,
    ref: BASE_FRAMING,
  })
}

/** Where bytes of the frame are, and what they are. */
function bytesAt(at: number, wire: Uint8Array, start: number, end: number): { at: number; end: number; raw: string } {
  return { at: at + start, end: at + end, raw: hex(wire, start, end, SHOWN) }
}

function payload(frame: FrameInMessage, wire: Uint8Array, at: number, spans: Span[]): void {
  const { opcode, plain } = frame
  const end = at + plain.length
  if (opcode !== Opcode.Close) {
    const isShownAsText = frame.isText && !frame.isCompressed
    spans.push({
      ...bytesAt(frame.at, wire, at, end),
      field: 'payload',
      value: isShownAsText ? textOf(plain, SHOWN) : hex(plain, 0, plain.length, SHOWN),
      textKey: `payload.${kindOfPayload(frame)}`,
      ref: isControl(opcode) ? '6455-5.5' : frame.isCompressed ? '7692-6.2' : '6455-5.6',
    })
    return
  }
  if (plain.length < 2) {
    spans.push({
      ...bytesAt(frame.at, wire, at, end),
      field: 'status code',
      value: hexByte(plain[0]!),
      textKey: 'cut',
      ref: '6455-5.5.1',
    })
    return
  }
  spans.push({
    ...bytesAt(frame.at, wire, at, at + 2),
    field: 'status code',
    value: (plain[0]! << 8) | plain[1]!,
    textKey: 'close.code',
    ref: '6455-7.4',
  })
  if (plain.length === 2) return
  spans.push({
    ...bytesAt(frame.at, wire, at + 2, end),
    field: 'reason',
    value: textOf(plain.subarray(2)),
    textKey: 'close.reason',
    ref: '6455-5.5.1',
  })
}

function kindOfPayload(frame: FrameInMessage): string {
  if (isReserved(frame.opcode)) return 'unknown'
  if (isControl(frame.opcode)) return 'control'
  if (frame.isCompressed) return 'compressed'
  if (frame.message === null) return 'unknown'
  return frame.isText ? 'text' : 'binary'
}

/** A frame in a few words: `text, FIN, masked, 5 B`. */
export function frameTitle(
  frame: Pick<FrameUnit, 'opcode' | 'fin' | 'rsv1' | 'rsv2' | 'rsv3' | 'masked' | 'payloadLength'>,
): string {
  const flags = [
    frame.fin ? 'FIN' : 'not FIN',
    ...(frame.rsv1 ? ['RSV1'] : []),
    ...(frame.rsv2 ? ['RSV2'] : []),
    ...(frame.rsv3 ? ['RSV3'] : []),
    frame.masked ? 'masked' : 'unmasked',
  ]
  const length = frame.payloadLength === null ? 'length cut' : `${frame.payloadLength} B`
  return [opcodeName(frame.opcode), ...flags, length].join(' · ')
}
