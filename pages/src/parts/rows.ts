import type { UnitView } from './unit-view.ts'

/** Bytes of a row; two of them stand side by side where there is room. */
export const ROW = 8

/** So many rows at the beginning and at the end of a long unit are shown, and so many around what is looked at. */
const HEAD_ROWS = 16
const TAIL_ROWS = 2
const AROUND = 2

/** A run of rows that are shown, or of bytes that are not. Offsets in the unit. */
export interface Run {
  readonly start: number
  readonly end: number
  readonly isShown: boolean
}

/**
 * Which rows of a unit are in the page: all of a short one; of a long one its beginning, its end, what surrounds the selected
 * byte, and the bytes that break a rule.
 *
 * @param more - rows at the beginning that were asked for besides
 */
export function runsOf({ wire, unit, verdicts }: UnitView, selected: number | null, more = 0): readonly Run[] {
  const last = Math.max(0, Math.ceil(wire.length / ROW) - 1)
  const head = HEAD_ROWS + more
  if (last < head + TAIL_ROWS + 2 * AROUND) return [{ start: 0, end: wire.length, isShown: true }]
  const ranges: Array<[first: number, last: number]> = [
    [0, head - 1],
    // Two rows stand side by side: an even one begins the line.
    [(last - TAIL_ROWS + 1) & ~1, last],
  ]
  const looked = verdicts.map(({ at }) => at - unit.at)
  if (selected !== null) looked.push(selected)
  for (const at of looked) {
    const row = Math.floor(at / ROW / 2) * 2
    ranges.push([Math.max(0, row - AROUND), Math.min(last, row + AROUND + 1)])
  }
  ranges.sort(([a], [b]) => a - b)
  const runs: Run[] = []
  let at = 0
  for (const [first, through] of ranges) {
    const start = Math.max(at, first * ROW)
    const end = Math.min(wire.length, (through + 1) * ROW)
    if (end <= at) continue
    if (start > at) runs.push({ start: at, end: start, isShown: false })
    runs.push({ start, end, isShown: true })
    at = end
  }
  return runs
}

/** The next byte from `i` in the direction of `step` that is in the page; -1 when there is none. */
export function nextShown(runs: readonly Run[], i: number, step: number): number {
  const to = i + step
  const run = runs.find(({ start, end }) => to >= start && to < end)
  if (run === undefined) return -1
  if (run.isShown) return to
  // What is left out is stepped over.
  return step > 0 ? run.end : run.start - 1
}
