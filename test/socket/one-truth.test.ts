import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { WebSocket as WsWebSocket } from 'ws'
import { WebSocketServer } from '../../src/index.ts'
import { transportOf, WebSocket } from '../../src/socket/websocket.ts'
import { createWebSocketStream } from '../../src/socket/websocket-stream.ts'
import { concat } from '../support/chunkings.ts'
import { clientClose, clientFrame, clientText } from '../support/client-frames.ts'
import { ConnectionInMemory } from '../support/connection-in-memory.ts'
import { within } from '../support/deadline.ts'
import { settle } from '../support/memory-transport.ts'
import { TestServer } from '../support/test-server.ts'

/** What every member says that asks whether something can be sent. */
async function answers(ws: WebSocket): Promise<unknown[]> {
  const errors: unknown[] = []
  const note = (error?: Error | null): void => {
    errors.push(error?.name)
  }
  const sent = ws.send('x', note)
  ws.ping(note)
  ws.pong(note)
  await ws.sendStream(['x']).catch(note)
  await ws.drained().catch(note)
  await settle()
  return [sent, errors]
}

const REFUSED = [false, Array(5).fill('ConnectionClosedError')]

describe('between the end of the transport and `close`', () => {
  it.each([
    ['the transport was destroyed', (c: ConnectionInMemory) => c.transport.destroy()],
    ['the transport failed', (c: ConnectionInMemory) => c.transport.destroy(new Error('reset'))],
    ['terminate() was called', (c: ConnectionInMemory) => c.ws.terminate()],
  ])('nothing can be sent, says each member, when %s', async (_, end) => {
    const connection = new ConnectionInMemory()
    const { ws } = connection
    ws.on('error', () => {})
    end(connection)
    expect(ws.readyState).toBe(ws.CLOSING)
    expect(await answers(ws)).toEqual(REFUSED)
    expect(connection.takeFrames()).toEqual([])
  })

  it('a message that cannot be sent is not counted, and `error` sees CLOSING', async () => {
    await using test = await TestServer.start({}, false)
    const { raw, ws } = await test.open()
    const seen: unknown[] = []
    ws.on('error', () => seen.push(ws.readyState, ws.send('late')))
    transportOf(ws)!.destroy(new Error('reset'))
    await within(ws.closed, 'the end')
    raw.destroy()
    expect([seen, test.server.stats().messages.sent]).toEqual([[WebSocket.CLOSING, false], 0])
  })

  it('what send() throws for is not counted', async () => {
    await using test = await TestServer.start({}, false)
    const { raw, ws } = await test.open()
    const refused = [
      () => ws.send(Uint8Array.of(0xff), { binary: false }),
      () => ws.send('x', { fin: false }) && ws.send(Uint8Array.of(0xff), { binary: false }),
    ]
    for (const send of refused) expect(send).toThrow()
    expect(test.server.stats().messages.sent).toBe(0)
    ws.send('the end of it')
    expect(test.server.stats().messages.sent).toBe(1)
    raw.destroy()
  })

  it('after a violation a callback hears the same as everybody else', async () => {
    await using test = await TestServer.start({ perMessageDeflate: true }, false)
    const { raw, ws } = await test.open(['Sec-WebSocket-Extensions: permessage-deflate'])
    const errors: unknown[] = []
    const note = (error?: Error | null): void => {
      errors.push([error?.name, (error as { requirement?: string } | undefined)?.requirement])
    }
    ws.on('error', () => {})
    ws.on('message', () => {
      // On its way to another thread when the violation comes.
      ws.send(Buffer.alloc(1 << 20), { compress: true }, note)
      void ws.sendStream(['behind it']).catch(note)
    })
    await raw.write(concat(clientText('go'), clientFrame({ opcode: 0x3, payload: 'reserved' })))
    raw.end()
    await within(ws.closed, 'the end')
    await settle()
    raw.destroy()
    expect(errors).toEqual(Array(2).fill(['ProtocolError', '6455-5.2-4']))
  })

  it('what came before the end is delivered while CLOSING, not CLOSED', async () => {
    const { ws, transport } = new ConnectionInMemory()
    ws.pause()
    const states: number[] = []
    ws.on('message', () => states.push(ws.readyState))
    ws.on('close', () => states.push(ws.readyState))
    await transport.arrive(clientText('a'))
    transport.destroy()
    await ws.closed
    expect(states.at(-1)).toBe(ws.CLOSED)
  })
})

describe('what a clean Close interrupts', () => {
  /** Everything that can be under way. */
  const underWay = (ws: WebSocket): Array<Promise<unknown>> => [
    ws.sendStream(
      (async function* () {
        yield 'a'
        await new Promise(() => {})
      })(),
    ),
    new Promise((_, reject) => ws.send('behind the stream', (error) => error && reject(error))),
  ]

  it.each([
    ['the peer', (c: ConnectionInMemory) => c.transport.arrive(clientClose(4100, 'bye'))],
    [
      'us',
      async (c: ConnectionInMemory) => {
        c.ws.close(4100, 'bye')
        await c.transport.arrive(clientClose(4100, 'bye'))
      },
    ],
  ])('hears the status code that `closed` says when it comes from %s', async (_, close) => {
    const connection = new ConnectionInMemory()
    const { ws, transport } = connection
    const failures = underWay(ws).map((wait) => wait.catch((error: { closeCode: number }) => error.closeCode))
    await settle()
    await close(connection)
    await transport.arriveEnd()
    const { code } = await ws.closed
    expect([code, ...(await within(Promise.all(failures), 'the errors'))]).toEqual([4100, 4100, 4100])
  })

  it('a send while CLOSING says so, and not that the connection ended', async () => {
    const { ws } = new ConnectionInMemory()
    ws.close(4100)
    const error = await new Promise<Error>((resolve) => ws.send('x', (failed) => resolve(failed!)))
    expect(error.message).toBe('the connection is CLOSING: we sent a Close frame with 4100')
    await expect(ws.drained()).rejects.toThrow('CLOSING')
    // ws says the same in its words.
    await using server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    const peer = new WsWebSocket(`ws://127.0.0.1:${(await server.listening).port}`)
    await once(peer, 'open')
    peer.close(4100)
    const theirs = await new Promise<Error | undefined>((resolve) =>
      (peer.send as (data: string, callback: (failed?: Error) => void) => void)('x', resolve),
    )
    expect(theirs?.message).toContain('CLOSING')
  })
})

describe('CloseInfo.error', () => {
  it('is why the opening handshake failed', async () => {
    const closed = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    const { port } = await closed.listening
    await closed.shutdown()
    const ws = new WebSocket(`ws://127.0.0.1:${port}`)
    const info = await within(ws.closed, 'the end')
    expect(info).toMatchObject({ cause: 'handshake-failed', error: { code: 'ECONNREFUSED' } })
  })

  it.each([
    ['what the transport said', 'reset', (c: ConnectionInMemory) => c.transport.destroy(new Error('reset'))],
    ['what a handler threw', 'mine', (c: ConnectionInMemory) => c.transport.arrive(clientText('throw'))],
    [
      'which rule was broken',
      'reserved opcode',
      (c: ConnectionInMemory) => c.transport.arrive(Uint8Array.of(0x83, 0x80, 0, 0, 0, 0)),
    ],
  ])('is %s', async (_, message, end) => {
    const connection = new ConnectionInMemory()
    connection.ws.on('error', () => {})
    connection.ws.on('message', () => {
      throw new Error('mine')
    })
    await end(connection)
    connection.transport.destroy()
    expect((await connection.ws.closed).error?.message).toContain(message)
  })

  it('is null when nothing failed', async () => {
    const { ws, transport } = new ConnectionInMemory()
    await transport.arrive(clientClose(1000))
    await transport.arriveEnd()
    expect((await ws.closed).error).toBe(null)
  })
})

describe('shutdown()', () => {
  it.each([
    ['by the end of closeTimeout', {}],
    ['by graceMs', { graceMs: 10 }],
  ])('reports a deaf client as terminated, %s', async (_, options) => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', closeTimeout: 50 })
    const { port } = await server.listening
    const client = new WebSocket(`ws://127.0.0.1:${port}`)
    await once(client, 'open')
    transportOf(client)!.pause()
    expect(await within(server.shutdown(options), 'the shutdown')).toEqual({ closed: 0, terminated: 1 })
    client.terminate()
  })
})

describe('createWebSocketStream', () => {
  it('waits for a client that is CONNECTING, and then writes and reads', async () => {
    await using test = await TestServer.start()
    const stream = createWebSocketStream(new WebSocket(`ws://127.0.0.1:${test.port}`), { readableObjectMode: true })
    stream.write('grün')
    stream.write('ff00', 'hex')
    stream.write('//8=', 'base64')
    const seen: unknown[] = []
    const all = (async () => {
      for await (const message of stream) if (seen.push(message) === 3) break
    })()
    await within(all, 'the echo')
    expect(seen).toEqual(['grün', Buffer.from([0xff, 0]), Buffer.from([0xff, 0xff])])
  })

  it('fails with what kept the client from opening', async () => {
    const closed = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    const { port } = await closed.listening
    await closed.shutdown()
    const stream = createWebSocketStream(new WebSocket(`ws://127.0.0.1:${port}`))
    expect(await within(once(stream, 'error'), 'the error')).toMatchObject([{ code: 'ECONNREFUSED' }])
  })

  it('refuses at once what will never open', () => {
    expect(() => createWebSocketStream(new WebSocket(null))).toThrow('CONNECTING')
  })
})
