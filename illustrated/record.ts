/* Records the session: a real Chromium against the real server. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { Session, SessionEvent } from '../src/inspector/index.ts'
import { launchChromium, openPage } from '../test/support/chromium.ts'
import { within } from '../test/support/deadline.ts'
import { openServer, pageProgram } from './scene.ts'

/** `Omit` that keeps the kinds of a union apart. */
type WithoutTime<T> = T extends unknown ? Omit<T, 'atMs'> : never

/** @returns the session, whole: both ends have told their application that it is over */
export async function record(): Promise<Session> {
  const site = createServer((_, response) => response.end('<!doctype html><title>The page</title>'))
  site.listen(0, '127.0.0.1')
  await once(site, 'listening')
  const origin = `http://localhost:${(site.address() as AddressInfo).port}`
  const { server, port } = await openServer(origin)
  const browser = await launchChromium()
  try {
    const events: SessionEvent[] = []
    const startedAt = new Date()
    let began = 0
    const add = (event: WithoutTime<SessionEvent>): void => {
      began ||= performance.now()
      events.push({ ...event, atMs: Math.round((performance.now() - began) * 10) / 10 })
    }
    const over = new Promise<void>((resolve) => {
      server.observe({
        observe: () => ({
          received: (bytes) => add({ kind: 'bytes', direction: 'c2s', bytes }),
          sent: (bytes) => add({ kind: 'bytes', direction: 's2c', bytes }),
          receivedEnd: () => add({ kind: 'end', direction: 'c2s' }),
          sentEnd: () => add({ kind: 'end', direction: 's2c' }),
          closed: (info) => {
            if (info === null) throw new Error('the connection was refused')
            add({ kind: 'close', side: 'server', code: info.code, reason: info.reason })
            resolve()
          },
        }),
      })
    })
    const { page } = await openPage(browser, origin)
    const seen = (await page.evaluate(pageProgram(port))) as { code: number; reason: string }
    await within(over, 'the end of the session')
    add({ kind: 'close', side: 'client', ...seen })
    const note = `Chromium ${browser.version()} against the server of this repository`
    return {
      header: { format: 'framewright-session', v: 1, startedAt: startedAt.toISOString(), start: 'head', note },
      events,
    }
  } finally {
    await browser.close()
    server.close()
    site.close()
    site.closeAllConnections()
  }
}
