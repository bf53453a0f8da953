import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocket, WebSocketServer } from '../../src/index.ts'
import { connectedPair } from '../../src/testing/index.ts'
import { within } from '../support/deadline.ts'

/*
 * Test runners put timers of their own in place of Node's: vitest all but the ticks, Jest the ticks too. Whoever tests an
 * application so has real sockets all the same.
 */
beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

describe('with the timers of a test runner in place', () => {
  async function open(options: object = {}) {
    const server = new WebSocketServer({ port: 0, ...options })
    const { port } = (await within(server.listening, 'listening')) as { port: number }
    const connected = once(server, 'connection')
    const client = new WebSocket(`ws://127.0.0.1:${port}/`)
    await within(once(client, 'open'), 'open')
    const [ws] = (await within(connected, 'the connection')) as [WebSocket]
    return { server, client, ws }
  }

  /** Reads so little of what comes that what follows is not seen. */
  function deafen(client: WebSocket, ws: WebSocket): void {
    client.pause()
    ws.send(Buffer.alloc(512 << 10))
  }

  it('reads on when the work of a turn is done, and closes', async () => {
    const { server, client, ws } = await open({ maxFramesPerTurn: 2 })
    const all = new Promise<void>((resolve) => {
      let count = 0
      ws.on('message', () => {
        if (++count === 20) resolve()
      })
    })
    for (let i = 0; i < 20; i++) client.send('hello')
    await within(all, 'the messages')
    client.close(1000)
    expect(await within(ws.closed, 'the end')).toMatchObject({ code: 1000 })
    await within(server.shutdown(), 'the shutdown')
  })

  it('reads on after a pause', async () => {
    const { server, client, ws } = await open()
    ws.pause()
    client.send('hello')
    const message = once(ws, 'message')
    ws.resume()
    await within(message, 'the message')
    await within(server.shutdown(), 'the shutdown')
  })

  it('streams a message of more than one turn', async () => {
    const { server, client, ws } = await open()
    const message = once(ws, 'message')
    await within(client.sendStream([Buffer.alloc(100_000), Buffer.alloc(100_000)]), 'the stream')
    const [data] = await within(message, 'the message')
    expect(data).toHaveLength(200_000)
    await within(server.shutdown(), 'the shutdown')
  })

  it('counts real time: a silent peer is given up', async () => {
    const { server, client, ws } = await open({ heartbeat: { idleMs: 20, timeoutMs: 20 } })
    deafen(client, ws)
    expect(await within(ws.closed, 'the end')).toMatchObject({ cause: 'heartbeat-timeout' })
    client.terminate()
    await within(server.shutdown(), 'the shutdown')
  })

  it('counts real time: a peer that does not answer our Close frame is given up', async () => {
    const { server, client, ws } = await open({ closeTimeout: 20 })
    deafen(client, ws)
    ws.close(1000)
    expect(await within(ws.closed, 'the end')).toMatchObject({ cause: 'close-timeout' })
    client.terminate()
    await within(server.shutdown(), 'the shutdown')
  })

  it('has a pair of connections in memory', async () => {
    const { server, client } = connectedPair()
    const message = once(server, 'message')
    client.send('hello')
    expect((await within(message, 'the message'))[0]).toBe('hello')
    client.close()
    await within(server.closed, 'the end')
  })
})
