import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { writeLink } from '../../pages/src/explain/link.ts'
import { catalogue } from '../inspector/catalogue.ts'
import { launchChromium, openPage } from '../support/chromium.ts'
import { describeWith, itWith } from '../support/programs.ts'
import { seriousFindings } from './axe.ts'

/** From the disk, with no server: as somebody opens it who has a clone. */
const PAGE = new URL('../../src/inspector/page/explain.html', import.meta.url).href
const HELLO = '818537fa213d7f9f4d5158'

describe('the explain page on the wire', () => {
  it('is at most 40 kB of script, minified and compressed, with the engine in it', () => {
    const size = (name: string) =>
      gzipSync(readFileSync(new URL(`../../src/inspector/page/${name}`, import.meta.url)), { level: 9 }).length
    expect(size('explain.js')).toBeLessThan(40_000)
    expect(size('explain.css') + size('explain.html')).toBeLessThan(8000)
  })
})

describeWith('chromium', 'the explain page', () => {
  let browser: Browser
  let page: Page
  let errors: Error[]

  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
  })
  beforeEach(async () => {
    ;({ page, errors } = await openPage(browser, `${PAGE}#hex=${HELLO}`))
  })
  afterEach(async () => {
    await page.context().close()
    expect(errors).toEqual([])
  })

  const title = () => page.locator('h1').textContent()
  const show = async (link: string) => {
    await page.evaluate(`location.hash = ${JSON.stringify(link)}`)
    await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))')
  }
  const selected = () => page.locator('#grid .b.sel').getAttribute('aria-label')
  const focused = () => page.evaluate<string | null>('document.activeElement.getAttribute("aria-label")')

  it('shows the eleven bytes of a masked Hello, and every field of the first with its section', async () => {
    expect(await page.locator('#grid .b').count()).toBe(11)
    expect(await title()).toContain('No violation in 1 frame')
    expect(await page.locator('#grid .say').textContent()).toBe('“Hello”')
    const rows = await page.locator('.tree tr.on').allTextContents()
    expect(rows.map((row) => row.replace(/\s+/g, ' ').trim())).toEqual([
      expect.stringMatching(/^00FIN1.*§5\.2$/),
      expect.stringMatching(/^1RSV10.*§5\.2$/),
      expect.stringMatching(/^2RSV20.*§5\.2$/),
      expect.stringMatching(/^3RSV30.*§5\.2$/),
      expect.stringMatching(/^4–7opcode0x1text.*§5\.2$/),
    ])
    for (const link of await page.locator('.tree tr.on a').all()) {
      expect(await link.getAttribute('href')).toBe('https://www.rfc-editor.org/rfc/rfc6455#section-5.2')
    }
  })

  it.each(catalogue)('names $id for $name', async ({ id, bytes, context }) => {
    const link = writeLink({ format: 'hex', bytes }, context, 0)
    await show(link!)
    expect(await page.locator('.sum .id').allTextContents()).toEqual([id])
    expect(await page.locator('.panel .vc ol .id a').first().textContent()).toBe(id)
    // It opens on what is wrong.
    expect(await selected()).toContain(`violates ${id}`)
  })

  it('tells the MUST of failing from the MAY of the Close frame', async () => {
    await show('#hex=810548656c6c6f&dir=c2s')
    const duty = await page.locator('.duty').textContent()
    expect(duty).toContain('MUST fail the connection 6455-5.1-2')
    expect(duty).toContain('MAY send Close 1002 before 6455-5.1-3')
  })

  it('links each rule to RFC, code and test', async () => {
    await show('#hex=810548656c6c6f&dir=c2s')
    const links = await page.locator('.vc li p a').all()
    const hrefs = await Promise.all(links.map((link) => link.getAttribute('href')))
    expect(hrefs[0]).toBe('https://www.rfc-editor.org/rfc/rfc6455#section-5.1')
    for (const href of hrefs.slice(1)) {
      expect(readFileSync(fileURLToPath(new URL(href!, PAGE)), 'utf8')).toContain('6455-5.1-2')
    }
    expect(hrefs).toHaveLength(3)
  })

  it('shows a handshake both ways, with the accept value step by step', async () => {
    await page.locator('.try a', { hasText: 'handshake' }).click()
    await page.locator('label', { hasText: 'server ▸ client' }).click()
    const steps = await page.locator('.steps').textContent()
    expect(steps).toContain('b3 7a 4f 2c c0 62 4f 16 90 f6 46 06 cf 38 59 45 b2 be c4 ea')
    expect(steps).toContain('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
  })

  it.each([
    { name: 'base64', text: 'gYU3+iE9f59NUVg=', format: 'base64' },
    { name: 'a dump of xxd', text: '00000000: 8185 37fa 213d 7f9f 4d51 58              ..7.!=..MQX', format: 'hex' },
    {
      name: 'the text of tshark',
      text: `===\nFollow: tcp,raw\nFilter: tcp.stream eq 0\nNode 0: a:1\nNode 1: b:2\n${HELLO}\n\t810548656c6c6f\n===\n`,
      format: 'tshark',
    },
  ])('reads $name', async ({ text, format }) => {
    await page.locator('#hex').fill(text)
    expect(await page.locator('.read').textContent()).toContain(format)
    expect(await title()).toContain('No violation')
    expect(await page.locator('#grid .say').first().textContent()).toBe('“Hello”')
  })

  it('reads a file, and says what is wrong with what is no bytes', async () => {
    await page.locator('input[type=file]').setInputFiles({
      name: 'capture.bin',
      mimeType: 'application/octet-stream',
      buffer: Buffer.from(HELLO, 'hex'),
    })
    await page.locator('.read', { hasText: 'raw bytes of capture.bin' }).waitFor()
    await page.locator('#hex').fill('81 8x!')
    expect(await page.locator('#live').textContent()).toContain('is no hex digit')
  })

  it('inflates a compressed message when the checkbox says that it was agreed on', async () => {
    // RFC 7692 §7.2.3.1
    await show('#hex=c107f248cdc9c90700&dir=s2c')
    expect(await page.locator('.sum .id').allTextContents()).toContain('6455-5.2-3')
    await page.locator('.check').click()
    expect(await title()).toContain('No violation')
    expect(await page.locator('#grid .say').textContent()).toBe('inflates to “Hello”')
  })

  it('can be used with the keyboard alone', async () => {
    await show(`#hex=${HELLO}810548656c6c6f${HELLO}&dir=c2s&at=0`)
    await page.locator('#grid .b.sel').focus()
    expect(await focused()).toBe('81, flags, opcode, at 0x0000')
    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key)
      return await focused()
    }
    expect(await press('ArrowRight')).toMatch(/^85, mask, length, at 0x0001/)
    expect(await press('Shift+ArrowRight')).toMatch(/^37, masking key, at 0x0002/)
    expect(await press('Shift+ArrowRight')).toMatch(/^7f, payload, at 0x0006, unmasked 48 H$/)
    expect(await press('ArrowLeft')).toMatch(/^3d, masking key, at 0x0005/)
    expect(await press('v')).toMatch(/^05, mask, length, at 0x000c, violates 6455-5.1-2$/)
    expect(await press(']')).toMatch(/^81, flags, opcode, at 0x0012/)
    expect(await press('[', '[')).toMatch(/^81, flags, opcode, at 0x0000/)
    // Enter pins: the panel stays with the byte while the keys go on.
    await press('Enter', ']')
    expect(await page.locator('.panel .okc h2').textContent()).toBe('Frame 0 keeps every rule')
    await press('Enter')
    expect(await page.locator('.panel .vc').count()).toBe(1)
    await press('b')
    expect(await page.evaluate('document.activeElement.className')).toBe('bitsec')
    await press('?')
    expect(await page.evaluate<boolean>('document.querySelector("#help").open')).toBe(true)
    await press('Escape', 'c')
    await page.locator('#copy', { hasText: /Link copied|In the address bar/ }).waitFor()
    expect(page.url()).toContain(`#hex=${HELLO}`)
  })

  it('has one tab stop in the grid, and one in the map', async () => {
    await show(`#hex=${HELLO.repeat(5)}`)
    for (const place of ['#grid', '.map']) {
      expect(await page.locator(`${place} [tabindex="0"], ${place}[tabindex="0"]`).count(), place).toBe(1)
    }
    expect(await page.locator('[aria-live]').count()).toBe(1)
  })

  it('has two thousand frames in sight within a second', async () => {
    const before = Date.now()
    await page.locator('#hex').fill(HELLO.repeat(2000))
    expect(await title()).toContain('2,000 frames')
    // Ten times what is asked for: other tests run beside this one.
    expect(Date.now() - before).toBeLessThan(10_000)
  })

  it('is usable with a hundred thousand frames: only what is in sight is in the page', async () => {
    await page.evaluate(`{
      const data = new DataTransfer()
      data.setData('text', '${HELLO}'.repeat(99_999) + '810548656c6c6f')
      document.querySelector('#hex').dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))
    }`)
    await page.locator('h1', { hasText: '1 violation in 1 of 100,000 frames' }).waitFor()
    await page.locator('#grid .b.sel').waitFor()
    expect(await selected()).toContain('violates 6455-5.1-2')
    expect(await page.evaluate<number>('document.querySelectorAll("*").length')).toBeLessThan(4000)
    await page.locator('.map button').nth(60).click()
    await page.locator('.fr.cur [data-i="0"]:focus').waitFor()
    await page.keyboard.press('v')
    await page.locator('.b.bad:focus').waitFor()
    expect(await page.evaluate<number>('document.querySelectorAll("*").length')).toBeLessThan(4000)
  })

  it('leaves the middle of a long payload out, and shows it when it is asked for', async () => {
    const frame = Buffer.alloc(10 + (1 << 20))
    frame.set([0x82, 0x7f, 0, 0, 0, 0, 0, 0x10, 0, 0])
    await page.locator('input[type=file]').setInputFiles({ name: 'mib', mimeType: '', buffer: frame })
    await page.locator('h1', { hasText: 'No violation in 1 frame' }).waitFor()
    expect(await page.evaluate<number>('document.querySelectorAll("*").length')).toBeLessThan(2000)
    const before = await page.locator('#grid .b').count()
    await page.locator('.more').click()
    expect(await page.locator('#grid .b').count()).toBeGreaterThan(before)
  })

  it('shows what peers wrote as text, never as HTML', async () => {
    const evil = `<img src=x onerror="document.title='evil'">`
    const head = `GET /${evil} HTTP/1.1\r\nHost: a\r\nX-${'Note'}: ${evil}\r\n\r\n`
    const payload = Buffer.concat([Buffer.from([0x81, evil.length]), Buffer.from(evil)])
    await show(`#c2s=${Buffer.from(head).toString('hex')}&s2c=${payload.toString('hex')}`)
    await page.locator('label', { hasText: 'server ▸ client' }).click()
    await page.locator('label', { hasText: 'client ▸ server' }).click()
    await page.locator('#grid .fr').first().click()
    expect(await page.locator('img').count()).toBe(0)
    expect(await page.title()).toBe('framewright explain')
  })

  it('can fold its details away where they cover the bytes', async () => {
    await page.setViewportSize({ width: 360, height: 800 })
    const height = async () => (await page.locator('.panel').boundingBox())!.height
    const before = await height()
    await page.locator('.fold').click()
    expect(await height()).toBeLessThan(before / 2)
    expect(await page.locator('.fold').getAttribute('aria-expanded')).toBe('false')
  })

  it('prints every frame', async () => {
    await show(`#hex=${HELLO.repeat(200)}`)
    await page.evaluate('dispatchEvent(new Event("beforeprint"))')
    expect(await page.locator('#grid .fr').count()).toBe(200)
    await page.evaluate('dispatchEvent(new Event("afterprint"))')
    expect(await page.locator('#grid .fr').count()).toBeLessThan(100)
  })

  it('stays readable in forced colours', async () => {
    await page.emulateMedia({ forcedColors: 'active' })
    await show('#hex=810548656c6c6f&dir=c2s')
    const colours = await page.evaluate<string[]>(`{
      const { color, backgroundColor } = getComputedStyle(document.querySelector('#grid .b.bad .w'))
      ;[color, backgroundColor]
    }`)
    expect(colours[0]).not.toBe(colours[1])
  })

  describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
    for (const width of [1280, 768, 360]) {
      itWith('pages', `has no serious finding of axe at ${width} pixels, and nothing beside the screen`, async () => {
        await page.emulateMedia({ colorScheme })
        await page.setViewportSize({ width, height: 800 })
        await page.goto(PAGE)
        await page.reload()
        await page.locator('.vc').waitFor()
        expect(await seriousFindings(page)).toEqual([])
        expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
      })
    }
  })
})
