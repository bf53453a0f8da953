import { describe, expect, it } from 'vitest'
import { loadTarget, readCorpus, TARGETS } from './corpus.ts'
import { mutate, Random } from './mutate.ts'

describe.each(TARGETS)('the fuzz target %s', (target) => {
  it('takes its corpus, and changed inputs', async () => {
    const fuzz = await loadTarget(target)
    const corpus = readCorpus(target)
    expect(corpus.length).toBeGreaterThan(0)
    for (const input of corpus) fuzz(input.slice())
    const random = new Random(1)
    for (let i = 0; i < 300; i++) fuzz(mutate(random.pick(corpus), corpus, random).slice())
  })
})

describe('mutate', () => {
  it('gives the same inputs for the same seed', () => {
    const inputs = (): Uint8Array[] => {
      const random = new Random(7)
      return Array.from({ length: 50 }, () => mutate(Uint8Array.of(1, 2, 3), [Uint8Array.of(4, 5)], random))
    }
    expect(inputs()).toEqual(inputs())
    expect(new Set(inputs().map(String)).size).toBeGreaterThan(25)
  })
})
