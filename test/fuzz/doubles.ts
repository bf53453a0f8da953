/*
 * A broken piece, to see whether fuzzing notices: put into every new inflater from outside, as it once was in `src/`.
 */
import { deflateMemory } from '../../src/extensions/permessage-deflate/memory.ts'
import type { Inflater } from '../../src/extensions/permessage-deflate/state.ts'

/** Bytes of the shortest DEFLATE stream. */
const SHORTEST = 2

/** From now on a job of another thread ends with each stream, however short. @returns what undoes it */
export function inflateStreamByStream(): () => void {
  const kind = deflateMemory.inflaters(15)
  const { make } = kind
  Object.defineProperty(kind, 'make', { value: () => streamByStream(make()), configurable: true })
  kind.idle.length = 0
  return () => {
    Object.defineProperty(kind, 'make', { value: make, configurable: true })
    kind.idle.length = 0
  }
}

function streamByStream(inflater: Inflater): Inflater {
  const writeLater = inflater.writeLater.bind(inflater)
  inflater.writeLater = (input, start, end, output, room, done) => {
    const next = Math.min(start + SHORTEST, end)
    writeLater(input, start, next, output, room, (byteCount) => {
      if (next < end && byteCount === 0) inflater.writeLater(input, next, end, output, room, done)
      else done(byteCount)
    })
  }
  return inflater
}
