import { html, nothing, type TemplateResult } from 'lit-html'
import type { Unit } from '../../../src/inspector/annotate/index.ts'
import { unitName, viewOf } from '../parts/unit-view.ts'
import { count } from '../parts/words.ts'
import type { Side } from './model.ts'

/** Most pieces of the map: a screen has no room for more. */
const MOST = 120

/** A stretch of the stream: one unit, or so many that their fields cannot be told apart any more. */
interface Stretch {
  readonly first: number
  /** Behind the last one. */
  readonly end: number
  readonly violations: number
  readonly width: number
}

const stretches = new WeakMap<Side, readonly Stretch[]>()

/** The stream at a glance: width by the square root of the length, so that 10 bytes stay clickable beside 10 kB. */
export function map(side: Side, current: number): TemplateResult {
  let all = stretches.get(side)
  if (all === undefined) {
    all = cut(side.units)
    stretches.set(side, all)
  }
  const stop = side.annotation.stop
  return html`<nav class="map" aria-label="Map of the stream">${all.map((stretch) => {
    const isCurrent = current >= stretch.first && current < stretch.end
    const stops =
      stop !== null && stop.unit >= stretch.first && stop.unit < stretch.end && stop.unit < side.units.length - 1
    return html`${piece(side.units, stretch, isCurrent)}${stops ? html`<span class="stop"></span>` : ''}`
  })}</nav>`
}

function cut(units: readonly Unit[]): Stretch[] {
  const each = Math.max(1, Math.ceil(units.length / MOST))
  const all: Stretch[] = []
  for (let first = 0; first < units.length; first += each) {
    const end = Math.min(units.length, first + each)
    let violations = 0
    for (let i = first; i < end; i++) violations += units[i]!.verdicts.length
    const bytes = units[end - 1]!.end - units[first]!.at
    // A head is long and said in a line.
    const width = Math.sqrt(units[first]!.kind === 'head' ? Math.min(bytes, 36) : bytes)
    all.push({ first, end, violations, width })
  }
  return all
}

function piece(units: readonly Unit[], { first, end, violations, width }: Stretch, isCurrent: boolean): TemplateResult {
  const unit = units[first]!
  const name = end - first === 1 ? unitName(unit) : `frames ${first} to ${end - 1}`
  const broken = violations === 0 ? '' : `, ${count(violations, 'violation')}`
  const classes = `${violations > 0 ? 'bad' : ''}${isCurrent ? ' cur' : ''}`
  return html`<button type="button" class=${classes} tabindex=${isCurrent ? 0 : -1} .style=${`flex-grow:${width.toFixed(2)}`} data-f=${first}
    aria-label=${`${name}${broken}`} aria-current=${isCurrent ? 'true' : nothing}>${
      end - first > 1
        ? html`<i class="f-pay" .style=${'flex-grow:1'}></i>`
        : viewOf(unit).unit.kind === 'frame'
          ? viewOf(unit).fields.map(
              (field) => html`<i class="f-${field.cls}" .style=${`flex-grow:${field.end - field.start}`}></i>`,
            )
          : html`<i class="f-hs" .style=${'flex-grow:1'}></i>`
    }</button>`
}
