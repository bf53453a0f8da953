import { html, type TemplateResult } from 'lit-html'
import { hexByte, type Span, type Verdict } from '../../../src/inspector/annotate/index.ts'
import { fieldAt, glyph, type UnitView, verdictsAt } from './unit-view.ts'

const EIGHT = [0, 1, 2, 3, 4, 5, 6, 7]
const bitOf = (byte: number, index: number) => (byte >> (7 - index)) & 1

/** Bytes 0 and 1 side by side as in the diagram of RFC 6455 §5.2, or one byte and, when it is masked, how it is unmasked. */
export function bitSection(view: UnitView, i: number): TemplateResult {
  if (view.unit.kind === 'frame' && i < 2) {
    return html`<h3 class="vh">Bits</h3><div class="rul">${ruler(view, 0, i)}${view.wire.length > 1 ? ruler(view, 1, i) : ''}</div>`
  }
  const k = i - view.payAt
  const isMasked = view.key !== null && k >= 0
  const name = fieldAt(view, i)?.name ?? ''
  const note = isMasked ? `${name} byte ${k}, so key byte ${k} mod 4 = ${k % 4}` : name
  return html`<div class="ph"><h3>Bits of byte ${i}</h3><span>${note}</span></div>${unmasking(view, i, isMasked)}`
}

function ruler(view: UnitView, index: 0 | 1, selected: number): TemplateResult {
  const byte = view.wire[index]!
  const spans = view.spans.filter(({ at, bits }) => at - view.unit.at === index && bits !== undefined)
  const verdicts = verdictsAt(view, index)
  const cls = index === 0 ? 'f-head' : 'f-len'
  const isBad = (bit: number) => verdicts.some((verdict) => covers(verdict, bit))
  const isFirstBad = (bit: number) => isBad(bit) && (bit === 0 || verdicts.some(({ bits }) => bits?.[0] === bit))
  const isEdge = (bit: number) => spans.some(({ bits }) => bits?.[0] === bit)
  return html`<div class="rb${selected === index ? '' : ' dim'}"><div class="cap"><span><b>byte ${index}</b> = ${hexByte(byte)}</span>${
    index === 0 ? html`<span>bit 0 is the MSB</span>` : ''
  }</div><div class="bits">${EIGHT.map(
    (bit) =>
      html`<span class="bit ${cls}${isEdge(bit) ? ' g' : ''}${isBad(bit) ? ' bad' : ''}"><small>${isFirstBad(bit) ? '✕ ' : ''}${bit}</small><b>${bitOf(byte, bit)}</b></span>`,
  )}</div><div class="names">${spans.map((span) => nameOf(span, cls, isBad(span.bits![0])))}</div></div>`
}

function nameOf({ bits, field, value }: Span, cls: string, isBad: boolean): TemplateResult {
  const width = bits![1] - bits![0] + 1
  const short =
    field === 'payload length'
      ? `length ${value}`
      : field === 'opcode'
        ? `opcode 0x${Number(value).toString(16)}`
        : field
  return html`<span class="nm ${cls}${isBad ? ' bad' : ''}" .style=${`--n:${width}`}><span>${short}</span></span>`
}

/** Whether a verdict is about the bit; one without bits is about the whole byte. */
export function covers({ bits }: Verdict, bit: number): boolean {
  return bits === undefined || (bit >= bits[0] && bit <= bits[1])
}

function unmasking(view: UnitView, i: number, isMasked: boolean): TemplateResult {
  const { wire, plain, payAt, key, isText } = view
  const k = i - payAt
  const cls = `f-${fieldAt(view, i)?.cls ?? 'pay'}`
  const line = (label: string, lineClass: string, byte: number, right: string, extra = '') =>
    html`<span class="n ${extra}">${label}</span>${EIGHT.map(
      (bit) => html`<span class="${lineClass} ${extra}">${bitOf(byte, bit)}</span>`,
    )}<span class="r">${right}</span>`
  const spoken = (byte: number) => (isText && glyph(byte) !== '' ? ` “${glyph(byte)}”` : '')
  return html`<div class="xr"><span class="n s">bit</span>${EIGHT.map((bit) => html`<span class="s">${bit}</span>`)}<span></span>${
    isMasked
      ? html`${line('wire', 'f-pay', wire[i]!, hexByte(wire[i]!))}${line(`⊕ key[${k % 4}]`, 'f-key', key![k % 4]!, hexByte(key![k % 4]!))}${line(
          '= plain',
          '',
          plain[k]!,
          hexByte(plain[k]!) + spoken(plain[k]!),
          'u',
        )}`
      : line('wire', cls, wire[i]!, hexByte(wire[i]!) + (k >= 0 ? spoken(wire[i]!) : ''))
  }</div>`
}
