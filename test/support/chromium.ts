import { type Browser, chromium, type Page } from 'playwright-core'
import { programPath } from './programs.ts'

/** Debian's Chromium, quiet: nothing it does may leave this machine, and it must start as root. */
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/**
 * Start one browser, to be shared by the tests of a file and closed in `afterAll`. Its user data directory is new and goes away
 * with it.
 */
export async function launchChromium(): Promise<Browser> {
  return await chromium.launch({ executablePath: programPath('chromium'), headless: true, args: ARGUMENTS })
}

/** A page of its own context: no cookies, no storage, no cache shared with another test. Script errors fail the test. */
export async function openPage(browser: Browser, url: string): Promise<{ page: Page; errors: Error[] }> {
  const context = await browser.newContext()
  const page = await context.newPage()
  const errors: Error[] = []
  page.on('pageerror', (error) => errors.push(error))
  await page.goto(url)
  return { page, errors }
}
