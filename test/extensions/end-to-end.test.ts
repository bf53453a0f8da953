import { describe, expect, it } from 'vitest'
import { accept, type PerMessageDeflateOptions, WebSocket, WebSocketServer } from '../../src/index.ts'
import { within } from '../support/deadline.ts'

const LARGE = 'lorem ipsum dolor sit amet '.repeat(20_000)

async function echoServer(perMessageDeflate: boolean | PerMessageDeflateOptions): Promise<[WebSocketServer, string]> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate })
  server.on('connection', (ws) => {
    ws.on('message', (data, isBinary) => ws.send(data as string, { binary: isBinary }))
  })
  const { port } = await server.listening
  return [server, `ws://127.0.0.1:${port}/`]
}

describe('permessage-deflate over TCP', () => {
  it.each<[name: string, options: PerMessageDeflateOptions]>([
    ['without context takeover', { threshold: 0 }],
    ['with context takeover', { threshold: 0, serverNoContextTakeover: false, clientNoContextTakeover: false }],
  ])('echoes small and large messages in order, %s', async (_, perMessageDeflate) => {
    const [server, url] = await echoServer(perMessageDeflate)
    const ws = new WebSocket(url, [], { perMessageDeflate })
    const sent = ['Hello', LARGE, '', 'Hello', LARGE, 'last']
    const received: unknown[] = []
    const order: number[] = []
    ws.on('open', () => {
      for (const [i, text] of sent.entries()) ws.send(text, {}, () => order.push(i))
    })
    await within(
      new Promise<void>((resolve) => {
        ws.on('message', (data) => {
          if (received.push(data) === sent.length) resolve()
        })
      }),
      'the replies',
    )
    expect(ws.extensions).toContain('permessage-deflate')
    expect(received).toEqual(sent)
    expect(order).toEqual([0, 1, 2, 3, 4, 5])
    ws.send(LARGE)
    ws.close(1000)
    expect(await within(ws.closed, 'the end')).toMatchObject({ code: 1000, wasClean: true })
    await new Promise((resolve) => server.close(resolve))
  })

  it('has options of its own for a connection that authorize gives some', async () => {
    const server = new WebSocketServer({
      port: 0,
      host: '127.0.0.1',
      perMessageDeflate: true,
      authorize: (request) =>
        accept(request.url, {
          perMessageDeflate: request.url === '/off' ? false : { serverMaxWindowBits: 10 },
        }),
    })
    const { port } = await server.listening
    for (const [path, expected] of [
      ['/off', ''],
      ['/small', 'server_max_window_bits=10'],
    ] as const) {
      const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`, [], { perMessageDeflate: { serverMaxWindowBits: 12 } })
      await within(new Promise<void>((resolve) => ws.on('open', resolve)), 'the connection')
      expect(ws.extensions).toContain(expected)
      expect(ws.extensions === '').toBe(expected === '')
      ws.terminate()
    }
    await new Promise((resolve) => server.close(resolve))
  })

  it.each<[name: string, option: unknown, message: string]>([
    ['a word', 'yes', 'perMessageDeflate is yes'],
    ['a window of 8', { serverMaxWindowBits: 8 }, 'serverMaxWindowBits is 8'],
    ['a flag that is none', { serverNoContextTakeover: 1 }, 'serverNoContextTakeover is 1'],
    ['a rule that is none', { compress: 'json' }, 'compress is json'],
    ['a level of 10', { zlibDeflateOptions: { level: 10 } }, 'level is 10'],
  ])('refuses %s as option', (_, perMessageDeflate, message) => {
    expect(() => new WebSocketServer({ noServer: true, perMessageDeflate: perMessageDeflate as boolean })).toThrow(
      message,
    )
  })
})
