import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from '../../src/index.ts'
import { type Inspector, inspect } from '../../src/inspector/index.ts'
import { launchChromium, openPage } from '../support/chromium.ts'
import { within } from '../support/deadline.ts'
import { describeWith, itWith } from '../support/programs.ts'
import { seriousFindings } from './axe.ts'

const EVIL = `<img src=x onerror="document.title='evil'">`

describeWith('chromium', "the live inspector's page", () => {
  let browser: Browser
  let site: Server
  let server: WebSocketServer
  let inspector: Inspector
  let url: string
  /** The inspector's page, and what went wrong in it. */
  let page: Page
  let errors: Error[]
  let refused: string[]

  beforeAll(async () => {
    browser = await launchChromium()
    site = createServer((_, response) => response.end('<!doctype html><title>app</title>'))
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
  })
  afterAll(async () => {
    await browser?.close()
    site?.close()
    site?.closeAllConnections()
  })

  beforeEach(async () => {
    server = new WebSocketServer({ port: 0, host: '127.0.0.1', origins: 'any' })
    const { port } = (await within(server.listening, 'the server')) as AddressInfo
    url = `ws://127.0.0.1:${port}`
    server.on('connection', (ws) => {
      ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }))
    })
    inspector = await inspect(server, { port: 0, title: 'the echo server' })
    ;({ page, errors } = await openPage(browser, inspector.url))
    refused = []
    page.on('console', (message) => {
      if (message.text().includes('Refused')) refused.push(message.text())
    })
    await page.locator('#state', { hasText: 'open' }).waitFor()
  })
  afterEach(async () => {
    await page.context().close()
    await inspector.close()
    await server.shutdown({ graceMs: 0 })
    expect({ errors, refused }).toEqual({ errors: [], refused: [] })
  })

  const words = () => page.locator('.chip b').allTextContents()
  const openApp = async () => {
    const { port } = site.address() as AddressInfo
    return (await openPage(browser, `http://127.0.0.1:${port}/`)).page
  }

  it('shows the handshake and every frame of another page as they happen, control frames and all', async () => {
    const app = await openApp()
    await app.evaluate(`new Promise((resolve) => {
      window.ws = new WebSocket('${url}/chat')
      ws.onopen = resolve
    })`)
    const [accepted] = [...server.clients]
    accepted!.ping('hb-1')
    await app.evaluate(`ws.send('Hello')`)
    await page.locator('.chip', { hasText: '“Hello”' }).nth(1).waitFor()
    await app.evaluate(`ws.close(1000, 'done')`)
    await page.locator('.fin', { hasText: 'TCP FIN' }).nth(1).waitFor()
    const seen = await words()
    expect(seen.slice(0, 2)).toEqual(['GET /chat', '101'])
    expect([...seen.slice(2)].sort()).toEqual(['close', 'close', 'ping', 'pong', 'text', 'text'])
    expect(await page.locator('.who').textContent()).toContain(
      'The client closed it: 1000 “done”. The server echoed it.',
    )
    await app.context().close()
  })

  it('shows the close code that the browser hid from its page', async () => {
    await page.locator('.lab .btn', { hasText: 'masked server frame' }).click()
    await page.locator('.who .bad', { hasText: 'The page saw only 1006.' }).waitFor()
    expect(await page.locator('.who').textContent()).toMatch(/On the wire the browser sent 1002 “.*mask.*”/i)
    // What the page itself got to know.
    expect(await page.locator('#state').textContent()).toContain('closed: the page saw 1006, no reason')
    // The line that broke the rule is opened by itself.
    expect(await page.locator('.right .vc ol .id a').first().textContent()).toBe('6455-5.1-5')
    expect(await page.locator('.right .b.sel').getAttribute('aria-label')).toContain('violates 6455-5.1-5')
  })

  it('breaks a rule of the server as a client, and shows what the server did', async () => {
    await page.locator('.lab .btn', { hasText: 'more' }).click()
    await page.locator('.lab .btn', { hasText: 'unmasked client frame' }).click()
    await page.locator('.who', { hasText: 'The server closed it: 1002' }).waitFor()
    expect(await page.locator('.chip.bad .s').textContent()).toBe('6455-5.1-2')
  })

  it('talks: text, bytes, close with code and reason, and again', async () => {
    await page.locator('#text').fill('grüße')
    await page.keyboard.press('Enter')
    await page.locator('.chip.s2c', { hasText: '“grüße”' }).waitFor()
    await page.locator('.talk .check').click()
    await page.locator('#text').fill('00 ff')
    await page.keyboard.press('Enter')
    await page.locator('.chip.s2c', { hasText: 'binary' }).waitFor()
    await page.locator('#code').fill('4000')
    await page.locator('#reason').fill('enough')
    await page.keyboard.press('Enter')
    await page.locator('.chip.c2s', { hasText: '4000 “enough”' }).waitFor()
    await page.locator('#state', { hasText: 'the page saw 4000' }).waitFor()
    await page.locator('.talk .btn', { hasText: 'Reconnect' }).click()
    await page.locator('#state', { hasText: 'open' }).waitFor()
    await page.locator('#code').fill('1001')
    await page.locator('.talk .btn', { hasText: 'Close' }).click()
    expect(await page.locator('.talk [role=alert]').textContent()).toContain('1001')
  })

  it('keeps the newest line in sight, one line an entry, and no more of them in the page than can be seen', async () => {
    const client = new WebSocket(`${url}/feed`)
    await within(new Promise<void>((resolve) => client.once('open', () => resolve())), 'the client')
    client.on('message', () => {})
    for (let i = 0; i < 3000; i++) client.send(`message ${i}`)
    const last = page.locator('.chip.s2c', { hasText: '“message 2999”' })
    await last.waitFor()
    const box = (await last.boundingBox())!
    expect(box.y + box.height).toBeLessThanOrEqual(720)
    expect(box.height).toBeLessThan(30)
    expect(await page.evaluate<number>('document.querySelectorAll("*").length')).toBeLessThan(2500)

    await page.locator('#pause').click()
    client.send('while it is paused')
    await page.locator('.who', { hasText: 'more since it was paused' }).waitFor()
    expect(await page.locator('.chip', { hasText: 'while it is paused' }).count()).toBe(0)
    await page.locator('#pause').click()
    await page.locator('.chip', { hasText: 'while it is paused' }).first().waitFor()

    await page.locator('.filter').fill('message 2345')
    await page.locator('.chip', { hasText: 'message 2999' }).first().waitFor({ state: 'detached' })
    // One each way, as far as they are kept: the inspector forgets the oldest.
    const left = await page.locator('.chip .s').allTextContents()
    expect(new Set(left)).toEqual(new Set(['“message 2345”']))
    client.terminate()
  })

  it('opens a line byte by byte, and can be used with the keyboard alone', async () => {
    await page.locator('#text').fill('Hello')
    await page.keyboard.press('Enter')
    const sent = page.locator('.chip.c2s', { hasText: '“Hello”' })
    await sent.click()
    expect(await page.locator('.wire .b').count()).toBe(11)
    expect(await page.locator('.right .okc h2').textContent()).toContain('keeps every rule')
    await page.locator('.wire .b.sel').focus()
    await page.keyboard.press('ArrowRight')
    await page.locator('.wire .b[data-i="1"]:focus').waitFor()
    await page.keyboard.press('Shift+ArrowRight')
    await page.locator('.wire .b[data-i="2"]:focus').waitFor()
    await page.keyboard.press('[')
    await page.locator('.chip[aria-current]:focus').waitFor()
    expect(await page.locator('.chips, .lanes [tabindex="0"]').count()).toBe(1)
    // The same bytes in the explain page.
    await sent.click()
    await page.locator('.ex').click()
    await page.locator('h1', { hasText: 'No violation in 1 frame' }).waitFor()
    expect(await page.locator('#grid .say').textContent()).toBe('“Hello”')
  })

  it('shows what peers wrote as text, never as HTML', async () => {
    const client = new WebSocket(`${url}/${encodeURIComponent(EVIL)}`, { headers: { 'X-Note': EVIL } })
    await within(new Promise<void>((resolve) => client.once('open', () => resolve())), 'the client')
    client.send(EVIL)
    await page.locator('.chip.s2c', { hasText: '<img' }).click()
    await page.locator('.chip', { hasText: 'GET' }).click()
    await page.locator('.hd', { hasText: '<img src=x' }).waitFor()
    client.close(1000, EVIL)
    await page.locator('.who', { hasText: '<img' }).waitFor()
    expect(await page.locator('img').count()).toBe(0)
    expect(await page.title()).toBe('framewright live')
  })

  it('exports what is shown', async () => {
    for (const format of ['hex', 'jsonl', 'pcapng']) {
      const href = await page.locator(`.exports a[href*=".${format}"]`).getAttribute('href')
      expect((await fetch(href!)).status, format).toBe(200)
    }
  })

  describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
    for (const width of [1280, 768, 360]) {
      itWith('pages', `has no serious finding of axe at ${width} pixels, and nothing beside the screen`, async () => {
        await page.emulateMedia({ colorScheme })
        await page.setViewportSize({ width, height: 800 })
        await page.locator('.lab .btn', { hasText: 'masked server frame' }).click()
        await page.locator('.right .vc').waitFor()
        expect(await seriousFindings(page)).toEqual([])
        expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
      })
    }
  })
})
