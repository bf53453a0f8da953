import type { Leftovers, Sample } from './messages.ts'
import { fitLine, type Point, rises } from './slope.ts'

/** A sample and when it was taken. */
export interface TimedSample extends Sample {
  /** Since the start, in seconds. */
  readonly seconds: number
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
    const points: Point[] = half.map((sample) => ({ x: sample.seconds / 60, y: sample[key] / 1024 }))
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
  if (faults.length > 0) failures.push(`${faults.length} faults, the first: ${faults[0]}`)
  const { connections, timers, handles, listeners } = leftovers
  if (connections > 0) failures.push(`${connections} connections left`)
  if (timers > 0) failures.push(`${timers} timers left`)
  if (handles.length > 0) failures.push(`handles left: ${handles.join(', ')}`)
  if (listeners.length > 0) failures.push(`listeners left: ${listeners.join(', ')}`)
  return { lines, failures }
}
