/* HTML out of text. */
import { requirementOf, sectionLabel, sectionLink } from '../../src/inspector/index.ts'

/** Text that stands for itself in HTML, in attributes too. */
export function escapeHtml(text: string | number): string {
  return String(text).replace(/[&<>"]/g, (character) => ENTITIES[character]!)
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** The markup of the prose: `code`, **bold**, [text](#anchor). */
export function markup(text: string): string {
  return escapeHtml(text)
    .replace(/`([^`]+)`/g, '<code>$1</code>')
    .replace(/\*\*([^*]+)\*\*/g, '<b>$1</b>')
    .replace(/\[([^\]]+)\]\(([^)]+)\)/g, '<a href="$2">$1</a>')
}

/** An id, with a link to its row of the matrix. */
export function idLink(id: string): string {
  return `<a class="id" href="../rfc/matrix.html#${id}">${id}</a>`
}

/** A section, with a link to it; nothing where there is none. */
export function sectionAnchor(ref: string): string {
  const label = sectionLabel(ref)
  return label === '' ? '' : `<a class="sec" href="${sectionLink(ref)}">${escapeHtml(label)}</a>`
}

/** Words that only screen readers speak. */
export function unseen(text: string): string {
  return `<span class="vh">${escapeHtml(text)}</span>`
}

/** A requirement's level, where it is one of the table that annotations name. */
export function levelOf(id: string, levels: ReadonlyMap<string, string>): string {
  return requirementOf(id)?.level ?? levels.get(id) ?? ''
}
