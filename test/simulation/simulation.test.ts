import { describe, expect, it } from 'vitest'
import { type Outcome, simulate } from './simulate.ts'

const SEEDS = 1000

describe('a server and a client over a simulated network', () => {
  it(`lose, double and reorder nothing, agree on the end, and keep nothing, in ${SEEDS} runs`, {
    timeout: 120_000,
  }, async () => {
    const causes = new Map<string, number>()
    let messages = 0
    for (let seed = 1; seed <= SEEDS; seed++) {
      const outcome = await simulate(seed).catch((error: Error) => {
        throw new Error(`seed ${seed}: ${error.message}; replay: npm run simulate -- --seed ${seed}`)
      })
      messages += outcome.messages
      for (const { cause } of [outcome.server, outcome.client]) causes.set(cause, (causes.get(cause) ?? 0) + 1)
    }
    // Runs that all end the same way would prove little.
    expect(messages).toBeGreaterThan(SEEDS)
    for (const cause of ['closed-by-us', 'closed-by-peer', 'handler-error', 'terminated', 'transport-error']) {
      expect(causes.get(cause), cause).toBeGreaterThan(0)
    }
  })

  it('runs a seed the same way every time', async () => {
    const seeds = [3, 5, 8, 13]
    const run = (): Promise<Outcome[]> =>
      Promise.all([]).then(async () => {
        const outcomes: Outcome[] = []
        for (const seed of seeds) outcomes.push(await simulate(seed))
        return outcomes
      })
    expect(await run()).toEqual(await run())
  })
})
