import { expect } from 'vitest'
import type { Annotation, Span, Unit } from '../../src/inspector/annotate/index.ts'

/** Every byte lies in one unit, every byte of a unit in spans, every bit of a byte in one span; no gap, no overlap. */
export function expectTiled({ units, stop }: Annotation, start: number, end: number): void {
  let at = start
  for (const [i, unit] of units.entries()) {
    expect([unit.index, unit.at]).toEqual([i, at])
    expectSpansTile(unit)
    for (const verdict of unit.verdicts) {
      expect(verdict.at).toBeGreaterThanOrEqual(unit.at)
      expect(verdict.end).toBeGreaterThan(verdict.at)
      expect(verdict.end).toBeLessThanOrEqual(unit.end)
    }
    at = unit.end
  }
  expect(at).toBe(end)
  if (stop !== null) expect(units[stop.unit]).toBeDefined()
}

function expectSpansTile(unit: Unit): void {
  let at = unit.at
  let bit = 0
  for (const span of unit.spans) {
    expect(span.at).toBe(at)
    if (span.bits === undefined) {
      expect(bit).toBe(0)
      expect(span.end).toBeGreaterThan(at)
      at = span.end
    } else {
      expect([span.end, span.bits[0]]).toEqual([at + 1, bit])
      bit = span.bits[1] + 1
      if (bit === 8) {
        bit = 0
        at++
      }
    }
  }
  expect([at, bit]).toEqual([unit.end, 0])
}

/** What a test compares of an annotation: all that does not depend on memory. */
export function plainly(annotation: Annotation): unknown {
  return JSON.parse(JSON.stringify(annotation))
}

/** A span as a line, for tests that read like the wire. */
export function spanLine({ at, end, bits, field, raw }: Span): string {
  return `${at}-${end}${bits === undefined ? '' : `.${bits.join('-')}`} ${field} ${raw}`
}
