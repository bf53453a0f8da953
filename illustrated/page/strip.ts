/* Bytes in rows, each with its name: wire above, plain below, in the same column. */

import { Opcode } from '../../src/frames/index.ts'
import {
  type FrameUnit,
  hexByte,
  meaning,
  offset,
  type Span,
  type Unit,
  type Verdict,
} from '../../src/inspector/index.ts'
import { escapeHtml } from './text.ts'

/** The colour of a field. */
export function colourOf(span: Span): string {
  if (span.textKey.startsWith('head.')) return 'hs'
  if (span.field === 'MASK' || span.field.endsWith('payload length')) return 'len'
  if (span.field === 'masking-key') return 'key'
  if (span.field === 'payload') return 'pay'
  if (span.field === 'status code' || span.field === 'reason') return 'close'
  return 'head'
}

/** The word under the first byte of a field. */
function wordOf(spans: readonly Span[]): string {
  const [span] = spans
  if (span!.field === 'FIN') return 'op'
  if (span!.field === 'MASK') return 'len'
  if (span!.field === 'extended payload length') return 'length'
  if (span!.field === 'masking-key') return 'key'
  return ''
}

/** What a strip shows. */
export interface StripOptions {
  /** Where its anchors begin: `greeting` gives `greeting-b0`; empty: no anchors. */
  readonly anchor: string
  /** What screen readers call it. */
  readonly name: string
  /** Offsets in the unit; default all of it. */
  readonly start?: number
  readonly end?: number
  /** What is broken here. */
  readonly verdicts?: ReadonlyArray<Pick<Verdict, 'id' | 'at' | 'end'>>
  /** Whether the plain bytes are compressed data: shown as hex. */
  readonly isCompressed?: boolean
}

/** A piece of a unit, byte by byte. */
export function strip(unit: Unit, options: StripOptions): string {
  const { anchor, name, start = 0, end = unit.end - unit.at } = options
  const cells: string[] = []
  for (let i = start; i < end; i++) cells.push(cell(unit, i, i === start, options))
  const frame = unit.kind === 'frame' ? ' frame' : ' text'
  const id = anchor === '' ? '' : ` data-unit="${anchor}"`
  return `<ol class="strip${frame}"${id} aria-label="${escapeHtml(name)}">${cells.join('')}</ol>`
}

function cell(unit: Unit, i: number, isFirst: boolean, options: StripOptions): string {
  const { anchor, verdicts = [], isCompressed = false } = options
  const at = unit.at + i
  const byte = unit.wire[i]!
  const spans = unit.spans.filter((span) => span.at <= at && at < span.end)
  const begins = isFirst || spans.some((span) => span.at === at)
  const broken = verdicts.filter((verdict) => verdict.at <= at && at < verdict.end)
  const isValue = spans[0]!.textKey === 'head.value'
  const classes = ['b', `f-${colourOf(spans[0]!)}`]
  if (begins) classes.push('first')
  if (isValue) classes.push('v')
  if (broken.length > 0) classes.push('bad')
  const below = unit.kind === 'frame' ? belowFrame(unit, i, spans, isCompressed) : textBelow(byte, 't')
  const label = labelOf(unit, i, spans, isCompressed) + broken.map(({ id }) => `; breaks ${id}`).join('')
  const id = anchor === '' ? '' : ` id="${anchor}-b${i}"`
  return `<li${id} class="${classes.join(' ')}"><i class="w" aria-hidden="true">${hexByte(byte)}</i><i class="k"></i>${below}<span class="lb">${escapeHtml(label)}</span></li>`
}

/** What stands under a byte of a frame: the field's word, the plain character, or the plain byte. */
function belowFrame(frame: FrameUnit, i: number, spans: readonly Span[], isCompressed: boolean): string {
  const k = i - frame.headerLength
  if (k < 0) {
    const word = spans[0]!.at === frame.at + i ? wordOf(spans) : ''
    return `<i class="l" aria-hidden="true" data-t="${word}"></i>`
  }
  const plain = frame.plain[k]!
  if (spans[0]!.field === 'status code') {
    if (spans[0]!.end - spans[0]!.at < 2) return textBelow(plain, 'x')
    return k === 0
      ? `<i class="t code" aria-hidden="true" data-t="${spans[0]!.value}"></i>`
      : '<i class="t" aria-hidden="true"></i>'
  }
  if (isCompressed || frame.opcode === Opcode.Binary) {
    return frame.masked ? `<i class="x" aria-hidden="true" data-t="${hexByte(plain)}"></i>` : ''
  }
  return textBelow(plain, 't')
}

function textBelow(byte: number, kind: 't' | 'x'): string {
  const isLineEnd = byte === 0x0d || byte === 0x0a
  return `<i class="${isLineEnd ? 'end' : kind}" aria-hidden="true" data-t="${escapeHtml(glyph(byte))}"></i>`
}

/** What stands for a byte. */
function glyph(byte: number): string {
  if (byte === 0x20) return '␣'
  if (byte === 0x0d) return 'CR'
  if (byte === 0x0a) return 'LF'
  return byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·'
}

/** Everything about one byte, in words. */
function labelOf(unit: Unit, i: number, spans: readonly Span[], isCompressed: boolean): string {
  const byte = unit.wire[i]!
  const place = `byte ${i}, ${offset(unit.at + i)}`
  if (spans[0]!.bits !== undefined) {
    const fields = spans.map((span) => `${span.field} ${span.raw}: ${meaning(span)}`)
    return `${hexByte(byte)} · ${place} · ${fields.join(' · ')}`
  }
  const [span] = spans
  const of = span!.end - span!.at > 1 ? ` ${unit.at + i - span!.at + 1} of ${span!.end - span!.at}` : ''
  if (unit.kind !== 'frame') {
    const what = span!.textKey === 'head.value' ? `value of ${span!.value}` : span!.field
    return `${hexByte(byte)} · ${place} · ${what}, character${of}: ${spoken(byte)}`
  }
  const k = i - unit.headerLength
  if (k < 0) return `${hexByte(byte)} · ${place} · ${span!.field}, byte${of}: ${meaning(span!)}`
  const plain = unit.plain[k]!
  const unmasked = unit.masked
    ? ` · ⊕ key byte ${k % 4} ${hexByte(unit.maskingKey?.[k % 4] ?? 0)} = ${hexByte(plain)}`
    : ''
  const isText = !isCompressed && span!.field !== 'status code' && unit.opcode !== Opcode.Binary
  return `${hexByte(byte)} · ${place} · ${span!.field}, byte${of}${unmasked}${isText ? `: ${spoken(plain)}` : isCompressed ? ': compressed data' : ''}`
}

function spoken(byte: number): string {
  if (byte === 0x20) return 'space'
  if (byte === 0x0d) return 'CR'
  if (byte === 0x0a) return 'LF'
  return byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : 'part of a character'
}
