import { isUtf8 } from 'node:buffer'
import { decodeUtf8, isValidUtf8 } from '../src/frames/bytes.ts'
import type { Bench, Row, Settings, Table } from './support/bench.ts'
import { type Contender, compare } from './support/compare.ts'

const OURS = 'framewright'
const CALLS = 200

const TEXTS: ReadonlyArray<readonly [name: string, unit: string]> = [
  ['ASCII', 'a'],
  ['worst UTF-8', 'aß€🦀'],
]

type Work = (bytes: Buffer, start: number, end: number) => unknown

/** Judging and decoding of text that lies somewhere in a buffer. */
export const bench: Bench = {
  about: 'judging and decoding UTF-8',
  async run(settings) {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    return [
      await table(settings, 'Judge UTF-8', [
        [OURS, isValidUtf8],
        ['isUtf8', (bytes, start, end) => isUtf8(bytes.subarray(start, end))],
      ]),
      await table(settings, 'Decode UTF-8 that was judged', [
        [OURS, decodeUtf8],
        ['toString', (bytes, start, end) => bytes.toString('utf8', start, end)],
        ['TextDecoder', (bytes, start, end) => decoder.decode(bytes.subarray(start, end))],
      ]),
    ]
  },
}

async function table(
  settings: Settings,
  title: string,
  works: ReadonlyArray<readonly [name: string, work: Work]>,
): Promise<Table> {
  const rows: Row[] = []
  for (const [name, unit] of TEXTS) {
    for (const length of [16, 64, 125, 1024, 16_384]) {
      const cell = `${length} B ${name}`
      if (!cell.includes(settings.cell)) continue
      const contenders = works.map(([contender, work]) => ({
        name: contender,
        prepare: () => prepare(work, unit, length),
      }))
      rows.push(await compare(settings, cell, OURS, CALLS, contenders satisfies Contender[]))
    }
  }
  return { title, unit: 'ns', ours: OURS, rows }
}

function prepare(work: Work, unit: string, length: number): () => void {
  const text = unit.repeat(Math.floor(length / Buffer.byteLength(unit)))
  const bytes = Buffer.alloc(length + 8, 0x20)
  const end = 3 + bytes.write(text, 3)
  const answer = work(bytes, 3, end)
  if (answer !== true && answer !== text) throw new Error('a wrong answer')
  return () => {
    for (let i = 0; i < CALLS; i++) work(bytes, 3, end)
  }
}
