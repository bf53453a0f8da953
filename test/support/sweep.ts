import { effort } from './effort.ts'

/**
 * The step of a sweep over very many values that are alike: 1, or `coarse` where `EFFORT` asks for less than `npm test` does,
 * for a quick look at each of many changed sources as in `npm run mutation`.
 */
export function sweepStep(coarse: number): number {
  return effort < 0.1 ? coarse : 1
}
