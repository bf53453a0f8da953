/* One head or frame of the session: its bytes, its fields, its story. */

import { Opcode } from '../../src/frames/index.ts'
import { type FrameUnit, type HeadField, type HeadUnit, meaning, sessionBytes } from '../../src/inspector/index.ts'
import { extensionsOf, keyOf } from '../fields.ts'
import { type Part, partOf } from '../parts.ts'
import { partProse, why } from '../prose.ts'
import { bench } from './bench.ts'
import { fieldTable, rulers } from './bits.ts'
import { explainLink } from './explain-link.ts'
import type { Story } from './story.ts'
import { strip } from './strip.ts'
import { summaryOf, titleOf } from './summary.ts'
import { escapeHtml, idLink, markup, sectionAnchor } from './text.ts'

/** The block of a part. */
export function partBlock(part: Part, story: Story): string {
  const { name, direction, unit } = part
  const prose = partProse[name]
  const who = direction === 'c2s' ? 'client ▸ server' : 'client ◂ server'
  const body = unit.kind === 'head' ? headBody(part, unit, story) : frameBody(part, unit as FrameUnit)
  const said = unit.kind === 'head' ? unit.startLine : titleOf(part)
  return `<section class="part card ${direction}" id="${name}" aria-labelledby="${name}-h">
<header><p class="way">${who}</p><h2 id="${name}-h"><a href="#${name}">${escapeHtml(prose.title)}</a></h2><p class="what"><code>${escapeHtml(said)}</code> <span>${escapeHtml(summaryOf(part))}</span> <span class="ok">✓ keeps the rules</span></p></header>
<p class="lead">${markup(filled(prose.lead, part))}</p>
${body}
<h3>Why it is so</h3>
<dl class="why">${prose.rules.map((id) => rule(id, story)).join('')}</dl>
<p class="more"><a class="btn" href="${escapeHtml(linkOf(part, story))}">Open these bytes in Explain</a></p>
</section>`
}

function filled(lead: string, { unit, message }: Part): string {
  const size = unit.kind === 'frame' ? String(unit.payloadLength) : ''
  return lead
    .replaceAll('{size}', size)
    .replaceAll('{inflated}', String(message?.bytes?.length ?? ''))
    .replaceAll('{text}', () => (message?.compressed === true ? `\`${message.text}\`` : (message?.text ?? '')))
}

function rule(id: string, { rules }: Story): string {
  const row = rules.get(id)
  const text = why[id]
  if (row === undefined || text === undefined) throw new Error(`the page has no words for ${id}`)
  return `<dt><b>${escapeHtml(row.text)}</b> <span class="ref"><small>${row.level}</small> ${idLink(id)} ${sectionAnchor(id)}</span></dt><dd>${markup(text)}</dd>`
}

function frameBody({ name, message }: Part, unit: FrameUnit): string {
  const isCompressed = message?.compressed === true
  const isText = !isCompressed && unit.opcode !== Opcode.Close
  const inflated =
    isCompressed && name === 'greeting'
      ? `<p class="out"><span>inflated, with the four bytes put back:</span> <code>${escapeHtml(message.text ?? '')}</code></p>`
      : ''
  return `<div class="two"><div>${strip(unit, { anchor: name, name: `The bytes of ${titleOf({ unit, message } as Part)}`, isCompressed })}${rulers(unit)}${bench(unit, isText)}${inflated}</div>
<div>${fieldTable(unit, 'The fields of this frame')}</div></div>`
}

/** A line of a head: from the first byte to behind its line end. */
interface Line {
  readonly start: number
  readonly end: number
  readonly field: HeadField | null
}

function headBody({ name }: Part, unit: HeadUnit, story: Story): string {
  const lines = linesOf(unit).map(({ start, end, field }, i) => {
    const bytes = strip(unit, { anchor: name, name: `The bytes of ${field?.name ?? 'this line'}`, start, end })
    if (i > 0 && field === null) {
      return `<li><p class="ln"><b>the empty line</b> <span>ends the head; frames follow it</span></p>${bytes}</li>`
    }
    if (field === null) {
      const text = name === 'request' ? 'what is asked for, and in which HTTP' : 'yes; any other status is no'
      return `<li><p class="ln"><code>${escapeHtml(unit.startLine)}</code> <span>${text} ${sectionAnchor(unit.spans[0]!.ref)}</span></p>${bytes}</li>`
    }
    const sign = field.state === 'ignored' ? '' : '<b class="ok">✓</b> '
    const line = `${sign}<code><b>${escapeHtml(field.name)}:</b> ${escapeHtml(field.value)}</code>`
    const text = `<span>${escapeHtml(meaning(field))} ${sectionAnchor(field.ref)}</span>`
    if (field.state !== 'ignored') return `<li><p class="ln">${line} ${text}</p>${bytes}</li>`
    return `<li class="no"><details><summary><span class="ln">${line} ${text}</span></summary>${bytes}</details></li>`
  })
  return `<ol class="lines">${lines.join('')}</ol>${name === 'response' ? acceptSteps(unit, story) : ''}`
}

function linesOf(unit: HeadUnit): Line[] {
  const lines: Line[] = []
  let start = 0
  for (const [i, byte] of unit.wire.entries()) {
    if (byte !== 0x0a) continue
    const field = unit.fields.find(({ at }) => at - unit.at === start) ?? null
    lines.push({ start, end: i + 1, field })
    start = i + 1
  }
  return lines
}

function acceptSteps({ accept }: HeadUnit, { parts }: Story): string {
  if (accept === null) throw new Error('the response has no accept value')
  const from = `<a href="#${partOf(parts, 'request').name}">of the request</a>`
  const steps = [
    [`the key ${from}, as text`, accept.key],
    ['the GUID of RFC 6455 behind it', accept.joined],
    ['SHA-1 of that, 20 bytes', accept.sha1],
    ['those in base64', accept.accept],
  ] as const
  return `<h3 id="accept">How the accept value is made</h3><ol class="steps">${steps.map(([what, value]) => `<li><span>${what}</span><code>${escapeHtml(value)}</code></li>`).join('')}</ol>`
}

/** The block's bytes in the explain page; a continuation with the beginning of its message. */
function linkOf({ direction, unit }: Part, { session, parts }: Story): string {
  const stream = sessionBytes(session, direction)
  if (unit.kind === 'head') {
    const bytes = stream.subarray(unit.at, unit.end)
    if (direction === 'c2s') return explainLink(bytes, { direction, start: 'head' })
    const { key, offers } = keyOf(sessionBytes(session, 'c2s').subarray(0, partOf(parts, 'request').unit.end))
    return explainLink(bytes, { direction, start: 'head', key, offers })
  }
  const isLater = unit.kind === 'frame' && unit.part > 0
  const from = isLater ? partOf(parts, 'fragment').unit.at : unit.at
  const extensions = extensionsOf(partOf(parts, 'response'))
  const bytes = stream.subarray(from, unit.end)
  return explainLink(bytes, { direction, start: 'frames', extensions, at: unit.at - from })
}
