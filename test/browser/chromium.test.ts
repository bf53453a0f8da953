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
      const [, url = ''] = await child.printed(/(http:\/\/localhost:\d+)\n/, 30_000)
      ;({ page, errors } = await openPage(browser, url))
      await page.waitForSelector('#state[data-state=open]')
    })

    afterEach(async () => {
      await page?.context().close()
      await child?.[Symbol.asyncDispose]()
      expect(errors).toEqual([])
    })

    /** What the log says, without the times. */
    async function readLog(kind: 'received' | 'sent' | 'closed' | 'error'): Promise<string[]> {
      const entries = page.locator(`#log [data-kind=${kind}]`)
      const contents = await entries.locator('.content').allTextContents()
      const abouts = await entries.locator('.about').allTextContents()
      return contents.map((content, i) => [abouts[2 * i + 1], content].filter((text) => text !== '').join(': '))
    }

    async function waitForLog(kind: 'received' | 'closed', count = 1): Promise<string[]> {
      // Not by a function polled in the page: its content security policy forbids eval.
      await page
        .locator(`#log [data-kind=${kind}]`)
        .nth(count - 1)
        .waitFor()
      return await readLog(kind)
    }

    it('shows the echo of what is typed into the text box, as text and never as HTML', async () => {
      await page.fill('#text', '<img src=x onerror=alert(1)> grüße')
      await page.press('#text', 'Enter')
      expect(await waitForLog('received')).toEqual(['text, 36 bytes: <img src=x onerror=alert(1)> grüße'])
      expect(await readLog('sent')).toEqual(['text, 36 bytes: <img src=x onerror=alert(1)> grüße'])
      expect(await page.locator('#log img').count()).toBe(0)
      expect(await page.inputValue('#text')).toBe('')
    })

    it('sends lines with Shift+Enter, and by the button', async () => {
      await page.fill('#text', 'one')
      await page.press('#text', 'Shift+Enter')
      await page.type('#text', 'two')
      await page.click('#send-text')
      expect(await waitForLog('received')).toEqual(['text, 7 bytes: one\ntwo'])
    })

    it('shows the echo of bytes and of a file', async () => {
      await page.fill('#bytes', 'DE AD be ef 00')
      await page.click('#send-bytes')
      expect(await waitForLog('received')).toEqual(['binary, 5 bytes: de ad be ef 00'])
      await page.setInputFiles('#file', {
        name: 'a.bin',
        mimeType: 'application/octet-stream',
        buffer: Buffer.alloc(300, 7),
      })
      await page.click('#send-file')
      const [, file] = await waitForLog('received', 2)
      expect(file).toBe(`binary, 300 bytes: ${'07 '.repeat(256)}…`)
    })

    it('refuses to send what is no hex', async () => {
      await page.fill('#bytes', 'xyz')
      await page.click('#send-bytes')
      expect(await page.evaluate('document.querySelector("#bytes").matches(":invalid")')).toBe(true)
      expect(await readLog('sent')).toEqual([])
    })

    it('closes with a code and a reason, and connects again', async () => {
      await page.fill('#code', '4001')
      await page.fill('#reason', 'enough')
      await page.click('#close')
      // The server echoes the status code, and has no reason of its own to give.
      expect(await waitForLog('closed')).toEqual(['code 4001, no reason, clean'])
      expect(await page.textContent('#state')).toBe('closed (code 4001, no reason)')
      expect(await page.isDisabled('#send-text')).toBe(true)
      await page.click('#connect')
      await page.waitForSelector('#state[data-state=open]')
      expect(await page.isDisabled('#send-text')).toBe(false)
    })

    it('says why the browser refuses a close', async () => {
      await page.fill('#code', '2000')
      await page.click('#close')
      expect(await readLog('error')).toEqual([expect.stringContaining('2000')])
      expect(await page.getAttribute('#state', 'data-state')).toBe('open')
    })

    it('shows 1001 when the server is stopped with Ctrl-C', async () => {
      child.kill('SIGINT')
      expect(await waitForLog('closed')).toEqual(['code 1001, reason "server is shutting down", clean'])
      expect(await child.ended()).toMatchObject({ code: 0 })
    })

    it('fits a screen 360 px wide', async () => {
      await page.setViewportSize({ width: 360, height: 640 })
      await page.fill('#text', 'x'.repeat(500))
      await page.press('#text', 'Enter')
      await waitForLog('received')
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
    })

    it('has a name for every control', async () => {
      const unnamed = await page.evaluate(`[...document.querySelectorAll('input, textarea, button')]
        .filter((control) => !control.labels?.length && control.textContent.trim() === '').map((control) => control.id)`)
      expect(unnamed).toEqual([])
    })
  })
})
