import { Opcode } from '../../frames/opcode.ts'
import type { Direction, FrameUnit, NoiseUnit } from '../annotate/types.ts'
import { type FrameEntry, type MessageEntry, type NewEntry, ShownBytes } from './entry.ts'
import { type LaneMessage, type LaneUnit, MOST_BYTES } from './lane.ts'

/** Characters of a preview. */
const PREVIEW = 120

type New<E> = Omit<E, 'seq' | 'atMs'>

/** A frame as an entry. */
export function frameEntry(direction: Direction, { index, message }: LaneUnit, unit: FrameUnit): New<FrameEntry> {
  const { at, fin, rsv1, rsv2, rsv3, opcode, masked, headerLength, payloadLength, wire, part, isUnread, verdicts } =
    unit
  // One that is too long to be looked into counts as whole; its rest is not shown.
  const isLong = wire.length > MOST_BYTES && payloadLength !== null
  const length = isLong ? headerLength + payloadLength : wire.length
  return {
    ...{ kind: 'frame', direction, index, at, end: at + length, fin, rsv1, rsv2, rsv3, opcode, masked },
    ...{ headerLength, payloadLength, wire: new ShownBytes(wire, length), ...spoken(unit), message, part },
    ...{ isCut: unit.isCut && !isLong, isUnread, verdicts },
  }
}

/** What a frame says to people. */
function spoken(unit: FrameUnit): Pick<FrameEntry, 'preview' | 'statusCode'> {
  const { opcode, rsv1 } = unit
  if (opcode === Opcode.Close) {
    const { plain } = unit
    const statusCode = plain.length < 2 ? null : plain[0]! * 256 + plain[1]!
    return { preview: textOf(plain.subarray(2)), statusCode }
  }
  const isText = opcode === Opcode.Text || opcode === Opcode.Ping || opcode === Opcode.Pong
  return { preview: isText && !rsv1 ? textOf(unit.plain.subarray(0, 4 * PREVIEW)) : null, statusCode: null }
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
  return {
    ...{ kind: 'message', direction, index, opcode, compressed, frames, wireLength },
    ...{ length: bytes?.length ?? null, bytes: bytes === null ? null : new ShownBytes(bytes), isBroken },
  }
}
