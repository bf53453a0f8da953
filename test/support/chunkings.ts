import { sweepStep } from './sweep.ts'

/** One way in which TCP may deliver a stream: the chunks, and a name for the failure message. */
export interface Chunking {
  readonly name: string
  readonly chunks: readonly Uint8Array[]
}

/**
 * The cuts every byte fixture is run through: whole, byte by byte, every two-way split.
 *
 * Each chunk is a copy, so that a receiver that writes into its input (unmasking in place) cannot spoil the next case.
 */
export function chunkings(bytes: Uint8Array): Chunking[] {
  const all: Chunking[] = [
    { name: 'whole', chunks: [bytes.slice()] },
    { name: 'byte by byte', chunks: Array.from(bytes, (byte) => Uint8Array.of(byte)) },
  ]
  for (let cut = 1; cut < bytes.length; cut += sweepStep(5)) {
    all.push({ name: `cut at ${cut}`, chunks: [bytes.slice(0, cut), bytes.slice(cut)] })
  }
  return all
}

/** As {@link chunkings}, with bytes of a next thing glued to the end: a receiver must neither eat nor wait for them. */
export function chunkingsWithTrailing(bytes: Uint8Array, trailing: Uint8Array): Chunking[] {
  return chunkings(concat(bytes, trailing)).map(({ name, chunks }) => ({
    name: `${name}, with trailing bytes`,
    chunks,
  }))
}

/** One new array with the bytes of all parts. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

/** One cut: the bytes in pieces that end at the given positions; positions may repeat (empty chunks) and lie anywhere. */
export function cutAt(bytes: Uint8Array, positions: readonly number[]): Uint8Array[] {
  const ends = positions.map((position) => Math.min(position, bytes.length)).sort((a, b) => a - b)
  return [...ends, bytes.length].map((end, i) => bytes.slice(i === 0 ? 0 : ends[i - 1], end))
}
