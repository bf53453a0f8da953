import type { Leftovers, Sample } from './messages.ts'
import { fitLine, type Point, rises } from './slope.ts'

/** A sample and when it was taken. */
export interface TimedSample extends Sample {
  /** Since the start, in seconds. */
  readonly seconds: number
  /** Bytes of payload that clients had sent and not got back, and that the server was sending. */
  readonly inFlight: number
  /** Whether it was taken while the threads that compress had more to do than they can. */
  readonly isBurst: boolean
}

/** All that a run has brought. */
export interface Outcome {
  readonly samples: readonly TimedSample[]
  /** Messages lost, doubled, out of order or corrupted, and ends that should not be. */
  readonly faults: readonly string[]
  readonly leftovers: Leftovers
}

/** What is said about a run, line by line. */
export interface Verdict {
  readonly lines: readonly string[]
  /** Why the run has failed; empty when all is well. */
  readonly failures: readonly string[]
}

/** A rise below this, in KiB over the second half, or below 3 % of the mean, is never taken for a leak. */
const LEAST_GROWTH_KIB = 1024

/** Array buffers that need no reason: pools, slabs, and what others than the engine have. */
const BUFFERS_AT_REST = 16 << 20
/** Array buffers that each connection may have without anything in flight. */
const BUFFERS_PER_CONNECTION = 4 << 10
/** What is in flight may be there this often: as it came, and as it goes out, or compressed and not. */
const COPIES = 2

/** What array buffers may take when so much is under way. */
export function mostBuffers({ connections, inFlight }: Pick<TimedSample, 'connections' | 'inFlight'>): number {
  return BUFFERS_AT_REST + connections * BUFFERS_PER_CONNECTION + COPIES * inFlight
}

/** Memory by its second half, as the first has the rise to full load in it; then faults and leftovers. */
export function judge({ samples, faults, leftovers }: Outcome): Verdict {
  const lines: string[] = []
  const failures: string[] = []
  const half = samples.slice(Math.floor(samples.length / 2))
  for (const [name, key, counts] of [
    ['heap', 'heapUsed', true],
    ['buffers', 'arrayBuffers', true],
    ['rss', 'rss', false],
  ] as const) {
    // A burst makes a sample one of its own kind.
    const alike = half.filter(({ isBurst }) => !isBurst)
    const points: Point[] = alike.map((sample) => ({ x: sample.seconds / 60, y: sample[key] / 1024 }))
    const line = fitLine(points)
    if (line === null) {
      lines.push(`${name}: too few samples (${points.length}) for a slope`)
      continue
    }
    const mean = points.reduce((sum, { y }) => sum + y, 0) / points.length
    const figures = `${line.slope.toFixed(0)} ± ${line.slopeError.toFixed(0)} KiB/min, residual ${line.residual.toFixed(0)} KiB`
    lines.push(`${name}: ${figures}, mean ${(mean / 1024).toFixed(1)} MiB over ${points.length} samples`)
    if (counts && rises(line, points, Math.max(LEAST_GROWTH_KIB, mean * 0.03)))
      failures.push(`${name} rises: ${figures}`)
  }
  judgeBuffers(samples, lines, failures)
  if (faults.length > 0) failures.push(`${faults.length} faults, the first: ${faults[0]}`)
  const { connections, timers, handles, listeners } = leftovers
  if (connections > 0) failures.push(`${connections} connections left`)
  if (timers > 0) failures.push(`${timers} timers left`)
  if (handles.length > 0) failures.push(`handles left: ${handles.join(', ')}`)
  if (listeners.length > 0) failures.push(`listeners left: ${listeners.join(', ')}`)
  return { lines, failures }
}

/** Array buffers in every sample, against what is in flight. */
function judgeBuffers(samples: readonly TimedSample[], lines: string[], failures: string[]): void {
  const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`
  const beyond = (sample: TimedSample): number => sample.arrayBuffers - mostBuffers(sample)
  const [worst] = samples.toSorted((a, b) => beyond(b) - beyond(a))
  if (worst === undefined) return
  const { arrayBuffers, inFlight, seconds } = worst
  const figures = `${mib(arrayBuffers)} with ${mib(inFlight)} in flight after ${seconds.toFixed(0)} s, of ${mib(mostBuffers(worst))} allowed`
  lines.push(`buffers at their most: ${figures}`)
  const count = samples.filter((sample) => beyond(sample) > 0).length
  if (count > 0) failures.push(`buffers hold what nobody needs in ${count} of ${samples.length} samples: ${figures}`)
}
