import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { clientClose, clientText, readClosePayload, readServerFrame } from '../support/client-frames.ts'
import { within } from '../support/deadline.ts'
import { turn, until } from '../support/deferred.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { openRawWebSocket, RawSocket, upgradeRequest } from '../support/raw-socket.ts'
import { statusOf, TestServer } from '../support/test-server.ts'

/** Plays a peer that takes part in the closing handshake; gives the Close frame that it was sent. */
async function takePart(raw: RawSocket): Promise<{ statusCode: number; reason: string }> {
  const { opcode, payload } = await readServerFrame(raw)
  expect(opcode).toBe(0x8)
  const close = readClosePayload(payload)
  await raw.write(clientClose(close.statusCode))
  raw.end()
  return close
}

async function openSome(server: TestServer, count: number): Promise<RawSocket[]> {
  const peers: RawSocket[] = []
  for (let i = 0; i < count; i += 1) peers.push((await openRawWebSocket(server.port)).raw)
  await until(() => server.server.clients.size === count)
  return peers
}

describe('close()', () => {
  it('takes no more connections, leaves the open ones open, and is done when they are gone', async () => {
    await using server = await TestServer.start()
    const { raw } = await server.open()
    const events: string[] = []
    server.server.on('close', () => events.push('close'))
    server.server.close(() => events.push('callback'))
    await expect(RawSocket.connect(server.port)).rejects.toThrow('ECONNREFUSED')
    await raw.write(clientText('still open'))
    expect((await readServerFrame(raw)).opcode).toBe(0x1)
    expect(events).toEqual([])
    raw.destroy()
    await until(() => events.length === 2)
    expect(events.sort()).toEqual(['callback', 'close'])
  })

  it('calls back with an error when the server is closed already, and every callback before', async () => {
    const server = await TestServer.start()
    const results: unknown[] = []
    server.server.close((error) => results.push(error))
    server.server.close((error) => results.push(error))
    await until(() => results.length === 2)
    server.server.close((error) => results.push(error))
    await until(() => results.length === 3)
    expect(results).toEqual([undefined, undefined, expect.any(UsageError)])
  })

  it('refuses handshakes that are under way with 503', async () => {
    const server = await TestServer.start()
    using raw = await RawSocket.connect(server.port)
    await raw.write(upgradeRequest(server.port).slice(0, 50))
    await openRawWebSocket(server.port).then(({ raw: other }) => other.destroy())
    const closed = server[Symbol.asyncDispose]()
    expect(statusOf(Buffer.from(await raw.readToEnd()).toString())).toBe(503)
    raw.end()
    await closed
  })
})

describe('shutdown()', () => {
  it('sends every client 1001 and reports who took part', async () => {
    const server = await TestServer.start()
    const peers = await openSome(server, 3)
    const report = server.server.shutdown()
    const closes = await Promise.all(peers.map(takePart))
    expect(closes).toEqual(Array(3).fill({ statusCode: 1001, reason: '' }))
    expect(await within(report, 'the shutdown')).toEqual({ closed: 3, terminated: 0 })
    expect(server.server.clients.size).toBe(0)
  })

  it('sends the code and the reason that it is given', async () => {
    const server = await TestServer.start()
    const [peer] = await openSome(server, 1)
    const report = server.server.shutdown({ code: 1012, reason: 'back soon' })
    expect(await takePart(peer!)).toEqual({ statusCode: 1012, reason: 'back soon' })
    await within(report, 'the shutdown')
  })

  it('sends what was sent before the Close frame', async () => {
    const server = await TestServer.start()
    const [peer] = await openSome(server, 1)
    for (const ws of server.server.clients) ws.send('last words')
    const report = server.server.shutdown()
    expect((await readServerFrame(peer!)).opcode).toBe(0x1)
    await takePart(peer!)
    await within(report, 'the shutdown')
  })

  it('terminates after graceMs those that do not answer', async () => {
    const clock = new FakeClock()
    const server = await TestServer.start({ clock, heartbeat: false, closeTimeout: 60_000 })
    const [good, silent] = await openSome(server, 2)
    const report = server.server.shutdown({ graceMs: 3000 })
    await takePart(good!)
    await until(() => server.server.clients.size === 1)
    clock.advance(2999)
    await turn()
    expect(server.server.clients.size).toBe(1)
    clock.advance(1)
    expect(await within(report, 'the shutdown')).toEqual({ closed: 1, terminated: 1 })
    expect(clock.pending).toBe(0)
    silent!.destroy()
  })

  it('counts a peer that dies in the meantime as neither', async () => {
    const server = await TestServer.start()
    const [peer] = await openSome(server, 1)
    const report = server.server.shutdown()
    await readServerFrame(peer!)
    peer!.reset()
    expect(await within(report, 'the shutdown')).toEqual({ closed: 0, terminated: 0 })
  })

  it('spreads the Close frames over jitterMs', async () => {
    const clock = new FakeClock()
    const server = await TestServer.start({ clock, heartbeat: false })
    const peers = await openSome(server, 4)
    const report = server.server.shutdown({ jitterMs: 1000, graceMs: 1000 })
    const closing = () => [...server.server.clients].filter((ws) => ws.readyState !== ws.OPEN).length
    const seen: number[] = []
    for (const ms of [0, 249, 1, 249, 1, 249, 1]) {
      clock.advance(ms)
      seen.push(closing())
    }
    expect(seen).toEqual([1, 1, 2, 2, 3, 3, 4])
    await Promise.all(peers.map(takePart))
    expect(await within(report, 'the shutdown')).toEqual({ closed: 4, terminated: 0 })
  })

  it('terminates everybody when the signal is aborted, before or during', async () => {
    for (const early of [true, false]) {
      const server = await TestServer.start()
      const peers = await openSome(server, 2)
      const abort = new AbortController()
      if (early) abort.abort()
      const report = server.server.shutdown({ signal: abort.signal, graceMs: Number.POSITIVE_INFINITY })
      abort.abort()
      expect(await within(report, 'the shutdown')).toEqual({ closed: 0, terminated: 2 })
      for (const raw of peers) raw.destroy()
    }
  })

  it('refuses wrong options before it closes anything', async () => {
    await using server = await TestServer.start()
    const { raw } = await server.open()
    for (const [options, name] of [
      [{ code: 1005 }, '1005'],
      [{ code: 1010 }, '1010'],
      [{ code: 2000 }, '2000'],
      [{ reason: 'x'.repeat(124) }, 'reason'],
      [{ graceMs: -1 }, 'graceMs'],
      [{ jitterMs: Number.NaN }, 'jitterMs'],
      [{ jitterMs: Number.POSITIVE_INFINITY }, 'jitterMs'],
    ] as const) {
      await expect(server.server.shutdown(options)).rejects.toThrow(name)
      await expect(server.server.shutdown(options)).rejects.toBeInstanceOf(UsageError)
    }
    await raw.write(clientText('still open'))
    expect((await readServerFrame(raw)).opcode).toBe(0x1)
    const { raw: another } = await openRawWebSocket(server.port)
    raw.destroy()
    another.destroy()
  })

  it('is done at once without clients, and may be asked for again', async () => {
    const server = await TestServer.start()
    expect(await server.server.shutdown()).toEqual({ closed: 0, terminated: 0 })
    expect(await server.server.shutdown()).toEqual({ closed: 0, terminated: 0 })
  })

  it('is what await using does', async () => {
    const test = await TestServer.start()
    const [peer] = await openSome(test, 1)
    const disposed = test.server[Symbol.asyncDispose]()
    expect((await takePart(peer!)).statusCode).toBe(1001)
    await within(disposed, 'the disposal')
  })
})
