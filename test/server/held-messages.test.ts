import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocketServer as WsServer } from 'ws'
import { WebSocketServer as LookAlike } from '../../src/compat/index.ts'
import { WebSocket, WebSocketServer } from '../../src/index.ts'
import { makeCertificate } from '../support/certificate.ts'
import { clientClose, clientFrame, clientText } from '../support/client-frames.ts'
import { within } from '../support/deadline.ts'
import { turn, until } from '../support/deferred.ts'
import { openRawWebSocket, type RawSocket } from '../support/raw-socket.ts'

/** What the tests need to know of a server and its connections, ours or those of ws. */
interface AnyWebSocket {
  readonly readyState: number
  pause(): void
  on(event: 'message', listener: (data: unknown) => void): unknown
  on(event: 'close', listener: (code: number) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
}
interface AnyServer {
  readonly clients: Iterable<AnyWebSocket>
  address(): unknown
  close(): unknown
  on(event: 'connection', listener: (ws: AnyWebSocket) => void): unknown
  once(event: 'listening', listener: () => void): unknown
}

const options = { port: 0, host: '127.0.0.1' }
const MAKERS: Record<string, () => unknown> = {
  framewright: () => new WebSocketServer(options),
  'framewright without heartbeat': () => new WebSocketServer({ ...options, heartbeat: false }),
  'framewright/ws': () => new LookAlike(options),
  ws: () => new WsServer(options),
}

const undo: Array<() => void> = []
afterEach(() => {
  for (const each of undo.splice(0)) each()
})

async function open(name: string): Promise<{ server: AnyServer; ws: AnyWebSocket; raw: RawSocket; seen: unknown[] }> {
  const server = MAKERS[name]!() as AnyServer
  await within(new Promise<void>((resolve) => server.once('listening', resolve)), 'the server to listen')
  const connected = new Promise<AnyWebSocket>((resolve) => server.on('connection', resolve))
  const { raw } = await openRawWebSocket((server.address() as { port: number }).port)
  const ws = await within(connected, 'the connection')
  undo.push(() => {
    raw.destroy()
    for (const client of server.clients) (client as unknown as { terminate(): void }).terminate()
    server.close()
  })
  const seen: unknown[] = []
  ws.on('error', () => {})
  ws.on('close', (code) => seen.push(code))
  return { server, ws, raw, seen }
}

const ENDS: ReadonlyArray<[name: string, code: number, end: (raw: RawSocket) => Promise<unknown> | unknown]> = [
  ['a Close frame', 4001, (raw) => raw.write(clientClose(4001))],
  ['a FIN', 1006, (raw) => raw.end()],
  ['a RST', 1006, (raw) => raw.reset()],
]

/** Whether what the peer sent lies in the kernel for the server to be read: sockets are served in their order. */
async function served(name: string): Promise<void> {
  const { raw } = await open(name)
  await raw.write(clientFrame({ opcode: 9, payload: '' }))
  await raw.read(2)
}

describe.each(ENDS)('%s', (kind, code, end) => {
  it.each(Object.keys(MAKERS))('is seen at once by a server that only sends: %s', async (name) => {
    const { server, raw, seen } = await open(name)
    await raw.write(clientText('hello'))
    await served(name)
    await end(raw)
    if (code !== 1006) {
      const answer = await raw.read(4)
      expect([answer[0], (answer[2]! << 8) | answer[3]!]).toEqual([0x88, code])
      raw.end()
    }
    await until(() => seen.length > 0, 'close')
    expect(seen).toEqual([code])
    await until(() => [...server.clients].length <= 1)
  })

  // While it is paused, ws 8.23 sees no Close frame, and a FIN only when no message lies before it.
  const seenByWs = { empty: kind !== 'a Close frame', held: kind === 'a RST' }
  it.each(Object.keys(MAKERS).filter((name) => name !== 'ws' || seenByWs.empty))(
    'is seen at once by a server that has paused: %s',
    async (name) => {
      const { server, ws, raw, seen } = await open(name)
      ws.pause()
      await served(name)
      await end(raw)
      if (code !== 1006) {
        await raw.read(4)
        raw.end()
      }
      await until(() => seen.length > 0, 'close')
      expect(seen).toEqual([code])
      await until(() => [...server.clients].length <= 1)
    },
  )

  it.each(Object.keys(MAKERS).filter((name) => name !== 'ws' || seenByWs.held))(
    'is seen at once by a server that has paused, behind what came before: %s',
    async (name) => {
      const { server, ws, raw, seen } = await open(name)
      ws.on('message', (data) => seen.push(String(data)))
      ws.pause()
      await raw.write(clientText('held'))
      await served(name)
      expect(seen).toEqual([])
      await end(raw)
      if (code !== 1006) {
        await raw.read(4)
        raw.end()
      }
      await until(() => seen.includes(code), 'close')
      expect(seen).toEqual(['held', code])
      await until(() => [...server.clients].length <= 1)
    },
  )
})

describe('a client that has paused', () => {
  it.each(ENDS.slice(0, 2))('sees %s of its server at once', async (_name, code) => {
    const server = new WebSocketServer(options)
    await within(server.listening, 'the server to listen')
    undo.push(() => void server.close())
    const ws = new WebSocket(`ws://127.0.0.1:${(server.address() as { port: number }).port}`, { heartbeat: false })
    const [[served]] = (await within(
      Promise.all([once(server, 'connection'), once(ws, 'open')]),
      'the connection',
    )) as unknown as [[WebSocket]]
    const seen: unknown[] = []
    ws.on('message', (data) => seen.push(data))
    ws.on('close', (closeCode) => seen.push(closeCode))
    ws.pause()
    await new Promise((resolve) => served.send('held', resolve))
    if (code === 1006) served.terminate()
    else served.close(code)
    await until(() => seen.includes(code), 'close')
    expect(seen).toEqual(['held', code])
  })
})

describe('a connection over TLS', () => {
  it('sees the Close frame behind messages that nobody takes', async () => {
    const { key, cert } = makeCertificate()
    const server = new WebSocketServer({ ...options, tls: { key, cert }, heartbeat: false })
    await within(server.listening, 'the server to listen')
    undo.push(() => void server.close())
    const url = `wss://localhost:${(server.address() as { port: number }).port}`
    const ws = new WebSocket(url, { ca: cert })
    await within(once(ws, 'open'), 'the connection')
    ws.send('nobody takes this')
    await turn()
    ws.close(4001)
    expect(await within(ws.closed, 'the end')).toMatchObject({ code: 4001, wasClean: true })
  })
})

describe('what is held', () => {
  it('makes a peer wait that sends on and on', async () => {
    const { ws, raw, seen } = await open('framewright')
    const frame = clientFrame({ opcode: 2, payload: new Uint8Array(16_000) })
    let isBlocked = false
    let sent = 0
    while (!isBlocked) {
      isBlocked = !raw.socket.write(frame) && raw.socket.writableLength > 4 << 20
      sent += 1
      if (sent % 16 === 0) await turn()
    }
    // The kernel's buffers are full, and not our memory.
    let bytes = 0
    ws.on('message', (data) => {
      bytes += (data as Buffer).length
    })
    await until(() => bytes === sent * 16_000, 'all messages')
    expect(seen).toEqual([])
  })
})
