/* The session taken apart: its units by name, in the order in which they went over the wire. */
import {
  annotateSession,
  type Conversation,
  type Direction,
  inflate,
  type Message,
  type Session,
  sha1,
  type Unit,
} from '../src/inspector/index.ts'

/** What the session consists of, in order: the name is the anchor of its block on the page. */
export const PARTS = [
  { name: 'request', direction: 'c2s' },
  { name: 'response', direction: 's2c' },
  { name: 'greeting', direction: 'c2s' },
  { name: 'fragment', direction: 's2c' },
  { name: 'ping', direction: 's2c' },
  { name: 'continuation', direction: 's2c' },
  { name: 'pong', direction: 'c2s' },
  { name: 'compressed', direction: 's2c' },
  { name: 'close', direction: 'c2s' },
  { name: 'close-answer', direction: 's2c' },
] as const satisfies ReadonlyArray<{ readonly name: string; readonly direction: Direction }>

export type PartName = (typeof PARTS)[number]['name']

/** One head or frame of the session. */
export interface Part {
  readonly name: PartName
  readonly direction: Direction
  readonly unit: Unit
  /** The message it belongs to; null: none. */
  readonly message: Message | null
  /** When its last byte was read or written, in milliseconds since the beginning. */
  readonly atMs: number
  /** Which read or write it was in: units with the same number shared one. */
  readonly chunk: number
}

/** What is handed to the engine besides the bytes. */
export const TOOLS = { inflate, sha1 } as const

/** @throws Error when the session does not go as the page tells it */
export function partsOf(session: Session): readonly Part[] {
  const conversation = annotateSession(session, TOOLS)
  const seen = { c2s: 0, s2c: 0 }
  const parts = PARTS.map(({ name, direction }): Part => {
    const unit = conversation[direction].units[seen[direction]++]
    if (unit === undefined) throw new Error(`the session has no ${name}`)
    const messages = conversation[direction].messages
    const message = unit.kind === 'frame' && unit.message !== null ? messages[unit.message]! : null
    return { name, direction, unit, message, ...momentOf(session, direction, unit.end) }
  })
  check(parts, conversation, seen)
  return parts
}

/** The part with this name. */
export function partOf(parts: readonly Part[], name: PartName): Part {
  return parts.find((part) => part.name === name)!
}

function momentOf(session: Session, direction: Direction, end: number): { atMs: number; chunk: number } {
  let length = 0
  for (const [chunk, event] of session.events.entries()) {
    if (event.kind !== 'bytes' || event.direction !== direction) continue
    length += event.bytes.length
    if (length >= end) return { atMs: event.atMs, chunk }
  }
  throw new Error(`no event of the session has byte ${end} of ${direction}`)
}

function check(parts: readonly Part[], conversation: Conversation, seen: Readonly<Record<Direction, number>>): void {
  for (const { name, unit } of parts) {
    if (unit.verdicts.length > 0) throw new Error(`${name} breaks ${unit.verdicts.map(({ id }) => id).join(', ')}`)
  }
  const shape = parts.map(({ unit }) => (unit.kind === 'frame' ? unit.opcode : unit.kind)).join(' ')
  const left = conversation.c2s.units.length - seen.c2s + conversation.s2c.units.length - seen.s2c
  if (shape !== 'head head 1 1 9 0 10 1 8 8' || left > 0) {
    throw new Error(`the session has ${shape} and ${left} more units; the page tells of another one: record it again`)
  }
}
