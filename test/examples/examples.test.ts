import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { Child, ROOT, run } from '../support/child.ts'
import { within } from '../support/deadline.ts'
import { findProgram, itWith, PACKAGES } from '../support/programs.ts'

/*
 * The examples import `framewright`, `express` and `fastify` by their names. So they run in a folder where these names lead
 * to a fresh build, and to the packages of test/integration.
 */
const EXAMPLES = [
  { name: 'plain-http', path: '/chat', hasPage: true, needsPackages: false },
  { name: 'raw-net', path: '/', hasPage: false, needsPackages: false },
  { name: 'express', path: '/ws', hasPage: true, needsPackages: true },
  { name: 'fastify', path: '/ws', hasPage: true, needsPackages: true },
]

let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'framewright-examples-'))
  cpSync(join(ROOT, 'examples'), folder, { recursive: true })
  // The package imports itself by its own name, through `exports` in package.json.
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'))
  if (findProgram('test/integration') !== undefined) symlinkSync(PACKAGES, join(folder, 'node_modules'))
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const args = [tsc, '-p', join(ROOT, 'tsconfig.build.json'), '--outDir', join(folder, 'dist')]
  expect(await run(process.execPath, args, { ms: 600_000 })).toMatchObject({ code: 0 })
}, 620_000)

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

describe('examples/', () => {
  for (const { name, path, hasPage, needsPackages } of EXAMPLES) {
    const sendsBack = async (): Promise<void> => {
      await using child = new Child(process.execPath, [join(folder, `${name}.mjs`), '0'], { cwd: folder })
      const [, port] = await child.printed(/listening on (\d+)\n/, 30_000)
      const ws = new WebSocket(`ws://localhost:${port}${path}`)
      await within(once(ws, 'open'), 'the connection to open')
      const answer = within(once(ws, 'message'), 'the answer')
      ws.send('grüße')
      expect(String((await answer)[0])).toBe('grüße')
      if (hasPage) {
        expect(await (await fetch(`http://localhost:${port}/`)).text()).toBe('a page\n')
        const elsewhere = new WebSocket(`ws://localhost:${port}/elsewhere`)
        elsewhere.on('error', () => {})
        const [, { statusCode }] = await within(once(elsewhere, 'unexpected-response'), 'the refusal')
        expect(statusCode).toBeGreaterThanOrEqual(400)
        elsewhere.terminate()
      }
      const closed = within(once(ws, 'close'), 'the close')
      ws.close(1000, 'done')
      expect((await closed)[0]).toBe(1000)
    }
    const title = `${name}.mjs sends a message back`
    if (needsPackages) itWith('test/integration', title, sendsBack)
    else it(title, sendsBack)
  }

  itWith('test/integration', 'fastify.mjs closes its connections when it is told to end', async () => {
    await using child = new Child(process.execPath, [join(folder, 'fastify.mjs'), '0'], { cwd: folder })
    const [, port] = await child.printed(/listening on (\d+)\n/, 30_000)
    const ws = new WebSocket(`ws://localhost:${port}/ws`)
    await within(once(ws, 'open'), 'the connection to open')
    const closed = within(once(ws, 'close'), 'the close')
    child.kill('SIGTERM')
    expect((await closed)[0]).toBe(1001)
    expect(await child.ended()).toMatchObject({ code: 0, stderr: '' })
  })
})
