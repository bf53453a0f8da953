import { Opcode } from '../../frames/opcode.ts'
import type { Direction, FrameUnit, NoiseUnit } from '../annotate/types.ts'
import { type FrameEntry, type MessageEntry, type NewEntry, ShownBytes } from './entry.ts'
import { type LaneMessage, type LaneUnit, MOST_BYTES } from './lane.ts'

/** Characters of a preview. */
const PREVIEW = 120

type New<E> = Omit<E, 'seq' | 'atMs'>

/** A frame as an entry. */
export function frameEntry(direction: Direction, { index, message }: LaneUnit, unit: FrameUnit): New<FrameEntry> {
  const { at, opcode, headerLength, payloadLength, wire } = unit
  // One that is too long to be looked into counts as whole; its rest is not shown.
  const isLong = wire.length > MOST_BYTES && payloadLength !== null
  const length = isLong ? headerLength + payloadLength : wire.length
  const isClose = opcode === Opcode.Close
  const body = isClose ? unit.plain : null
  // Perf: one literal; spreading several into one took most of the time that a frame takes.
  return {
    kind: 'frame',
    direction,
    index,
    at,
    end: at + length,
    fin: unit.fin,
    rsv1: unit.rsv1,
    rsv2: unit.rsv2,
    rsv3: unit.rsv3,
    opcode,
    masked: unit.masked,
    headerLength,
    payloadLength,
    wire: new ShownBytes(wire, length),
    preview: body === null ? previewOf(unit) : textOf(body.subarray(2)),
    statusCode: body === null || body.length < 2 ? null : body[0]! * 256 + body[1]!,
    message,
    part: unit.part,
    isCut: unit.isCut && !isLong,
    isUnread: unit.isUnread,
    verdicts: unit.verdicts,
  }
}

/** What a text frame, a Ping or a Pong says. */
function previewOf({ opcode, rsv1, plain }: FrameUnit): string | null {
  const isText = opcode === Opcode.Text || opcode === Opcode.Ping || opcode === Opcode.Pong
  return isText && !rsv1 ? textOf(plain.subarray(0, 4 * PREVIEW)) : null
}

function textOf(bytes: Uint8Array): string {
  const { buffer, byteOffset, length } = bytes
  const text = Buffer.from(buffer, byteOffset, length).toString()
  return text.length > PREVIEW ? `${text.slice(0, PREVIEW)}…` : text
}

/** What is no frame as an entry. */
export function noiseEntry(direction: Direction, { index }: LaneUnit, unit: NoiseUnit): NewEntry {
  const { at, what, wire, verdicts } = unit
  return { kind: 'noise', direction, index, at, what, wire: new ShownBytes(wire), verdicts }
}

/** A message as an entry. */
export function messageEntry(direction: Direction, { index, frames, message }: LaneMessage): New<MessageEntry> {
  const { opcode, compressed, wireLength, bytes, isBroken } = message
  const shown = bytes === null ? null : new ShownBytes(bytes)
  const length = bytes?.length ?? null
  return { kind: 'message', direction, index, opcode, compressed, frames, wireLength, length, bytes: shown, isBroken }
}
