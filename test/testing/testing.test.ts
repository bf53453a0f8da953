import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { reject, type WebSocket, WebSocketServer } from '../../src/index.ts'
import { connectedPair, connectTo, scriptedPeer, TestClock } from '../../src/testing/index.ts'
import { within } from '../support/deadline.ts'

function echo(ws: WebSocket<never> | WebSocket): void {
  ws.on('message', (data) => ws.send(data))
}

describe('connectedPair', () => {
  it('connects two WebSockets in memory', async () => {
    const { server, client } = connectedPair({ data: { user: 'ada' }, protocol: 'chat', remoteAddress: '1.2.3.4' })
    expect([server.data.user, server.protocol, client.protocol, server.remoteAddress]).toEqual([
      'ada',
      'chat',
      'chat',
      '1.2.3.4',
    ])
    echo(server)
    client.send('hello')
    client.send(new Uint8Array(300_000))
    expect(await within(once(client, 'message'), 'the echo')).toEqual(['hello', false])
    expect((await within(once(client, 'message'), 'the echo'))[0]).toHaveLength(300_000)
    server.close(4000, 'done')
    expect(await within(client.closed, 'the end')).toMatchObject({ code: 4000, reason: 'done', wasClean: true })
    expect(await server.closed).toMatchObject({ cause: 'closed-by-us' })
  })

  it('sees one side vanish as 1006', async () => {
    const { server, client } = connectedPair()
    client.terminate()
    expect(await within(server.closed, 'the end')).toMatchObject({ code: 1006 })
  })

  it('takes a clock, so that a heartbeat can be seen without waiting', async () => {
    const clock = new TestClock()
    const { server, client } = connectedPair({ server: { clock, heartbeat: { idleMs: 1000, timeoutMs: 500 } } })
    const pinged = once(client, 'ping')
    for (let i = 0; i < 10; i++) clock.advance(125)
    await within(pinged, 'a ping')
    server.terminate()
  })
})

describe('scriptedPeer', () => {
  it('talks to a handler frame by frame', async () => {
    const { ws, peer } = scriptedPeer()
    echo(ws)
    peer.sendText('hello')
    expect(await within(peer.nextText(), 'the echo')).toBe('hello')
    peer.sendBinary(Uint8Array.of(1))
    expect(await within(peer.nextFrame(), 'the echo')).toMatchObject({ opcode: 2, masked: false })
    peer.sendClose(1000, 'bye')
    expect(await within(peer.nextFrame(), 'the answer')).toMatchObject({ opcode: 8 })
    peer.end()
    expect(await within(ws.closed, 'the end')).toMatchObject({ code: 1000, reason: 'bye' })
    await expect(peer.nextFrame()).rejects.toThrow('ended')
    expect(peer.isEnded).toBe(true)
  })

  it('breaks rules when it is told to [6455-5.1-2]', async () => {
    const { ws, peer } = scriptedPeer()
    peer.sendFrame({ opcode: 1, maskingKey: null, payload: Buffer.from('a') })
    expect([...(await within(peer.nextFrame(), 'the Close frame')).payload.subarray(0, 2)]).toEqual([0x03, 0xea])
    peer.destroy()
    expect(await within(ws.closed, 'the end')).toMatchObject({ requirement: '6455-5.1-2' })
  })

  it('can be slow', async () => {
    const { ws, peer } = scriptedPeer({ server: { highWaterMark: 1000 } })
    peer.pause()
    while (ws.send(Buffer.alloc(10_000))) {}
    const drained = once(ws, 'drain')
    peer.resume()
    await within(drained, 'drain')
    peer.destroy()
  })
})

describe('connectTo', () => {
  it('goes through the opening handshake of a server without a port', async () => {
    const server = new WebSocketServer<{ path: string }>({
      noServer: true,
      path: '/chat',
      authorize: ({ url, headers }) => (headers['cookie'] === 'a=1' ? { path: url! } : reject(401, 'who are you?')),
    })
    server.on('connection', (ws) => ws.send(ws.data.path))
    const ws = connectTo(server, '/chat?x=1', [], { headers: { Cookie: 'a=1' } })
    expect((await within(once(ws, 'message'), 'a message'))[0]).toBe('/chat?x=1')
    const refused = connectTo(server, '/chat')
    expect(await within(new Promise((resolve) => refused.on('error', resolve)), 'the refusal')).toMatchObject({
      httpStatus: 401,
    })
    await server.shutdown({ graceMs: 0 })
  })
})

describe('TestClock', () => {
  it('calls timers in the order they fall due, new ones too, and none that was cleared', () => {
    const clock = new TestClock()
    const calls: string[] = []
    clock.setTimeout(() => {
      calls.push(`b at ${clock.now()}`)
      clock.setTimeout(() => calls.push(`c at ${clock.now()}`), 5)
    }, 20)
    clock.setTimeout(() => calls.push(`a at ${clock.now()}`), 10)
    clock.clearTimeout(clock.setTimeout(() => calls.push('never'), 1))
    clock.advance(24)
    expect(calls).toEqual(['a at 10', 'b at 20'])
    clock.advance(1)
    expect(calls).toEqual(['a at 10', 'b at 20', 'c at 25'])
    expect(clock.now()).toBe(25)
  })
})
