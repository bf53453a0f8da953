/**
 * The step of a sweep over very many values that are alike: 1, or `coarse` where `SWEEP=coarse` asks for a quick look at
 * each of many changed sources, as `npm run mutation` does.
 */
export function sweepStep(coarse: number): number {
  return process.env['SWEEP'] === 'coarse' ? coarse : 1
}
