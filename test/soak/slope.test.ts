import { describe, expect, it } from 'vitest'
import { integerIn, seededRandom } from '../support/seeded-random.ts'
import { FEWEST_POINTS, fitLine, type Point, rises } from './slope.ts'

/** Points beside a line, by noise that a seed plays. */
function points(slope: number, noise: number, count = 30, seed = 1): Point[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, (_, x) => ({ x, y: 1000 + slope * x + (random() * 2 - 1) * noise }))
}

describe('fitLine', () => {
  it('finds the line on which the points lie', () => {
    const line = fitLine(points(2.5, 0))!
    expect(line.slope).toBeCloseTo(2.5)
    expect(line.slopeError).toBeCloseTo(0)
    expect(line.residual).toBeCloseTo(0)
  })

  it('says how sure the slope is, and how far the points lie from the line', () => {
    // By hand: slope 1, the points lie ±1 beside it in pairs.
    const line = fitLine([1, -1, -1, 1, 1, -1, -1, 1].map((beside, x) => ({ x, y: x + beside })))!
    expect(line.slope).toBeCloseTo(1)
    expect(line.residual).toBeCloseTo(1)
    expect(line.slopeError).toBeCloseTo(Math.sqrt(8 / 6 / 42))
  })

  it('gives no line for too few points', () => {
    expect(fitLine(points(1, 0, FEWEST_POINTS - 1))).toBeNull()
    expect(fitLine(points(1, 0, FEWEST_POINTS))).not.toBeNull()
  })
})

describe('rises', () => {
  it('sees a leak through the noise', () => {
    const given = points(10, 50)
    expect(rises(fitLine(given)!, given, 100)).toBe(true)
  })

  it('takes noise alone for no leak, whatever the seed', () => {
    const random = seededRandom(99)
    for (let run = 0; run < 50; run++) {
      const given = points(0, 50, 30, integerIn(random, 0, 1e9))
      expect(rises(fitLine(given)!, given, 10)).toBe(false)
    }
  })

  it('lets a certain but tiny slope pass', () => {
    const given = points(1, 0.1)
    expect(rises(fitLine(given)!, given, 28)).toBe(true)
    expect(rises(fitLine(given)!, given, 30)).toBe(false)
  })
})
