/* The bits of a byte under their numbers, as in the diagram of RFC 6455 §5.2, and the fields of a frame as a table. */
import { hexByte, meaning, type Span, type Unit, type Verdict } from '../../src/inspector/index.ts'
import { colourOf } from './strip.ts'
import { escapeHtml, sectionAnchor } from './text.ts'

/** The two bytes of flags of a frame, side by side. */
export function rulers(unit: Unit): string {
  return `<div class="rul">${[0, 1].map((i) => ruler(unit, i)).join('')}</div>`
}

/**
 * One byte of a unit.
 *
 * @param flipped - the bit that is wrong; undefined: none is
 */
export function ruler(unit: Unit, i: number, flipped?: number): string {
  const byte = unit.wire[i]!
  const spans = unit.spans.filter((span) => span.at <= unit.at + i && unit.at + i < span.end)
  const bits = [0, 1, 2, 3, 4, 5, 6, 7].map((k) => {
    const span = spans.find((one) => one.bits !== undefined && one.bits[0] <= k && k <= one.bits[1]) ?? spans[0]!
    const bad = k === flipped ? ' bad' : ''
    const begins = span.bits?.[0] === k ? ' g' : ''
    return `<span class="bit f-${colourOf(span)}${begins}${bad}"><small>${bad === '' ? '' : '✕ '}${k}</small><b>${(byte >> (7 - k)) & 1}</b></span>`
  })
  const names = spans.map((span) => {
    const [first, last] = span.bits ?? [0, 7]
    const isWide = last > first
    const name = isWide && span.bits !== undefined ? `${span.field.replace('payload ', '')} ${span.value}` : span.field
    return `<span class="nm f-${colourOf(span)}" style="--n:${last - first + 1}"><span>${escapeHtml(name)}</span></span>`
  })
  return `<div class="rb"><p class="cap"><span><b>byte ${i}</b> = ${hexByte(byte)}</span>${i === 0 ? '<span>bit 0 is the MSB</span>' : ''}</p><div class="bits">${bits.join('')}</div><div class="names">${names.join('')}</div></div>`
}

/** The fields of a frame. */
export function fieldTable(unit: Unit, name: string): string {
  const rows = unit.spans.map((span) => {
    const first = span.at - unit.at
    const last = span.end - unit.at - 1
    const bytes = first === last ? String(first) : `${first}–${last}`
    const bits =
      span.bits === undefined ? '' : span.bits[0] === span.bits[1] ? String(span.bits[0]) : span.bits.join('–')
    const isContinued = span.bits !== undefined && span.bits[0] > 0
    return `<tr${isContinued ? ' class="nb"' : ''}><td class="m">${isContinued ? '' : bytes}</td><td class="m">${bits}</td><th scope="row" class="f-${colourOf(span)}"><i class="k"></i>${escapeHtml(span.field)}</th><td class="m raw">${escapeHtml(rawOf(span))}</td><td>${escapeHtml(shortMeaning(span))}</td><td>${sectionAnchor(span.ref)}</td></tr>`
  })
  return `<table class="tree" aria-label="${escapeHtml(name)}"><thead><tr><th scope="col">byte</th><th scope="col">bits</th><th scope="col">field</th><th scope="col" class="raw">raw</th><th scope="col">meaning</th><th scope="col">RFC</th></tr></thead><tbody>${rows.join('')}</tbody></table>`
}

function rawOf(span: Span): string {
  const size = span.end - span.at
  return size > 4 ? `${size} B` : span.raw
}

function shortMeaning(span: Span): string {
  return span.textKey === 'payload.text' ? 'text' : meaning(span)
}

/** Which byte and bit a verdict speaks of, in words. */
export function placeOf(verdict: Verdict, unit: Unit): string {
  const byte = verdict.at - unit.at
  if (verdict.bits === undefined) return `Byte ${byte}.`
  const [first, last] = verdict.bits
  return first === last ? `Bit ${first} of byte ${byte}.` : `Bits ${first}–${last} of byte ${byte}.`
}
