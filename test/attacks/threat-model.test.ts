import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const HERE = new URL('./', import.meta.url)
/** The ids of security reference and threat tables: attacks by what they aim at, and ways to deny service. */
const ID = /\b(?:S-[A-Z]\d{2}|D\d{2})\b/g

function idsIn(text: string): string[] {
  return [...new Set(text.match(ID) ?? [])].sort()
}

/** The ids of the rows that the suite has: those of a `row`, and those in front of the title of another test. */
const tested = idsIn(
  readdirSync(HERE)
    .filter((file) => file.endsWith('.test.ts') && file !== 'threat-model.test.ts')
    .map((file) => readFileSync(new URL(file, HERE), 'utf8'))
    .flatMap((source) => [...source.matchAll(/\bids: \[[^\]]*\]|\bit\([`'][SD][^:]*:/g)])
    .join('\n'),
)

function document(name: string): string {
  return readFileSync(new URL(`../../docs/${name}`, HERE), 'utf8')
}

function rowsOf(name: string): string {
  return document(name)
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .join('\n')
}

describe('the threat model', () => {
  it('names no attack without a test, and every test has its threat', () => {
    // Drafts before RFC 6455 are no threat of their own: they are one more wrong version.
    expect(tested).toEqual([...idsIn(rowsOf('threat-model.md')), 'S-F07'].sort())
  })

  it('leaves out none of the reference', () => {
    const counts = { 'S-H': 25, 'S-F': 13, 'S-G': 6, 'S-Z': 5, 'S-C': 9, D: 32 }
    const all = Object.entries(counts).flatMap(([name, count]) =>
      Array.from({ length: count }, (_, i) => `${name}${String(i + 1).padStart(2, '0')}`),
    )
    expect(idsIn(document('threat-model.md'))).toEqual(all.sort())
  })

  it('stands behind every limit', () => {
    expect(idsIn(document('limits.md')).filter((id) => !tested.includes(id))).toEqual([])
  })

  it('has every attack of the suite in the table of what holds', () => {
    expect(idsIn(rowsOf('attack-table.md'))).toEqual(tested)
  })
})
