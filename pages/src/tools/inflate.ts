import type { InflateContext, Inflated } from '../../../src/inspector/annotate/index.ts'

/** What is wrong with the data; never leaves this file. */
class Corrupt extends Error {}
/** The data ends inside a block. */
class Ends extends Error {}
class TooLong extends Error {}

/** Most bytes that come out of a message: a page shows less. */
const MOST = 16 << 20
const WINDOW = 32 << 10
const TAIL = [0x00, 0x00, 0xff, 0xff]

/**
 * Inflates a message, RFC 1951 and RFC 7692 §7.2.2. The browser's DecompressionStream cannot: it takes no window of the
 * messages before, and calls everything behind a block with BFINAL 1 an error, which it is not (RFC 7692 §7.2.3.4).
 */
export function inflate(data: Uint8Array, { dictionary, isWhole, maxLength }: InflateContext): Inflated {
  if (dictionary === null) return undefined
  const input = new Uint8Array(data.length + (isWhole ? TAIL.length : 0))
  input.set(data)
  if (isWhole) input.set(TAIL, data.length)
  const output = new Output(dictionary, Math.min(maxLength, MOST))
  try {
    const bits = new Bits(input)
    while (bits.hasMore) {
      if (!block(bits, output)) continue
      output.forget()
      // Lenient, as connections are: a message may end with its final block, without the empty block behind it.
      if (bits.at === data.length) break
      // What is put behind a message ends the block that it ends with, and must not end its stream.
      if (bits.at > data.length) return 'corrupt'
    }
  } catch (error) {
    if (error instanceof TooLong) return maxLength > MOST ? undefined : 'too-long'
    if (error instanceof Corrupt) return 'corrupt'
    if (!(error instanceof Ends)) throw error
    if (isWhole) return 'corrupt'
  }
  const bytes = output.bytes
  return isWhole ? { bytes, window: output.window } : bytes
}

/** Bits of DEFLATE data, the least significant first. */
class Bits {
  readonly #data: Uint8Array
  #at = 0
  #held = 0
  #count = 0

  constructor(data: Uint8Array) {
    this.#data = data
  }

  /** How many bytes were begun. */
  get at(): number {
    return this.#at
  }

  get hasMore(): boolean {
    return this.#at < this.#data.length || this.#count > 0
  }

  take(count: number): number {
    while (this.#count < count) {
      if (this.#at === this.#data.length) throw new Ends()
      this.#held |= this.#data[this.#at++]! << this.#count
      this.#count += 8
    }
    const value = this.#held & ((1 << count) - 1)
    this.#held >>>= count
    this.#count -= count
    return value
  }

  /** Goes on at the next whole byte. */
  align(): void {
    this.#held = 0
    this.#count = 0
  }
}

/** What came out, behind the window that it may refer back to. */
class Output {
  #bytes: Uint8Array
  #length: number
  readonly #start: number
  /** What lies before this is forgotten. */
  #from = 0
  readonly #most: number

  constructor(dictionary: Uint8Array, most: number) {
    this.#bytes = new Uint8Array(dictionary.length + 1024)
    this.#bytes.set(dictionary)
    this.#length = dictionary.length
    this.#start = dictionary.length
    this.#most = most
  }

  get bytes(): Uint8Array {
    return this.#bytes.slice(this.#start, this.#length)
  }

  get window(): Uint8Array {
    return this.#bytes.slice(Math.max(this.#from, this.#length - WINDOW), this.#length)
  }

  /** A final block ends its stream: the next one starts with an empty window. */
  forget(): void {
    this.#from = this.#length
  }

  push(byte: number): void {
    if (this.#length - this.#start >= this.#most) throw new TooLong()
    if (this.#length === this.#bytes.length) {
      const grown = new Uint8Array(2 * this.#length)
      grown.set(this.#bytes)
      this.#bytes = grown
    }
    this.#bytes[this.#length++] = byte
  }

  copy(distance: number, length: number): void {
    if (distance > this.#length - this.#from || distance > WINDOW) throw new Corrupt()
    for (let i = 0; i < length; i++) this.push(this.#bytes[this.#length - distance]!)
  }
}

/** A canonical Huffman code: how many codes there are of each length, and their symbols in order. */
interface Code {
  readonly counts: Uint16Array
  readonly symbols: Uint16Array
}

/** @throws Corrupt when more codes are asked for than there are, or too few; one alone may be, unless it is for lengths */
function codeOf(lengths: readonly number[], isForLengths = false): Code {
  const counts = new Uint16Array(16)
  for (const length of lengths) counts[length]!++
  let left = 1
  for (let length = 1; length < 16; length++) {
    left = 2 * left - counts[length]!
    if (left < 0) throw new Corrupt()
  }
  const used = lengths.length - counts[0]!
  if (left > 0 && (isForLengths || used > 1 || (used === 1 && counts[1] !== 1))) throw new Corrupt()
  counts[0] = 0
  const next = new Uint16Array(16)
  for (let length = 1; length < 15; length++) next[length + 1] = next[length]! + counts[length]!
  const symbols = new Uint16Array(used)
  for (const [symbol, length] of lengths.entries()) if (length > 0) symbols[next[length]!++] = symbol
  return { counts, symbols }
}

function symbolOf(bits: Bits, { counts, symbols }: Code): number {
  let code = 0
  let first = 0
  let index = 0
  for (let length = 1; length < 16; length++) {
    code |= bits.take(1)
    const count = counts[length]!
    if (code - count < first) return symbols[index + code - first]!
    index += count
    // No longer code is left that these bits could begin.
    if (index === symbols.length) throw new Corrupt()
    first = (first + count) << 1
    code <<= 1
  }
  throw new Corrupt()
}

/** The tables of RFC 1951 §3.2.5: a base each, and how many extra bits follow. */
const lengthExtra = (symbol: number) => (symbol < 8 || symbol === 28 ? 0 : (symbol >> 2) - 1)
const distanceExtra = (symbol: number) => (symbol < 4 ? 0 : (symbol >> 1) - 1)
const LENGTHS = basesOf(29, 3, lengthExtra)
const DISTANCES = basesOf(30, 1, distanceExtra)
LENGTHS[28] = 258

function basesOf(count: number, first: number, extra: (symbol: number) => number): number[] {
  const bases: number[] = []
  for (let symbol = 0, base = first; symbol < count; symbol++) {
    bases.push(base)
    base += 1 << extra(symbol)
  }
  return bases
}

/** RFC 1951 §3.2.6. */
const fixedLengths = (symbol: number) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8)
const FIXED = {
  literals: codeOf(Array.from({ length: 288 }, (_, symbol) => fixedLengths(symbol))),
  distances: codeOf([...Array.from({ length: 30 }, () => 5), 5, 5]),
}
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

/** @returns whether it was the last of its stream */
function block(bits: Bits, output: Output): boolean {
  const isFinal = bits.take(1) === 1
  const type = bits.take(2)
  if (type === 3) throw new Corrupt()
  if (type === 0) stored(bits, output)
  else coded(bits, output, type === 1 ? FIXED : dynamic(bits))
  if (isFinal) bits.align()
  return isFinal
}

function stored(bits: Bits, output: Output): void {
  bits.align()
  const length = bits.take(16)
  if (length !== (~bits.take(16) & 0xffff)) throw new Corrupt()
  for (let i = 0; i < length; i++) output.push(bits.take(8))
}

function dynamic(bits: Bits): { literals: Code; distances: Code } {
  const literals = bits.take(5) + 257
  const distances = bits.take(5) + 1
  const count = bits.take(4) + 4
  if (literals > 286 || distances > 30) throw new Corrupt()
  const lengths = new Array<number>(19).fill(0)
  for (const at of ORDER.slice(0, count)) lengths[at] = bits.take(3)
  const code = codeOf(lengths, true)
  const all: number[] = []
  while (all.length < literals + distances) {
    const symbol = symbolOf(bits, code)
    if (symbol < 16) {
      all.push(symbol)
      continue
    }
    const last = all.at(-1)
    if (symbol === 16 && last === undefined) throw new Corrupt()
    const times = symbol === 16 ? 3 + bits.take(2) : symbol === 17 ? 3 + bits.take(3) : 11 + bits.take(7)
    for (let i = 0; i < times; i++) all.push(symbol === 16 ? last! : 0)
  }
  if (all.length > literals + distances || all[256] === 0) throw new Corrupt()
  return { literals: codeOf(all.slice(0, literals)), distances: codeOf(all.slice(literals)) }
}

function coded(bits: Bits, output: Output, { literals, distances }: { literals: Code; distances: Code }): void {
  for (;;) {
    const symbol = symbolOf(bits, literals)
    if (symbol === 256) return
    if (symbol < 256) {
      output.push(symbol)
      continue
    }
    if (symbol > 285) throw new Corrupt()
    const length = LENGTHS[symbol - 257]! + bits.take(lengthExtra(symbol - 257))
    const from = symbolOf(bits, distances)
    if (from > 29) throw new Corrupt()
    output.copy(DISTANCES[from]! + bits.take(distanceExtra(from)), length)
  }
}
