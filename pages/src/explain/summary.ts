import { html, nothing, type TemplateResult } from 'lit-html'
import { offset } from '../../../src/inspector/annotate/index.ts'
import { unitName } from '../parts/unit-view.ts'
import { halves } from '../parts/words.ts'
import type { Finding, Model } from './model.ts'

/** So many verdicts are listed; `v` walks through all of them. */
const LISTED = 100

/** The verdicts, a row a rule. */
export function summary(model: Model, current: { side: number; unit: number; byte: number }): TemplateResult {
  const { findings } = model
  const isSound = findings.length === 0
  const [sign, kind] = isSound ? ['✓', 'sign ok'] : ['✕', 'sign']
  return html`<h1><span class=${kind} aria-hidden="true">${sign}</span>${model.title}</h1><p id="live" aria-live="polite">${model.sentence}</p><ol>${findings
    .slice(0, LISTED)
    .map((finding, i) => row(model, finding, i, current))}${
    findings.length > LISTED
      ? html`<li class="rest">and ${(findings.length - LISTED).toLocaleString('en')} more: <kbd>v</kbd> walks through all</li>`
      : ''
  }</ol>`
}

function row({ sides }: Model, finding: Finding, i: number, current: { side: number; unit: number; byte: number }) {
  const { side, unit, byte, verdict } = finding
  const isCurrent = current.side === side && current.unit === unit && current.byte === byte
  const way = sides.length > 1 ? (sides[side]!.annotation.direction === 'c2s' ? '▸ ' : '◂ ') : ''
  return html`<li><button type="button" data-v=${i} aria-current=${isCurrent ? 'true' : nothing}><span class="m">${offset(verdict.at)}</span><span
    class="fno">${way}${unitName(sides[side]!.units[unit]!)}</span><span class="what">${halves(verdict, sides[side]!.units[unit])[0]}</span><span class="id">${verdict.id}</span></button></li>`
}
