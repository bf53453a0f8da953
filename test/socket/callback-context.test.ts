import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from '../../src/index.ts'
import { within } from '../support/deadline.ts'

const user = new AsyncLocalStorage<string>()

/** Calls `give` as each of some users, one after the other in one tick, and gives what the callbacks found. */
async function askAs(
  names: readonly string[],
  give: (callback: () => void) => void,
): Promise<Array<string | undefined>> {
  const found: Array<string | undefined> = []
  await within(
    Promise.all(
      names.map((name) =>
        user.run(
          name,
          () =>
            new Promise<void>((resolve) => {
              give(() => {
                found.push(user.getStore())
                resolve()
              })
            }),
        ),
      ),
    ),
    'the callbacks',
  )
  return found
}

async function open(
  options: { highWaterMark?: number } = {},
): Promise<{ server: WebSocketServer; client: WebSocket; ws: WebSocket }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options })
  const { port } = await within(server.listening, 'the server')
  const client = new WebSocket(`ws://127.0.0.1:${port}/`)
  const [[ws]] = await within(Promise.all([once(server, 'connection'), once(client, 'open')]), 'the connection')
  return { server, client, ws }
}

const NAMES = ['ada', 'bob', 'cyd']

describe('a callback runs in the async context in which it was given, whoever flushes', () => {
  it.each<[string, (ws: WebSocket) => (callback: () => void) => void]>([
    ['send', (ws) => (callback) => ws.send('hello', callback)],
    ['send of a Blob', (ws) => (callback) => ws.send(new Blob(['hello']), callback)],
    ['send of a fragment', (ws) => (callback) => ws.send('hello', { fin: false }, callback)],
    ['ping', (ws) => (callback) => ws.ping('', undefined, callback)],
    ['pong', (ws) => (callback) => ws.pong('', undefined, callback)],
  ])('%s', async (_, giveTo) => {
    const { server, client, ws } = await open()
    expect(await askAs(NAMES, giveTo(ws))).toEqual(NAMES)
    client.terminate()
    await server.shutdown()
  })

  it('send to a peer that does not read, once it does', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    const { port } = await within(server.listening, 'the server')
    const peer = connect(port, '127.0.0.1')
    peer.pause()
    peer.write(
      `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    )
    const [ws] = (await within(once(server, 'connection'), 'the connection')) as [WebSocket]
    while (ws.send(Buffer.alloc(256 << 10)));
    const found = askAs(NAMES, (callback) => ws.send('waits', callback))
    peer.resume()
    expect(await found).toEqual(NAMES)
    peer.destroy()
    await server.shutdown()
  })

  it('send and ping when the connection is over', async () => {
    const { server, client, ws } = await open()
    client.terminate()
    await within(ws.closed, 'the end')
    expect(await askAs(NAMES, (callback) => ws.send('late', callback))).toEqual(NAMES)
    expect(await askAs(NAMES, (callback) => ws.ping('', undefined, callback))).toEqual(NAMES)
    await server.shutdown()
  })
})

describe('what serves many connections at once', () => {
  it('shows the listeners of one the async context of no other: drain', async () => {
    const { server, client, ws } = await open({ highWaterMark: 1 })
    const other = new WebSocket(`ws://127.0.0.1:${(server.address() as { port: number }).port}/`)
    const [[second]] = await within(Promise.all([once(server, 'connection'), once(other, 'open')]), 'the connection')
    const found: Array<string | undefined> = []
    second.on('drain', () => found.push(user.getStore()))
    // Whoever sends first in a tick has the output of everybody flushed.
    user.run('ada', () => ws.send('first'))
    expect(second.send('second')).toBe(false)
    await within(once(second, 'drain'), 'drain')
    expect(found).toEqual([undefined])
    client.terminate()
    other.terminate()
    await server.shutdown()
  })
})
