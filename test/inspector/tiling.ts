import type { Annotation, Span, Unit } from '../../src/inspector/annotate/index.ts'

/** Every byte lies in one unit, every byte of a unit in spans, every bit of a byte in one span; no gap, no overlap. */
export function expectTiled({ units, stop }: Annotation, start: number, end: number): void {
  let at = start
  for (const [i, unit] of units.entries()) {
    must(unit.index === i, () => `unit ${i} says that it is ${unit.index}`)
    must(unit.at === at, () => `unit ${i} begins at ${unit.at}, not at ${at}`)
    expectSpansTile(unit)
    for (const { at, end, id } of unit.verdicts) {
      must(at >= unit.at && end > at && end <= unit.end, () => `${id} at ${at} to ${end} is not in unit ${i}`)
    }
    at = unit.end
  }
  must(at === end, () => `the units end at ${at}, not at ${end}`)
  must(stop === null || units[stop.unit] !== undefined, () => `there is no unit ${stop?.unit} to stop at`)
}

function expectSpansTile(unit: Unit): void {
  let at = unit.at
  let bit = 0
  for (const span of unit.spans) {
    must(span.at === at, () => `${spanLine(span)} does not begin at ${at}`)
    if (span.bits === undefined) {
      must(bit === 0 && span.end > at, () => `${spanLine(span)} stands inside a byte, or is empty`)
      at = span.end
    } else {
      must(span.end === at + 1 && span.bits[0] === bit, () => `${spanLine(span)} does not go on at bit ${bit}`)
      bit = (span.bits[1] + 1) % 8
      if (bit === 0) at++
    }
  }
  must(at === unit.end && bit === 0, () => `the spans of unit ${unit.index} end at ${at}, bit ${bit}`)
}

/** Properties look at millions of spans: `expect` takes too long for that. */
function must(isTrue: boolean, otherwise: () => string): void {
  if (!isTrue) throw new Error(otherwise())
}

/** What a test compares of an annotation: all that does not depend on memory. */
export function plainly(annotation: Annotation): unknown {
  return JSON.parse(JSON.stringify(annotation))
}

/** A span as a line, for tests that read like the wire. */
export function spanLine({ at, end, bits, field, raw }: Span): string {
  return `${at}-${end}${bits === undefined ? '' : `.${bits.join('-')}`} ${field} ${raw}`
}
