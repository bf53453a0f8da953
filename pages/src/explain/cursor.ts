import { nextShown, ROW, type Run, runsOf } from '../parts/rows.ts'
import { viewOf } from '../parts/unit-view.ts'
import type { Finding, Model } from './model.ts'

/** A byte: indexes of a side, of a unit in it, of a byte in that. */
export interface Cursor {
  readonly side: number
  readonly unit: number
  readonly byte: number
}

/** Where the page opens: on the first verdict, or on the first frame. */
export function firstLook({ findings, sides }: Model): Cursor {
  const [finding] = findings
  if (finding !== undefined) return within(sides[finding.side]!.units, finding)
  const side = Math.max(
    0,
    sides.findIndex(({ units }) => units.some(({ kind }) => kind === 'frame')),
  )
  const unit = Math.max(
    0,
    sides[side]!.units.findIndex(({ kind }) => kind === 'frame'),
  )
  return { side, unit, byte: 0 }
}

/** The byte at an offset of the stream. */
export function cursorAt({ sides }: Model, side: number, at: number): Cursor {
  const { units } = sides[side]!
  const unit = Math.max(
    0,
    units.findIndex(({ end }) => at < end),
  )
  return within(units, { side, unit, byte: at - (units[unit]?.at ?? 0) })
}

function within(units: Model['sides'][number]['units'], { side, unit, byte }: Cursor): Cursor {
  const last = units[unit] === undefined ? 0 : viewOf(units[unit]!).wire.length - 1
  return { side, unit, byte: Math.max(0, Math.min(byte, last)) }
}

/** How the keys go through the bytes of one side. */
export class Walk {
  readonly #model: Model
  readonly #cursor: Cursor
  readonly #runs: readonly Run[]

  /** @param more - rows of the unit that were asked for besides */
  constructor(model: Model, cursor: Cursor, more: number) {
    this.#model = model
    this.#cursor = cursor
    this.#runs = this.#unit === undefined ? [] : runsOf(viewOf(this.#unit), cursor.byte, more)
  }

  get #units() {
    return this.#model.sides[this.#cursor.side]!.units
  }

  get #unit() {
    return this.#units[this.#cursor.unit]
  }

  /** One byte on or back. */
  byte(step: 1 | -1): Cursor {
    const next = nextShown(this.#runs, this.#cursor.byte, step)
    if (next >= 0) return { ...this.#cursor, byte: next }
    return step > 0 ? this.unit(1) : this.unit(-1, Number.MAX_SAFE_INTEGER)
  }

  /** One row down or up, in the same column. @param width - bytes of a line on the screen */
  row(step: 1 | -1, width: number): Cursor {
    const { byte } = this.#cursor
    const next = nextShown(this.#runs, byte, step * width)
    if (next >= 0) return { ...this.#cursor, byte: next }
    return this.unit(step, step > 0 ? byte % width : Number.MAX_SAFE_INTEGER)
  }

  /** To the beginning of the next field, or of the one before. */
  field(step: 1 | -1): Cursor {
    const unit = this.#unit
    if (unit === undefined) return this.#cursor
    const starts = viewOf(unit).fields.map(({ start }) => start)
    const now = starts.findLastIndex((start) => start <= this.#cursor.byte)
    const next = starts[now + step]
    return next === undefined ? this.unit(step) : { ...this.#cursor, byte: next }
  }

  /** To another unit. @param byte - which byte of it, or its last one */
  unit(step: 1 | -1, byte = 0): Cursor {
    const { side, unit } = this.#cursor
    const next = unit + step
    return this.#units[next] === undefined ? this.#cursor : within(this.#units, { side, unit: next, byte })
  }

  /** To the next verdict, behind the last one to the first. */
  finding(): Cursor {
    const { findings, sides } = this.#model
    const { side, unit, byte } = this.#cursor
    const isBehind = (one: Finding) =>
      one.side > side || (one.side === side && (one.unit > unit || (one.unit === unit && one.byte > byte)))
    const next = findings.find(isBehind) ?? findings[0]
    return next === undefined ? this.#cursor : within(sides[next.side]!.units, next)
  }
}

/** Bytes of a line where two rows stand side by side. */
export const WIDE_ROW: number = 2 * ROW

/** Whether they do. */
export function isWide(): boolean {
  return matchMedia('(min-width:561px)').matches
}
