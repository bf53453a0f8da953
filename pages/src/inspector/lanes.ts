import { html, nothing, type TemplateResult } from 'lit-html'
import { opcodeName } from '../../../src/frames/opcode.ts'
import { duration } from './closing.ts'
import type { Log, Row, Shown } from './log.ts'
import type { EntryOf } from './told.ts'

/** Height of a line, and of the silence before it. */
export function heightOf({ entry, silenceMs }: Row): number {
  return (silenceMs > 0 ? 14 : 0) + (entry.kind === 'end' ? 24 : 30)
}

/** One line of the timeline: the chip in its lane, the time, and the bar of the TCP chunk that carried it. */
export function lane(log: Log, rows: readonly Row[], i: number, selected: number | null): TemplateResult {
  const { entry, silenceMs } = rows[i]!
  const before = rows[i - 1]?.entry
  const time = seconds(entry.atMs)
  const shown = before !== undefined && seconds(before.atMs) === time ? '″' : time
  const isSelected = entry.seq === selected
  return html`<div class="row" role="presentation">${
    silenceMs > 0 ? html`<div class="gap"><span>${duration(silenceMs)}</span></div>` : ''
  }${entry.kind === 'end' ? finLine(entry, shown) : entry.kind === 'error' ? errorLine(entry, shown) : chipLine(log, rows, i, entry, shown, isSelected)}</div>`
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3)
}

function finLine({ direction, how }: EntryOf<'end'>, time: string): TemplateResult {
  const word = how === 'fin' ? 'TCP FIN' : 'TCP reset'
  const side = direction === 'c2s' ? html`<span class="l">${word} ▸</span>` : html`<span class="r">◂ ${word}</span>`
  return html`<div class="fin">${side}<span class="tm">${time}</span></div>`
}

function errorLine({ message, requirement }: EntryOf<'error'>, time: string): TemplateResult {
  return html`<div class="fin err"><span class="tm">${time}</span><span class="r" title=${message}>✕ ${requirement ?? ''} ${message}</span></div>`
}

function chipLine(
  log: Log,
  rows: readonly Row[],
  i: number,
  entry: EntryOf<'head' | 'frame' | 'noise'>,
  time: string,
  isSelected: boolean,
) {
  const { direction, verdicts } = entry
  const isBad = verdicts.length > 0
  const classes = `chip ${direction} f-${fieldClass(entry)}${isBad ? ' bad' : ''}`
  const arrow = direction === 'c2s' ? '▸' : '◂'
  const mark = isBad ? html`<span class="xs" aria-hidden="true">✕</span>` : ''
  const body = html`${mark}<b>${word(entry)}</b>${flagsOf(entry)}<span class="s">${isBad ? [...new Set(verdicts.map(({ id }) => id))].join(' ') : told(log, entry)}</span><span
    class="z">${size(log, entry)}</span><span class="vh">${restOfName(entry)}</span>`
  return html`<div class="ev"><button type="button" class=${classes} data-s=${entry.seq} tabindex=${isSelected ? 0 : -1} aria-current=${isSelected ? 'true' : nothing}>${direction === 'c2s' ? html`${body}<span class="ar" aria-hidden="true">${arrow}</span>` : html`<span class="ar" aria-hidden="true">${arrow}</span>${body}`}</button><span
    class="tm">${bars(log, rows, i)}${time}</span>${rail(rows, i)}</div>`
}

/** What the place and the colour of a line say. */
function restOfName({ direction, atMs, verdicts }: EntryOf<'head' | 'frame' | 'noise'>): string {
  const from = direction === 'c2s' ? 'client' : 'server'
  return `, from the ${from} at ${seconds(atMs)} s${verdicts.map(({ id }) => `, violates ${id}`).join('')}`
}

function fieldClass(entry: EntryOf<'head' | 'frame' | 'noise'>): string {
  if (entry.kind !== 'frame') return 'hs'
  if (entry.opcode === 8) return 'close'
  return entry.opcode > 8 ? 'len' : 'pay'
}

/** `text`, `ping`, `GET /chat`, `101`. */
export function word(entry: EntryOf<'head' | 'frame' | 'noise'>): string {
  if (entry.kind === 'noise') return entry.what
  if (entry.kind === 'frame') {
    return entry.opcode === 0 ? 'cont' : opcodeName(entry.opcode).replace('reserved', 'opcode')
  }
  const [first = '', second = ''] = entry.startLine.split(' ')
  return entry.direction === 'c2s' ? `${first} ${second.split('?')[0]}` : second
}

function flagsOf(entry: EntryOf<'head' | 'frame' | 'noise'>): TemplateResult | '' {
  if (entry.kind !== 'frame') return ''
  const { fin, rsv1, rsv2, rsv3 } = entry
  const names = [fin ? '' : 'FIN 0', rsv1 ? 'RSV1' : '', rsv2 ? 'RSV2' : '', rsv3 ? 'RSV3' : ''].filter(
    (name) => name !== '',
  )
  return html`${names.map((name) => html`<span class="fl">${name}</span>`)}`
}

/** What it says. */
export function told(log: Log, entry: Shown): string {
  if (entry.kind === 'head') return entry.direction === 'c2s' ? '' : entry.startLine.split(' ').slice(2).join(' ')
  if (entry.kind !== 'frame') return ''
  const { opcode, statusCode, preview } = entry
  if (opcode === 8) return statusCode === null ? '' : preview ? `${statusCode} “${preview}”` : String(statusCode)
  if (preview !== null && preview !== '') return opcode > 7 ? preview : `“${preview}”`
  const message = log.messageOf(entry)
  if (message?.compressed !== true || message.bytes === null || message.frames.at(-1) !== entry.index) return ''
  return message.opcode === 1
    ? `“${new TextDecoder().decode(Uint8Array.from(atob(message.bytes.base64.slice(0, 160)), (c) => c.charCodeAt(0)))}”`
    : ''
}

/** The payload; compressed and inflated when a message is complete. */
function size(log: Log, entry: EntryOf<'head' | 'frame' | 'noise'>): string {
  if (entry.kind === 'head') return `${entry.end - entry.at} B`
  if (entry.kind === 'noise') return `${atob(entry.wire.base64).length + entry.wire.elided} B`
  const message = log.messageOf(entry)
  const isLast = message?.frames.at(-1) === entry.index
  if (message?.compressed === true && isLast && message.length !== null)
    return `${message.wireLength} → ${message.length} B`
  return entry.payloadLength === null ? 'cut' : `${entry.payloadLength.toLocaleString('en')} B`
}

/** Frames under one bar came in one read; a bar in two pieces is a frame that came in two. */
function bars(log: Log, rows: readonly Row[], i: number): TemplateResult | '' {
  const { entry } = rows[i]!
  if (entry.kind === 'end' || entry.kind === 'error' || entry.kind === 'noise') return ''
  const { direction, at, end } = entry
  const chunks = log.chunksOf(direction, at, end)
  if (chunks.length === 0) return ''
  const joins = (other: Row | undefined, chunkSeq: number) => {
    const one = other?.entry
    if (one === undefined || (one.kind !== 'frame' && one.kind !== 'head') || one.direction !== direction) return false
    return log.chunksOf(direction, one.at, one.end).some(({ seq }) => seq === chunkSeq)
  }
  const starts = joins(rows[i - 1], chunks[0]!.seq) ? '' : ' st'
  const ends = joins(rows[i + 1], chunks.at(-1)!.seq) ? '' : ' en'
  const title = chunks.length === 1 ? 'one TCP chunk' : `${chunks.length} TCP chunks`
  if (chunks.length === 1) return html`<i class="ck ${direction}${starts}${ends}" title=${title}></i>`
  return html`<i class="ck ${direction} h1${starts}" title=${title}></i><i class="ck ${direction} h2${ends}"></i>`
}

/** Joins the frames of one message; what stands between them is passed by. */
function rail(rows: readonly Row[], i: number): TemplateResult | '' {
  const { entry } = rows[i]!
  if (entry.kind !== 'frame') return ''
  const { direction } = entry
  const own = entry.message
  if (own !== null) {
    const isFirst = entry.part === 0
    if (isFirst && entry.fin) return ''
    return html`<i class="mr ${direction}${isFirst ? ' a' : ''}${entry.fin ? ' z' : ''}"></i>`
  }
  // A control frame inside a message: the same message before and behind it.
  let before: EntryOf<'frame'> | undefined
  for (let k = i - 1; k >= 0 && k > i - 50 && before === undefined; k--) {
    const one = rows[k]!.entry
    if (one.kind === 'frame' && one.direction === direction && one.message !== null) before = one
  }
  return before === undefined || before.fin ? '' : html`<i class="mr p ${direction}"></i>`
}
