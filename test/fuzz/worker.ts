/*
 * Fuzzes one target for some seconds: `worker.ts <target> <milliseconds> <seed>`.
 *
 * Inputs are made by mutation of the corpus. Coverage costs more to read than an input to run, so it is read once for a
 * batch; when a batch has run something new, halves of it run again until the inputs that found it stand alone: these
 * join the corpus.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { toHex } from '../support/hex.ts'
import { loadTarget, readCorpus } from './corpus.ts'
import { runCounted } from './cost.ts'
import { Coverage } from './coverage.ts'
import { mutate, Random } from './mutate.ts'

const BATCH = 256

const [target = '', duration = '0', seed = '1'] = process.argv.slice(2)
const fuzz = await loadTarget(target)
const corpus = readCorpus(target)
const committed = corpus.length
const random = new Random(Number(seed))
const coverage = await Coverage.start()
const end = performance.now() + Number(duration)
let executions = 0
let slowestMs = 0

for (const input of corpus) await run(input)
await coverage.take()

const started = performance.now()
while (performance.now() < end) {
  const batch = Array.from({ length: BATCH }, () => mutate(random.pick(corpus), corpus, random))
  const known = coverage.snapshot()
  for (const input of batch) await run(input)
  if ((await coverage.take()) > 0) {
    coverage.restore(known)
    await keepFinders(batch)
  }
  // What the target left for later gets its turn.
  await turn()
}
const seconds = (performance.now() - started) / 1000

process.send?.({
  executions,
  perSecond: Math.round(executions / seconds),
  covered: coverage.count,
  corpus: corpus.length,
  found: corpus.length - committed,
  slowestMs: Math.round(slowestMs),
  inputs: corpus.slice(committed).map((input) => Buffer.from(input).toString('hex')),
})
process.disconnect?.()

/** Adds the inputs of a list that run something new to the corpus, and what they run to the coverage. */
async function keepFinders(list: readonly Uint8Array[]): Promise<void> {
  const known = coverage.snapshot()
  for (const input of list) await run(input)
  if ((await coverage.take()) === 0) return
  if (list.length === 1) {
    corpus.push(list[0]!)
    return
  }
  coverage.restore(known)
  await keepFinders(list.slice(0, list.length / 2))
  await keepFinders(list.slice(list.length / 2))
}

async function run(input: Uint8Array): Promise<void> {
  const before = performance.now()
  try {
    await runCounted(fuzz, input)
  } catch (error) {
    process.send?.({ failure: String(error instanceof Error ? error.stack : error), input: toHex(input) })
    process.exit(1)
  }
  executions++
  slowestMs = Math.max(slowestMs, performance.now() - before)
}
