import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { HandshakeError, WebSocket } from '../../src/index.ts'
import { type Entry, inspect } from '../../src/inspector/index.ts'
import { Recorder } from '../../src/inspector/record/recorder.ts'
import { concat } from '../support/chunkings.ts'
import { clientFrame, clientText } from '../support/client-frames.ts'
import { DEADLINE_MS, within } from '../support/deadline.ts'
import { openRawWebSocket, RawSocket, upgradeRequest } from '../support/raw-socket.ts'
import { TestServer } from '../support/test-server.ts'

/** A viewer's socket, its upgrade done; nothing is read from it any more. */
async function stuckViewer(url: string): Promise<{ destroy(): void }> {
  const { port, search } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1')
  await within(once(socket, 'connect'), 'a connection')
  socket.write(upgradeRequest(Number(port), [], `/feed${search}`))
  await within(once(socket, 'data'), 'an answer')
  socket.pause()
  socket.write(
    concat(...Array.from({ length: 3 }, (_, i) => clientText(JSON.stringify({ type: 'watch', connection: i + 1 })))),
  )
  return socket
}

describe('the live inspector under attack', () => {
  it('shows exactly the bytes of the wire, in its cuts', async () => {
    await using server = await TestServer.start()
    const recorder = new Recorder()
    server.server.observe(recorder)
    using raw = await RawSocket.connect(server.port)
    const received: Uint8Array[] = []
    raw.socket.on('data', (chunk: Buffer) => received.push(new Uint8Array(chunk)))
    const sent = [Buffer.from(upgradeRequest(server.port)), clientText('one'), clientFrame({ opcode: 9, payload: 'p' })]
    await raw.write(sent[0]!)
    await raw.readUntil('\r\n\r\n')
    await raw.write(sent[1]!)
    await raw.read(5)
    await raw.write(sent[2]!)
    await raw.read(3)
    const bytes = (direction: string): Uint8Array[] =>
      recorder.connections[0]!.session().events.flatMap((event) =>
        event.kind === 'bytes' && event.direction === direction ? [new Uint8Array(event.bytes)] : [],
      )
    expect(bytes('c2s')).toEqual(sent.map((piece) => new Uint8Array(piece)))
    expect(bytes('s2c')).toEqual(received)
  })

  it('keeps its memory within bounds through 100,000 frames, and a frame and a message that never end', async () => {
    await using server = await TestServer.start(
      { maxPayload: Number.POSITIVE_INFINITY, maxFragments: Number.POSITIVE_INFINITY },
      false,
    )
    server.server.on('connection', (ws) => ws.on('message', () => {}))
    const recorder = new Recorder({ maxEntries: 1000 })
    server.server.observe(recorder)
    const { raw } = await openRawWebSocket(server.port)
    using _ = raw
    const [connection] = recorder.connections
    const thousand = concat(...Array.from({ length: 1000 }, () => clientText('Hello')))
    await raw.write(thousand)
    globalThis.gc?.()
    const before = process.memoryUsage().rss
    for (let i = 0; i < 99; i++) await raw.write(thousand)
    await vi.waitUntil(() => connection!.summary.frames.c2s === 100_000, { timeout: 4 * DEADLINE_MS })
    expect(connection!.entries().length).toBeLessThanOrEqual(1002)
    globalThis.gc?.()
    expect(process.memoryUsage().rss - before).toBeLessThan(150 << 20)

    const frames: Entry[] = []
    recorder.listen({ entry: (_, entry) => (entry.kind === 'frame' ? frames.push(entry) : 0) })
    // A message of many fragments, then a frame of 4 MiB: what follows is judged as ever.
    const fragments = [clientFrame({ opcode: 2, fin: false, payload: 'a' })]
    for (let i = 0; i < 3000; i++) fragments.push(clientFrame({ opcode: 0, fin: false, payload: Buffer.alloc(700) }))
    fragments.push(clientFrame({ opcode: 0, payload: 'z' }), clientFrame({ opcode: 2, payload: Buffer.alloc(4 << 20) }))
    fragments.push(clientText('after'))
    await raw.write(concat(...fragments))
    await vi.waitUntil(() => connection!.summary.frames.c2s === 103_004, { timeout: 4 * DEADLINE_MS })
    expect(connection!.summary.verdicts).toBe(0)
    expect(frames.at(-1)).toMatchObject({ preview: 'after', index: 103_004 })
    const long = { payloadLength: 4 << 20, isCut: false, wire: { elided: 14 + (4 << 20) - (64 << 10) } }
    expect(frames.at(-2)).toMatchObject(long)
  })

  it('waits for no viewer: one that does not read misses entries, and the others and the server go on', async () => {
    await using server = await TestServer.start()
    await using inspector = await disposable(inspect(server.server, { port: 0 }))
    const { raw } = await openRawWebSocket(server.port)
    using _ = raw
    const stuck = await stuckViewer(inspector.url)
    const payload = Buffer.alloc(60_000)
    for (let i = 0; i < 300; i++) {
      await raw.write(clientFrame({ opcode: 2, payload }))
      await raw.read(60_004)
    }
    stuck.destroy()
    expect(inspector.recorder.connections[0]!.summary.frames).toEqual({ c2s: 300, s2c: 300 })
  })

  it('lets only so many look on', async () => {
    await using server = await TestServer.start()
    await using inspector = await disposable(inspect(server.server, { port: 0 }))
    const feed = inspector.url.replace('http', 'ws').replace('/?', '/feed?')
    const viewers = Array.from({ length: 30 }, () => new WebSocket(feed))
    for (const viewer of viewers) viewer.on('error', () => {})
    const opened = await Promise.all(
      viewers.map((viewer) =>
        Promise.race([
          once(viewer, 'open').then(
            () => true,
            (error: unknown) => {
              if (!(error instanceof HandshakeError)) throw error
              return false
            },
          ),
          viewer.closed.then(() => false),
        ]),
      ),
    )
    expect(opened.filter(Boolean).length).toBe(16)
    for (const viewer of viewers) viewer.terminate()
  })

  it('serves payloads as data only: no answer is HTML that has them, and scripts of elsewhere do not run', async () => {
    await using server = await TestServer.start()
    await using inspector = await disposable(inspect(server.server, { port: 0 }))
    const { raw } = await openRawWebSocket(server.port)
    using _ = raw
    const evil = '<img src=x onerror=alert(1)>'
    await raw.write(clientText(evil))
    await raw.read(2 + evil.length)
    for (const path of ['/', '/export/1.hex', '/export/1.jsonl', '/export/1.pcapng']) {
      const response = await fetch(inspector.url.replace('/?', `${path}?`))
      const text = await response.text()
      if (response.headers.get('content-type')?.startsWith('text/html')) expect(text).not.toContain(evil)
      else if (path !== '/') expect(response.headers.get('content-disposition')).toMatch(/^attachment/)
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
      expect(response.headers.get('content-security-policy')).toMatch(/default-src 'none'; script-src 'self';/)
    }
  })
})

async function disposable<T extends { close(): Promise<void> }>(made: Promise<T>): Promise<T & AsyncDisposable> {
  const inspector = await made
  return { ...inspector, [Symbol.asyncDispose]: () => inspector.close() }
}
