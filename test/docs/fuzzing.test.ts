import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { TARGETS } from '../fuzz/corpus.ts'
import { compare, DIFFERENCES } from '../fuzz/targets/frames-beside-ws.ts'
import { BROKEN } from '../simulation/doubles.ts'
import { PAIRS } from '../simulation/endings.ts'
import { Invariant } from '../simulation/invariants.ts'
import { ROOT } from '../support/child.ts'
import { clientFrame } from '../support/client-frames.ts'
import { hex } from '../support/hex.ts'

const page = readFileSync(`${ROOT}docs/fuzzing.md`, 'utf8')

/** The rows of the first table with these columns. */
function tableOf(...columns: string[]): string[][] {
  const lines = page.split('\n')
  const head = lines.indexOf(`| ${columns.join(' | ')} |`)
  if (head < 0) throw new Error(`no table of ${columns.join(', ')}`)
  const end = lines.indexOf('', head)
  return lines.slice(head + 2, end).map((line) => line.slice(2, -2).split(' | '))
}

describe('docs/fuzzing.md', () => {
  it('has every fuzz target', () => {
    const named = tableOf('target', 'is held against').flatMap(([target]) => target!.split(', '))
    expect(named.map((name) => name.replaceAll('`', '')).sort()).toEqual([...TARGETS].sort())
  })

  it('has the differences from ws that the fuzzing allows, and no other', () => {
    expect(tableOf('rule', 'ours', 'ws')).toEqual(DIFFERENCES.map(({ rule, ours, ws }) => [rule, ours, ws]))
  })

  it('names requirements that there are', () => {
    const ids = readFileSync(`${ROOT}docs/rfc/requirements.tsv`, 'utf8')
      .split('\n')
      .map((line) => line.split('\t')[0])
    expect(DIFFERENCES.filter(({ rule }) => !ids.includes(rule))).toEqual([])
  })

  it('has the invariants of the simulation', () => {
    expect(tableOf('invariant', 'faults that break it').map(([name]) => name)).toEqual(Object.values(Invariant))
  })

  it('has, for each invariant, the broken pieces that show it is looked at', () => {
    const faultsOf = (invariant: Invariant): string =>
      BROKEN.filter(({ breaks }) => breaks[0] === invariant)
        .map(({ name }) => name)
        .join('; ')
    for (const [name, faults] of tableOf('invariant', 'faults that break it')) {
      expect(faults, name).toBe(faultsOf(name as Invariant))
      expect(faults, name).not.toBe('')
    }
  })

  it('has the table of endings', () => {
    expect(tableOf('ending', 'why')).toEqual(PAIRS.map(({ name, why }) => [name, why]))
  })
})

describe('each difference from ws', () => {
  /** Streams of which the two make something different. Two bytes of a Close frame's mask and all of its body are missing. */
  const examples: Readonly<Record<string, readonly Uint8Array[]>> = {
    '6455-5.2-6': [hex('82 fe 00 01 00 00 00 00 61')],
    '6455-8.1-1': [clientFrame({ opcode: 1, payload: hex('ff'), fin: false })],
    '6455-5.5.1-2': [hex('88 81 37 fa')],
  }

  it.each(DIFFERENCES)('is one, and is let pass: $rule', ({ rule }) => {
    for (const example of examples[rule]!) {
      // Three bytes at the end say where the input is cut: nowhere.
      const input = Buffer.concat([example, hex('00 00 00')])
      const others = DIFFERENCES.filter((difference) => difference.rule !== rule)
      expect(() => compare(Uint8Array.from(input), others)).toThrow(rule)
      expect(() => compare(Uint8Array.from(input), DIFFERENCES)).not.toThrow()
    }
  })
})
