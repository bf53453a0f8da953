import { createHash } from 'node:crypto'
import { loadCorpus, type Stream } from './corpus/load.mjs'
import { ownParser } from './peers/own-parser.ts'
import { allParsers, type ParserContender } from './peers/parsers.ts'
import type { Bench, Row, Settings, Table } from './support/bench.ts'
import { type Contender, compare } from './support/compare.ts'
import { copyPair } from './support/copy-pair.ts'

const OURS = 'framewright'

/** How a stream is cut into chunks. */
interface Cut {
  readonly name: string
  readonly streams: readonly string[]
  chunks(stream: Stream): number[]
  /** Contenders that cannot read it. */
  readonly without: readonly string[]
}

const CUTS: readonly Cut[] = [
  {
    name: 'coalesced in one chunk',
    streams: [
      '16 B',
      '125 B',
      '1 KiB',
      '16 KiB',
      '1 MiB',
      '16 B text',
      '125 B text',
      '1 KiB text',
      '1 KiB worst UTF-8',
    ],
    chunks: ({ bytes }) => [bytes.length],
    without: [],
  },
  {
    name: 'cut at random, 1 to 4 frames apart',
    streams: ['16 B', '125 B', '1 KiB', '16 KiB'],
    chunks: ({ bytes, frames }) => randomCuts(bytes.length, (4 * bytes.length) / frames),
    without: ['tight loop'],
  },
  {
    name: 'in reads of 64 KiB',
    streams: ['1 MiB'],
    chunks: ({ bytes }) => equalCuts(bytes.length, 65_536),
    without: ['tight loop'],
  },
  {
    name: 'one byte in a chunk',
    streams: ['16 B', '1 KiB'],
    chunks: ({ bytes }) => equalCuts(bytes.length, 1),
    without: ['tight loop'],
  },
  {
    name: 'hostile but legal, coalesced',
    streams: ['1 B fragments', 'empty fragments', 'pings'],
    chunks: ({ bytes }) => [bytes.length],
    without: ['tight loop', 'websocket'],
  },
]

/** Reading of masked frames, whole and cut, against other parsers. */
export const bench: Bench = {
  about: 'reading masked frames, against other parsers',
  async run(given) {
    const streams = new Map(loadCorpus().map((stream) => [stream.name, stream]))
    const own = given.parser === '' ? [] : [await ownParser(given.parser)]
    const parsers = [...allParsers(), ...own]
    // Whoever brings a parser wants to see it.
    const against = given.against.length === 0 ? [] : [...given.against, ...own.map(({ name }) => name)]
    const settings: Settings = { ...given, against }
    const tables: Table[] = []
    for (const cut of CUTS) {
      const rows: Row[] = []
      for (const name of cut.streams) {
        if (`${name} ${cut.name}`.includes(settings.cell))
          rows.push(await cell(settings, streams.get(name)!, cut, parsers))
      }
      if (rows.length > 0) tables.push({ title: `Parse, ${cut.name}`, unit: 'ns per frame', ours: OURS, rows })
    }
    return tables
  },
}

function cell(settings: Settings, stream: Stream, cut: Cut, parsers: readonly ParserContender[]): Promise<Row> {
  const contenders = parsers
    .filter(({ name }) => !cut.without.includes(name))
    .map((parser): Contender => ({ name: parser.name, prepare: () => prepare(parser, stream, cut) }))
  return compare(settings, stream.name, OURS, stream.frames, [...contenders, memcpy(stream, cut)])
}

/**
 * Every chunk is copied to its place before it is parsed, for everybody, as the system does when a socket is read; the
 * contender `memcpy` does nothing else. So parsers that unmask in place find masked bytes each time. The place is the one
 * where the sockets of that library read to.
 */
function prepare(parser: ParserContender, stream: Stream, cut: Cut): () => void {
  const { sources, places } = readsOf(parser, stream, cut.chunks(stream))
  check(parser, stream, cut)
  let count = 0
  const parse = parser.make(() => {
    count++
  })
  return () => {
    for (let i = 0; i < sources.length; i++) {
      const source = sources[i]!
      const place = places[i]!
      place.set(source)
      parse(place, source.length)
    }
    if (count !== stream.messages) throw new Error(`${parser.name} read ${count} messages of ${stream.messages}`)
    count = 0
  }
}

/** What is read, and where to; chunks have places of their own where one is longer than the read buffer. */
function readsOf(parser: ParserContender, stream: Stream, lengths: readonly number[]) {
  const pristine = parser.unmasked ? withoutMasks(stream.bytes) : Buffer.from(stream.bytes)
  const { source, target } = copyPair(pristine)
  const { readBuffer } = parser
  if (readBuffer === undefined || lengths.some((length) => length > readBuffer.length)) {
    return { sources: slice(source, lengths), places: slice(target, lengths) }
  }
  const place = readBuffer as Buffer
  // Like the pair: not at the same place of a page.
  target.set(source)
  const sources = slice(target, lengths)
  return { sources, places: sources.map(() => place) }
}

function memcpy(stream: Stream, cut: Cut): Contender {
  const lengths = cut.chunks(stream)
  const { source, target } = copyPair(stream.bytes)
  const sources = slice(source, lengths)
  const chunks = slice(target, lengths)
  return {
    name: 'memcpy',
    prepare: () => () => {
      for (let i = 0; i < chunks.length; i++) chunks[i]!.set(sources[i]!)
    },
  }
}

/** @throws when the parser does not read what was written */
function check(parser: ParserContender, stream: Stream, cut: Cut): void {
  const bytes = parser.unmasked ? withoutMasks(stream.bytes) : Buffer.from(stream.bytes)
  const hash = createHash('sha256')
  let length = 0
  let messages = 0
  const parse = parser.make((payload, start, end) => {
    messages++
    length += end - start
    hash.update(payload.subarray(start, end))
  })
  for (const chunk of slice(bytes, cut.chunks(stream))) parse(chunk, chunk.length)
  if (messages !== stream.messages) throw new Error(`${parser.name} read ${messages} messages of ${stream.messages}`)
  // Where payload is handed on in pieces only the count is to be had.
  if (length === stream.payloadBytes && hash.digest('hex') !== payloadHash(stream.bytes)) {
    throw new Error(`${parser.name} read other bytes than were written`)
  }
}

function payloadHash(bytes: Uint8Array): string {
  const hash = createHash('sha256')
  forEachFrame(Buffer.from(bytes), (frame, header) => {
    const isControl = (frame[0]! & 0x08) !== 0
    if (!isControl) hash.update(unmasked(frame, header))
  })
  return hash.digest('hex')
}

function withoutMasks(bytes: Uint8Array): Buffer {
  const frames: Buffer[] = []
  forEachFrame(Buffer.from(bytes), (frame, header) => {
    const head = Buffer.from(frame.subarray(0, header - 4))
    head[1]! &= 0x7f
    frames.push(head, unmasked(frame, header))
  })
  return Buffer.concat(frames)
}

function unmasked(frame: Buffer, header: number): Buffer {
  return Buffer.from(frame.subarray(header).map((byte, i) => byte ^ frame[header - 4 + (i & 3)]!))
}

function forEachFrame(bytes: Buffer, use: (frame: Buffer, header: number) => void): void {
  for (let at = 0; at < bytes.length; ) {
    const short = bytes[at + 1]! & 0x7f
    const header = short === 127 ? 14 : short === 126 ? 8 : 6
    const length = short === 127 ? bytes.readUInt32BE(at + 6) : short === 126 ? bytes.readUInt16BE(at + 2) : short
    use(bytes.subarray(at, at + header + length), header)
    at += header + length
  }
}

function slice(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  let at = 0
  for (const length of lengths) {
    if (at < bytes.length) chunks.push(bytes.subarray(at, at + length))
    at += length
  }
  if (at < bytes.length) chunks.push(bytes.subarray(at))
  return chunks
}

function equalCuts(total: number, length: number): number[] {
  return Array(Math.ceil(total / length)).fill(length)
}

/** The same cuts in each run. */
function randomCuts(total: number, most: number): number[] {
  const lengths: number[] = []
  let state = 0x2545_f491
  for (let sum = 0; sum < total; sum += lengths.at(-1)!) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    lengths.push(1 + ((state >>> 0) % Math.floor(most)))
  }
  return lengths
}
