import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ownParser } from '../../bench/peers/own-parser.ts'
import { judge } from '../../learn/judge.ts'
import { steps } from '../../learn/steps.ts'
import { STEPS, solutionOf, stubOf } from '../../learn/template.mjs'
import { Child, ROOT, run } from '../support/child.ts'
import { launchChromium, openPage } from '../support/chromium.ts'
import { itWith } from '../support/programs.ts'

/** A server that does not answer what it should is waited for; one that does is not. */
const FAILING_MS = 400
const PASSING_MS = 10_000

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'framewright-learn-'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function fileOf(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

describe.each(steps.map((step, i) => [i + 1, step.title, step] as const))('step %i, %s', (number, _, step) => {
  it('has a stub that meets none of its requirements', async () => {
    const findings = await judge(fileOf(`stub-${number}.mjs`, stubOf(number)), step.ids, FAILING_MS)
    expect(findings.filter(({ isMet }) => isMet)).toEqual([])
  })

  it('has a solution that meets them, and those of the steps before', async () => {
    const ids = steps.slice(0, number).flatMap((earlier) => earlier.ids)
    const findings = await judge(fileOf(`solution-${number}.mjs`, solutionOf(number)), ids, PASSING_MS)
    expect(findings.filter(({ isMet }) => !isMet)).toEqual([])
  })

  it('says in the stub what is to do, and no more in the solution', () => {
    expect(stubOf(number)).toMatch(new RegExp(`// Step ${number}[.,] `))
    expect(solutionOf(number)).not.toMatch(new RegExp(`// Step ${number}[.,] `))
  })
})

describe('the steps', () => {
  it('are as many as the template has', () => {
    expect(steps).toHaveLength(STEPS)
    expect(solutionOf(STEPS)).not.toMatch(/Step \d|\/\/[#~]/)
  })

  it('name places that the illustrated connection has', () => {
    const page = readFileSync(`${ROOT}docs/illustrated/index.html`, 'utf8')
    expect(steps.filter(({ see }) => !page.includes(`id="${see}"`)).map(({ see }) => see)).toEqual([])
  })

  it('each have ids of their own', () => {
    const ids = steps.flatMap((step) => step.ids)
    expect(new Set(ids).size).toBe(ids.length)
  })
})

describe('the last step', () => {
  itWith('chromium', 'ends in a real browser, with compression and without', async () => {
    const file = fileOf('browser.mjs', solutionOf(STEPS))
    const child = new Child(process.execPath, [file, '0'])
    const browser = await launchChromium()
    // A page of no origin may not speak to this machine.
    const site = createServer((_, response) => response.end('<!doctype html>')).listen(0, '127.0.0.1')
    try {
      await once(site, 'listening')
      const [url] = await child.printed(/^ws:\S+$/m)
      const { page } = await openPage(browser, `http://127.0.0.1:${(site.address() as AddressInfo).port}/`)
      const told = await page.evaluate(async (address) => {
        const ws = new WebSocket(address)
        const said: string[] = []
        const next = (): Promise<string> =>
          new Promise((done) => ws.addEventListener('message', (event) => done(event.data), { once: true }))
        await new Promise((open) => ws.addEventListener('open', open))
        said.push(ws.extensions)
        for (const text of ['Hello', 'grüße '.repeat(20_000)]) {
          const back = next()
          ws.send(text)
          said.push(String((await back) === text))
        }
        const closed = new Promise<{ code: number; wasClean: boolean }>((done) => ws.addEventListener('close', done))
        ws.close(4000)
        const { code, wasClean } = await closed
        return [...said, code, wasClean]
      }, url!)
      expect(told).toEqual([expect.stringContaining('permessage-deflate'), 'true', 'true', 4000, true])
    } finally {
      await browser.close()
      site.close()
      child.kill('SIGTERM')
    }
  })

  it('measures a parser that refuses what it must, and no other', async () => {
    const whole = await ownParser(fileOf('whole.mjs', solutionOf(STEPS)))
    let read = ''
    whole.make((payload, start, end) => (read += Buffer.from(payload.subarray(start, end)).toString()))(
      Buffer.from('818537fa213d7f9f4d5158', 'hex'),
      11,
    )
    expect(read).toBe('Hello')
    await expect(ownParser(fileOf('without-limits.mjs', solutionOf(8)))).rejects.toThrow(
      /does not refuse a Ping in fragments \(6455-5.5-2\)/,
    )
    await expect(ownParser(fileOf('none.mjs', 'export const x = 1'))).rejects.toThrow('exports no function makeParser')
  })
})

describe('npm run learn', () => {
  const learn = (...args: string[]) => run('npm', ['run', '--silent', 'learn', '--', ...args], { ms: 60_000 })

  it('prints its help and its steps, and refuses what it does not know with exit code 2', async () => {
    expect((await learn('--help')).stdout).toMatch(/^Usage: npm run learn/)
    expect((await learn('--list')).stdout.trimEnd().split('\n')).toHaveLength(STEPS)
    expect(await learn('--step', '13')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('from 1 to 12, not 13'),
    })
    expect(await learn('--nonsense')).toMatchObject({ code: 2 })
  })

  it('makes the file, judges it, and says what is to do', async () => {
    const file = join(folder, 'new', 'server.mjs')
    const first = await learn('--once', '--file', file)
    expect(first).toMatchObject({ code: 1, stdout: expect.stringContaining('Step 1: the accept key') })
    const fifth = await learn('--once', '--file', file, '--step', '5')
    expect(fifth.stdout).toContain('Step 5: three lengths')
    expect(fifth.stdout).toContain('✗ 6455-5.2-6')
    writeFileSync(file, 'mine\n')
    await learn('--once', '--file', file, '--step', '5')
    expect(readFileSync(`${file}.before`, 'utf8')).toBe(stubOf(1))
    expect(readFileSync(`${file}.before-2`, 'utf8')).toBe('mine\n')
    writeFileSync(file, solutionOf(STEPS))
    expect(await learn('--once', '--file', file)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('12 of 12'),
    })
  })

  it('judges again when the file is saved, gives hints, and names the page at the end', async () => {
    const file = fileOf('watched.mjs', stubOf(STEPS))
    const child = new Child(process.execPath, ['--import', 'tsx', join(ROOT, 'learn/run.ts'), '--file', file])
    try {
      await child.printed(/Step 12: permessage-deflate/, 60_000)
      child.process.stdin!.write('h\n')
      await child.printed(/agree with the words in DEFLATE/)
      child.process.stdin!.write('s\n')
      await child.printed(/\+ .*inflateRawSync\(stream/)
      writeFileSync(file, 'half a line (')
      await child.printed(/✗ .*(?:Unexpected|missing)/i, 60_000)
      writeFileSync(file, solutionOf(STEPS))
      const [, page] = await child.printed(/in a browser: +(http:\S+)/, 60_000)
      expect(await (await fetch(page!)).text()).toContain('new WebSocket(')
      child.process.stdin!.write('q\n')
      expect(await child.ended()).toMatchObject({ code: 0, stderr: '' })
    } finally {
      child.kill('SIGTERM')
    }
  })
})
