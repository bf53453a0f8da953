import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { Child, ROOT } from './support/child.ts'
import { launchChromium, openPage } from './support/chromium.ts'
import { within } from './support/deadline.ts'
import { describeWith } from './support/programs.ts'
import { readmeBlock, readmeBlocks } from './support/readme.ts'

const readme = readFileSync(`${ROOT}README.md`, 'utf8')

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'framewright-readme-'))
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** Replace exactly one occurrence, so that a README that says something else does not go untested unnoticed. */
function replaceOne(code: string, from: string, to: string): string {
  const parts = code.split(from)
  if (parts.length !== 2)
    throw new Error(`${JSON.stringify(from)} occurs ${parts.length - 1} times, not once, in:\n${code}`)
  return parts.join(to)
}

/** Run the server of the README: as it stands, but from source and on a free port. */
async function startReadmeServer(): Promise<{ child: Child; port: number }> {
  const sources = pathToFileURL(`${ROOT}src/index.ts`).href
  const code = replaceOne(replaceOne(readmeBlock('js'), "'framewright'", `'${sources}'`), 'port: 8080', 'port: 0')
  const file = join(folder, 'server.mjs')
  writeFileSync(file, code)
  const child = new Child(process.execPath, ['--import', 'tsx', file])
  const [, port] = await child.printed(/port: (\d+)/, 30_000)
  return { child, port: Number(port) }
}

describe('README.md', () => {
  it('starts with the two commands', () => {
    const [first] = readmeBlocks()
    expect(first?.language).toBe('sh')
    expect(first?.code.split('\n').map((line) => line.replace(/\s*#.*/, ''))).toEqual([
      'npm ci && npm start',
      'npm ci && npm test',
      '',
    ])
  })

  it('names only scripts that package.json has', () => {
    const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { scripts: Record<string, string> }
    const named = [...readme.matchAll(/npm (?:run ([\w:-]+)|(start|test)\b)/g)].map((match) => match[1] ?? match[2])
    expect(named.filter((name) => !(name! in scripts))).toEqual([])
    expect(named).toContain('start')
  })

  it('links only to files that exist', () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/g)].map((match) => match[1]!)
    expect(links.length).toBeGreaterThan(0)
    expect(links.filter((link) => !existsSync(ROOT + link))).toEqual([])
  })

  it.each(['js', 'html'])('shows %s of ten lines', (language) => {
    expect(readmeBlock(language).trimEnd().split('\n')).toHaveLength(10)
  })

  it('shows a server that echoes text as text and binary as binary', async () => {
    const { child, port } = await startReadmeServer()
    await using _ = child
    const ws = new WebSocket(`ws://127.0.0.1:${port}`)
    await within(once(ws, 'open'), 'the connection to open')
    for (const [sent, isBinary] of [
      ['grüße', false],
      [Buffer.from([0, 255]), true],
    ] as const) {
      const answer = within(once(ws, 'message'), 'the echo')
      ws.send(sent)
      expect(await answer).toEqual([Buffer.from(sent), isBinary])
    }
    ws.close(4000, 'enough')
    await child.printed(/closed with 4000 enough\n/)
  })
})

describeWith('chromium', 'the page of README.md', () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await launchChromium()
  })

  afterAll(async () => {
    await browser?.close()
  })

  it('talks to the server of README.md when opened as a file', async () => {
    const { child, port } = await startReadmeServer()
    await using _ = child
    const file = join(folder, 'page.html')
    writeFileSync(file, replaceOne(readmeBlock('html'), 'ws://localhost:8080', `ws://localhost:${port}`))

    const { page, errors } = await openPage(browser, pathToFileURL(file).href)
    const log = page.locator('#log')
    await page.waitForFunction("document.querySelector('#log').textContent === 'open\\n'")
    await page.fill('#text', 'hello')
    await page.press('#text', 'Enter')
    await page.waitForFunction("document.querySelector('#log').textContent.endsWith('hello\\n')")
    await page.evaluate("ws.close(4001, 'done')")
    await page.waitForFunction("document.querySelector('#log').textContent.includes('closed')")
    expect(await log.textContent()).toBe('open\nhello\nclosed with 4001 \n')
    expect(errors).toEqual([])
    await child.printed(/closed with 4001 done\n/)
  })
})
