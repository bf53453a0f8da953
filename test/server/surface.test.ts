import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import {
  type AnyRequest,
  HandshakeError,
  reject,
  UsageError,
  WebSocket,
  WebSocketServer,
  type WebSocketServerOptions,
} from '../../src/index.ts'
import { within } from '../support/deadline.ts'
import { openRawWebSocket, RawSocket, upgradeRequest } from '../support/raw-socket.ts'

const disposals: Array<() => unknown> = []

afterEach(async () => {
  for (const dispose of disposals.splice(0).reverse()) await dispose()
})

async function listen<Data>(
  options: Omit<WebSocketServerOptions<Data>, 'port'>,
): Promise<{ server: WebSocketServer<Data>; port: number; url: string }> {
  const server = new WebSocketServer<Data>({ port: 0, host: '127.0.0.1', ...options })
  disposals.push(() => server.shutdown({ graceMs: 0 }))
  const { port } = await within(server.listening, 'the server to listen')
  return { server, port, url: `ws://127.0.0.1:${port}/` }
}

async function listenHttp(): Promise<{ http: Server; port: number }> {
  const http = createServer((_, response) => response.end('page')).listen(0, '127.0.0.1')
  disposals.push(() => http.close())
  await within(once(http, 'listening'), 'http to listen')
  return { http, port: (http.address() as AddressInfo).port }
}

/** Resolves when it opens, and with the error when it does not. */
function outcome(ws: WebSocket): Promise<'open' | Error> {
  disposals.push(() => ws.terminate())
  return within(
    new Promise((resolve) => {
      ws.once('open', () => resolve('open'))
      ws.once('error', resolve)
    }),
    'an outcome',
  )
}

async function statusOf(url: string, options = {}): Promise<number> {
  const result = await outcome(new WebSocket(url, options))
  return result instanceof HandshakeError ? result.httpStatus : 101
}

describe('verifyClient', () => {
  it('decides by what it returns, and sees origin, secure and the request', async () => {
    const seen: unknown[] = []
    const { url } = await listen({
      verifyClient: ({ origin, secure, req }: { origin: string | undefined; secure: boolean; req: AnyRequest }) => {
        seen.push([origin, secure, req.url])
        return origin === 'https://good.example'
      },
    })
    expect(await statusOf(url, { origin: 'https://good.example' })).toBe(101)
    expect(await statusOf(url, { origin: 'https://bad.example' })).toBe(401)
    expect(seen).toEqual([
      ['https://good.example', false, '/'],
      ['https://bad.example', false, '/'],
    ])
  })

  it('decides later by calling back, with status, message and fields', async () => {
    const { url, port } = await listen({
      verifyClient: (
        { req }: { req: AnyRequest },
        callback: (result: boolean, code?: number, message?: string, headers?: Record<string, string>) => void,
      ) => {
        setImmediate(() =>
          req.url === '/yes' ? callback(true) : callback(false, 418, 'short and stout', { 'X-Pot': 'tea' }),
        )
      },
    })
    expect(await statusOf(`${url}yes`)).toBe(101)
    using raw = await RawSocket.connect(port)
    await raw.write(upgradeRequest(port))
    const answer = Buffer.from(await raw.readToEnd()).toString()
    expect(answer).toMatch(/^HTTP\/1\.1 418 /)
    expect(answer).toContain('X-Pot: tea\r\n')
    expect(answer).toContain('short and stout')
  })

  it.each([
    {
      name: 'throws',
      verifyClient: () => {
        throw new Error('broken')
      },
    },
    {
      name: 'calls back with no status',
      verifyClient: (_: unknown, callback: (r: boolean, c: number) => void) => callback(false, 7),
    },
    {
      name: 'calls back with a field that cannot be sent',
      verifyClient: (_: unknown, callback: (r: boolean, c: number, m: string, h: Record<string, string>) => void) =>
        callback(false, 403, 'no', { 'X-A': 'a\r\nX-B: b' }),
    },
  ])('that $name is a 500, not a peer without an answer', async ({ verifyClient }) => {
    const { url, server } = await listen({ verifyClient: verifyClient as () => boolean })
    const errors: Error[] = []
    server.on('connectionError', (error) => errors.push(error))
    expect(await statusOf(url)).toBe(500)
    expect(errors).toMatchObject([{ httpStatus: 500 }])
  })

  it('comes before authorize, which gives the data', async () => {
    const calls: string[] = []
    const { url, server } = await listen<{ user: string }>({
      verifyClient: () => {
        calls.push('verifyClient')
        return true
      },
      authorize: async () => {
        calls.push('authorize')
        return { user: 'ada' }
      },
    })
    const connected = once(server, 'connection') as Promise<[WebSocket<{ user: string }>]>
    expect(await statusOf(url)).toBe(101)
    expect((await connected)[0].data.user).toBe('ada')
    expect(calls).toEqual(['verifyClient', 'authorize'])
  })
})

describe('reject', () => {
  it.each([200, 101, 600, 4.5, Number.NaN])('throws at once on the status %d', (status) => {
    expect(() => reject(status, 'no')).toThrow(UsageError)
  })

  it.each([{ 'X-A': 'a\r\nb' }, { 'X A': 'a' }, { Connection: 'keep-alive' }, { 'Content-Length': '3' }])(
    'throws at once on the fields %j',
    (fields) => {
      expect(() => reject(401, 'no', fields as unknown as Record<string, string>)).toThrow(UsageError)
    },
  )

  it('refuses with status, body and fields [6455-4.2.2-3]', async () => {
    const { port } = await listen({ authorize: () => reject(401, 'who are you?', { 'WWW-Authenticate': 'Bearer' }) })
    using raw = await RawSocket.connect(port)
    await raw.write(upgradeRequest(port))
    const answer = Buffer.from(await raw.readToEnd()).toString()
    expect(answer).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\n/)
    expect(answer.endsWith('\r\n\r\nwho are you?\n')).toBe(true)
  })
})

describe('headers', () => {
  it('gets the lines of the response and adds to them; ours stay', async () => {
    const { server, port } = await listen({})
    server.on('headers', (lines, request) => {
      expect(lines[0]).toBe('HTTP/1.1 101 Switching Protocols')
      expect(request.url).toBe('/')
      lines.push('Set-Cookie: a=1', 'X-B:  b ')
      lines[1] = 'X-C: c'
    })
    const { raw, head } = await openRawWebSocket(port)
    expect(head).toContain('Upgrade: websocket\r\n')
    expect(head).toContain('Set-Cookie: a=1\r\nX-B: b\r\n')
    raw.destroy()
  })

  it.each(['no field line', 'X-A: a\r\nX-B: b', 'Sec-WebSocket-Accept: x', 'Upgrade: h2c'])(
    'cannot put %j into the response: 500',
    async (line) => {
      const { server, url } = await listen({})
      server.on('headers', (lines) => lines.push(line))
      server.on('connectionError', () => {})
      expect(await statusOf(url)).toBe(500)
    },
  )
})

describe('wsClientError', () => {
  it('hands over the socket of a request that is no opening handshake', async () => {
    const { server, port } = await listen({})
    server.on('wsClientError', (error, socket, request) => {
      socket.end(`HTTP/1.1 499 ${error.httpStatus} ${request.method}\r\n\r\n`)
    })
    using raw = await RawSocket.connect(port)
    await raw.write('POST / HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(Buffer.from(await raw.readToEnd()).toString()).toBe('HTTP/1.1 499 405 POST\r\n\r\n')
    expect(server.stats().handshakes.pending).toBe(0)
  })

  it('does not come for a path, an origin or a client that is not wanted', async () => {
    const { server, url } = await listen({ path: '/ws', origins: [] })
    server.on('wsClientError', (_, socket) => socket.destroy())
    expect(await statusOf(url)).toBe(404)
    expect(await statusOf(`${url}ws`, { origin: 'https://evil.example' })).toBe(403)
  })
})

describe('several servers on one http server', () => {
  function attach(http: Server, path: string): WebSocketServer {
    const server = new WebSocketServer({ server: http, path })
    server.on('connection', (ws) => ws.on('message', () => ws.send(path)))
    disposals.push(() => server.shutdown({ graceMs: 0 }))
    return server
  }

  async function ask(url: string): Promise<unknown> {
    const ws = new WebSocket(url)
    expect(await outcome(ws)).toBe('open')
    ws.send('who?')
    return (await within(once(ws, 'message'), 'an answer'))[0]
  }

  it('get their own paths, whatever the order, and refuse what is nobody’s', async () => {
    const { http, port } = await listenHttp()
    attach(http, '/a')
    attach(http, '/b')
    expect(await ask(`ws://127.0.0.1:${port}/b?x=1`)).toBe('/b')
    expect(await ask(`ws://127.0.0.1:${port}/a`)).toBe('/a')
    expect(await statusOf(`ws://127.0.0.1:${port}/c`)).toBe(404)
    expect(http.listenerCount('upgrade')).toBe(1)
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('page')
  })

  it('leave what is nobody’s to other listeners of upgrade', async () => {
    const { http, port } = await listenHttp()
    attach(http, '/a')
    http.on('upgrade', (request: IncomingMessage, socket: Socket) => {
      if (request.url === '/theirs') socket.end('HTTP/1.1 418 mine\r\nContent-Length: 0\r\n\r\n')
    })
    expect(await statusOf(`ws://127.0.0.1:${port}/theirs`)).toBe(418)
    expect(await ask(`ws://127.0.0.1:${port}/a`)).toBe('/a')
  })

  it('let go of the http server when the last one closes', async () => {
    const { http, port } = await listenHttp()
    const [a, b] = [attach(http, '/a'), attach(http, '/b')]
    await new Promise<void>((resolve) => a.close(() => resolve()))
    expect(await statusOf(`ws://127.0.0.1:${port}/a`)).toBe(404)
    expect(await ask(`ws://127.0.0.1:${port}/b`)).toBe('/b')
    await b.shutdown({ graceMs: 0 })
    expect(http.listenerCount('upgrade')).toBe(0)
  })

  it('ask an assigned shouldHandle', async () => {
    const { http, port } = await listenHttp()
    const server = attach(http, '/a')
    server.shouldHandle = (request) => request.headers['x-mine'] === '1'
    expect(await statusOf(`ws://127.0.0.1:${port}/z`, { headers: { 'X-Mine': '1' } })).toBe(101)
    expect(await statusOf(`ws://127.0.0.1:${port}/a`)).toBe(404)
  })

  it('answer with 500 when shouldHandle throws', async () => {
    const { http, port } = await listenHttp()
    const server = attach(http, '/a')
    server.on('connectionError', () => {})
    server.shouldHandle = () => {
      throw new Error('broken')
    }
    expect(await statusOf(`ws://127.0.0.1:${port}/a`)).toBe(500)
  })
})

describe('options', () => {
  it('are read again at every upgrade', async () => {
    const { server, url } = await listen({})
    expect((await outcome(new WebSocket(url, ['a', 'b']))) instanceof Error).toBe(true)
    server.options.handleProtocols = (protocols) => [...protocols].at(-1)!
    server.options.path = '/later'
    const ws = new WebSocket(`${url}later`, ['a', 'b'])
    expect(await outcome(ws)).toBe('open')
    expect(ws.protocol).toBe('b')
    server.options.verifyClient = () => false
    expect(await statusOf(`${url}later`)).toBe(401)
  })

  it.each([
    { verifyClient: true },
    { authorize: 'yes' },
    { handleProtocols: ['a'] },
    { WebSocket: class {} },
    { trustProxy: -1 },
    { trustProxy: ['10.0.0.0/33'] },
    { trustProxy: ['proxy.example'] },
    { trustProxy: true },
    { trustProxy: { proxies: 1, header: 'x-real-ip' } },
  ])('refuse %j with a UsageError', (options) => {
    expect(() => new WebSocketServer({ noServer: true, ...(options as object) })).toThrow(UsageError)
  })

  it('take a class of connections', async () => {
    class Player extends WebSocket {
      score = 7
    }
    const { server, url } = await listen({ WebSocket: Player })
    const connected = once(server, 'connection') as Promise<[Player]>
    expect(await statusOf(url)).toBe(101)
    const [player] = await within(connected, 'a connection')
    expect(player).toBeInstanceOf(Player)
    expect(player.score).toBe(7)
  })
})

describe('trustProxy', () => {
  async function addressFor(
    trustProxy: WebSocketServerOptions['trustProxy'],
    headers: Record<string, string>,
  ): Promise<string | undefined> {
    const { server, url } = await listen(trustProxy === undefined ? {} : { trustProxy })
    const connected = once(server, 'connection') as Promise<[WebSocket]>
    expect(await statusOf(url, { headers })).toBe(101)
    return (await within(connected, 'a connection'))[0].remoteAddress
  }

  it.each<[string, WebSocketServerOptions['trustProxy'], Record<string, string>, string]>([
    ['is off by default', undefined, { 'X-Forwarded-For': '1.2.3.4' }, '127.0.0.1'],
    ['takes what one proxy wrote', 1, { 'X-Forwarded-For': '6.6.6.6, 1.2.3.4' }, '1.2.3.4'],
    ['takes what the first of two wrote', 2, { 'X-Forwarded-For': '6.6.6.6, 1.2.3.4, 10.0.0.1' }, '1.2.3.4'],
    ['does not go past the end of the list', 9, { 'X-Forwarded-For': '1.2.3.4' }, '1.2.3.4'],
    [
      'knows proxies by address',
      ['127.0.0.1', '10.0.0.0/8'],
      { 'X-Forwarded-For': '6.6.6.6, 1.2.3.4, 10.9.8.7' },
      '1.2.3.4',
    ],
    ['does not trust a stranger', ['10.0.0.0/8'], { 'X-Forwarded-For': '1.2.3.4' }, '127.0.0.1'],
    ['stops at what is no address', 3, { 'X-Forwarded-For': '1.2.3.4, unknown, 10.0.0.1' }, '10.0.0.1'],
    ['takes ports off', 1, { 'X-Forwarded-For': '1.2.3.4:5678' }, '1.2.3.4'],
    ['ignores the field it was not told of', 1, { Forwarded: 'for=1.2.3.4' }, '127.0.0.1'],
    [
      'reads Forwarded',
      { proxies: 1, header: 'forwarded' },
      { Forwarded: 'for=6.6.6.6, proto=https;for="[2001:db8::1]:80"' },
      '2001:db8::1',
    ],
  ])('%s', async (_, trustProxy, headers, address) => {
    expect(await addressFor(trustProxy, headers)).toBe(address)
  })

  it('is what the limit per address goes by', async () => {
    const { url } = await listen({ trustProxy: 1, maxConnectionsPerAddress: 1 })
    const from = (address: string) => ({ headers: { 'X-Forwarded-For': address } })
    expect(await statusOf(url, from('1.1.1.1'))).toBe(101)
    expect(await statusOf(url, from('2.2.2.2'))).toBe(101)
    expect(await statusOf(url, from('1.1.1.1'))).toBe(429)
  })
})

describe('stats', () => {
  it('counts connections, handshakes, messages, bytes and causes', async () => {
    const { server, url } = await listen({ path: '/' })
    server.on('connection', (ws) => ws.on('message', (data) => ws.send(data)))
    expect(await statusOf(`${url}nowhere`)).toBe(404)
    const ws = new WebSocket(url)
    await outcome(ws)
    ws.send('hello')
    await within(once(ws, 'message'), 'the echo')
    const during = server.stats()
    expect(during).toMatchObject({
      connections: 1,
      handshakes: { pending: 0, accepted: 1, refused: 1 },
      messages: { received: 1, sent: 1 },
      bufferedBytes: 0,
    })
    expect(during.bytes.received).toBeGreaterThan(11)
    expect(during.bytes.sent).toBeGreaterThan(during.messages.sent * 7)
    const [side] = server.clients
    ws.close(1000)
    await within(side!.closed, 'the end')
    const after = server.stats()
    expect(after.connections).toBe(0)
    expect(after.closes['closed-by-peer']).toBe(1)
    expect(after.bytes.received).toBeGreaterThan(during.bytes.received)
  })
})

describe('handleUpgrade', () => {
  it('takes a bare Duplex and a request that is a plain object', async () => {
    const server = new WebSocketServer({ noServer: true })
    disposals.push(() => server.shutdown({ graceMs: 0 }))
    const written: Buffer[] = []
    const socket = new Duplex({
      read() {},
      write(chunk: Buffer, _, callback) {
        written.push(chunk)
        callback()
      },
    })
    const headers = {
      connection: 'upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': 13,
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    }
    const request = { method: 'GET', url: '/', headers } as unknown as IncomingMessage
    const accepted = new Promise<WebSocket>((resolve) =>
      server.handleUpgrade(request, socket, Buffer.alloc(0), resolve),
    )
    const ws = await within(accepted, 'the connection')
    expect(Buffer.concat(written).toString()).toContain('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
    const message = once(ws, 'message')
    socket.push(Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x61]))
    expect(await within(message, 'a message')).toEqual(['a', false])
  })
})
