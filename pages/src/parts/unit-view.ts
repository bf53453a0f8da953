import type { FrameUnit, HeadUnit, NoiseUnit, Span, Unit, Verdict } from '../../../src/inspector/annotate/index.ts'
import { hexByte, offset } from '../../../src/inspector/annotate/index.ts'

/** The class that colours a field. */
export type FieldClass = 'head' | 'len' | 'key' | 'pay' | 'close' | 'hs'

/** Bytes that one field name stands for; offsets in the unit. */
export interface Field {
  readonly start: number
  readonly end: number
  readonly cls: FieldClass
  readonly name: string
  /** What stands under its first byte. */
  readonly word: string
}

/** A unit as the page shows it. Made when it comes in sight, and kept as long as the unit is. */
export interface UnitView {
  readonly unit: Unit
  /** The bytes that there are; of what is no WebSocket, the first ones. */
  readonly wire: Uint8Array
  /** The payload unmasked; empty for what has none. */
  readonly plain: Uint8Array
  /** Where the payload begins. */
  readonly payAt: number
  readonly key: Uint8Array | null
  readonly spans: readonly Span[]
  readonly fields: readonly Field[]
  readonly verdicts: readonly Verdict[]
  /** Whether characters under the bytes say something. */
  readonly isText: boolean
}

const views = new WeakMap<Unit, UnitView>()

/** The view of a unit. @param isFresh - whether what was made before is out of date */
export function viewOf(unit: Unit): UnitView {
  let view = views.get(unit)
  if (view === undefined) {
    view = unit.kind === 'frame' ? frameView(unit) : otherView(unit)
    views.set(unit, view)
  }
  return view
}

function frameView(unit: FrameUnit): UnitView {
  const { wire, plain, headerLength, maskingKey, spans, verdicts, at } = unit
  const fields: Field[] = []
  for (const span of spans) {
    const start = span.at - at
    if (fields.at(-1)?.start === start) continue
    fields.push({ start, end: span.end - at, ...styleOf(span.field) })
  }
  const isText = !spans.some(({ textKey }) => textKey === 'payload.compressed' || textKey === 'payload.binary')
  return { unit, wire, plain, payAt: headerLength, key: maskingKey, spans, fields, verdicts, isText }
}

/** The first two bytes hold several fields each. */
function styleOf(field: string): Pick<Field, 'cls' | 'name' | 'word'> {
  switch (field) {
    case 'FIN':
      return { cls: 'head', name: 'flags, opcode', word: 'op' }
    case 'MASK':
      return { cls: 'len', name: 'mask, length', word: 'len' }
    case 'extended payload length':
      return { cls: 'len', name: field, word: 'length' }
    case 'masking-key':
      return { cls: 'key', name: 'masking key', word: 'key' }
    case 'status code':
      return { cls: 'close', name: 'close code', word: 'code' }
    case 'reason':
      return { cls: 'pay', name: 'close reason', word: '' }
    default:
      return { cls: 'pay', name: field, word: '' }
  }
}

function otherView(unit: HeadUnit | NoiseUnit): UnitView {
  const { wire, spans, verdicts, at } = unit
  const fields = spans.map(({ field, at: start, end }) => ({
    ...{ start: start - at, end: end - at, word: '', name: field },
    cls: (field === 'field value' || unit.kind === 'noise' ? 'pay' : 'hs') as FieldClass,
  }))
  return { unit, wire, plain: wire, payAt: 0, key: null, spans, fields, verdicts, isText: true }
}

/** The field that has the byte. */
export function fieldAt({ fields }: UnitView, i: number): Field | undefined {
  let low = 0
  let high = fields.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (fields[middle]!.start <= i) low = middle
    else high = middle - 1
  }
  return fields[low]
}

/** Rules that are broken in this byte. */
export function verdictsAt({ unit, verdicts }: UnitView, i: number): readonly Verdict[] {
  if (verdicts.length === 0) return verdicts
  const at = unit.at + i
  // What is broken by more than a few bytes, or by what is not there, is shown at its first byte.
  return verdicts.filter(
    (verdict) => at === verdict.at || (at > verdict.at && at < verdict.end && verdict.end - verdict.at <= 16),
  )
}

/** What a byte is called by a screen reader: its hex first, because that is what is seen. */
export function byteName(view: UnitView, i: number): string {
  const { unit, wire, plain, payAt, key } = view
  const k = i - payAt
  const bare = k >= 0 && key !== null ? `, unmasked ${hexByte(plain[k]!)} ${glyph(plain[k]!)}` : ''
  const broken = [...new Set(verdictsAt(view, i).map(({ id }) => id))].map((id) => `, violates ${id}`).join('')
  return `${hexByte(wire[i]!)}, ${fieldAt(view, i)?.name ?? 'byte'}, at ${offset(unit.at + i)}${bare.trimEnd()}${broken}`
}

/** The character of a printable byte; otherwise nothing. */
export function glyph(byte: number): string {
  return byte === 0x20 ? '␣' : byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ''
}

/** `frame 6`, `request head`, `no WebSocket`. */
export function unitName(unit: Unit): string {
  if (unit.kind === 'frame') return `frame ${unit.index}`
  if (unit.kind === 'noise') return 'no WebSocket'
  return unit.direction === 'c2s' ? 'request' : 'response'
}
