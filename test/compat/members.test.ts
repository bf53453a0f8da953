import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ROOT, run } from '../support/child.ts'

const isInstalled = existsSync(`${ROOT}test/integration/node_modules/@types/ws/index.d.ts`)
const isRequired = process.env['FRAMEWRIGHT_REQUIRE_ALL'] === '1'
if (!isInstalled) console.log('skipped the members of ws: run `npm ci --prefix test/integration` first')

describe('docs/ws-members.md', () => {
  it('has no member of ws without ours beside it, or a reason', () => {
    const table = readFileSync(`${ROOT}docs/ws-members.md`, 'utf8')
    expect(table.match(/^\| `/gm)?.length).toBeGreaterThan(90)
    expect(table).not.toContain('missing**')
  })

  it.skipIf(!isInstalled && !isRequired)(
    'is what the types say',
    async () => {
      const { code, stdout } = await run(process.execPath, ['scripts/ws-members.mjs'], { ms: 60_000 })
      expect(stdout).toBe(readFileSync(`${ROOT}docs/ws-members.md`, 'utf8'))
      expect(code).toBe(0)
    },
    70_000,
  )
})
