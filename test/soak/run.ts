/*
 * `npm run soak -- --minutes 10 --faults`: thousands of connections for a long time; see `--help` and docs/soak.md.
 */
import { parseArgs } from 'node:util'
import { DOUBLES } from './doubles.ts'
import { Load } from './load.ts'
import type { Sample } from './messages.ts'
import { ServerProcess } from './server-process.ts'
import { judge, type TimedSample } from './verdict.ts'

const HELP = `npm run soak -- --minutes N [--connections N] [--seed N] [--faults]

A server in a process of its own, under load for a long time. Ends with 1 when a message was lost, doubled, reordered or
corrupted, when anything is left in the end, or when memory rises clearly.

  --minutes N       how long; fractions are allowed. Default 10
  --connections N   connections open at a time. Default 2000
  --seed N          plays the same connections again; default: a new one, which is printed
  --faults          three of ten connections go through a fault proxy
  --double NAME     breaks the server on purpose, so that the run has to fail: ${Object.keys(DOUBLES).join(', ')}
  --help            this text
`

/** Between two samples, unless the run is short. */
const SAMPLE_SECONDS = 10
/** Every so many samples one is taken while the threads that compress have more to do than they can. */
const BURST_EVERY = 6
/** How long the last connections may take to do all they have to. */
const END_MS = 120_000
/** Silence after which the server asks for a sign of life. */
const IDLE_MS = 4000
/** Faults that are printed one by one. */
const FAULTS_SHOWN = 20

interface Choices {
  readonly minutes: number
  readonly connections: number
  readonly seed: number
  readonly withFaults: boolean
  readonly double: string | undefined
}

/** @throws Error that says which option is wrong; null when only help is wanted */
function choicesOf(args: string[]): Choices | null {
  const { values } = parseArgs({
    args,
    options: {
      minutes: { type: 'string', default: '10' },
      connections: { type: 'string', default: '2000' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000_007) },
      faults: { type: 'boolean', default: false },
      double: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return null
  const minutes = Number(values.minutes)
  if (!(minutes > 0 && minutes <= 10_000))
    throw new Error(`--minutes is "${values.minutes}"; it needs a number above 0`)
  if (values.double !== undefined && !Object.hasOwn(DOUBLES, values.double))
    throw new Error(`--double is "${values.double}"; there are ${Object.keys(DOUBLES).join(', ')}`)
  return {
    minutes,
    connections: integer('--connections', values.connections, 1, 20_000),
    seed: integer('--seed', values.seed, 0, 2 ** 32 - 1),
    withFaults: values.faults,
    double: values.double,
  }
}

function integer(name: string, text: string, from: number, to: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= from && value <= to) return value
  throw new Error(`${name} is "${text}"; it needs a whole number from ${from} to ${to}`)
}

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`

async function soak({ minutes, connections, seed, withFaults, double }: Choices): Promise<boolean> {
  console.log(`seed ${seed}, ${minutes} minutes, ${connections} connections, ${withFaults ? 'with' : 'without'} faults`)
  const faults: string[] = []
  const onFault = (connection: number, what: string): void => {
    faults.push(`connection ${connection}, ${what}`)
    if (faults.length <= FAULTS_SHOWN) console.log(`FAULT ${faults.at(-1)}`)
  }
  const server = new ServerProcess(seed, IDLE_MS, double, onFault)
  try {
    const { port } = await server.said('listening')
    const load = await Load.start({ port, seed, connections, withFaults, onFault })
    const samples: TimedSample[] = []
    const started = performance.now()
    const total = minutes * 60
    const step = Math.min(SAMPLE_SECONDS, total / 20)
    for (let number = 1; number <= Math.round(total / step); number++) {
      const at = number * step
      await new Promise((resolve) => setTimeout(resolve, started + at * 1000 - performance.now()))
      const isBurst = number % BURST_EVERY === 0
      const take = async (): Promise<Sample & { inFlight: number }> => {
        const before = load.inFlight
        const { sample } = await server.ask('sample', 'sample')
        return { ...sample, inFlight: sample.sending + Math.max(before, load.inFlight) }
      }
      const sample = isBurst ? await load.burst(take) : await take()
      const seconds = (performance.now() - started) / 1000
      samples.push({ ...sample, isBurst, seconds })
      console.log(
        `${seconds.toFixed(0).padStart(5)} s  heap ${mib(sample.heapUsed)}  buffers ${mib(sample.arrayBuffers)}  in flight ${mib(sample.inFlight)}${isBurst ? ' (burst)' : ''}  rss ${mib(sample.rss)}` +
          `  open ${sample.connections}  begun ${load.begun}  messages ${sample.received}`,
      )
    }
    for (const index of await load.end(END_MS)) onFault(index, 'client: has not ended')
    const ended = await server.ask('end', 'ended')
    const closes = Object.entries(ended.closes).filter(([, count]) => count > 0)
    console.log(`${ended.messages} messages, ${ended.accepted} connections accepted`)
    console.log(`ends: ${closes.map(([cause, count]) => `${cause} ${count}`).join(', ')}`)
    console.log(`heap before the load ${mib(ended.heapAtStart)}, after the end ${mib(ended.heapUsed)}`)
    const { lines, failures } = judge({ samples, faults, leftovers: ended.leftovers })
    for (const line of lines) console.log(line)
    for (const failure of failures) console.log(`FAILED: ${failure}`)
    if (failures.length === 0) console.log('PASSED: nothing lost, nothing left, no clear rise of memory')
    else
      console.log(
        `again: npm run soak -- --minutes ${minutes} --connections ${connections} --seed ${seed}${withFaults ? ' --faults' : ''}`,
      )
    return failures.length === 0
  } finally {
    server.kill()
  }
}

try {
  const choices = choicesOf(process.argv.slice(2))
  if (choices === null) process.stdout.write(HELP)
  // Nothing that a connection has left open keeps a run that has failed from ending.
  else process.exit((await soak(choices)) ? 0 : 1)
} catch (error) {
  process.stderr.write(`${(error as Error).message}\nnpm run soak -- --help says more.\n`)
  process.exit(1)
}
