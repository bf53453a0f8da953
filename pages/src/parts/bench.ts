import { html, type TemplateResult } from 'lit-html'
import { hexByte, type Message } from '../../../src/inspector/annotate/index.ts'
import { glyph, type UnitView } from './unit-view.ts'
import { count } from './words.ts'

const WIDE = 16
/** So much of a message that was inflated or joined is shown. */
const SHOWN = 400

/** The payload masked and unmasked in columns: 16 bytes around the selected one. */
export function bench(view: UnitView, i: number, message: Message | undefined): TemplateResult | '' {
  const { unit, plain, key, payAt } = view
  if (unit.kind !== 'frame' || plain.length === 0) return ''
  const k = i - payAt
  const start = Math.max(0, Math.floor(k / WIDE) * WIDE)
  const end = Math.min(start + WIDE, plain.length)
  const labels = [...(key === null ? ['wire'] : ['wire', '⊕ key', '= plain']), ...(view.isText ? ['text'] : [])]
  const columns: TemplateResult[] = []
  for (let at = start; at < end; at++) columns.push(column(view, at, k))
  return html`<section><h3 class="vh">${key === null ? 'Payload, not masked' : 'Payload, masked and unmasked'}</h3><div class="bench"><div class="br"><span
    class="g">${labels.map((label) => html`<i>${label}</i>`)}</span>${columns}</div>${
      plain.length > WIDE
        ? html`<div class="out"><span>payload bytes ${start} to ${end - 1} of ${plain.length.toLocaleString('en')}</span></div>`
        : ''
    }</div>${message === undefined ? '' : joined(unit.index, message)}</section>`
}

function column({ unit, wire, plain, key, payAt, isText }: UnitView, at: number, k: number): TemplateResult {
  const byte = plain[at]!
  const isCode = unit.kind === 'frame' && unit.opcode === 8 && at < 2
  return html`<span class="col${at % 4 === 0 ? ' k0' : ''}${at === k ? ' on' : ''}" data-i=${payAt + at}><i class="ww">${hexByte(wire[payAt + at]!)}</i>${
    key === null ? '' : html`<i class="kk">${hexByte(key[at % 4]!)}</i><i class="pp">${hexByte(byte)}</i>`
  }${isText ? html`<i class="ch">${(isCode ? '' : glyph(byte)) || '·'}</i>` : ''}</span>`
}

/** The message that the frame is part of, when it is more than the frame. */
function joined(index: number, message: Message): TemplateResult | '' {
  const { frames, compressed, wireLength, isComplete, text } = message
  if (frames.length === 1 && !compressed) return ''
  const part =
    frames.length === 1
      ? ''
      : `part ${frames.indexOf(index) + 1} of ${isComplete ? frames.length : 'a message that is not complete'}`
  const { bytes } = message
  const size = !compressed
    ? count(wireLength, 'byte')
    : bytes === null
      ? 'not inflated: what came before is not here'
      : `inflated ${wireLength} → ${bytes.length} B`
  const shown = text === null ? '' : text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text
  return html`<div class="out"><span>${[part, size].filter((words) => words !== '').join(' · ')}</span>${shown}</div>`
}
