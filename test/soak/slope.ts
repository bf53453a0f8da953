/** A straight line through points, by least squares. */
export interface Line {
  readonly slope: number
  /** Standard error of the slope: how far chance alone would move it. */
  readonly slopeError: number
  /** Root mean square of what lies beside the line. */
  readonly residual: number
}

/** One measurement. */
export interface Point {
  readonly x: number
  readonly y: number
}

/** Fewest points from which a trend is read. */
export const FEWEST_POINTS = 6

/** @returns null when there are too few points */
export function fitLine(points: readonly Point[]): Line | null {
  const n = points.length
  if (n < FEWEST_POINTS) return null
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / n
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / n
  const spread = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0)
  if (spread === 0) return null
  const slope = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / spread
  const beside = points.reduce((sum, { x, y }) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0)
  return { slope, slopeError: Math.sqrt(beside / (n - 2) / spread), residual: Math.sqrt(beside / n) }
}

/**
 * Whether memory rises clearly: by more than four times what chance would do, and over the time looked at by more than
 * `leastGrowth`, in the unit of y. The second keeps a slope that is certain and tiny, such as that of code being compiled,
 * from counting.
 */
export function rises(line: Line, points: readonly Point[], leastGrowth: number): boolean {
  const xs = points.map(({ x }) => x)
  const growth = line.slope * (Math.max(...xs) - Math.min(...xs))
  return line.slope > 4 * line.slopeError && growth > leastGrowth
}
