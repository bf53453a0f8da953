import type { Direction } from '../annotate/types.ts'
import type { Session, SessionEvent } from '../session.ts'
import type { ConnectionSummary } from './entry.ts'
import type { Slot } from './ring.ts'

/**
 * What a ring keeps, as a session. When its beginning is not there any more, it starts in each direction with the first
 * frame that is whole.
 */
export function sessionOf(summary: ConnectionSummary, ring: Iterable<Slot>): Session {
  const slots = [...ring]
  const isWhole = summary.droppedEntries === 0
  const from = isWhole ? { c2s: 0, s2c: 0 } : { c2s: firstBorder(slots, 'c2s'), s2c: firstBorder(slots, 's2c') }
  const base = slots[0]?.entry.atMs ?? 0
  const events = slots.flatMap((slot) => eventOf(slot, from, isWhole ? 0 : base))
  const whose = `connection ${summary.id} from ${summary.remoteAddress ?? 'somewhere'}`
  const note = isWhole ? whose : `${whose}; its first ${summary.droppedEntries} entries are not kept`
  const header = { format: 'framewright-session', v: 1, startedAt: summary.startedAt } as const
  if (isWhole) return { header: { ...header, start: 'head', note }, events }
  return { header: { ...header, start: 'frames', extensions: summary.extensions, note }, events }
}

/** The first offset of a direction that is behind a head or before a frame and whose byte is kept. */
function firstBorder(slots: readonly Slot[], direction: Direction): number {
  let first = Number.POSITIVE_INFINITY
  for (const { entry } of slots) {
    if (entry.kind === 'chunk' && entry.direction === direction) first = Math.min(first, entry.at)
  }
  let border = Number.POSITIVE_INFINITY
  for (const { entry } of slots) {
    if ((entry.kind !== 'frame' && entry.kind !== 'head') || entry.direction !== direction) continue
    const at = entry.kind === 'head' ? entry.end : entry.at
    if (at >= first) border = Math.min(border, at)
  }
  return border
}

function eventOf({ entry, bytes }: Slot, from: Readonly<Record<Direction, number>>, base: number): SessionEvent[] {
  const atMs = Math.max(0, entry.atMs - base)
  switch (entry.kind) {
    case 'chunk': {
      const { direction, at } = entry
      const kept = bytes!.subarray(Math.min(bytes!.length, Math.max(0, from[direction] - at)))
      return kept.length === 0 ? [] : [{ kind: 'bytes', atMs, direction, bytes: kept }]
    }
    case 'end':
      return [{ kind: entry.how === 'fin' ? 'end' : 'reset', atMs, direction: entry.direction }]
    case 'close': {
      const { code, reason, requirement } = entry.info
      return [{ kind: 'close', atMs, side: entry.side, code, reason, ...(requirement === null ? {} : { requirement }) }]
    }
    default:
      return []
  }
}
