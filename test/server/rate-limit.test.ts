import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { WebSocketServer as CompatServer } from '../../src/compat/index.ts'
import { UsageError } from '../../src/errors.ts'
import { WebSocket as Client } from '../../src/index.ts'
import { WebSocketServer, type WebSocketServerOptions } from '../../src/server/index.ts'
import type { WebSocket } from '../../src/socket/index.ts'
import { concat } from '../support/chunkings.ts'
import { clientFrame, clientText, readClosePayload, readServerFrame } from '../support/client-frames.ts'
import { within } from '../support/deadline.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { openRawWebSocket, type RawSocket } from '../support/raw-socket.ts'
import { statusOf, TestServer } from '../support/test-server.ts'

const ping = clientFrame({ opcode: 0x9, payload: 'p' })

async function expectEcho(raw: RawSocket, text: string): Promise<void> {
  await raw.write(clientText(text))
  expect(Buffer.from((await readServerFrame(raw)).payload).toString()).toBe(text)
}

/** Reads frames up to the Close frame; then lets go. @returns how many came before it, and its status code */
async function untilClose(raw: RawSocket): Promise<{ before: number; statusCode: number }> {
  for (let before = 0; ; before++) {
    const { opcode, payload } = await readServerFrame(raw)
    if (opcode !== 0x8) continue
    raw.end()
    return { before, statusCode: readClosePayload(payload).statusCode }
  }
}

describe('rateLimit.handshakes', () => {
  it('does not ask authorize about what comes too often', async () => {
    let asked = 0
    const authorize = (): void => {
      asked++
    }
    const rateLimit = { handshakes: { perSecond: 1, burst: 1 } }
    await using server = await TestServer.start({ clock: new FakeClock(), authorize, rateLimit })
    using raw = (await server.open()).raw
    for (let i = 0; i < 5; i++) expect(statusOf(await server.refusal())).toBe(429)
    expect(asked).toBe(1)
    await expectEcho(raw, 'served')
  })
})

describe('rateLimit of connections', () => {
  it('closes with 1008 and says why, and the others go on, each with buckets of its own', async () => {
    const rateLimit = { messages: { perSecond: 1, burst: 5 } }
    await using server = await TestServer.start({ clock: new FakeClock(), heartbeat: false, rateLimit })
    const flood = await server.open()
    const other = await server.open()
    for (let i = 0; i < 4; i++) await expectEcho(other.raw, `${i}`)
    await flood.raw.write(concat(...Array.from({ length: 200 }, (_, i) => clientText(`${i}`))))
    expect((await untilClose(flood.raw)).statusCode).toBe(1008)
    expect(await within(flood.ws.closed, 'the end')).toMatchObject({
      cause: 'rate-limit',
      sentCode: 1008,
      initiator: 'local',
      requirement: '6455-10.4-1',
    })
    await expectEcho(other.raw, 'the fifth')
    expect(server.server.stats().closes['rate-limit']).toBe(1)
    flood.raw.destroy()
    other.raw.destroy()
  })

  it('ends a flood of Pings with the first that is too many', async () => {
    const rateLimit = { controlFrames: { perSecond: 1, burst: 20 } }
    await using server = await TestServer.start({ clock: new FakeClock(), heartbeat: false, rateLimit })
    const { raw, ws } = await server.open()
    await raw.write(concat(...Array.from({ length: 5000 }, () => ping)))
    expect(await untilClose(raw)).toEqual({ before: 21, statusCode: 1008 })
    expect(await within(ws.closed, 'the end')).toMatchObject({ cause: 'rate-limit' })
    raw.destroy()
  })

  it('ends a flood of empty fragments', async () => {
    const rateLimit = { bytes: { perSecond: 1, burst: 3000 } }
    await using server = await TestServer.start({ clock: new FakeClock(), heartbeat: false, rateLimit })
    const { raw, ws } = await server.open()
    const fragment = clientFrame({ opcode: 0x0, fin: false })
    await raw.write(concat(clientFrame({ opcode: 0x1, fin: false }), ...Array.from({ length: 1000 }, () => fragment)))
    expect(await untilClose(raw)).toEqual({ before: 0, statusCode: 1008 })
    expect(await within(ws.closed, 'the end')).toMatchObject({ cause: 'rate-limit' })
    raw.destroy()
  })

  for (const [name, buckets] of [
    ['messages', { messages: { perSecond: 2000, burst: 10 } }],
    ['bytes', { bytes: { perSecond: 400_000, burst: 1000 } }],
    ['both', { messages: { perSecond: 2000, burst: 10 }, bytes: { perSecond: 400_000, burst: 1000 } }],
  ] as const) {
    it(`pauses for ${name} and loses nothing, in real time`, async () => {
      const rateLimit = { ...buckets, onExceeded: 'pause' } as const
      await using server = await TestServer.start({ rateLimit }, false)
      const { raw, ws } = await server.open()
      const texts = Array.from({ length: 500 }, (_, i) => `${i} ${'x'.repeat(i)}`)
      const received: unknown[] = []
      const all = new Promise<void>((resolve) => {
        ws.on('message', (data) => {
          if (received.push(data) === texts.length) resolve()
        })
      })
      await raw.write(concat(...texts.map(clientText)))
      await within(all, 'every message')
      expect(received).toEqual(texts)
      raw.destroy()
    })
  }

  it('counts what is compressed as it came', async () => {
    const rateLimit = { bytes: { perSecond: 1, burst: 5000 } }
    await using server = await TestServer.start<void>({
      clock: new FakeClock(),
      heartbeat: false,
      perMessageDeflate: true,
      rateLimit,
    })
    const client = new Client(`ws://127.0.0.1:${server.port}/`, { perMessageDeflate: true })
    await within(once(client, 'open'), 'the connection')
    const text = 'x'.repeat(100_000)
    const echoed = once(client, 'message')
    client.send(text)
    expect((await within(echoed, 'the echo'))[0]).toBe(text)
    client.terminate()
  })

  it('is passed on by framewright/ws', async () => {
    const rateLimit = { messages: { perSecond: 0.001, burst: 1 } }
    const server = new CompatServer({ port: 0, host: '127.0.0.1', rateLimit })
    await within(server.listening, 'the server')
    const { port } = server.address() as { port: number }
    const connected = once(server, 'connection') as Promise<[WebSocket]>
    const { raw } = await openRawWebSocket(port)
    const [ws] = await connected
    ws.on('error', () => {})
    await raw.write(concat(clientText('a'), clientText('b')))
    expect((await untilClose(raw)).statusCode).toBe(1008)
    raw.destroy()
    await server.shutdown({ graceMs: 0 })
  })
})

describe('the option rateLimit', () => {
  for (const [rateLimit, name] of [
    [5, 'rateLimit'],
    [null, 'rateLimit'],
    [{ messages: { perSecond: 1, burst: null } }, 'rateLimit.messages.burst'],
    [{ message: { perSecond: 1, burst: 1 } }, '"message"; did you mean messages?'],
    [{ onExceeded: 'drop' }, 'rateLimit.onExceeded'],
    [{ handshakes: { perSecond: '1', burst: 1 } }, 'rateLimit.handshakes.perSecond'],
    [{ messages: { perSecond: 0, burst: 1 } }, 'rateLimit.messages.perSecond'],
    [{ bytes: { perSecond: 1, burst: 0 } }, 'rateLimit.bytes.burst'],
    [{ controlFrames: 3 }, 'rateLimit.controlFrames'],
  ] as const) {
    it(`is refused at once: ${JSON.stringify(rateLimit)}`, () => {
      const options = { noServer: true, rateLimit } as unknown as WebSocketServerOptions
      expect(() => new WebSocketServer(options)).toThrow(UsageError)
      expect(() => new WebSocketServer(options)).toThrow(name)
    })
  }

  it('takes Infinity for no limit', async () => {
    const none = { perSecond: Number.POSITIVE_INFINITY, burst: Number.POSITIVE_INFINITY }
    const rateLimit = { handshakes: none, messages: none, bytes: none, controlFrames: none }
    await using server = await TestServer.start({ clock: new FakeClock(), heartbeat: false, rateLimit })
    const { raw } = await server.open()
    for (let i = 0; i < 50; i++) await expectEcho(raw, `${i}`)
    raw.destroy()
  })
})
