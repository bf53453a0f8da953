const { EFFORT } = process.env

/**
 * How much of the work that can be done more or less often is done: `EFFORT=1`, as in CI and `npm run test:all`, is all that
 * a test asks for; without it, as in `npm test`, a tenth; `EFFORT=100` is for a night.
 *
 * It scales the runs of properties (`fcOptions`), the steps of sweeps (`sweepStep`), and the cuts
 * and the longest messages of the wire suite (`test/conformance`).
 */
export const effort = EFFORT === undefined ? 0.1 : Number(EFFORT)

if (!(effort > 0)) throw new Error(`EFFORT is "${EFFORT}"; it is a number above 0, and 1 is all that the tests ask for`)
