import { describe, expect, it } from 'vitest'
import { HookBench } from '../support/hook-bench.ts'
import { EXEMPT, SCENARIOS } from '../support/hook-scenarios.ts'
import { listHooks } from '../support/hooks.ts'
import { HOSTILE_VALUES } from '../support/hostile-values.ts'

/** All values are put to the doors themselves, in test/ground; here those that lie in wait for different looks. */
const VALUES = [
  'undefined',
  'an object without a prototype',
  'an object whose toString throws',
  'an object whose members throw',
  'an error whose stack throws',
  'a proxy whose traps throw',
].map((name) => [name, HOSTILE_VALUES[name]!] as const)

/** Methods that a subclass may have; types do not say which these are. */
const METHODS = ['WebSocketServer.refusal', 'WebSocketServer.shouldHandle']

describe('the list of hooks', () => {
  it('is what the types of the entry points show', () => {
    const shown = [...listHooks().map(({ name }) => name), ...METHODS].sort()
    expect([...Object.keys(SCENARIOS), ...Object.keys(EXEMPT)].sort()).toEqual(shown)
  }, 60_000)
})

const CASES = Object.entries(SCENARIOS).flatMap(([hook, scenarios]) =>
  scenarios.map((scenario, i) => ({ hook: scenarios.length === 1 ? hook : `${hook}, case ${i + 1}`, scenario })),
)

describe.each(CASES)('a hostile value from $hook', ({ scenario }) => {
  it.each([
    ['thrown', false],
    ['of a promise', true],
  ])(
    '%s is reported, and ends nothing else',
    async (_, isLate) => {
      const ends: string[] = []
      for (const [name, make] of VALUES) {
        const bench = new HookBench(make, isLate)
        try {
          await scenario(bench)
          for (const report of bench.reports) {
            // Whoever gets a report can look at it.
            if (!(report instanceof Error) || typeof `${report.name}: ${report.message}` !== 'string')
              ends.push(`${name}: no Error`)
          }
        } finally {
          await bench.end()
        }
        if (bench.fatal.length > 0) ends.push(name)
      }
      expect(ends).toEqual([])
    },
    60_000,
  )
})

it('and the process goes on to serve', async () => {
  const bench = new HookBench(() => undefined, false)
  await bench.serves()
  await bench.end()
  expect(bench.fatal).toEqual([])
})
