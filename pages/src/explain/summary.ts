import { html, nothing, type TemplateResult } from 'lit-html'
import { offset } from '../../../src/inspector/annotate/index.ts'
import { unitName } from '../parts/unit-view.ts'
import { count, halves } from '../parts/words.ts'
import type { Finding, Model } from './model.ts'

/** So many verdicts are listed; `v` walks through all of them. */
const LISTED = 100

/** The page's title is the verdict. */
export function title({ sides, findings }: Model): string {
  const units = sides.flatMap((side) => side.units)
  const frames = units.filter(({ kind }) => kind === 'frame').length
  if (findings.length === 0) {
    const isWebSocket = units.some(({ kind }) => kind !== 'noise')
    return !isWebSocket
      ? 'This is not WebSocket'
      : `No violation in ${frames > 0 ? count(frames, 'frame') : count(units.length, 'head')}`
  }
  const broken = new Set(findings.map(({ side, unit }) => `${side} ${unit}`))
  const areFrames = findings.every(({ side, unit }) => sides[side]!.units[unit]!.kind === 'frame')
  const [noun, total] = areFrames ? ['frame', frames] : ['part', units.length]
  return `${count(findings.length, 'violation')} in ${broken.size.toLocaleString('en')} of ${count(total, noun)}`
}

/** Where the connection ends. */
export function sentence({ sides }: Model): string {
  const parts: string[] = []
  for (const { annotation } of sides) {
    const { stop, role, messages, isDirectionGuessed, direction } = annotation
    const guess = isDirectionGuessed ? `Taken for what a ${direction === 'c2s' ? 'client' : 'server'} sends. ` : ''
    const where = stop === null ? '' : offset(stop.at)
    const code = stop?.verdict?.statusCode ?? null
    if (stop === null) parts.push(`${guess}${count(messages.length, 'message')}; the ${role} reads on.`)
    else if (stop.reason === 'close')
      parts.push(`${guess}${count(messages.length, 'message')}, then the closing handshake at ${where}.`)
    else if (code !== null) parts.push(`${guess}The first one ends the connection: Close ${code} at byte ${where}.`)
    else if (stop.reason === 'handshake')
      parts.push(
        `${guess}The ${role} ${role === 'server' ? 'refuses the handshake' : 'gives up the connection'} at byte ${where}.`,
      )
    else parts.push(`${guess}The ${role} stops at byte ${where}.`)
  }
  return parts.join(' ')
}

/** The verdicts, a row a rule. */
export function summary(model: Model, current: { side: number; unit: number; byte: number }): TemplateResult {
  const { findings } = model
  const isSound = findings.length === 0
  const [sign, kind] = isSound ? ['✓', 'sign ok'] : ['✕', 'sign']
  return html`<h1><span class=${kind} aria-hidden="true">${sign}</span>${title(model)}</h1><p id="live" aria-live="polite">${sentence(model)}</p><ol>${findings
    .slice(0, LISTED)
    .map((finding, i) => row(model, finding, i, current))}${
    findings.length > LISTED
      ? html`<li class="rest">and ${(findings.length - LISTED).toLocaleString('en')} more: <kbd>v</kbd> walks through all</li>`
      : ''
  }</ol>`
}

function row({ sides }: Model, finding: Finding, i: number, current: { side: number; unit: number; byte: number }) {
  const { side, unit, byte, verdict } = finding
  const isCurrent = current.side === side && current.unit === unit && current.byte === byte
  const way = sides.length > 1 ? (sides[side]!.annotation.direction === 'c2s' ? '▸ ' : '◂ ') : ''
  return html`<li><button type="button" data-v=${i} aria-current=${isCurrent ? 'true' : nothing}><span class="m">${offset(verdict.at)}</span><span
    class="fno">${way}${unitName(sides[side]!.units[unit]!)}</span><span class="what">${halves(verdict, sides[side]!.units[unit])[0]}</span><span class="id">${verdict.id}</span></button></li>`
}
