/*
 * `npm run simulate -- [--seeds n] [--from n] [--seed n] [--trace]`: runs many seeds of the simulation, or one again, and
 * prints what occurred in how many of them and how the connections ended. The first seed that breaks an invariant ends the
 * run with 1.
 */
import { parseArgs } from 'node:util'
import { LEAST } from './occurrences.ts'
import { type FailedRun, simulate } from './simulate.ts'
import { Tally } from './tally.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
})
const from = Number(values.seed ?? values.from)
const to = values.seed === undefined ? from + Number(values.seeds) - 1 : from
const started = performance.now()
const tally = new Tally()

for (let seed = from; seed <= to; seed++) {
  try {
    const outcome = await simulate(seed)
    tally.add(outcome)
    if (tally.seeds % 10_000 === 0) console.error(`${tally.seeds} seeds`)
    if (values.trace) console.log(outcome.trace.join('\n'))
    if (values.seed !== undefined) console.log(`${outcome.pair}\ndigest ${outcome.digest}`)
  } catch (error) {
    const { message, cause, digest, trace } = error as FailedRun
    if (values.trace) console.log(trace.join('\n'))
    console.error(`${message}\n${(cause as Error).stack}\ndigest ${digest}`)
    process.exit(1)
  }
}
const seconds = (performance.now() - started) / 1000
console.log(`${tally.seeds} seeds in ${seconds.toFixed(0)} s, ${tally.messages} messages, no invariant broken`)
if (values.seed === undefined) {
  console.log('\noccurred in so many seeds:')
  for (const what of Object.keys(LEAST)) console.log(`  ${tally.count(what)}  ${what}`)
  console.log('\nendings of the two ends:')
  for (const [pair, count] of tally.pairs) console.log(`  ${count}  ${pair}`)
}
