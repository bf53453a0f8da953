/*
 * `npm run simulate -- [--seeds n] [--from n] [--seed n]`: runs many seeds of the simulation, or one again, and prints how the
 * connections ended. The first seed that breaks an invariant ends the run with 1.
 */
import { parseArgs } from 'node:util'
import { simulate } from './simulate.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
  },
})
const from = Number(values.seed ?? values.from)
const to = values.seed === undefined ? from + Number(values.seeds) - 1 : from
const causes = new Map<string, number>()
const started = performance.now()
let messages = 0

for (let seed = from; seed <= to; seed++) {
  try {
    const outcome = await simulate(seed)
    messages += outcome.messages
    for (const { cause } of [outcome.server, outcome.client]) causes.set(cause, (causes.get(cause) ?? 0) + 1)
    if (values.seed !== undefined) console.log(outcome)
  } catch (error) {
    console.error(`seed ${seed}: ${(error as Error).stack}`)
    process.exit(1)
  }
}
const seconds = (performance.now() - started) / 1000
console.log(`${to - from + 1} seeds in ${seconds.toFixed(0)} s, ${messages} messages, no invariant broken`)
for (const [cause, count] of [...causes].sort()) console.log(`  ${cause}: ${count} ends`)
