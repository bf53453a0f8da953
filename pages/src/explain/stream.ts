import { html, type TemplateResult } from 'lit-html'
import type { HeadUnit, Unit } from '../../../src/inspector/annotate/index.ts'
import { NO_MARKS, strip } from '../parts/strip.ts'
import { unitName, viewOf } from '../parts/unit-view.ts'
import { count, flags, opcodeWord, say, stopTitle } from '../parts/words.ts'
import type { Side } from './model.ts'

/** What is selected, pinned and pointed at in the side that is shown. */
export interface Looking {
  readonly unit: number
  readonly byte: number
  readonly pinned: { readonly unit: number; readonly byte: number } | null
  readonly hot: { readonly unit: number; readonly range: readonly [number, number] } | null
  /** Rows that were asked for, by unit. */
  readonly more: ReadonlyMap<number, number>
}

/** One unit of the stream, and behind the one at which the receiver stops the line that says so. */
export function item(side: Side, unit: Unit, looking: Looking): TemplateResult {
  const { stop } = side.annotation
  const isLast = unit.index === side.units.length - 1
  return html`<div class="it" role="presentation">${unit.kind === 'frame' ? frame(side, unit, looking) : head(unit, looking)}${
    stop !== null && stop.unit === unit.index && !isLast
      ? html`<div role="rowgroup"><div class="stopline ${stop.reason === 'close' ? 'calm' : ''}" role="row"><span role="gridcell" class="st">${stopTitle(
          side.annotation,
          stop,
        )}</span><span role="gridcell">decoded below for study; it would never be read</span></div></div>`
      : ''
  }</div>`
}

function marks(unit: Unit, { unit: selected, byte, pinned, hot, more }: Looking) {
  const isSelected = unit.index === selected
  const isPinned = pinned?.unit === unit.index
  if (!isSelected && !isPinned && hot?.unit !== unit.index && !more.has(unit.index)) return NO_MARKS
  return {
    selected: isSelected ? byte : null,
    pinned: isPinned ? pinned.byte : null,
    hot: hot?.unit === unit.index ? hot.range : null,
    more: more.get(unit.index) ?? 0,
    isTabStop: isSelected,
  }
}

function frame(side: Side, unit: Unit & { kind: 'frame' }, looking: Looking): TemplateResult {
  const view = viewOf(unit)
  const isBad = view.verdicts.length > 0
  const isCurrent = unit.index === looking.unit
  const rail = side.rail[unit.index]!
  const isControl = unit.opcode > 7
  const dot = `dot${isControl ? ' ctl' : (rail & 2) === 0 ? ' end' : ''}${isBad ? ' badd' : ''}`
  const message = unit.message === null ? undefined : side.messageOf(unit.message)
  return html`<div class="fr${unit.isUnread ? ' after' : ''}${isCurrent ? ' cur' : ''}" role="rowgroup" data-f=${unit.index}>${
    (rail & 1) !== 0 ? html`<span class="rail up"></span>` : ''
  }${(rail & 2) !== 0 ? html`<span class="rail down"></span>` : ''}<span class=${dot}></span><div class="fh" role="row"><span role="gridcell"
    class="n">${unit.index}</span><b role="gridcell">${opcodeWord(unit)}</b><span role="gridcell" class="fl">${flags(unit)}${
      unit.isCut ? ' · cut' : ''
    }</span><span role="gridcell" class="say">${say(unit, message)}</span>${judgement(isBad ? view.verdicts.map(({ id }) => id) : [])}</div>${strip(
      view,
      marks(unit, looking),
    )}</div>`
}

function judgement(ids: readonly string[]): TemplateResult {
  if (ids.length === 0) {
    return html`<span role="gridcell" class="ok"><span aria-hidden="true">✓</span><span class="vh">no violation</span></span>`
  }
  return html`<span role="gridcell" class="vd">${[...new Set(ids)].map((id) => `✕ ${id}`).join(' ')}</span>`
}

/** A head, or what is no WebSocket, is one line until it is looked at. */
function head(unit: Exclude<Unit, { kind: 'frame' }>, looking: Looking): TemplateResult {
  const isCurrent = unit.index === looking.unit
  const ids = unit.verdicts.map(({ id }) => id)
  return html`<div class="fr hrow${isCurrent ? ' cur' : ''}${unit.isUnread ? ' after' : ''}" role="rowgroup" data-f=${unit.index}><span
    class="dot ctl${ids.length > 0 ? ' badd' : ''}"></span><div class="fh" role="row"><span role="gridcell" class="n">${unit.index}</span><b
    role="gridcell">${unit.kind === 'head' ? clipped(unit.startLine) : unitName(unit)}</b><span role="gridcell" class="fl">${
      unit.kind === 'head' ? `${count(unit.fields.length + 1, 'line')}, ` : ''
    }${(unit.end - unit.at).toLocaleString('en')} B</span><span role="gridcell" class="say">${unit.kind === 'head' ? asks(unit) : unit.what}</span>${judgement(
      ids,
    )}</div>${isCurrent || ids.length > 0 ? strip(viewOf(unit), marks(unit, looking)) : ''}</div>`
}

function clipped(line: string): string {
  return line.length > 40 ? `${line.slice(0, 39)}…` : line
}

function asks({ fields, direction }: HeadUnit): string {
  const value = fields.find(({ name }) => name.toLowerCase() === 'sec-websocket-extensions')?.value
  if (value === undefined) return ''
  return direction === 'c2s' ? `offers ${value}` : `agrees on ${value}`
}
