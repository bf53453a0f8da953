import { html, nothing, type TemplateResult } from 'lit-html'
import { count } from '../parts/words.ts'
import type { Summary } from './told.ts'

/** The connections, the newest first. */
export function connectionList(all: readonly Summary[], selected: number | null): TemplateResult {
  const open = all.filter(({ state }) => state !== 'CLOSED').length
  return html`<section class="conns card" aria-label="Connections"><div class="h"><h1>Connections</h1><span>${open} of ${all.length} open</span></div><ul>${all.map(
    (one) => line(one, one.id === selected),
  )}</ul></section>`
}

function line(summary: Summary, isSelected: boolean): TemplateResult {
  const { id, state, target, lab, close, verdicts, frames } = summary
  const isBad = verdicts > 0
  const word = state === 'CLOSED' ? 'closed' : state.toLowerCase()
  const messages = frames.c2s + frames.s2c
  return html`<li><button type="button" data-c=${id} aria-current=${isSelected ? 'true' : nothing}><span class="sd ${
    isBad ? 'bad' : state === 'CLOSED' ? 'closed' : 'open'
  }" aria-hidden="true">${isBad ? '✕' : ''}</span><b>#${id}</b><span class="st">${word}</span><span class="d">${
    lab === null ? '' : lab === 'server' ? 'lab, ' : 'lab as client, '
  }${target === '' ? 'no request yet' : target.split('?')[0]}</span>${
    isBad ? html`<span class="d bad">${count(verdicts, 'violation')}</span>` : ''
  }<span class="d">${close === null ? count(messages, 'frame') : `${ended(close)}, ${count(messages, 'frame')}`}</span></button></li>`
}

function ended({ code, reason }: NonNullable<Summary['close']>): string {
  return reason === '' ? String(code) : `${code} “${reason}”`
}
