import type { Parameters } from 'fast-check'
import { effort } from './effort.ts'

const { FC_SEED } = process.env

/** Runs that even the least effort makes, where a property asks for as many. */
const LEAST_RUNS = 20

/**
 * How often a property runs and from which seed: `EFFORT` scales the runs, `FC_SEED` repeats a run.
 *
 * fast-check prints the seed of a run that failed; `FC_SEED=<seed> npx vitest run <file>` runs it again.
 *
 * @param runs Runs with `EFFORT=1`; what fits the time budget of CI.
 */
export function fcOptions<T = unknown>(runs: number): Parameters<T> {
  return {
    numRuns: Math.max(Math.min(runs, LEAST_RUNS), Math.round(runs * effort)),
    ...(FC_SEED === undefined ? {} : { seed: Number(FC_SEED) }),
  }
}

/** The time a property may take: none that matters for a long run. */
export const FC_TIMEOUT_MS = effort <= 1 ? 60_000 : 24 * 60 * 60 * 1000
