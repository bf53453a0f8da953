import { html, type TemplateResult } from 'lit-html'
import { type HeadField, type HeadUnit, meaning } from '../../../src/inspector/annotate/index.ts'
import { section } from './tree.ts'
import type { UnitView } from './unit-view.ts'

const LONGEST_VALUE = 200

/** The lines of a head: which are required, which are right; and how the accept value comes about. */
export function headLines(unit: HeadUnit, selected: number): TemplateResult {
  const { accept } = unit
  return html`<section><table class="hd"><tbody><tr class="f-hs"><td class="s"></td><td colspan="2" class="m">${unit.startLine}</td><td></td></tr>${unit.fields.map((field) => line(unit, field, selected))}${unit.missing.map(
    (name) => html`<tr class="bad"><td class="s">✕</td><td>${name}</td><td></td><td>is missing</td></tr>`,
  )}</tbody></table></section>${
    accept === null
      ? ''
      : html`<section><div class="ph"><h3>Accept, step by step</h3><span>${section('6455-4.2.2')} shows that a WebSocket server read the key; no secret, no login</span></div><ol
          class="steps"><li><span>key, as text</span><code>${accept.key}</code></li><li><span>+ fixed GUID</span><code>${accept.guid}</code></li><li><span>SHA-1, 20 bytes</span><code>${accept.sha1}</code></li><li><span>base64</span><code><b>${accept.accept}</b></code></li></ol></section>`
  }`
}

function line(unit: HeadUnit, field: HeadField, selected: number): TemplateResult {
  const { name, value, state, isRequired, at, end } = field
  const cut = value.length > LONGEST_VALUE ? `${value.slice(0, LONGEST_VALUE)}…` : value
  const sign = state === 'broken' ? '✕' : isRequired ? '✓' : ''
  const isOn = selected >= at - unit.at && selected < end - unit.at
  const classes = `${state === 'broken' ? 'bad' : state === 'ignored' ? 'no' : ''}${isOn ? ' on' : ''}`
  return html`<tr class=${classes} data-a=${at - unit.at} data-b=${end - unit.at}><td class="s">${sign}</td><td>${name}</td><td class="m">${cut}</td><td>${meaning(field)} ${section(field.ref)}</td></tr>`
}

/** What bytes that are no WebSocket are, and what to do. */
export function noiseLines({ unit }: UnitView): TemplateResult | '' {
  return unit.kind === 'noise' ? html`<section><p>${meaning(unit)}</p></section>` : ''
}
