import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { violations } from '../../src/frames/violation.ts'
import { requirementOf } from '../../src/inspector/annotate/requirement.ts'
import { ROOT } from '../support/child.ts'

const rows = new Map(
  readFileSync(`${ROOT}docs/rfc/requirements.tsv`, 'utf8')
    .trimEnd()
    .split('\n')
    .map((row) => [row.split('\t')[0]!, row.split('\t')] as const),
)

describe('the requirements that annotations name', () => {
  it('are made of the table, and current', () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/requirements-module.mjs', '--check'], {
      cwd: ROOT,
    })
    expect([status, String(stderr)]).toEqual([0, ''])
  })

  it.each(Object.entries(violations))('have that of %s, with its level and words', (_name, { id }) => {
    expect(requirementOf(id)).toEqual({ id, level: rows.get(id)![3], text: rows.get(id)![6] })
  })
})
