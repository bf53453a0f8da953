import {
  type Annotation,
  annotate,
  type Direction,
  type Message,
  requestOf,
  type Unit,
} from '../../../src/inspector/annotate/index.ts'
import { type UnitView, viewOf } from '../parts/unit-view.ts'
import { sha1 } from '../tools/sha1.ts'
import type { Log, Shown } from './log.ts'
import { bytesOf, type EntryOf } from './told.ts'

/** What a line of the timeline is, byte by byte. */
export interface Detail {
  readonly view: UnitView
  readonly role: Annotation['role']
  readonly message: Message | undefined
}

const known = new WeakMap<Shown, Detail>()

/** The bytes of an entry explained; null for what has none. The verdicts are the inspector's, which saw the whole stream. */
export function detailOf(entry: Shown, log: Log, extensions: string): Detail | null {
  if (entry.kind === 'end' || entry.kind === 'error') return null
  const message = entry.kind === 'frame' ? messageFor(entry, log) : undefined
  const before = known.get(entry)
  if (before !== undefined && (before.message === undefined) === (message === undefined)) return before
  const unit = entry.kind === 'frame' ? frameUnit(entry, log, extensions) : otherUnit(entry, log)
  if (unit === undefined) return null
  const view = viewOf(placed(unit, entry))
  const detail: Detail = { view, role: entry.direction === 'c2s' ? 'server' : 'client', message }
  known.set(entry, detail)
  return detail
}

/** The unit as it is counted in its stream, and as the whole stream judges it. */
function placed(unit: Unit, { index, verdicts }: EntryOf<'head' | 'frame' | 'noise'>): Unit {
  const { at, end, isCut, isUnread, spans, wire } = unit
  const place = { index, at, end, isCut, isUnread, spans, verdicts, wire }
  // Properties of the engine's units are made when they are asked for: they are no own properties that could be spread.
  if (unit.kind === 'head') {
    const { kind, direction, startLine, fields, missing, accept } = unit
    return { ...place, kind, direction, startLine, fields, missing, accept }
  }
  if (unit.kind === 'noise') {
    const { kind, what, textKey } = unit
    return { ...place, kind, what, textKey }
  }
  const { kind, fin, rsv1, rsv2, rsv3, opcode, masked, headerLength } = unit
  const { payloadLength, maskingKey, plain, message, part } = unit
  return {
    ...{ ...place, kind, fin, rsv1, rsv2, rsv3, opcode, masked, headerLength },
    ...{ payloadLength, maskingKey, plain, message, part },
  }
}

/** The first frame of a message, empty: behind it a continuation frame is one. */
function opening(direction: Direction, opcode: number, rsv1: boolean): Uint8Array {
  const mask = direction === 'c2s' ? [0x80, 0, 0, 0, 0] : [0]
  return Uint8Array.of(opcode | (rsv1 ? 0x40 : 0), ...mask)
}

function frameUnit(entry: EntryOf<'frame'>, log: Log, extensions: string): Unit | undefined {
  const { direction, at, opcode } = entry
  const wire = bytesOf(entry.wire)
  const first = opcode === 0 ? log.openingOf(entry) : undefined
  const start = first === undefined ? new Uint8Array(0) : opening(direction, first.opcode, first.rsv1)
  const bytes = new Uint8Array(start.length + wire.length)
  bytes.set(start)
  bytes.set(wire, start.length)
  const context = { direction, start: 'frames', at: at - start.length, extensions } as const
  return annotate(bytes, context).units[first === undefined ? 0 : 1]
}

function otherUnit(entry: EntryOf<'head' | 'noise'>, log: Log): Unit | undefined {
  const { direction, at } = entry
  const start = entry.kind === 'head' ? 'head' : 'auto'
  const request = direction === 's2c' ? requestIn(log) : null
  const context = { direction, start, at, sha1, ...(request === null ? {} : { request }) } as const
  return annotate(bytesOf(entry.wire), context).units[0]
}

function requestIn(log: Log): ReturnType<typeof requestOf> {
  const head = log.rows.find(({ entry }) => entry.kind === 'head' && entry.direction === 'c2s')?.entry
  if (head?.kind !== 'head') return null
  return requestOf(annotate(bytesOf(head.wire), { direction: 'c2s', start: 'head' }))
}

/** The message of a frame, as far as it is complete. */
function messageFor(frame: EntryOf<'frame'>, log: Log): Message | undefined {
  const message = log.messageOf(frame)
  if (message === undefined) return undefined
  const { index, frames, opcode, compressed, wireLength, isBroken } = message
  const bytes = message.bytes === null ? null : bytesOf(message.bytes)
  const text = bytes === null || opcode !== 1 ? null : new TextDecoder().decode(bytes)
  return {
    ...{ index, frames, opcode, compressed, wireLength, isBroken, bytes, text },
    isComplete: true,
    joined: new Uint8Array(0),
  }
}
