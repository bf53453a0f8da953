/* One wrong bit: where it is, what it means, which rule it breaks, and what our code answers. */
import {
  type Duty,
  hexByte,
  type Message,
  meaning,
  type Span,
  type Unit,
  type Verdict,
} from '../../src/inspector/index.ts'
import { extensionsOf, keyOf } from '../fields.ts'
import { partOf } from '../parts.ts'
import { partProse } from '../prose.ts'
import { variantProse } from '../variant-prose.ts'
import type { Variant } from '../variants.ts'
import { placeOf, ruler } from './bits.ts'
import { explainLink } from './explain-link.ts'
import type { Story } from './story.ts'
import { strip } from './strip.ts'
import { saysOf } from './summary.ts'
import { escapeHtml, idLink, markup, sectionAnchor } from './text.ts'

/** The block of a variant. */
export function variantBlock(variant: Variant, story: Story): string {
  const { plan, part, byte, from, to, annotation, unit } = variant
  const prose = variantProse[plan.name]
  if (prose === undefined) throw new Error(`the page has no words for ${plan.name}`)
  const verdict = annotation.stop?.verdict ?? null
  const where = `<a href="#${part.name}-b${byte}">byte ${byte}</a> of <a href="#${part.name}">${escapeHtml(partProse[part.name].title)}</a>`
  const shown = stripOf(variant)
  return `<section class="variant card" id="${plan.name}" aria-labelledby="${plan.name}-h">
<header><h3 id="${plan.name}-h"><a href="#${plan.name}">${escapeHtml(prose.title)}</a></h3><p class="what">bit ${plan.bit} of ${where}: <code>${hexByte(from)} → ${hexByte(to)}</code></p></header>
<p class="lead">${markup(prose.what)}</p>
<div class="two"><div>${shown}${changed(variant)}</div><div class="rul">${ruler(unit, byte, plan.bit)}</div></div>
${verdict === null ? harmless() : card(verdict, annotation.units[annotation.stop!.unit]!, variant)}
<div class="sides"><div><h4>${variant.direction === 'c2s' ? 'The client that wrote it' : 'The server that wrote it'}</h4><p>${markup(prose.sender)}</p></div><div><h4>${variant.direction === 'c2s' ? 'What our server does' : 'What our client does'}</h4>${answer(variant)}</div></div>
<p class="more"><a class="btn" href="${escapeHtml(linkOf(variant, story))}">Open it in Explain</a></p>
</section>`
}

/** The frame, or the line of the head. */
function stripOf({ unit, byte, annotation, plan }: Variant): string {
  const at = unit.at + byte
  const verdicts = unit.verdicts.filter((verdict) => verdict.at <= at && at < verdict.end)
  const name = 'The bytes with the wrong bit'
  if (unit.kind !== 'head') {
    return strip(unit, { anchor: '', name, verdicts, isCompressed: isCompressed(unit, annotation.messages) })
  }
  const span = unit.spans.find(({ textKey, value }) => textKey === 'head.value' && value === plan.field)!
  const line = unit.fields.find(({ name: field }) => field === plan.field)!
  // The verdict is on the whole line; what was flipped is one byte of it.
  const broken = unit.verdicts.filter((verdict) => verdict.at === line.at).map(({ id }) => ({ id, at, end: at + 1 }))
  return strip(unit, { anchor: '', name, start: line.at - unit.at, end: span.end - unit.at, verdicts: broken })
}

function isCompressed(unit: Unit, messages: readonly Message[]): boolean {
  return unit.kind === 'frame' && unit.message !== null && messages[unit.message]?.compressed === true
}

/** The field that the bit belongs to, before and after. */
function changed({ part, unit, byte, plan }: Variant): string {
  const fieldOf = (one: Unit): Span | undefined =>
    one.spans.find(
      ({ at, end, bits }) =>
        at <= one.at + byte &&
        one.at + byte < end &&
        (bits === undefined || (bits[0] <= plan.bit && plan.bit <= bits[1])),
    )
  const before = fieldOf(part.unit)
  const after = fieldOf(unit)
  if (before === undefined || after === undefined || unit.kind === 'head') return ''
  const say = (span: Span): string =>
    `${escapeHtml(String(span.value))} <small>${escapeHtml(meaning(span).replace(`: ${span.value}`, ''))}</small>`
  return `<p class="was"><b>${escapeHtml(before.field)}</b> <span>${say(before)}</span> <i>→</i> <span class="after">${say(after)}</span></p>`
}

function card(verdict: Verdict, unit: Unit, { direction, annotation }: Variant): string {
  const who = direction === 'c2s' ? 'The server' : 'The client'
  const others = annotation.units.flatMap(({ verdicts }) => verdicts).length - 1
  const mend =
    verdict.mend?.to == null
      ? ''
      : ` <code>${verdict.mend.from} → ${verdict.mend.to}</code> ${escapeHtml(verdict.mend.text)}.`
  const place = unit.kind === 'frame' ? `${placeOf(verdict, unit)}` : ''
  const behind =
    others === 0
      ? ''
      : ` Read on for study, ${others === 1 ? 'one more rule is' : `${others} more rules are`} broken behind it; nobody reads that far.`
  return `<div class="vc"><p class="duty"><b>${who} ${dutyText(verdict)}</b></p><p class="rule"><span class="sign" aria-hidden="true">✕</span><b>${escapeHtml(verdict.message)}</b> <span class="ref"><small>${verdict.level ?? ''}</small> ${idLink(verdict.id)} ${sectionAnchor(verdict.id)}</span></p><p class="hint">${place}${mend}${closeText(verdict.duty, verdict.id)}${behind}</p></div>`
}

function dutyText({ duty, httpStatus }: Verdict): string {
  const must = duty.level === null ? 'has to' : duty.level.toLowerCase()
  if (duty.action === 'refuse') return `${must} refuse the handshake: ${httpStatus}`
  if (duty.action === 'ignore') return `${must} take no notice`
  return `${must} fail the connection`
}

function closeText({ close, id }: Duty, own: string): string {
  const source = id === null || id === own ? '' : ` That it must, says ${idLink(id)}.`
  if (close === null) return source
  return `${source} A Close frame with ${close.statusCode} before that is a ${close.level}, ${idLink(close.id)}.`
}

function harmless(): string {
  return '<div class="vc none"><p class="rule"><span class="sign" aria-hidden="true">✓</span><b>No rule is broken</b></p></div>'
}

/** What was really answered, over a real connection. */
function answer({ answer: given, outcome, direction, annotation }: Variant): string {
  const last = given.units.findLast(({ kind }) => kind !== 'noise')
  const told = outcome.info
  const application =
    told === null
      ? 'The application hears nothing: there never was a connection.'
      : `The application hears <b>close ${told.code}</b>${told.requirement === null ? '' : `, with ${idLink(told.requirement)} in its log`}.`
  if (last === undefined)
    return `<p>It hangs up without a word: before the handshake is over there are no frames. ${application}</p>`
  if (last.kind === 'head') {
    return `<p>It answers <code>${escapeHtml(last.startLine)}</code> and hangs up. ${application}</p>${strip(last, { anchor: '', name: 'The bytes of the answer', end: last.startLine.length + 2 })}`
  }
  if (last.kind !== 'frame') throw new Error('the answer ends with bytes that are no WebSocket')
  const how =
    annotation.stop?.verdict == null
      ? 'It goes on as if nothing had happened, and the session ends as it did:'
      : 'It answers'
  const mask = direction === 's2c' ? ' A client masks this frame too.' : ''
  return `<p>${how} <code>Close ${escapeHtml(saysOf(last))}</code>, then FIN.${mask} ${application}</p>${strip(last, { anchor: '', name: 'The bytes of the answer' })}`
}

function linkOf(variant: Variant, { parts }: Story): string {
  const { direction, bytes, unit, byte } = variant
  const request = partOf(parts, 'request').unit.end
  const response = partOf(parts, 'response').unit.end
  if (unit.kind === 'head') {
    const head = bytes.subarray(0, unit.end)
    if (direction === 'c2s') return explainLink(head, { direction, start: 'head', at: byte })
    const asked = partOf(parts, 'request').unit
    const { key, offers } = keyOf(asked.wire)
    return explainLink(head, { direction, start: 'head', key, offers, at: byte })
  }
  const from = direction === 'c2s' ? request : response
  const extensions = extensionsOf(partOf(parts, 'response'))
  return explainLink(bytes.subarray(from), { direction, start: 'frames', extensions, at: unit.at + byte - from })
}
