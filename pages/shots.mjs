// Takes the pictures of docs/images/ with Chromium: node --import tsx pages/shots.mjs
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { WebSocket, WebSocketServer } from '../src/index.ts'
import { inspect } from '../src/inspector/index.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const images = join(root, 'docs', 'images')
const EXPLAIN = new URL('../src/inspector/page/explain.html', import.meta.url).href

const SHOTS = [
  { name: 'explain-light', colorScheme: 'light', width: 1280 },
  { name: 'explain-dark', colorScheme: 'dark', width: 1280 },
  { name: 'explain-360', colorScheme: 'light', width: 360 },
]

mkdirSync(images, { recursive: true })
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
for (const { name, colorScheme, width } of SHOTS) {
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme })
  const page = await context.newPage()
  await page.goto(EXPLAIN)
  await page.locator('.vc').waitFor()
  await page.locator('#grid .b.sel').waitFor()
  await page.screenshot({ path: join(images, `${name}.png`) })
  await context.close()
}

const INSPECTOR = [
  { name: 'inspector-light', colorScheme: 'light', width: 1280, line: 'Hello' },
  { name: 'inspector-dark', colorScheme: 'dark', width: 1280, line: 'Hello' },
  { name: 'inspector-360', colorScheme: 'light', width: 360, line: 'Hello' },
  { name: 'inspector-lab', colorScheme: 'light', width: 1280, line: null },
]
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: { threshold: 40 } })
const { port } = await server.listening
server.on('connection', (ws) => {
  ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }))
})
const inspector = await inspect(server, { port: 0, title: `the echo server on port ${port}` })
await converse(`ws://127.0.0.1:${port}/chat`)
for (const { name, colorScheme, width, line } of INSPECTOR) {
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme })
  const page = await context.newPage()
  await page.goto(inspector.url)
  await page.locator('#state', { hasText: 'open' }).waitFor()
  if (line === null) {
    await page.locator('.lab .btn', { hasText: 'masked server frame' }).click()
    await page.locator('.who .bad').waitFor()
  } else {
    await page.locator('.conns button', { hasText: '/chat' }).click()
    await page
      .locator('.chip', { hasText: line === 'Hello' && width === 360 ? 'text' : line })
      .first()
      .click()
    await page.locator('.wire .b[data-i="6"]').click()
  }
  await page.locator('.wire .b.sel').waitFor()
  await page.screenshot({ path: join(images, `${name}.png`) })
  await context.close()
}
await browser.close()
await inspector.close()
await server.shutdown({ graceMs: 0 })

/** A connection on which a bit of everything happens. */
async function converse(url) {
  const ws = new WebSocket(url, { perMessageDeflate: true })
  const next = (event) => new Promise((resolve) => ws.once(event, resolve))
  await next('open')
  ws.send('Hello')
  await next('message')
  const echoed = next('message')
  await ws.sendStream(fragments(ws), { binary: false })
  await echoed
  ws.send(JSON.stringify({ op: 'subscribe', to: ['news', 'news of today', 'news of yesterday', 'more news'] }))
  await next('message')
  ws.close(1000, 'done')
  await next('close')
}

/** One message with a Ping inside. */
async function* fragments(ws) {
  yield 'One message, '
  ws.ping('hb-1')
  yield 'two frames'
}
