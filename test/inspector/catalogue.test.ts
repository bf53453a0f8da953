import { describe, expect, it } from 'vitest'
import { violations } from '../../src/frames/violation.ts'
import { annotate, inflate, sha1 } from '../../src/inspector/index.ts'
import { catalogue } from './catalogue.ts'
import { expectTiled } from './tiling.ts'

describe('the catalogue of violations', () => {
  it.each(catalogue)('$name breaks $id, and nothing else', ({ id, bytes, context }) => {
    const annotation = annotate(bytes, { ...context, inflate, sha1 })
    expect(annotation.units.flatMap(({ verdicts }) => verdicts.map((verdict) => verdict.id))).toEqual([id])
    expectTiled(annotation, 0, bytes.length)
  })

  it('has every rule of the codec that shows on the wire', () => {
    const ids = new Set(catalogue.map(({ id }) => id))
    const { DeflateMemoryExhausted: _, ...visible } = violations
    expect(Object.values(visible).filter(({ id }) => !ids.has(id))).toEqual([])
    expect(catalogue.length).toBeGreaterThanOrEqual(40)
  })
})
