import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocketServer } from '../../src/index.ts'
import { Child, cliArguments } from '../support/child.ts'
import { launchChromium, openPage } from '../support/chromium.ts'
import { within } from '../support/deadline.ts'
import { EchoServer } from '../support/echo-server.ts'
import { describeWith } from '../support/programs.ts'
import { itSpeaksToWhatwgClient } from '../support/whatwg-client.ts'

describeWith('chromium', 'Chromium', () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await launchChromium()
  })

  afterAll(async () => {
    await browser?.close()
  })

  describe('on an empty page', () => {
    let site: Server
    let page: Page

    beforeAll(async () => {
      // A page of an ordinary origin: about:blank has none.
      site = createServer((_, response) => response.end('<!doctype html><title>empty</title>'))
      await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
      page = (await openPage(browser, `http://127.0.0.1:${(site.address() as AddressInfo).port}/`)).page
    })

    afterAll(() => {
      site?.close()
      site?.closeAllConnections()
    })

    itSpeaksToWhatwgClient((source) => page.evaluate<unknown>(source))

    it('reads a fragmented reply as one message', async () => {
      await using echo = await EchoServer.start()
      const message = await page.evaluate(`new Promise((resolve) => {
        const ws = new WebSocket('${echo.url}')
        ws.onopen = () => ws.send('!fragments one two three')
        ws.onmessage = ({ data }) => { ws.close(); resolve(data) }
      })`)
      expect(message).toBe('onetwothree')
      await echo.nextClose()
    })

    it('is let go at once by a server that only sends and never listened to its messages', async () => {
      const server = new WebSocketServer({ port: 0, host: '127.0.0.1', origins: 'any' })
      try {
        const { port } = (await within(server.listening, 'the server to listen')) as AddressInfo
        server.on('connection', (ws) => ws.send('news'))
        const closed = await within(
          page.evaluate(`new Promise((resolve) => {
            const ws = new WebSocket('ws://127.0.0.1:${port}')
            ws.onopen = () => { ws.send('hello'); ws.send('nobody listens') }
            ws.onmessage = () => ws.close(4001)
            ws.onclose = ({ code, wasClean }) => resolve({ code, wasClean })
          })`),
          'the end of the page’s connection',
        )
        expect(closed).toEqual({ code: 4001, wasClean: true })
        expect(server.clients.size).toBe(0)
      } finally {
        server.close()
      }
    })

    it.each([
      ['no context takeover', true, true],
      ['context takeover', false, false],
      ['context takeover of the server only', false, true],
      ['context takeover of the client only', true, false],
    ])(
      'gets compressed text and binary back, whole and in fragments, with %s [7692-7.1.1.2-3] [7692-7.1.2.2-1] [7692-7.2.1-5] [7692-7.2.1-7] [7692-7.2.1-12] [7692-7.2.2-2]',
      async (_, serverNoContextTakeover, clientNoContextTakeover) => {
        await using echo = await EchoServer.start({ threshold: 0, serverNoContextTakeover, clientNoContextTakeover })
        const result = await page.evaluate(`new Promise((resolve, reject) => {
          const ws = new WebSocket('${echo.url}')
          ws.binaryType = 'arraybuffer'
          const bytes = Uint8Array.from({ length: 200000 }, (_, i) => (i * i + (i >> 9)) & 255)
          const sent = ['Hello', 'Hello', '', 'grüße '.repeat(20000), bytes, bytes, '!fragments one one one ' + 'x'.repeat(50000)]
          const received = []
          ws.onclose = ({ code }) => reject(new Error('closed with ' + code))
          ws.onopen = () => { for (const data of sent) ws.send(data) }
          ws.onmessage = ({ data }) => {
            if (received.push(data) < sent.length) return
            ws.onclose = null
            ws.close()
            const isSame = (data, i) => typeof data === 'string' ? data === sent[i]
              : data.byteLength === bytes.length && new Uint8Array(data).every((byte, at) => byte === bytes[at])
            resolve({
              extensions: ws.extensions,
              same: received.slice(0, -1).map(isSame),
              joined: received.at(-1) === 'oneoneone' + 'x'.repeat(50000),
            })
          }
        })`)
        expect(result).toEqual({
          extensions: expect.stringMatching(/^permessage-deflate;.* client_max_window_bits=12$/),
          same: Array(6).fill(true),
          joined: true,
        })
        const { extensions } = result as { extensions: string }
        expect(extensions.includes('server_no_context_takeover')).toBe(serverNoContextTakeover)
        expect(extensions.includes('client_no_context_takeover')).toBe(clientNoContextTakeover)
        await echo.nextClose()
      },
    )

    it('is the origin of its request, and says so', async () => {
      await using echo = await EchoServer.start()
      const request = new Promise<string | undefined>((resolve) => {
        echo.server.once('connection', (_, { headers }) => resolve(headers.origin))
      })
      await page.evaluate(`new Promise((resolve) => {
        const ws = new WebSocket('${echo.url}')
        ws.onopen = () => ws.close()
        ws.onclose = resolve
      })`)
      expect(await within(request, 'the request')).toBe(new URL(page.url()).origin)
      await echo.nextClose()
    })

    it('shows a page the shutdown of the server as 1001', async () => {
      await using echo = await EchoServer.start()
      await page.evaluate(`new Promise((resolve) => {
        const ws = new WebSocket('${echo.url}')
        ws.onopen = resolve
        window.endSeen = new Promise((seen) => { ws.onclose = ({ code, reason, wasClean }) => seen({ code, reason, wasClean }) })
      })`)
      for (const ws of echo.server.clients) ws.close(1001, 'bye')
      expect(await page.evaluate('window.endSeen')).toEqual({ code: 1001, reason: 'bye', wasClean: true })
      expect(await echo.nextClose()).toEqual({ code: 1001, reason: 'bye' })
    })
  })

  describe('on the page of framewright serve', () => {
    let child: Child
    let page: Page
    let errors: Error[]

    beforeEach(async () => {
      child = new Child(process.execPath, cliArguments('serve', '--port', '0', '--inspect'))
      const [, url = ''] = await child.printed(/page: +(http:\S+)\n/, 30_000)
      ;({ page, errors } = await openPage(browser, url))
      await page.locator('#state', { hasText: 'open' }).waitFor()
    })

    afterEach(async () => {
      await page?.context().close()
      await child?.[Symbol.asyncDispose]()
      expect(errors).toEqual([])
    })

    it('talks to the echo server, and shows both ways as they happen', async () => {
      await page.fill('#text', '<img src=x onerror=alert(1)> grüße')
      await page.press('#text', 'Enter')
      await page.locator('.chip.s2c', { hasText: '<img src=x onerror=alert(1)> grüße' }).waitFor()
      expect(await page.locator('img').count()).toBe(0)
      expect(await page.inputValue('#text')).toBe('')
    })

    it('sends lines with Shift+Enter, and files', async () => {
      await page.fill('#text', 'one')
      await page.press('#text', 'Shift+Enter')
      await page.type('#text', 'two')
      await page.click('.talk [type=submit]')
      await page.locator('.chip.s2c', { hasText: 'one\ntwo' }).waitFor()
      await page.setInputFiles('.talk [type=file]', {
        name: 'a.bin',
        mimeType: 'application/octet-stream',
        buffer: Buffer.alloc(300, 7),
      })
      await page.locator('.chip.s2c', { hasText: /binary.*300 B/ }).waitFor()
    })

    it('shows the close code and reason that were sent, what the page saw, and connects again', async () => {
      await page.fill('#code', '4001')
      await page.fill('#reason', 'enough')
      await page.press('#reason', 'Enter')
      await page.locator('.who', { hasText: 'The client closed it: 4001 “enough”. The server echoed it.' }).waitFor()
      // The server echoes the status code, and has no reason of its own to give.
      await page.locator('#state', { hasText: 'closed: the page saw 4001, no reason' }).waitFor()
      await page.locator('.talk .btn', { hasText: 'Reconnect' }).click()
      await page.locator('#state', { hasText: 'open' }).waitFor()
      expect(await child.printed(/#1 went: closed with 4001 enough/)).toBeTruthy()
    })

    it('shows 1001 when the server is stopped with Ctrl-C', async () => {
      child.kill('SIGINT')
      await page.locator('#state', { hasText: 'the page saw 1001 “server is shutting down”' }).waitFor()
      expect(await child.ended()).toMatchObject({ code: 0 })
    })

    it('has its newest line in sight at 1280 by 800, and a connection to the lab beside', async () => {
      await page.setViewportSize({ width: 1280, height: 800 })
      for (let i = 0; i < 30; i++) {
        await page.fill('#text', `line ${i}`)
        await page.press('#text', 'Enter')
      }
      const last = page.locator('.chip.s2c', { hasText: 'line 29' })
      await last.waitFor()
      const { y, height } = (await last.boundingBox())!
      expect(y + height).toBeLessThan(800)
      await page.locator('.lab .btn', { hasText: 'reserved bit' }).click()
      await page.locator('.who .bad', { hasText: 'The page saw only 1006.' }).waitFor()
    })
  })
})
