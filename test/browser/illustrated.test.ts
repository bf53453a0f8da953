import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { committedSession, FOLDER } from '../../illustrated/files.ts'
import { partsOf } from '../../illustrated/parts.ts'
import { hex } from '../../src/inspector/index.ts'
import { launchChromium } from '../support/chromium.ts'
import { describeWith } from '../support/programs.ts'

const AXE = createRequire(import.meta.url).resolve('axe-core')
const PAGE = pathToFileURL(`${FOLDER}index.html`).href

/** It looks at each of some two thousand bytes, one by one. */
const AXE_TIMEOUT_MS = 240_000

/** What axe-core finds. */
interface Finding {
  readonly id: string
  readonly impact: string
  readonly nodes: ReadonlyArray<{ readonly html: string }>
}

const WIDE = { width: 1280, height: 800 }
const PHONE = { width: 360, height: 780 }

describeWith('chromium', 'the illustrated connection', () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await launchChromium()
  })

  afterAll(async () => {
    await browser?.close()
  })

  async function open(options: BrowserContextOptions, anchor = ''): Promise<Page> {
    const page = await (await browser.newContext(options)).newPage()
    await page.goto(PAGE + anchor)
    return page
  }

  it('labels every byte, and shows the bytes that went over the wire', async () => {
    const page = await open({ viewport: WIDE })
    const shown =
      (await page.evaluate(`Object.fromEntries([...document.querySelectorAll('.part')].map((part) => [part.id,
      [...part.querySelectorAll('li.b')].map((b) => [b.id, b.querySelector('.w').textContent, b.querySelector('.lb').textContent])]))`)) as Record<
        string,
        ReadonlyArray<readonly [id: string, wire: string, label: string]>
      >
    for (const { name, unit } of partsOf(committedSession())) {
      expect(shown[name]?.map(([, wire]) => wire).join(' ')).toBe(hex(unit.wire))
      for (const [i, [id, wire, label]] of shown[name]!.entries()) {
        expect(id).toBe(`${name}-b${i}`)
        expect(label.startsWith(`${wire} · byte ${i}, `)).toBe(true)
      }
    }
    const unlabelled = `[...document.querySelectorAll('li.b')].filter((b) => !/^[0-9a-f]{2} · ./.test(b.querySelector('.lb').textContent)).length`
    expect(await page.evaluate(unlabelled)).toBe(0)
    await page.context().close()
  })

  it('works without JavaScript: anchors of bytes lead to them, also inside what is folded', async () => {
    const page = await open({ viewport: WIDE, javaScriptEnabled: false }, '#pong-b3')
    expect(await page.locator('#pong-b3').isVisible()).toBe(true)
    expect(await page.locator('#pong-b3 .lb').boundingBox()).toMatchObject({ width: expect.any(Number) })
    expect((await page.locator('#pong-b3 .lb').boundingBox())!.width).toBeGreaterThan(100)
    const folded = page.locator('details').first()
    expect(await folded.locator('li.b').first().isVisible()).toBe(false)
    await folded.locator('summary').click()
    expect(await folded.locator('li.b').first().isVisible()).toBe(true)
    await page.locator('.seq a[href="#compressed"]').click()
    expect(await page.locator('#compressed').evaluate((block) => block.getBoundingClientRect().top)).toBeLessThan(300)
    await page.context().close()
  })

  it.each([320, 360, 560, 900, 1280, 1920])('has nothing that is wider than the window, at %i px', async (width) => {
    const page = await open({ viewport: { width, height: 800 } })
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
    const cut = await page.evaluate(`[...document.querySelectorAll('main *, footer *')].filter((element) => {
      const { left, right, width } = element.getBoundingClientRect()
      return width > 1 && (left < -0.5 || right > ${width} + 0.5)
    }).map((element) => element.outerHTML.slice(0, 120))`)
    expect(cut).toEqual([])
    await page.context().close()
  })

  it.each([
    ['light', WIDE],
    ['dark', WIDE],
    ['light', PHONE],
    ['dark', PHONE],
  ] as const)(
    'gives axe-core nothing to find, %s, %o',
    async (colorScheme, viewport) => {
      const page = await open({ viewport, colorScheme })
      await page.evaluate(`document.querySelectorAll('details').forEach((details) => { details.open = true })`)
      await page.addScriptTag({ path: AXE })
      const { violations } = (await page.evaluate('axe.run({ resultTypes: ["violations"] })')) as {
        violations: readonly Finding[]
      }
      expect(violations.map(({ id, impact, nodes }) => ({ id, impact, first: nodes[0]?.html.slice(0, 200) }))).toEqual(
        [],
      )
      await page.context().close()
    },
    AXE_TIMEOUT_MS,
  )

  it('prints with every byte on paper, what is folded too', async () => {
    const page = await open({ viewport: WIDE, colorScheme: 'dark' })
    await page.emulateMedia({ media: 'print' })
    const hidden = `[...document.querySelectorAll('.part li.b')].filter((b) => !b.checkVisibility({ contentVisibilityAuto: true })).length`
    expect(await page.evaluate(hidden)).toBe(0)
    expect(await page.locator('.bar').isVisible()).toBe(false)
    const pdf = await page.pdf({ format: 'A4' })
    expect(pdf.subarray(0, 5).toString('latin1')).toBe('%PDF-')
    await page.context().close()
  })
})
