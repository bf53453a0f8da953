// Takes the pictures of docs/images/ with Chromium: node pages/shots.mjs
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

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
await browser.close()
