/*
 * `npm run fuzz -- [target…] [--seconds n] [--seed n] [--jobs n] [--grow]`: fuzzes all targets or some, each in a process of its
 * own, and prints how often each ran. An input that fails is printed as hex and ends the run with 1; `--grow` adds the
 * inputs that ran something new to the committed corpus.
 */
import { fork } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { CORPUS, TARGETS } from './corpus.ts'

/** A target that takes so much longer than it was told hangs. */
const GRACE_MS = 60_000

interface Report {
  readonly executions: number
  readonly perSecond: number
  readonly covered: number
  readonly corpus: number
  readonly found: number
  readonly slowestMs: number
  readonly inputs: readonly string[]
  readonly failure?: string
  readonly input?: string
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '30' },
    seed: { type: 'string' },
    jobs: { type: 'string' },
    grow: { type: 'boolean', default: false },
  },
})
const seed = values.seed ?? String(Date.now() % 1_000_000_007)
const waiting = positionals.length > 0 ? [...positionals] : [...TARGETS]
const jobs = Number(values.jobs ?? availableParallelism())
let failed = 0

console.log(`seed ${seed}, ${values.seconds} s for each target, ${jobs} at a time`)
console.log('| target | executions | per second | slowest | inputs kept | source covered |\n|---|---|---|---|---|---|')
await Promise.all(
  Array.from({ length: jobs }, async () => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift())
      report(target, await fuzz(target))
  }),
)
process.exit(failed === 0 ? 0 : 1)

function fuzz(target: string): Promise<Report | string> {
  return new Promise((resolve) => {
    const ms = Number(values.seconds) * 1000
    const worker = fork(fileURLToPath(new URL('worker.ts', import.meta.url)), [target, String(ms), seed], {
      execArgv: ['--import', 'tsx', '--no-warnings'],
    })
    let result: Report | string = 'it ended without a report'
    const watchdog = setTimeout(() => {
      result = `an input takes more than ${GRACE_MS} ms`
      worker.kill('SIGKILL')
    }, ms + GRACE_MS)
    worker.on('message', (message: Report) => {
      result = message
    })
    worker.on('exit', () => {
      clearTimeout(watchdog)
      resolve(result)
    })
  })
}

function report(target: string, result: Report | string): void {
  if (typeof result === 'string' || result.failure !== undefined) {
    failed++
    console.log(`\n${target} FAILED, seed ${seed}`)
    console.log(typeof result === 'string' ? result : `${result.failure}\ninput: ${result.input}\n`)
    return
  }
  const { executions, perSecond, slowestMs, corpus, found, covered, inputs } = result
  console.log(
    `| ${target} | ${executions} | ${perSecond} | ${slowestMs} ms | ${corpus} (${found} new) | ${covered} characters |`,
  )
  if (values.grow && inputs.length > 0) appendFileSync(new URL(`${target}.hex`, CORPUS), `${inputs.join('\n')}\n`)
}
