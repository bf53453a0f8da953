import { describe, expect, it } from 'vitest'
import { WebSocketServer as WsServer } from 'ws'
import { WebSocketServer as LookAlike } from '../../src/compat/index.ts'
import { WebSocket, WebSocketServer } from '../../src/index.ts'
import { within } from '../support/deadline.ts'

interface AnyServer {
  address(): unknown
  close(): unknown
  on(event: 'connection', listener: (ws: { send(data: Buffer): unknown }) => void): unknown
  once(event: 'listening', listener: () => void): unknown
}

const MAKERS: Record<string, () => unknown> = {
  framewright: () => new WebSocketServer({ port: 0, host: '127.0.0.1' }),
  'framewright/ws': () => new LookAlike({ port: 0, host: '127.0.0.1' }),
  ws: () => new WsServer({ port: 0, host: '127.0.0.1' }),
}

/** Sends messages in one tick, and counts what arrives until all has, or the end. */
async function burst(name: string, count: number, length: number): Promise<{ arrived: number; code: number }> {
  const server = MAKERS[name]!() as AnyServer
  await within(new Promise<void>((resolve) => server.once('listening', resolve)), 'the server to listen')
  server.on('connection', (ws) => {
    const payload = Buffer.alloc(length)
    for (let i = 0; i < count; i += 1) ws.send(payload)
  })
  const ws = new WebSocket(`ws://127.0.0.1:${(server.address() as { port: number }).port}`)
  let arrived = 0
  ws.on('message', () => {
    arrived += 1
    if (arrived === count) ws.close(1000)
  })
  const { code } = await within(ws.closed, () => `the end; ${arrived} messages arrived`, 30_000)
  server.close()
  return { arrived, code }
}

describe.each(Object.keys(MAKERS))('what %s sends to a healthy peer in one tick arrives', (name) => {
  it.each([
    [24, 1 << 20],
    [20_000, 1 << 10],
  ])('%i messages of %i bytes', { timeout: 60_000 }, async (count, length) => {
    expect(await burst(name, count, length)).toEqual({ arrived: count, code: 1000 })
  })

  // 70 MiB is more than framewright takes, by default.
  it.runIf(name !== 'framewright')('70 messages of a MiB', { timeout: 60_000 }, async () => {
    expect(await burst(name, 70, 1 << 20)).toEqual({ arrived: 70, code: 1000 })
  })
})
