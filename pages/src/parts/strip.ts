import { html, nothing, type TemplateResult } from 'lit-html'
import { hexByte, offset } from '../../../src/inspector/annotate/index.ts'
import { ROW, type Run, runsOf } from './rows.ts'
import { byteName, type Field, fieldAt, glyph, type UnitView, verdictsAt } from './unit-view.ts'

/** What is marked in a strip; offsets in its unit. */
export interface Marks {
  readonly selected: number | null
  readonly pinned: number | null
  /** Bytes that are pointed at. */
  readonly hot: readonly [start: number, end: number] | null
  /** Rows that were asked for beyond the beginning. */
  readonly more: number
  /** Whether the selected byte can be reached with Tab. */
  readonly isTabStop: boolean
}

export const NO_MARKS: Marks = { selected: null, pinned: null, hot: null, more: 0, isTabStop: false }

/** The bytes of a unit, one column a byte: wire above; below it a word, the plain character, or the plain byte. */
export function strip(view: UnitView, marks: Marks): TemplateResult {
  return html`<div class="rws" role="presentation">${runsOf(view, marks.selected, marks.more).map((run) =>
    run.isShown ? rows(view, run, marks) : gap(run),
  )}</div>`
}

function gap({ start, end }: Run): TemplateResult {
  return html`<div class="gapr" role="row"><span role="gridcell"><button type="button" class="more" tabindex="-1"
    >${(end - start).toLocaleString('en')} bytes more</button></span></div>`
}

function rows(view: UnitView, { start, end }: Run, marks: Marks): TemplateResult[] {
  const all: TemplateResult[] = []
  for (let at = start; at < end; at += ROW) all.push(row(view, at, Math.min(end, at + ROW), marks))
  return all
}

function row(view: UnitView, start: number, end: number, marks: Marks): TemplateResult {
  const { unit, payAt, wire, isText, key } = view
  const hasPayload = wire.length > payAt && end > payAt
  const label =
    unit.kind !== 'frame' ? 'text' : !hasPayload || (!isText && key === null) ? '' : isText ? 'text' : 'plain'
  const cells: TemplateResult[] = []
  for (let i = start; i < end; i++) cells.push(cell(view, i, marks))
  return html`<div class="oct${(start / ROW) % 2 === 1 ? ' odd' : ''}" role="row"><span class="off m" role="rowheader">${offset(unit.at + start)}<i>${label}</i></span>${cells}</div>`
}

function cell(view: UnitView, i: number, { selected, pinned, hot, isTabStop }: Marks): TemplateResult {
  const field = fieldAt(view, i)
  const isSelected = selected === i
  const classes = [
    'b',
    `f-${field?.cls ?? 'pay'}`,
    field?.start === i ? 'first' : '',
    verdictsAt(view, i).length > 0 ? 'bad' : '',
    isSelected ? 'sel' : '',
    pinned === i ? 'pin' : '',
    hot !== null && i >= hot[0] && i < hot[1] ? 'hot' : '',
  ]
  return html`<span class=${classes.filter((name) => name !== '').join(' ')} role="gridcell" tabindex=${isSelected && isTabStop ? 0 : -1}
    aria-selected=${isSelected ? 'true' : nothing} data-i=${i} aria-label=${byteName(view, i)}><i class="w">${hexByte(view.wire[i]!)}</i><i
    class="k"></i>${under(view, i, field)}</span>`
}

/** What stands under a byte is made by CSS, so that the name of the cell begins with all the text that is in it. */
function under(view: UnitView, i: number, field: Field | undefined): TemplateResult {
  const { unit, payAt, plain, isText, key } = view
  const k = i - payAt
  if (unit.kind === 'frame' && k < 0) return html`<i class="l" data-t=${field?.start === i ? field.word : nothing}></i>`
  const byte = plain[k]!
  if (field?.cls === 'close') {
    const isFirst = field.start === i && plain.length > k + 1
    return html`<i class="t cd" data-t=${isFirst ? (byte << 8) | plain[k + 1]! : nothing}></i>`
  }
  if (!isText) return html`<i class="t x" data-t=${key === null ? nothing : hexByte(byte)}></i>`
  const character = glyph(byte)
  return character === ''
    ? html`<i class="t x" data-t=${hexByte(byte)}></i>`
    : html`<i class="t" data-t=${character}></i>`
}
