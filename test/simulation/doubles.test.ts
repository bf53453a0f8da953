import { describe, expect, it } from 'vitest'
import { BROKEN } from './doubles.ts'
import { type Doubles, FailedRun, simulate } from './simulate.ts'

/** A fault has to be found within as many seeds; CI runs several times as many. */
const WITHIN = 200

async function runUntilFailed(doubles: Doubles, from: number, to: number): Promise<{ seed: number; run: FailedRun }> {
  for (let seed = from; seed <= to; seed++) {
    try {
      await simulate(seed, doubles)
    } catch (error) {
      if (error instanceof FailedRun) return { seed, run: error }
      throw error
    }
  }
  throw new Error(`not found in ${to - from + 1} seeds`)
}

describe('the simulation finds a connection that', () => {
  it.each(BROKEN)('$name', { timeout: 60_000 }, async ({ doubles, breaks }) => {
    const { seed, run } = await runUntilFailed(doubles, 1, WITHIN)
    expect(breaks, run.message).toContain(run.invariant)
    expect(run.message).toBe(
      `seed ${seed}: ${(run.cause as Error).message}; replay: npm run simulate -- --seed ${seed}`,
    )
    expect(run.message).toContain(`broken: ${run.invariant}`)
    // The same again, whatever has run in between.
    await simulate(seed + 1)
    const { run: again } = await runUntilFailed(doubles, seed, seed)
    expect(again.message).toBe(run.message)
    expect(again.trace).toEqual(run.trace)
  })
})
