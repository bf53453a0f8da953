import { html, type TemplateResult } from 'lit-html'
import { type Message, offset, sectionLink, type Verdict } from '../../../src/inspector/annotate/index.ts'
import { sites } from './sites.ts'
import { type UnitView, unitName } from './unit-view.ts'
import { count, dutyParts, dutyTitle, halves } from './words.ts'

/** The verdict first: the duty, then the rules that are broken; or that none is. */
export function card(view: UnitView, role: string, message: Message | undefined): TemplateResult {
  const { unit, verdicts } = view
  const where = html`<span>${unitName(unit)}, ${offset(unit.at)}</span>`
  const [first] = verdicts
  if (first === undefined) return soundCard(view, message)
  return html`<section class="vc"><h2>${dutyTitle(role, first)}${where}</h2><p class="duty">${dutyParts(first.duty).map(
    ({ text, id }, i) => html`${i > 0 ? ' · ' : ''}${text}${id === null ? '' : html` ${requirement(id)}`}`,
  )}</p><ol>${verdicts.map((verdict) => item(view, verdict))}</ol></section>`
}

function item(view: UnitView, verdict: Verdict): TemplateResult {
  const { id, level, mend } = verdict
  const [arrived, wanted] = halves(verdict, view.unit)
  return html`<li><span class="sign" aria-hidden="true">✕</span><b><span class="vh">Violation: </span>${arrived}</b><span class="id"><small>${level ?? ''}</small>${requirement(
    id,
  )}</span><p>${place(view, verdict)}${wanted === '' ? '' : `: ${wanted}`}.${
    mend === null
      ? ''
      : html` ${mend.to === null ? mend.text : html`<code>${mend.from}</code> → <code>${mend.to}</code> ${mend.text}`}.`
  } <span class="nw">${links(id)}</span></p></li>`
}

/** The id of a requirement, linked to the section it comes from. */
export function requirement(id: string): TemplateResult {
  return html`<a class="m" href=${sectionLink(id)} target="_blank" rel="noopener noreferrer">${id}</a>`
}

/** To the code that keeps the rule and the test that shows it, where this page lies in the repository; by name elsewhere. */
function links(id: string): TemplateResult {
  const found = sites[id]
  const rfc = html`<a href=${sectionLink(id)} target="_blank" rel="noopener noreferrer">RFC</a>`
  if (found === undefined) return rfc
  const isInRepository = location.pathname.includes('/src/inspector/page/')
  const link = (word: string, path: string) =>
    isInRepository
      ? html` · <a href="../../../${path}">${word}</a>`
      : html` · <span title=${path}>${word} <code>${path}</code></span>`
  return html`${rfc}${link('code', found[0])}${link('test', found[1])}`
}

/** Offsets in the unit, and bits. */
function place({ unit }: UnitView, { at, end, bits }: Verdict): string {
  const first = at - unit.at
  const bytes = end - at === 1 ? `byte ${first}` : `bytes ${first}–${end - unit.at - 1}`
  if (bits === undefined) return bytes[0]!.toUpperCase() + bytes.slice(1)
  return `${bits[0] === bits[1] ? `Bit ${bits[0]}` : `Bits ${bits[0]}–${bits[1]}`} of ${bytes}`
}

function soundCard({ unit }: UnitView, message: Message | undefined): TemplateResult {
  const ok = (title: string, rest: string) =>
    html`<section class="okc"><span class="sign ok" aria-hidden="true">✓</span><span><h2>${title}</h2>${rest}</span></section>`
  if (unit.kind === 'noise') return ok('Not WebSocket', ', so there is nothing to judge')
  if (unit.kind === 'head') {
    const required = unit.fields.filter(({ isRequired }) => isRequired).length
    return ok(
      unit.direction === 'c2s' ? 'Opening request' : 'Opening answer',
      `, all ${count(required, 'required field')} right`,
    )
  }
  const cut = unit.isCut ? '; the input ends inside it' : ''
  if (message === undefined || message.frames.length === 1) return ok(`Frame ${unit.index} keeps every rule`, cut)
  return ok(
    `Frame ${unit.index} keeps every rule`,
    `, part ${unit.part + 1} of ${message.isComplete ? message.frames.length : 'an open message'}${cut}`,
  )
}
