import { quote } from '../../errors.ts'
import {
  type Annotation,
  type FrameUnit,
  frameTitle,
  type HeadUnit,
  hex,
  meaning,
  type NoiseUnit,
  offset,
  type Span,
  sectionLabel,
  type Unit,
} from '../../inspector/annotate/index.ts'
import { printableLine } from '../connect/show.ts'
import type { Ink, Paint } from './paint.ts'
import { stopLine, summary, verdictLines } from './render-verdict.ts'

/** So many bytes of a payload are shown; the rest is counted. */
const SHOWN_PAYLOAD = 64
const ROW = 16
/** So many characters of a message. */
const SHOWN_TEXT = 200

/** An annotation as lines to read: the verdict first, then unit by unit. */
export function render(annotation: Annotation, paint: Paint): string {
  const lines = summary(annotation, paint)
  for (const unit of annotation.units) {
    lines.push('', ...renderUnit(annotation, unit, paint))
    if (annotation.stop?.unit === unit.index) lines.push('', stopLine(annotation, annotation.stop, paint))
  }
  return `${lines.join('\n')}\n`
}

function renderUnit(annotation: Annotation, unit: Unit, paint: Paint): string[] {
  const verdicts = unit.verdicts.flatMap((verdict) => verdictLines(annotation, verdict, paint))
  switch (unit.kind) {
    case 'head':
      return [...renderHead(unit, paint), ...verdicts]
    case 'frame':
      return [...renderFrame(annotation, unit, paint), ...verdicts]
    case 'noise':
      return [...renderNoise(unit, paint), ...verdicts]
  }
}

function title(unit: Unit, text: string, paint: Paint): string {
  const cut = unit.isCut ? ' · cut: the input ends here' : ''
  return `${paint('quiet', offset(unit.at))}  ${paint('strong', text)}${cut}`
}

function renderHead(unit: HeadUnit, paint: Paint): string[] {
  const lines = [title(unit, `${unit.direction === 'c2s' ? 'request' : 'response'} · ${quote(unit.startLine)}`, paint)]
  const width = Math.min(28, Math.max(4, ...unit.fields.map(({ name }) => name.length)))
  for (const field of unit.fields) {
    const sign = field.state === 'broken' ? paint('violation', '✕') : field.isRequired ? '✓' : ' '
    const value = quote(field.value, 48)
    lines.push(`  ${sign} ${field.name.padEnd(width)}  ${value}  ${paint('quiet', note(meaning(field), field.ref))}`)
  }
  for (const name of unit.missing) lines.push(`  ${paint('violation', '✕')} ${name.padEnd(width)}  is missing`)
  if (unit.accept === null) return lines
  const { joined, sha1, accept } = unit.accept
  return [
    ...lines,
    `    accept value, step by step  ${paint('quiet', sectionLabel('6455-4.2.2'))}`,
    `      key and GUID  ${joined}`,
    `      SHA-1         ${sha1}`,
    `      base64        ${accept}`,
  ]
}

/** What people wrote goes on the screen without what moves the cursor. */
function note(text: string, ref: string): string {
  const section = sectionLabel(ref)
  return section === '' ? printableLine(text) : `${printableLine(text)}  ${section}`
}

function renderFrame(annotation: Annotation, unit: FrameUnit, paint: Paint): string[] {
  const lines = [title(unit, `frame ${unit.index} · ${frameTitle(unit)}`, paint)]
  for (const span of unit.spans) lines.push(spanLine(unit, span, paint))
  lines.push(...payloadRows(unit, paint))
  const message = unit.message === null ? undefined : annotation.messages.find(({ index }) => index === unit.message)
  if (message === undefined) return lines
  const isLast = message.frames.at(-1) === unit.index
  if (message.frames.length > 1 || message.compressed) {
    const part = `part ${unit.part + 1} of ${message.isComplete ? message.frames.length : 'a message that is not complete'}`
    lines.push(`    message ${message.index}, ${part}`)
  }
  if (!isLast || !message.isComplete) return lines
  if (message.compressed && message.bytes !== null) {
    lines.push(`    inflates ${message.wireLength} B to ${message.bytes.length} B`)
  }
  const { text } = message
  if (text === null || message.isBroken) return lines
  const shown = text.length > SHOWN_TEXT ? `${text.slice(0, SHOWN_TEXT)}…` : text
  lines.push(`    ${paint('strong', `“${printableLine(shown)}”`)}`)
  return lines
}

function renderNoise(unit: NoiseUnit, paint: Paint): string[] {
  const [span] = unit.spans
  return [
    title(unit, `no WebSocket · ${unit.end - unit.at} B`, paint),
    `    ${meaning(unit)}`,
    ...(span === undefined ? [] : [`    ${hex(unit.wire, 0, unit.wire.length, ROW)}`]),
  ]
}

/** offset, bytes, bits, field, value, meaning, section */
function spanLine(unit: FrameUnit, span: Span, paint: Paint): string {
  const isFirst = span.bits === undefined || span.bits[0] === 0
  const at = isFirst ? offset(span.at) : ''
  const bytes = isFirst
    ? hex(unit.wire, span.at - unit.at, span.end - unit.at, span.field === 'extended payload length' ? 8 : 4)
    : ''
  const isBad = unit.verdicts.some((verdict) => touches(verdict, span))
  const ink = isBad ? 'violation' : inkOf(span.field)
  const value = span.bits === undefined ? '' : String(span.value)
  const name = `${isBad ? '✕ ' : '  '}${span.field}`
  return [
    `  ${paint('quiet', at.padEnd(6))}`,
    paint(ink, bytes.padEnd(13)),
    paint(ink, bitPicture(span).padEnd(9)),
    paint(ink, name.padEnd(25)),
    value.padEnd(5),
    note(meaning(span), span.ref),
  ]
    .join(' ')
    .trimEnd()
}

function touches(verdict: { at: number; end: number; bits?: readonly [number, number] }, span: Span): boolean {
  if (verdict.end <= span.at || verdict.at >= span.end) return false
  if (verdict.bits === undefined || span.bits === undefined) return true
  return verdict.bits[0] <= span.bits[1] && verdict.bits[1] >= span.bits[0]
}

/** `1... ....`, as Wireshark has it: the bits of the field, and dots for the others. */
function bitPicture({ bits, raw }: Span): string {
  if (bits === undefined) return ''
  const [first] = bits
  const picture = '.'.repeat(first) + raw + '.'.repeat(8 - first - raw.length)
  return `${picture.slice(0, 4)} ${picture.slice(4)}`
}

function inkOf(field: string): Ink {
  switch (field) {
    case 'payload length':
    case 'extended payload length':
      return 'length'
    case 'masking-key':
      return 'key'
    case 'payload':
      return 'payload'
    case 'status code':
    case 'reason':
      return 'close'
    default:
      return 'header'
  }
}

/** The payload in rows: wire above key above plain above the characters, one column a byte. */
function payloadRows(unit: FrameUnit, paint: Paint): string[] {
  const { wire, plain, headerLength, maskingKey } = unit
  const lines: string[] = []
  const shown = Math.min(plain.length, SHOWN_PAYLOAD)
  for (let at = 0; at < shown; at += ROW) {
    const end = Math.min(at + ROW, shown)
    const row = (label: string, ink: Ink, cell: (i: number) => string) => {
      const cells: string[] = []
      for (let i = at; i < end; i++) cells.push(cell(i))
      lines.push(`    ${label.padEnd(7)} ${paint(ink, cells.join(' ').trimEnd())}`.trimEnd())
    }
    const digits = (byte: number) => byte.toString(16).padStart(2, '0')
    if (maskingKey !== null) {
      row('wire', 'payload', (i) => digits(wire[headerLength + i]!))
      row('⊕ key', 'key', (i) => digits(maskingKey[i % 4]!))
    }
    row(maskingKey === null ? 'wire' : '= plain', 'payload', (i) => digits(plain[i]!))
    if (!isBinary(unit)) row('text', 'payload', (i) => character(plain[i]!))
  }
  if (shown < plain.length) lines.push(`    and ${plain.length - shown} bytes more`)
  return lines
}

/** Whether the characters of the payload say nothing. */
function isBinary(unit: FrameUnit): boolean {
  return unit.spans.some(({ textKey }) => textKey === 'payload.compressed' || textKey === 'payload.binary')
}

function character(byte: number): string {
  return byte > 0x20 && byte < 0x7f ? ` ${String.fromCharCode(byte)}` : ' ·'
}
