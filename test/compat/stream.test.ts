import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import Default, {
  createWebSocketStream,
  PerMessageDeflate,
  Receiver,
  WebSocket,
  WebSocketServer,
} from '../../src/compat/index.ts'
import { UsageError } from '../../src/errors.ts'
import { within } from '../support/deadline.ts'

const disposals: Array<() => unknown> = []

afterEach(async () => {
  for (const dispose of disposals.splice(0).reverse()) await dispose()
})

async function start(): Promise<{ server: WebSocketServer; url: string }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  disposals.push(() => server.shutdown({ graceMs: 0 }))
  await within(server.listening, 'the server')
  return { server, url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}

describe('createWebSocketStream of framewright/ws', () => {
  it('may be made while CONNECTING, sends binary, and ends when it is ended', async () => {
    const { server, url } = await start()
    const seen: boolean[] = []
    server.on('connection', (ws) => {
      ws.on('message', (data, isBinary) => {
        seen.push(isBinary)
        ws.send(data)
        if (seen.length === 2) ws.close(1000)
      })
    })
    const stream = createWebSocketStream(new WebSocket(url), { encoding: 'utf8' })
    stream.write('grüße ')
    stream.write(Buffer.from('an alle'))
    expect(await within(text(stream), 'the end')).toBe('grüße an alle')
    expect(seen).toEqual([true, true])
  })

  it('closes the connection when it is ended', async () => {
    const { server, url } = await start()
    const connected = once(server, 'connection') as Promise<[WebSocket]>
    const stream = createWebSocketStream(new WebSocket(url))
    const streamClosed = once(stream, 'close')
    stream.resume().end('last')
    const [side] = await within(connected, 'a connection')
    const message = once(side, 'message')
    expect(String((await within(message, 'the message'))[0])).toBe('last')
    expect(await within(side.closed, 'the end')).toMatchObject({ code: 1005, wasClean: true })
    await within(streamClosed, 'the close')
  })

  it('gives text as strings with readableObjectMode', async () => {
    const { server, url } = await start()
    server.on('connection', (ws) => {
      ws.send('a')
      ws.send(Buffer.from('b'))
      ws.close()
    })
    const stream = createWebSocketStream(new WebSocket(url), { readableObjectMode: true })
    const seen: unknown[] = []
    for await (const message of stream) seen.push(message)
    expect(seen).toEqual(['a', Buffer.from('b')])
  })

  it('stops the peer while nobody reads', async () => {
    const { server, url } = await start()
    server.on('connection', (ws) => {
      for (let i = 0; i < 4; i += 1) ws.send(Buffer.alloc(8, i))
    })
    const ws = new WebSocket(url)
    const stream = createWebSocketStream(ws, { readableHighWaterMark: 8 })
    await within(once(stream, 'readable'), 'a message')
    expect(ws.isPaused).toBe(true)
    let length = 0
    stream.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length === 32) stream.destroy()
    })
    await within(once(stream, 'close'), 'the rest')
    expect(ws.readyState).toBe(ws.CLOSED)
  })

  it('fails with the error of an opening handshake that is refused', async () => {
    const { server, url } = await start()
    server.options.verifyClient = () => false
    const stream = createWebSocketStream(new WebSocket(url))
    const [error] = await within(once(stream, 'error'), 'the error')
    expect((error as Error).message).toBe('Unexpected server response: 401')
  })

  it('gives up a connection that is CONNECTING when it is destroyed', async () => {
    const { url } = await start()
    const ws = new WebSocket(url)
    const stream = createWebSocketStream(ws)
    stream.destroy()
    await within(once(stream, 'close'), 'the close')
    await setImmediate()
    expect(ws.readyState).toBe(ws.CLOSED)
  })
})

describe('names that are inner workings of ws', () => {
  it('can be imported, and say what to use instead when they are used', () => {
    expect(PerMessageDeflate.extensionName).toBe('permessage-deflate')
    expect(() => new PerMessageDeflate()).toThrow(UsageError)
    expect(() => new PerMessageDeflate()).toThrow('option perMessageDeflate')
    expect(() => new Receiver()).toThrow(UsageError)
    expect(() => new Receiver()).toThrow('framewright/frames')
  })

  it('are members of the class, as everything that require() gives', async () => {
    // @ts-expect-error ws.d.ts of the tests has only what they need.
    const theirs: object = await import('../../node_modules/ws/wrapper.mjs')
    const ours: object = await import('../../src/compat/index.ts')
    for (const name of Object.keys(theirs)) {
      expect(ours).toHaveProperty(name)
      if (name !== 'default') expect(Default).toHaveProperty(name)
    }
  })
})
