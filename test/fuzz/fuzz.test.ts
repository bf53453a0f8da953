import { describe, expect, it } from 'vitest'
import { loadTarget, readCorpus, TARGETS } from './corpus.ts'
import { runCounted } from './cost.ts'
import { inflateStreamByStream } from './doubles.ts'
import { mutate, Random } from './mutate.ts'

describe.each(TARGETS)('the fuzz target %s', (target) => {
  it('takes its corpus, and changed inputs', async () => {
    const fuzz = await loadTarget(target)
    const corpus = readCorpus(target)
    expect(corpus.length).toBeGreaterThan(0)
    for (const input of corpus) await fuzz(input.slice())
    const random = new Random(1)
    for (let i = 0; i < 300; i++) await fuzz(mutate(random.pick(corpus), corpus, random).slice())
  })
})

describe('runCounted', () => {
  it('finds inflating that costs a job of another thread for every two bytes', async () => {
    const fuzz = await loadTarget('inflate-elsewhere')
    const [restarts] = readCorpus('inflate-elsewhere')
    await runCounted(fuzz, restarts!)
    const undo = inflateStreamByStream()
    try {
      await expect(runCounted(fuzz, restarts!)).rejects.toThrow(/ms of processor time for 3 bytes; 20\.003 are allowed/)
    } finally {
      undo()
    }
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
