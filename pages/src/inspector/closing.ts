import { html, type TemplateResult } from 'lit-html'
import type { Log } from './log.ts'
import type { EntryOf, Summary } from './told.ts'

const CLASSES = { CONNECTING: 'k', OPEN: 'o', CLOSING: 'c', CLOSED: 'z' } as const
const NAMES = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'] as const

/** How long each state lasted: drawn about as long as it was, and written. */
export function band({ states }: Log): TemplateResult {
  const at = new Map(states.map(({ state, atMs }) => [state, atMs]))
  const parts = NAMES.map((name, i) => {
    const from = at.get(name)
    const until = NAMES.slice(i + 1)
      .map((next) => at.get(next))
      .find((ms) => ms !== undefined)
    const ms = from === undefined || until === undefined ? null : until - from
    // Milliseconds beside minutes: by the logarithm all of them can be seen.
    const share = ms === null ? 1.2 : 1 + Math.log10(1 + ms)
    const classes = `${CLASSES[name]}${from === undefined ? ' no' : ''}`
    return html`<div class=${classes} .style=${`flex:${share.toFixed(2)} 1 0`}><i></i><span><b>${name}</b> ${ms === null ? '' : duration(ms)}</span></div>`
  })
  return html`<div class="band">${parts}</div>`
}

/** `1.9 ms`, `6.478 s` */
export function duration(ms: number): string {
  if (ms < 1000) return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`
  return ms < 60_000 ? `${(ms / 1000).toFixed(ms < 10_000 ? 3 : 1)} s` : `${(ms / 60_000).toFixed(1)} min`
}

/** What a page can send itself: every other code comes from the browser, which tells the page 1006. */
function isOfBrowser(statusCode: number | null): boolean {
  return statusCode !== null && statusCode !== 1000 && statusCode !== 1001 && (statusCode < 3000 || statusCode > 4999)
}

/** Who closed and why, in a sentence; and what a page did not get to know. */
export interface Ending {
  readonly isHidden: boolean
  readonly first: string
  readonly rest: string
}

/** @returns null as long as it goes on */
export function endingOf(log: Log, summary: Summary): Ending | null {
  const closes = log.rows.flatMap(({ entry }) =>
    entry.kind === 'frame' && entry.opcode === 8 && !entry.isUnread ? [entry] : [],
  )
  const [first] = closes
  const error = log.rows.findLast(({ entry }) => entry.kind === 'error')?.entry
  if (first === undefined) {
    if (summary.state !== 'CLOSED') return null
    const why = error?.kind === 'error' ? ` ${error.message}.` : ''
    return {
      isHidden: false,
      first: `It ended without a Close frame${summary.close === null ? '' : `: ${summary.close.code}`}.`,
      rest: `${why} ${fin(log)}`.trim(),
    }
  }
  const answer = closes.find(({ direction }) => direction !== first.direction)
  const who = first.direction === 'c2s' ? 'client' : 'server'
  const other = who === 'client' ? 'server' : 'client'
  const broken = log.rows.some(
    ({ entry }) => entry.kind === 'frame' && entry.direction === 's2c' && entry.verdicts.length > 0,
  )
  if (who === 'client' && broken && isOfBrowser(first.statusCode)) {
    return {
      isHidden: true,
      first: 'The page saw only 1006.',
      rest: `On the wire the browser sent ${said(first)}. ${fin(log)}`.trim(),
    }
  }
  const echo =
    answer === undefined
      ? summary.state === 'CLOSED'
        ? `The ${other} did not answer.`
        : `The ${other} has not answered yet.`
      : answer.statusCode === first.statusCode
        ? `The ${other} echoed it.`
        : `The ${other} answered ${said(answer)}.`
  return { isHidden: false, first: `The ${who} closed it: ${said(first)}.`, rest: `${echo} ${fin(log)}`.trim() }
}

function said({ statusCode, preview }: EntryOf<'frame'>): string {
  if (statusCode === null) return 'no code'
  return preview === null || preview === '' ? String(statusCode) : `${statusCode} “${preview}”`
}

function fin({ ends }: Log): string {
  const [first] = ends
  if (first === undefined) return ''
  const who = first.direction === 'c2s' ? 'client' : 'server'
  return first.how === 'fin' ? `The ${who} sent TCP FIN first.` : `The ${who} broke the connection off.`
}
