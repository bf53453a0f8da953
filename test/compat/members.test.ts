import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ROOT, run } from '../support/child.ts'
import { itWith } from '../support/programs.ts'

describe('docs/ws-members.md', () => {
  it('has no member of ws without ours beside it, or a reason', () => {
    const table = readFileSync(`${ROOT}docs/ws-members.md`, 'utf8')
    expect(table.match(/^\| `/gm)?.length).toBeGreaterThan(90)
    expect(table).not.toContain('missing**')
  })

  itWith(
    'test/integration',
    'is what the types say',
    async () => {
      const { code, stdout } = await run(process.execPath, ['scripts/ws-members.mjs'], { ms: 60_000 })
      expect(stdout).toBe(readFileSync(`${ROOT}docs/ws-members.md`, 'utf8'))
      expect(code).toBe(0)
    },
    70_000,
  )
})
