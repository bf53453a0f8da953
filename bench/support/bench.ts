/** One bench: a file `bench/NAME.bench.ts` that exports `bench`. `npm run bench -- NAME` runs it. */
export interface Bench {
  /** One line for `npm run bench -- --list`. */
  readonly about: string
  /** Measures, and throws when something that is measured gives a wrong answer. */
  run(settings: Settings): Promise<readonly Table[]>
}

/** How a run was asked for. */
export interface Settings {
  /** Fewer rounds and cells: a look, not a result. */
  readonly quick: boolean
  /** Only contenders whose name contains one of these, besides our own; empty: all. `--against ws,net` */
  readonly against: readonly string[]
  /** Only cells whose name contains this; empty: all. `--cell '16 B'` */
  readonly cell: string
  /** Path of a parser of somebody's own; empty: none. `--parser ./mine.mjs` */
  readonly parser: string
  /** Says on stderr what is going on. */
  progress(text: string): void
}

/** Figures of one kind: a row for each cell, a column for each contender. */
export interface Table {
  readonly title: string
  /** For instance `ns per frame`; lower is better unless `higherIsBetter`. */
  readonly unit: string
  readonly higherIsBetter?: boolean
  /** The contender whose ratio to each other one is shown: ours. */
  readonly ours: string
  readonly rows: readonly Row[]
}

/** The figures of all contenders for one cell, by name and in the order in which they are shown. */
export interface Row {
  readonly cell: string
  readonly figures: Readonly<Record<string, Figure>>
}

/** The median of some rounds. */
export interface Figure {
  readonly median: number
  /** Half the distance between the quartiles, as a part of the median; 0 for one round. */
  readonly spread: number
}

/** Median and spread of the values of some rounds. */
export function figureOf(values: readonly number[]): Figure {
  const sorted = values.toSorted((a, b) => a - b)
  const median = quantile(sorted, 0.5)
  return { median, spread: median === 0 ? 0 : (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / 2 / median }
}

/** The value below which the part `p` of the ascending `sorted` lies, interpolated. */
export function quantile(sorted: readonly number[], p: number): number {
  const at = (sorted.length - 1) * p
  const below = sorted[Math.floor(at)] ?? Number.NaN
  const above = sorted[Math.ceil(at)] ?? Number.NaN
  return below + (above - below) * (at - Math.floor(at))
}

/** Whether a contender takes part under `--against`. */
export function isWanted(settings: Settings, ours: string, name: string): boolean {
  return name === ours || settings.against.length === 0 || settings.against.some((part) => name.includes(part))
}
