import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { WebSocketServer as WsServer, WebSocket as WsSocket } from 'ws'
import { type CloseInfo, WebSocket, type WebSocketServer } from '../../src/index.ts'
import { CountingClock } from '../support/counting-clock.ts'
import { within } from '../support/deadline.ts'
import { deferred, until } from '../support/deferred.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { parseFault } from '../support/fault-proxy/fault.ts'
import { FaultProxy } from '../support/fault-proxy/fault-proxy.ts'
import { TestServer } from '../support/test-server.ts'

const MESSAGES = 30
/** Sizes on both sides of every length form and of what one read brings. */
const SIZES = [0, 1, 125, 126, 4096, 65_535, 65_536, 200_000]

/** A message that says which one it is, unless it is too short for that. */
function message(index: number): string {
  return `${index}:`.padEnd(SIZES[index % SIZES.length]!, String.fromCharCode(97 + (index % 26)))
}

const expected = Array.from({ length: MESSAGES }, (_, index) => message(index))

/** The client of either library, as far as this test needs it. */
interface Client {
  readonly opened: Promise<unknown>
  readonly ended: Promise<unknown>
  /** Our own account of the end; undefined with ws. */
  readonly info: Promise<CloseInfo> | undefined
  readonly received: string[]
  onMessage: () => void
  send(text: string): void
  close(): void
}

function ours(url: string, clock: CountingClock): Client {
  const ws = new WebSocket(url, [], { clock, closeTimeout: 3000 })
  ws.on('error', () => {})
  const client: Client = {
    opened: Promise.race([once(ws, 'open'), ws.closed]),
    ended: ws.closed,
    info: ws.closed,
    received: [],
    onMessage: () => {},
    send: (text) => void ws.send(text),
    close: () => ws.close(1000),
  }
  ws.on('message', (data) => {
    client.received.push(String(data))
    client.onMessage()
  })
  return client
}

function theirs(url: string): Client {
  const ws = new WsSocket(url)
  const ended = deferred<void>()
  ws.on('error', () => {})
  ws.on('close', () => ended.resolve())
  const client: Client = {
    opened: Promise.race([new Promise<void>((resolve) => ws.on('open', resolve)), ended.promise]),
    ended: ended.promise,
    info: undefined,
    received: [],
    onMessage: () => {},
    send: (text) => ws.send(text),
    close: () => ws.close(1000),
  }
  ws.on('message', (data) => {
    client.received.push(String(data))
    client.onMessage()
  })
  return client
}

/** What our server has seen of its only connection. */
interface Seen {
  readonly received: string[]
  info: CloseInfo | undefined
}

function echo(server: WebSocketServer): Seen {
  const seen: Seen = { received: [], info: undefined }
  server.on('connection', (ws) => {
    ws.on('error', () => {})
    ws.on('message', (data) => {
      seen.received.push(String(data))
      ws.send(data)
    })
    void ws.closed.then((info) => {
      seen.info = info
    })
  })
  return seen
}

/** Waits until nothing is left of a connection. */
async function nothingLeft(proxy: FaultProxy, clock: CountingClock, server?: WebSocketServer): Promise<void> {
  await until(
    () => proxy.connections === 0 && clock.pending === 0 && (server?.clients.size ?? 0) === 0,
    () => `the end: proxy ${proxy.connections}, timers ${clock.pending}, server ${server?.clients.size}`,
  )
  expect(proxy.bufferedBytes).toBe(0)
  if (server !== undefined) expect(server.stats()).toMatchObject({ connections: 0, bufferedBytes: 0 })
}

/** One message after the other goes out; the next when the echo of the last one has come. */
function converse(client: Client, onDone: () => void): void {
  client.onMessage = () => {
    if (client.received.length < MESSAGES) client.send(expected[client.received.length]!)
    else onDone()
  }
  client.send(expected[0]!)
}

const HARMLESS = [
  'latency:2±2,both',
  'bandwidth:20000,both',
  'slow_close:5,both',
  'slicer:1500±1400,upstream',
  'slicer:1500±1400,downstream',
]

describe.each(['framewright', 'ws'])('a server behind faults, the client is %s', (library) => {
  const open = (port: number, clock: CountingClock): Client => {
    const url = `ws://127.0.0.1:${port}/`
    return library === 'ws' ? theirs(url) : ours(url, clock)
  }

  it.each(HARMLESS)('%s: every message arrives once, in order, and the close is clean', async (fault) => {
    const clock = new CountingClock()
    await using target = await TestServer.start({ clock }, false)
    const seen = echo(target.server)
    await using proxy = await FaultProxy.start({ to: { port: target.port }, faults: [parseFault(fault)], seed: 3 })
    const client = open(proxy.port, clock)
    await within(client.opened, 'the handshake')
    // All at once, so that they queue on the way.
    for (const text of expected) client.send(text)
    await until(() => client.received.length >= MESSAGES)
    client.close()
    await within(client.ended, 'the end')
    expect(client.received).toEqual(expected)
    expect(seen.received).toEqual(expected)
    await until(() => seen.info !== undefined)
    expect(seen.info).toMatchObject({ code: 1000, wasClean: true, cause: 'closed-by-peer', initiator: 'remote' })
    if (client.info !== undefined) expect(await client.info).toMatchObject({ wasClean: true, cause: 'closed-by-us' })
    await nothingLeft(proxy, clock, target.server)
  })

  it.each([
    'reset_peer:40,downstream',
    'reset_peer:40,upstream',
    'down:40',
    'limit_data:150000,downstream',
    'limit_data:150000,upstream',
  ])('%s: what has arrived is right, and both ends say that the transport ended', async (fault) => {
    const clock = new CountingClock()
    const faultClock = new FakeClock()
    await using target = await TestServer.start({ clock }, false)
    const seen = echo(target.server)
    await using proxy = await FaultProxy.start({
      to: { port: target.port },
      faults: [parseFault(fault)],
      clock: faultClock,
    })
    const client = open(proxy.port, clock)
    await within(client.opened, 'the handshake')
    converse(client, () => expect.fail('the fault did not come'))
    const { onMessage } = client
    client.onMessage = () => {
      onMessage()
      if (client.received.length === 7) faultClock.advance(40)
    }
    await within(client.ended, 'the end')
    await until(() => seen.info !== undefined)
    expect(client.received.length).toBeGreaterThanOrEqual(5)
    expect(client.received).toEqual(expected.slice(0, client.received.length))
    expect(seen.received).toEqual(expected.slice(0, seen.received.length))
    for (const info of [seen.info!, await client.info]) {
      if (info === undefined) continue
      expect(['transport-ended', 'transport-error']).toContain(info.cause)
      expect(info).toMatchObject({ code: 1006, wasClean: false, initiator: 'none', requirement: null })
    }
    await nothingLeft(proxy, clock, target.server)
    expect(faultClock.pending).toBe(0)
  })

  it('timeout before the handshake: nobody opens, nothing stays', async () => {
    const clock = new CountingClock()
    const faultClock = new FakeClock()
    await using target = await TestServer.start({ clock }, false)
    const faults = [parseFault('timeout:40,both')]
    await using proxy = await FaultProxy.start({ to: { port: target.port }, faults, clock: faultClock })
    const client = open(proxy.port, clock)
    await until(() => faultClock.pending === 2 && target.server.stats().handshakes.pending === 1)
    faultClock.advance(40)
    await within(client.ended, 'the end')
    if (client.info !== undefined) expect(await client.info).toMatchObject({ cause: 'handshake-failed' })
    expect(target.server.stats().handshakes.accepted).toBe(0)
    await nothingLeft(proxy, clock, target.server)
  })

  it('timeout on the way back: the server lets go of a client that never heard of it', async () => {
    const clock = new CountingClock()
    const faultClock = new FakeClock()
    await using target = await TestServer.start({ clock }, false)
    const seen = echo(target.server)
    const faults = [parseFault('timeout:40,downstream')]
    await using proxy = await FaultProxy.start({ to: { port: target.port }, faults, clock: faultClock })
    const client = open(proxy.port, clock)
    await until(() => target.server.clients.size === 1)
    faultClock.advance(40)
    await within(client.ended, 'the end')
    await until(() => seen.info !== undefined)
    expect(['transport-ended', 'transport-error']).toContain(seen.info!.cause)
    await nothingLeft(proxy, clock, target.server)
  })
})

describe('our client before a server of ws', () => {
  it.each(HARMLESS)('%s: every message arrives once, in order, and the close is clean', async (fault) => {
    const clock = new CountingClock()
    const server = new WsServer({ port: 0, host: '127.0.0.1' })
    await within(once(server, 'listening'), 'the server to listen')
    const received: string[] = []
    server.on('connection', (ws) => {
      ws.on('message', (data) => {
        received.push(String(data))
        ws.send(String(data))
      })
    })
    await using proxy = await FaultProxy.start({
      to: { port: server.address().port },
      faults: [parseFault(fault)],
      seed: 5,
    })
    const client = ours(`ws://127.0.0.1:${proxy.port}/`, clock)
    await within(client.opened, 'the handshake')
    for (const text of expected) client.send(text)
    await until(() => client.received.length >= MESSAGES)
    client.close()
    expect(await within(client.info!, 'the end')).toMatchObject({ wasClean: true, cause: 'closed-by-us' })
    expect(client.received).toEqual(expected)
    expect(received).toEqual(expected)
    await nothingLeft(proxy, clock)
    await within(new Promise<void>((resolve) => server.close(resolve)), 'the server to close')
  })
})
