/** A number from 0 up to, not including, 1; like `Math.random`, but the same seed gives the same numbers. */
export type Random = () => number

/** The generator mulberry32. @param seed - any integer; its low 32 bits count */
export function seededRandom(seed: number): Random {
  let state = mix(seed)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let word = Math.imul(state ^ (state >>> 15), state | 1)
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61)
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A seed of its own for the part `index` of what `seed` plays, so that the parts do not depend on each other's order. */
export function subSeed(seed: number, index: number): number {
  return mix(mix(seed) ^ Math.imul(index + 1, 0x9e3779b1))
}

/** An integer from `from` to `to`, both included. */
export function integerIn(random: Random, from: number, to: number): number {
  return from + Math.floor(random() * (to - from + 1))
}

function mix(seed: number): number {
  let word = Math.imul(seed ^ (seed >>> 16), 0x85ebca6b)
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35)
  return (word ^ (word >>> 16)) | 0
}
