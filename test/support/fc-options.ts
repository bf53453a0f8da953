import type { Parameters } from 'fast-check'

const { FC_RUNS, FC_SEED } = process.env

/**
 * How often a property runs and from which seed: `FC_RUNS` and `FC_SEED` say so for a long or a repeated run.
 *
 * fast-check prints the seed of a run that failed; `FC_SEED=<seed> npx vitest run <file>` runs it again.
 *
 * @param runs Runs when `FC_RUNS` is not set; what fits the time budget of an ordinary run.
 */
export function fcOptions<T = unknown>(runs: number): Parameters<T> {
  return {
    numRuns: FC_RUNS === undefined ? runs : Number(FC_RUNS),
    ...(FC_SEED === undefined ? {} : { seed: Number(FC_SEED) }),
  }
}

/** The time a property may take: none that matters for a long run asked for with `FC_RUNS`. */
export const FC_TIMEOUT_MS = FC_RUNS === undefined ? 30_000 : 24 * 60 * 60 * 1000
