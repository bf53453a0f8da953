import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const HERE = new URL('./', import.meta.url)
const ID = /\b(?:S-[HFGC]\d{2}|D\d{2})\b/g

function idsIn(text: string): string[] {
  return [...new Set(text.match(ID) ?? [])]
}

/** The ids of the rows that the suite has. */
const tested = new Set(
  readdirSync(HERE)
    .filter((file) => file.endsWith('.test.ts'))
    .flatMap((file) => readFileSync(new URL(file, HERE), 'utf8').split('\n'))
    .filter((line) => /\bids: \[|\bit\([`']D\d|^ {4,}(?:title|`?D\d)/.test(line))
    .flatMap(idsIn),
)

function document(name: string): string {
  return readFileSync(new URL(`../../docs/${name}`, HERE), 'utf8')
}

describe('the threat model', () => {
  it('names no attack without a test, and every test has its threat', () => {
    const rows = document('threat-model.md')
      .split('\n')
      .filter((line) => line.startsWith('|'))
    // Drafts before RFC 6455 are no threat of their own: they are one more wrong version.
    const named = [...idsIn(rows.join('\n')), 'S-F07'].sort()
    expect([...tested].sort()).toEqual(named)
  })

  it('stands behind every limit', () => {
    const unknown = idsIn(document('limits.md')).filter((id) => !tested.has(id))
    expect(unknown).toEqual([])
  })
})
