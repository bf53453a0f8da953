import { Bench as Tinybench } from 'tinybench'
import { type Figure, figureOf, isWanted, type Row, type Settings } from './bench.ts'

/** Somebody who does the work of a cell. */
export interface Contender {
  readonly name: string
  /**
   * Builds what the work needs and checks that it gives the right answer.
   *
   * @returns the work; one call does as many units as the cell says
   * @throws when the answer is wrong
   */
  prepare(): () => void
}

/**
 * How long a contender runs: at first and again before each round without being counted, then in the round. The processor
 * time of the compiler counts, and what others made it forget is compiled again, so less would measure that.
 */
const FULL = { rounds: 5, firstMs: 800, againMs: 50, roundMs: 100 }
const QUICK = { rounds: 3, firstMs: 300, againMs: 25, roundMs: 40 }

/**
 * Measures the CPU time of contenders in this process, interleaved: A B C A B C …
 *
 * Time is that of the processor, garbage collection in other threads included, not that of the wall: on a machine
 * with other work it is the steadier of the two.
 *
 * @param units - how many units, such as frames, one call of the work does
 * @returns nanoseconds per unit
 */
export async function compare(
  settings: Settings,
  cell: string,
  ours: string,
  units: number,
  contenders: readonly Contender[],
): Promise<Row> {
  const { rounds, firstMs, againMs, roundMs } = settings.quick ? QUICK : FULL
  const work = contenders
    .filter(({ name }) => isWanted(settings, ours, name))
    .map(({ name, prepare }) => ({ name, run: prepare(), values: [] as number[] }))
  settings.progress(cell)
  for (const { run } of work) await measure(run, firstMs)
  for (let round = 0; round < rounds; round++) {
    for (const { run, values } of work) {
      globalThis.gc?.()
      await measure(run, againMs)
      values.push((await measure(run, roundMs)) / units)
    }
  }
  const figures: Record<string, Figure> = {}
  for (const { name, values } of work) figures[name] = figureOf(values)
  return { cell, figures }
}

/** @returns nanoseconds of CPU time per call */
async function measure(run: () => void, timeMs: number): Promise<number> {
  const bench = new Tinybench({ now: cpuMs, time: timeMs, iterations: 3, warmup: false, throws: true })
  bench.add('work', run)
  await bench.run()
  const result = bench.tasks[0]!.result
  if (!('latency' in result)) throw new Error(`the work did not complete: ${result.state}`)
  return result.latency.mean * 1e6
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
