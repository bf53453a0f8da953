import { html, type TemplateResult } from 'lit-html'
import { meaning, type Span, sectionLabel, sectionLink, type Verdict } from '../../../src/inspector/annotate/index.ts'
import type { UnitView } from './unit-view.ts'

/** A section of an RFC as a link. */
export function section(ref: string): TemplateResult | '' {
  const link = sectionLink(ref)
  return link === ''
    ? ''
    : html`<a href=${link} target="_blank" rel="noopener noreferrer">${sectionLabel(ref).replace('RFC ', '')}</a>`
}

/** Every field of a frame: byte, bits, name, raw value, meaning, section. */
export function tree(view: UnitView, selected: number, hot: readonly [number, number] | null): TemplateResult {
  let last = -1
  const rows = view.spans.map((span) => {
    const start = span.at - view.unit.at
    const isNext = start === last
    last = start
    return row(view, span, isNext, selected, hot)
  })
  return html`<section><table class="tree"><thead><tr><th>byte</th><th>bits</th><th>field</th><th class="raw">raw</th><th>meaning</th><th><span
    class="vh">section</span></th></tr></thead><tbody>${rows}</tbody></table></section>`
}

function row(view: UnitView, span: Span, isNext: boolean, selected: number, hot: readonly [number, number] | null) {
  const start = span.at - view.unit.at
  const end = span.end - view.unit.at
  const { bits, field } = span
  const isBad = view.verdicts.some((verdict) => touches(verdict, span))
  const classes = [
    `f-${view.fields.find((one) => start >= one.start && start < one.end)?.cls}`,
    isNext ? 'nb' : '',
    selected >= start && selected < end ? 'on' : '',
    hot !== null && start < hot[1] && end > hot[0] ? 'hot' : '',
    isBad ? 'bad' : '',
  ]
  const at = isNext ? '' : end - start > 1 ? `${start}–${end - 1}` : start
  const where = bits === undefined ? '' : bits[0] === bits[1] ? bits[0] : `${bits[0]}–${bits[1]}`
  return html`<tr class=${classes.join(' ')} data-a=${start} data-b=${end}><td class="m at">${at}</td><td class="m at">${where}</td><td class="fn"><i class="k"></i>${field}</td><td
    class="raw">${rawOf(span)}</td><td class="v">${isBad ? '✕ ' : ''}${meaning(span)}</td><td>${section(span.ref)}</td></tr>`
}

/** Long fields by their size: their bytes stand above. */
function rawOf({ field, raw, value, at, end }: Span): string {
  if (field === 'opcode') return `0x${Number(value).toString(16)}`
  if (field === 'payload length' || field === 'status code') return String(value)
  return end - at > 4 ? `${(end - at).toLocaleString('en')} B` : raw
}

function touches(verdict: Verdict, span: Span): boolean {
  if (verdict.end <= span.at || verdict.at >= span.end) return false
  if (verdict.bits === undefined || span.bits === undefined) return true
  return verdict.bits[0] <= span.bits[1] && verdict.bits[1] >= span.bits[0]
}
