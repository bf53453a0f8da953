import { type Range, redactHead } from './redact.ts'

/** Bytes of a head that is longer are let through as they are cut: no head is as long. */
const LONGEST = 64 << 10

/** What the gate lets through: a chunk as it came, its secrets replaced. */
export interface Chunk {
  readonly bytes: Uint8Array
  readonly atMs: number
}

/**
 * Holds the chunks of a head until it is whole, so that a secret which was cut by TCP is still one, and lets them through in
 * the same cuts. What comes behind the head is not held.
 */
export class HeadGate {
  readonly #redacts: boolean
  #held: Chunk[] = []
  #length = 0
  #isOpen = false
  /** Length of the head; -1 before it is whole, or when there was none. */
  headLength = -1
  /** Where its secrets stood. */
  redacted: readonly Range[] = []

  constructor(redacts: boolean) {
    this.#redacts = redacts
  }

  /** @returns what can be shown now */
  push(chunk: Chunk): readonly Chunk[] {
    if (this.#isOpen) return [chunk]
    this.#held.push(chunk)
    this.#length += chunk.bytes.length
    const joined = this.#joined()
    this.headLength = endOfHead(joined)
    if (this.headLength < 0 && this.#length < LONGEST) return []
    return this.#open(joined)
  }

  /** No more bytes come. @returns what was held */
  end(): readonly Chunk[] {
    return this.#isOpen ? [] : this.#open(this.#joined())
  }

  #joined(): Uint8Array {
    const joined = new Uint8Array(this.#length)
    let at = 0
    for (const { bytes } of this.#held) {
      joined.set(bytes, at)
      at += bytes.length
    }
    return joined
  }

  #open(joined: Uint8Array): readonly Chunk[] {
    this.#isOpen = true
    if (this.#redacts)
      this.redacted = redactHead(joined.subarray(0, this.headLength < 0 ? this.#length : this.headLength))
    let at = 0
    const chunks = this.#held.map(({ bytes, atMs }) => {
      const start = at
      at += bytes.length
      return { bytes: joined.subarray(start, at), atMs }
    })
    this.#held = []
    return chunks
  }
}

/** @returns the offset behind the empty line, of CR LF or LF alone; -1: there is none yet */
function endOfHead(bytes: Uint8Array): number {
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== 0x0a) continue
    const next = bytes[i + 1] === 0x0d ? i + 2 : i + 1
    if (bytes[next] === 0x0a) return next + 1
  }
  return -1
}
