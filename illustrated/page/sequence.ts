/* The whole session at a glance: who says what when, and which heads and frames shared a read or a write. */
import type { SessionEvent } from '../../src/inspector/index.ts'
import type { Part } from '../parts.ts'
import type { Story } from './story.ts'
import { summaryOf, titleOf } from './summary.ts'
import { escapeHtml } from './text.ts'

/** The diagram; each arrow leads to its block. */
export function sequence({ parts, session }: Story): string {
  const rows: string[] = []
  for (const [i, part] of parts.entries()) {
    const isWithNext = parts[i + 1]?.chunk === part.chunk
    const isWithLast = parts[i - 1]?.chunk === part.chunk
    rows.push(arrow(part, `${isWithNext ? ' down' : ''}${isWithLast ? ' up' : ''}`))
  }
  for (const event of session.events) if (event.kind === 'end') rows.push(fin(event))
  for (const event of session.events) {
    if (event.kind !== 'close') continue
    const reason = event.reason === '' ? 'no reason' : `“${event.reason}”`
    const who = event.side === 'client' ? 'The page' : 'The server’s program'
    rows.push(
      `<li class="told ${event.side}"><span class="at">${ms(event.atMs)}</span><span>${who} hears: <b>close ${event.code}</b>, ${escapeHtml(reason)}</span></li>`,
    )
  }
  return `<div class="seq card"><p class="ends" aria-hidden="true"><span>Chromium</span><span>framewright</span></p><ol>${rows.join('')}</ol></div>`
}

function arrow(part: Part, joined: string): string {
  const way = part.direction === 'c2s' ? 'client to server: ' : 'server to client: '
  return `<li class="arrow ${part.direction}${joined}"><span class="at">${ms(part.atMs)}</span><a href="#${part.name}"><span class="vh">${way}</span><b>${escapeHtml(titleOf(part))}</b> <small>${escapeHtml(summaryOf(part))}</small></a></li>`
}

function fin({ direction, atMs }: Extract<SessionEvent, { kind: 'end' }>): string {
  const way = direction === 'c2s' ? 'client to server: ' : 'server to client: '
  return `<li class="arrow tcp ${direction}"><span class="at">${ms(atMs)}</span><a href="#fin"><span class="vh">${way}</span><b>FIN</b> <small>the end of TCP in this direction</small></a></li>`
}

function ms(atMs: number): string {
  return `${atMs.toFixed(1)} ms`
}
