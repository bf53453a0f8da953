import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ROOT, run } from '../support/child.ts'

const REPORT = 'docs/api/framewright-a.api.md'

let project: string

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'framewright-api-'))
  mkdirSync(join(project, 'src'))
  mkdirSync(join(project, 'docs'))
  symlinkSync(join(ROOT, 'node_modules'), join(project, 'node_modules'))
  for (const name of ['tsconfig.json', 'tsconfig.build.json']) put(name, readFileSync(join(ROOT, name), 'utf8'))
  const exports = { './a': { types: './dist/a.d.ts', default: './dist/a.js' }, './package.json': './package.json' }
  put('package.json', JSON.stringify({ name: 'framewright', version: '1.0.0', type: 'module', exports }))
  put('src/b.ts', '/** Something. */\nexport interface Thing {\n  readonly size: number\n}\n')
  put('src/a.ts', "import type { Thing } from './b.ts'\nexport const f = (thing: Thing): number => thing.size\n")
})

afterEach(() => {
  rmSync(project, { recursive: true, force: true })
})

function put(name: string, text: string): void {
  writeFileSync(join(project, name), text)
}

async function api(...args: string[]) {
  return await run(process.execPath, ['scripts/api.mjs', '--root', project, ...args], { ms: 100_000 })
}

describe('npm run api', () => {
  it('writes a report per entry point, and --check is content with it', async () => {
    expect(await api()).toMatchObject({ code: 0, stderr: '' })
    expect(readdirSync(join(project, 'docs/api'))).toEqual(['framewright-a.api.md'])
    const report = readFileSync(join(project, REPORT), 'utf8')
    expect(report).toContain('export const f: (thing: Thing) => number;')
    // What is reachable without having a name outside belongs to the surface too.
    expect(report).toContain('readonly size: number;')
    expect(await api('--check')).toMatchObject({ code: 0, stderr: '' })
  }, 240_000)

  it('fails with --check when a type behind the surface changes, shows how, and names the command that accepts it', async () => {
    await api()
    put('src/b.ts', '/** Something. */\nexport interface Thing {\n  readonly size: number | bigint\n}\n')
    put(
      'src/a.ts',
      "import type { Thing } from './b.ts'\nexport const f = (thing: Thing): bigint => BigInt(thing.size)\n",
    )
    const before = readFileSync(join(project, REPORT), 'utf8')
    const { code, stdout, stderr } = await api('--check')
    expect(code).toBe(1)
    expect(stdout).toContain('-    readonly size: number;\n+    readonly size: number | bigint;')
    expect(stderr).toContain('`npm run api` accepts it')
    expect(readFileSync(join(project, REPORT), 'utf8')).toBe(before)
  }, 240_000)

  it('fails with --check when a report is of no entry point, and takes it away without', async () => {
    await api()
    put('docs/api/gone.api.md', '')
    expect(await api('--check')).toMatchObject({
      code: 1,
      stdout: 'docs/api/gone.api.md is the report of no entry point\n',
    })
    await api()
    expect(readdirSync(join(project, 'docs/api'))).toEqual(['framewright-a.api.md'])
  }, 240_000)
})
