import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../support/child.ts'
import { PAIRS } from './endings.ts'
import { LEAST } from './occurrences.ts'
import { simulate } from './simulate.ts'
import { Tally } from './tally.ts'

const SEEDS = 1000

describe('a server and a client over a simulated network', () => {
  it(`lose, double and reorder nothing, agree on the end, and keep nothing, in ${SEEDS} runs in which everything occurs`, {
    timeout: 120_000,
  }, async () => {
    const tally = new Tally()
    for (let seed = 1; seed <= SEEDS; seed++) tally.add(await simulate(seed))
    // Runs in which nothing happens would prove nothing.
    const counted = Object.keys(LEAST).map((what) => [what, tally.count(what)] as const)
    const tooRare = counted.filter(([what, count]) => count < LEAST[what as keyof typeof LEAST])
    expect(tooRare).toEqual([])
    expect(tally.messages).toBeGreaterThan(5 * SEEDS)
    const rows = tally.pairs.filter(([, count]) => count > 0)
    expect(rows.length, 'rows of the table of endings').toBeGreaterThan(PAIRS.length - 3)
  })

  it('run a seed the same way every time, in every process', { timeout: 60_000 }, async () => {
    const seeds = [3, 5, 8, 13]
    const first = []
    for (const seed of seeds) first.push(await simulate(seed))
    const again = []
    for (const seed of seeds.toReversed()) again.unshift(await simulate(seed))
    expect(again).toEqual(first)
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', 'test/simulation/run.ts', '--seed', '13'],
      { cwd: ROOT },
    )
    expect(stdout).toContain(`digest ${first[3]!.digest}\n`)
  })
})
