import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type Inspector, inspect } from '../../src/inspector/index.ts'
import { launchChromium, openPage } from '../support/chromium.ts'
import { DEADLINE_MS, within } from '../support/deadline.ts'
import { describeWith } from '../support/programs.ts'
import { TestServer } from '../support/test-server.ts'

describeWith('chromium', 'what Chromium does, in the live inspector', () => {
  let browser: Browser
  let server: TestServer
  let inspector: Inspector

  beforeAll(async () => {
    browser = await launchChromium()
    server = await TestServer.start({ origins: 'any', perMessageDeflate: true })
    inspector = await inspect(server.server, { port: 0 })
  })

  afterAll(async () => {
    await browser?.close()
    await inspector?.close()
    await server?.[Symbol.asyncDispose]()
  })

  it('shows the Close that the page hides: it sees 1006, and 1002 with a reason was on the wire', async () => {
    const { page } = await openPage(browser, inspector.url)
    const lab = inspector.url.replace('http', 'ws').replace('/?', '/lab?')
    const feed = inspector.url.replace('http', 'ws').replace('/?', '/feed?')
    const seen = await within(
      page.evaluate(`new Promise((resolve) => {
        const feed = new WebSocket('${feed}')
        feed.onopen = () => {
          const ws = new WebSocket('${lab}')
          ws.onmessage = ({ data }) => {
            const { connection } = JSON.parse(data)
            feed.send(JSON.stringify({ type: 'lab', name: 'masked-server-frame', connection }))
            ws.onclose = ({ code, reason }) => resolve({ code, reason, connection })
          }
        }
      })`),
      'the end of the connection',
    )
    const { code, reason, connection } = seen as { code: number; reason: string; connection: number }
    expect([code, reason]).toEqual([1006, ''])
    const recorded = inspector.recorder.get(connection)!
    await vi.waitUntil(() => recorded.isOver, { timeout: DEADLINE_MS })
    const frames = recorded.entries().filter((entry) => entry.kind === 'frame')
    expect(frames.find(({ masked, direction }) => masked && direction === 's2c')?.verdicts[0]?.id).toBe('6455-5.1-5')
    const close = frames.find(({ opcode, direction }) => opcode === 8 && direction === 'c2s')
    expect(close).toMatchObject({ statusCode: 1002, preview: expect.stringMatching(/mask/i) })
  })

  it('shows handshake, messages, Ping, Pong and Close of an application, compressed as they are', async () => {
    server.server.once('connection', (ws) => ws.ping('are you there'))
    const site = createServer((_, response) => response.end('<!doctype html><title>app</title>'))
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
    const { page: app } = await openPage(browser, `http://127.0.0.1:${(site.address() as AddressInfo).port}/`)
    await within(
      app.evaluate(`new Promise((resolve) => {
        const ws = new WebSocket('ws://127.0.0.1:${server.port}')
        ws.onopen = () => ws.send('Hello '.repeat(100))
        ws.onmessage = () => ws.close(4000, 'bye')
        ws.onclose = resolve
      }).then(() => 0)`),
      'the end of the connection',
    )
    site.close()
    site.closeAllConnections()
    // A browser may connect before it knows what for.
    const recorded = inspector.recorder.connections.find(
      ({ summary }) => summary.lab === null && summary.target !== '',
    )!
    await vi.waitUntil(() => recorded.isOver, { timeout: DEADLINE_MS })
    const entries = recorded.entries()
    const opcodes = entries.flatMap((entry) => (entry.kind === 'frame' ? [`${entry.direction} ${entry.opcode}`] : []))
    expect(opcodes.sort()).toEqual(['c2s 1', 'c2s 10', 'c2s 8', 's2c 1', 's2c 8', 's2c 9'])
    const message = entries.find((entry) => entry.kind === 'message' && entry.direction === 'c2s')
    expect(message).toMatchObject({ compressed: true, length: 600 })
    expect((message as { wireLength: number }).wireLength).toBeLessThan(100)
    expect(recorded.summary).toMatchObject({ state: 'CLOSED', verdicts: 0, close: { code: 4000, reason: 'bye' } })
  })
})
