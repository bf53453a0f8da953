import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HandshakeError, type OpeningRequest, UsageError, WebSocket, WebSocketServer } from '../../src/index.ts'
import { within } from '../support/deadline.ts'
import { EchoServer } from '../support/echo-server.ts'
import { accepting, ScriptedHttp, type SeenRequest } from '../support/scripted-http.ts'

let echo: EchoServer

beforeAll(async () => {
  echo = await EchoServer.start()
})

afterAll(async () => {
  await echo[Symbol.asyncDispose]()
})

/** How a handshake ended that came to nothing. */
async function failure(ws: WebSocket): Promise<{ error: Error; code: number; states: number[] }> {
  const states: number[] = []
  const error = new Promise<Error>((resolve) => {
    ws.once('error', (cause) => {
      states.push(ws.readyState)
      resolve(cause)
    })
  })
  const code = new Promise<number>((resolve) => {
    ws.once('close', (closeCode) => {
      states.push(ws.readyState)
      resolve(closeCode)
    })
  })
  const both = await within(Promise.all([error, code]), 'the handshake to fail')
  return { error: both[0], code: both[1], states }
}

describe('new WebSocket(url)', () => {
  it('opens, sends text and binary, and closes with a code [6455-4.1-2] [6455-4.1-18]', async () => {
    const ws = new WebSocket(echo.url)
    expect(ws.readyState).toBe(WebSocket.CONNECTING)
    expect(ws.url).toBe(echo.url)
    await within(once(ws, 'open'), 'open')
    expect(ws.readyState).toBe(ws.OPEN)
    ws.send('grüße')
    expect(await within(once(ws, 'message'), 'the echo')).toEqual(['grüße', false])
    ws.send(new Uint8Array([0, 255]))
    expect(await within(once(ws, 'message'), 'the echo')).toEqual([Buffer.from([0, 255]), true])
    ws.close(4000, 'enough')
    expect(await within(ws.closed, 'the end')).toMatchObject({ code: 4000, cause: 'closed-by-us', wasClean: true })
    expect(await echo.nextClose()).toEqual({ code: 4000, reason: 'enough' })
  })

  it('masks every frame with another key [6455-5.1-1] [6455-10.3-1]', async () => {
    let bytes = Buffer.alloc(0)
    const all = new Promise<void>((resolve) => {
      void ScriptedHttp.start((request) => {
        request.socket.write(accepting(request))
        request.socket.on('data', (chunk) => {
          bytes = Buffer.concat([bytes, chunk])
          if (bytes.length >= 14) resolve()
        })
      }).then((http) => {
        const ws = new WebSocket(http.url)
        ws.on('open', () => {
          ws.send('a')
          ws.send('a')
        })
        void all.then(() => {
          ws.terminate()
          return http[Symbol.asyncDispose]()
        })
      })
    })
    await within(all, 'two frames')
    expect([bytes[1], bytes[8]]).toEqual([0x81, 0x81])
    expect(bytes.subarray(2, 6)).not.toEqual(bytes.subarray(9, 13))
    expect([6, 13].map((at) => bytes[at]! ^ bytes[at - 4]!)).toEqual([0x61, 0x61])
  })

  it('sends a request with Host, key, version, origin, subprotocols and the fields of the application [6455-4.1-23]', async () => {
    await using http = await ScriptedHttp.start((request) =>
      request.socket.end(accepting(request, ['Sec-WebSocket-Protocol: b'])),
    )
    const ws = new WebSocket(`${http.url}path?x=1`, ['a', 'b'], {
      origin: 'https://example.org',
      headers: { Cookie: 'a=1', 'X-List': ['1', '2'], Host: 'example.org:8000' },
      auth: 'ada:lovelace',
    })
    await within(once(ws, 'open'), 'open')
    expect(ws.protocol).toBe('b')
    const [{ head, fields }] = http.requests as [SeenRequest]
    expect(head).toMatch(/^GET \/path\?x=1 HTTP\/1\.1\r\n/)
    expect(fields.get('host')).toBe('example.org:8000')
    expect(fields.get('origin')).toBe('https://example.org')
    expect(fields.get('sec-websocket-version')).toBe('13')
    expect(fields.get('sec-websocket-protocol')).toBe('a, b')
    expect(fields.get('cookie')).toBe('a=1')
    expect(fields.get('authorization')).toBe(`Basic ${Buffer.from('ada:lovelace').toString('base64')}`)
    expect(head).toContain('X-List: 1\r\nX-List: 2\r\n')
    expect(await within(ws.closed, 'the end')).toMatchObject({ code: 1006, cause: 'transport-ended' })
  })

  it.each<{ name: string; answer: (request: SeenRequest) => string; protocols?: string[]; requirement: string }>([
    {
      name: 'another status',
      answer: () => 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n',
      requirement: '6455-4.1-38',
    },
    {
      name: 'no Upgrade [6455-4.1-39]',
      answer: (request) => accepting(request).replace('Upgrade: websocket\r\n', ''),
      requirement: '6455-4.1-39',
    },
    {
      name: 'no Connection [6455-4.1-40]',
      answer: (request) => accepting(request).replace('Connection: Upgrade\r\n', ''),
      requirement: '6455-4.1-40',
    },
    {
      name: 'another accept [6455-4.1-41]',
      answer: (request) => accepting(request).replace('Accept: ', 'Accept: x'),
      requirement: '6455-4.1-41',
    },
    {
      name: 'an extension nobody offered [6455-4.1-42]',
      answer: (request) => accepting(request, ['Sec-WebSocket-Extensions: foo']),
      requirement: '6455-4.1-42',
    },
    {
      name: 'a subprotocol nobody offered [6455-4.1-43]',
      answer: (request) => accepting(request, ['Sec-WebSocket-Protocol: c']),
      protocols: ['a'],
      requirement: '6455-4.1-43',
    },
    { name: 'none of the subprotocols', answer: accepting, protocols: ['a'], requirement: '6455-4.1-44' },
    { name: 'no HTTP', answer: () => 'SSH-2.0-OpenSSH\r\n\r\n', requirement: '9112-4' },
    { name: 'an end before the head', answer: () => 'HTTP/1.1 101 ', requirement: '6455-4.1-38' },
  ])('fails with 1006 when the answer has $name', async ({ answer, protocols, requirement }) => {
    await using http = await ScriptedHttp.start((request) => request.socket.end(answer(request)))
    const ws = new WebSocket(http.url, protocols)
    const { error, code, states } = await failure(ws)
    expect(error).toBeInstanceOf(HandshakeError)
    expect((error as HandshakeError).requirement).toBe(requirement)
    expect(code).toBe(1006)
    expect(states).toEqual([WebSocket.CLOSING, WebSocket.CLOSED])
    expect(await ws.closed).toMatchObject({ code: 1006, cause: 'handshake-failed', requirement })
  })

  it('skips interim responses, in whatever pieces they come', async () => {
    await using http = await ScriptedHttp.start((request) => {
      request.socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hi')
      request.socket.write(`nts\r\nLink: </a>\r\n\r\n${accepting(request)}`)
      request.socket.write(Buffer.from([0x81, 1, 0x61]))
    })
    const ws = new WebSocket(http.url)
    expect(await within(once(ws, 'message'), 'a message')).toEqual(['a', false])
    ws.terminate()
  })

  it('takes frames that come glued to the response as the first ones', async () => {
    await using http = await ScriptedHttp.start((request) =>
      request.socket.write(Buffer.concat([Buffer.from(accepting(request)), Buffer.from([0x81, 1, 0x61])])),
    )
    const ws = new WebSocket(http.url)
    const events: string[] = []
    ws.on('upgrade', (response) => events.push(`upgrade ${response.statusCode} ${String(response.headers['upgrade'])}`))
    ws.on('open', () => events.push('open'))
    ws.on('message', (data) => events.push(`message ${String(data)}`))
    await within(once(ws, 'message'), 'a message')
    expect(events).toEqual(['upgrade 101 websocket', 'open', 'message a'])
    ws.terminate()
  })

  it('fails when nothing listens [6455-4.1-13]', async () => {
    await using http = await ScriptedHttp.start(() => {})
    const { url } = http
    await http[Symbol.asyncDispose]()
    const { error, code } = await failure(new WebSocket(url))
    expect(error).toMatchObject({ code: 'ECONNREFUSED' })
    expect(code).toBe(1006)
  })

  it('fails when the handshake takes too long', async () => {
    await using http = await ScriptedHttp.start(() => {})
    const { error } = await failure(new WebSocket(http.url, { handshakeTimeout: 20 }))
    expect(error.message).toContain('timed out')
  })

  it.each(['close', 'terminate'] as const)('gives up on %s() while CONNECTING', async (method) => {
    await using http = await ScriptedHttp.start(() => {})
    const ws = new WebSocket(http.url)
    const failed = failure(ws)
    ws[method]()
    expect(ws.readyState).toBe(WebSocket.CLOSING)
    const { error, code } = await failed
    expect(error.message).toBe('WebSocket was closed before the connection was established')
    expect(code).toBe(1006)
  })

  it('throws on send() while CONNECTING, and calls back with an error after the failure', async () => {
    await using http = await ScriptedHttp.start((request) => request.socket.end())
    const ws = new WebSocket(http.url)
    expect(() => ws.send('a')).toThrow(UsageError)
    await failure(ws)
    const error = await new Promise((resolve) => {
      expect(ws.send('a', resolve)).toBe(false)
    })
    expect(error).toMatchObject({ code: 'ERR_CONNECTION_CLOSED', closeCode: 1006 })
    expect(() => ws.ping()).not.toThrow()
    expect(() => ws.close()).not.toThrow()
  })

  it('survives a failure that nobody listens to', async () => {
    await using http = await ScriptedHttp.start((request) => request.socket.end())
    const ws = new WebSocket(http.url)
    expect(await within(ws.closed, 'the end')).toMatchObject({ code: 1006, cause: 'handshake-failed' })
  })

  it('hands a refusal over to whoever listens, body and all', async () => {
    await using http = await ScriptedHttp.start((request) =>
      request.socket.write(
        'HTTP/1.1 401 Unauthorized\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwho \r\n4;x=y\r\nare?\r\n0\r\n\r\n',
      ),
    )
    const ws = new WebSocket(http.url)
    const errors: unknown[] = []
    ws.on('error', (error) => errors.push(error))
    const [, response] = await within(once(ws, 'unexpected-response'), 'the refusal')
    expect(response.statusCode).toBe(401)
    expect(response.headers['set-cookie']).toEqual(['a', 'b'])
    let body = ''
    for await (const chunk of response) body += String(chunk)
    expect(body).toBe('who are?')
    expect(await within(ws.closed, 'the end')).toMatchObject({ code: 1006 })
    expect(errors).toEqual([])
  })

  it('lets the application finish the request', async () => {
    await using http = await ScriptedHttp.start((request) => request.socket.write(accepting(request)))
    const ws = new WebSocket(http.url, {
      headers: { 'X-Gone': '1' },
      finishRequest: (request: OpeningRequest) => {
        request.setHeader('X-Token', 'abc')
        request.removeHeader('x-gone')
        setImmediate(() => request.end())
      },
    })
    await within(once(ws, 'open'), 'open')
    expect(http.requests[0]!.fields.get('x-token')).toBe('abc')
    expect(http.requests[0]!.fields.has('x-gone')).toBe(false)
    ws.terminate()
  })

  it('takes a transport from createConnection', async () => {
    const ws = new WebSocket('ws://nowhere.invalid:81/', {
      createConnection: ({ host, port, secure }) => {
        expect({ host, port, secure }).toEqual({ host: 'nowhere.invalid', port: 81, secure: false })
        return connect(echo.port, '127.0.0.1')
      },
    })
    await within(once(ws, 'open'), 'open')
    ws.terminate()
    await ws.closed
  })

  it('fails at once on a transport of createConnection that is over', async () => {
    const destroyed = new PassThrough().destroy()
    const ended = new PassThrough().end()
    ended.resume()
    await Promise.all([within(once(destroyed, 'close'), 'close'), within(once(ended, 'end'), 'end')])
    for (const transport of [destroyed, ended]) {
      const ws = new WebSocket('ws://nowhere.invalid/', {
        createConnection: () => transport,
        handshakeTimeout: Number.POSITIVE_INFINITY,
      })
      ws.on('error', () => {})
      expect(await within(ws.closed, 'the end')).toMatchObject({ code: 1006, cause: 'handshake-failed' })
    }
  })

  it('takes keys from generateMask', async () => {
    const received = new Promise<Buffer>((resolve) => {
      void ScriptedHttp.start((request) => {
        request.socket.write(accepting(request))
        request.socket.once('data', resolve)
      }).then((http) => {
        const ws = new WebSocket(http.url, { generateMask: (mask) => mask.set([1, 2, 3, 4]) })
        ws.on('open', () => ws.send('\0'))
        ws.on('close', () => http[Symbol.asyncDispose]())
      })
    })
    expect([...(await within(received, 'a frame'))]).toEqual([0x81, 0x81, 1, 2, 3, 4, 1])
  })
})

describe('redirects', () => {
  const redirecting = (to: () => string) => (request: SeenRequest) =>
    request.socket.end(`HTTP/1.1 302 Found\r\nLocation: ${to()}\r\nContent-Length: 0\r\n\r\n`)

  it('are refusals unless they are asked for', async () => {
    await using http = await ScriptedHttp.start(redirecting(() => echo.url))
    const { error } = await failure(new WebSocket(http.url))
    expect(error).toMatchObject({ httpStatus: 302 })
  })

  it('are followed, without credentials and Host when they lead elsewhere', async () => {
    await using there = await ScriptedHttp.start((request) => request.socket.write(accepting(request)))
    await using http = await ScriptedHttp.start(redirecting(() => `http://127.0.0.1:${there.port}/there`))
    const ws = new WebSocket(http.url, {
      followRedirects: true,
      auth: 'ada:lovelace',
      headers: { Cookie: 'a=1', 'X-Kept': '1', Host: 'example.org' },
    })
    const redirected = once(ws, 'redirect')
    await within(once(ws, 'open'), 'open')
    expect((await redirected)[0]).toBe(`ws://127.0.0.1:${there.port}/there`)
    expect(ws.url).toBe(`ws://127.0.0.1:${there.port}/there`)
    const [{ fields }] = there.requests as [SeenRequest]
    expect(http.requests[0]!.fields.get('cookie')).toBe('a=1')
    expect(fields.get('host')).toBe(`127.0.0.1:${there.port}`)
    expect(fields.get('x-kept')).toBe('1')
    expect([fields.has('cookie'), fields.has('authorization')]).toEqual([false, false])
    expect(fields.get('sec-websocket-key')).not.toBe(http.requests[0]!.fields.get('sec-websocket-key'))
    ws.terminate()
  })

  it('keep credentials when they stay in one place', async () => {
    await using http = await ScriptedHttp.start((request) =>
      request.head.startsWith('GET /there')
        ? request.socket.write(accepting(request))
        : redirecting(() => '/there')(request),
    )
    const ws = new WebSocket(http.url, { followRedirects: true, headers: { Cookie: 'a=1' }, auth: 'a:b' })
    await within(once(ws, 'open'), 'open')
    expect(http.requests[1]!.fields.get('cookie')).toBe('a=1')
    expect(http.requests[1]!.fields.has('authorization')).toBe(true)
    ws.terminate()
  })

  it.each([
    { name: 'go on for ever', location: '/again', message: 'more than 3 redirects' },
    { name: 'lead to no WebSocket URL', location: 'ftp://127.0.0.1/', message: 'is not followed' },
    { name: 'lead to a Unix socket', location: 'ws+unix:/run/docker.sock:/', message: 'is not followed' },
  ])('fail when they $name', async ({ location, message }) => {
    await using http = await ScriptedHttp.start(redirecting(() => location))
    const { error } = await failure(new WebSocket(http.url, { followRedirects: true, maxRedirects: 3 }))
    expect(error.message).toContain(message)
  })
})

describe('checks of the arguments', () => {
  it.each([
    'not a url',
    'ftp://example.org',
    'ws://example.org/#fragment',
    'ws://example.org/#',
    'ws://example.org:0/',
    'ws+unix:',
  ])('refuses the URL %s at once [6455-4.1-3] [6455-4.1-4] [6455-3-2]', (url) => {
    expect(() => new WebSocket(url)).toThrow(UsageError)
  })

  it.each([['a b'], ['a', 'a'], ['']])(
    'refuses the subprotocols %j %j at once [6455-4.1-33] [6455-4.1-34]',
    (...list) => {
      expect(() => new WebSocket('ws://127.0.0.1:9/', list)).toThrow(UsageError)
    },
  )

  it.each([
    { handshakeTimeout: '10' },
    { maxRedirects: -1 },
    { followRedirects: 1 },
    { maxPayload: 1.5 },
    { createConnection: 1 },
    { agent: {} },
    { headers: { 'Sec-WebSocket-Key': 'x' } },
    { headers: { 'X-A': 'a\r\nb: c' } },
  ])('refuses the options %j at once', (options) => {
    expect(() => new WebSocket('ws://127.0.0.1:9/', [], options as object)).toThrow(UsageError)
  })

  it('opens nothing without an address', () => {
    const ws = new WebSocket(null)
    expect(ws.readyState).toBe(WebSocket.CONNECTING)
    expect(ws.url).toBe('')
    expect(() => ws.close()).toThrow(UsageError)
  })
})

describe('a client of a server that wants something', () => {
  it('is told by which rule it was refused', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', origins: [] })
    const { port } = await within(server.listening, 'the server')
    const { error } = await failure(new WebSocket(`ws://127.0.0.1:${port}`, { origin: 'https://evil.example' }))
    expect(error).toMatchObject({ httpStatus: 403 })
    await server.shutdown()
  })

  it('gets what an http server without WebSocket says', async () => {
    const server = createServer((_, response) => response.writeHead(200).end('hello')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { error } = await failure(new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`))
    expect(error).toMatchObject({ httpStatus: 200 })
    server.close()
  })
})

describe('perMessageDeflate', () => {
  it.each([true, { serverNoContextTakeover: false, threshold: 0 }])(
    'is offered with %j and compresses both ways',
    async (option) => {
      const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: { threshold: 0 } })
      server.on('connection', (ws) => ws.on('message', (data) => ws.send(data)))
      const { port } = await within(server.listening, 'the server')
      const ws = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: option })
      await within(once(ws, 'open'), 'open')
      expect(ws.extensions).toMatch(/^permessage-deflate/)
      const text = 'abc'.repeat(10_000)
      ws.send(text)
      expect((await within(once(ws, 'message'), 'the echo'))[0]).toBe(text)
      expect(server.stats().bytes.received).toBeLessThan(5_000)
      ws.close()
      await ws.closed
      await server.shutdown()
    },
  )

  it('is not offered by default', async () => {
    await using http = await ScriptedHttp.start((request) => request.socket.write(accepting(request)))
    const ws = new WebSocket(http.url)
    await within(once(ws, 'open'), 'open')
    expect(http.requests[0]!.fields.has('sec-websocket-extensions')).toBe(false)
    ws.terminate()
  })
})

describe('mistakes in the arguments of a client', () => {
  /** The message of the UsageError that is thrown before anything is opened. */
  function mistake(url: string, protocols: unknown, options?: unknown): string {
    try {
      new WebSocket(url, protocols as never, options as never).on('error', () => {})
    } catch (error) {
      expect(error).toBeInstanceOf(UsageError)
      return (error as Error).message
    }
    throw new Error('nothing was thrown')
  }

  const url = 'ws://localhost:1'

  it.each([
    ['a user that is not encoded', 'ws://%zz@localhost:1', [], {}, 'a percent sign does not begin the encoding'],
    ['a password that is not encoded', 'ws://ada:%c3%28@localhost:1', [], {}, '"ws://ada:***@localhost:1/"'],
    [
      'a path of a socket that is not encoded',
      'ws+unix:/run/%zz:/',
      [],
      {},
      'a percent sign does not begin the encoding',
    ],
    ['a URL with a password that is none', 'ws://ada:secret@local host', [], {}, '"ws://ada:***@local host" is no URL'],
    ['a field that is null', url, [], { headers: { X: null } }, 'the value of the field "X" is null'],
    ['a field that is an object', url, [], { headers: { X: {} } }, 'the value of the field "X" is of type object'],
    [
      'a field in a list that is undefined',
      url,
      [],
      { headers: { X: [undefined] } },
      'the value of the field "X" is of type undefined',
    ],
    ['a Map with a field that is a symbol', url, [], { headers: new Map([['X', Symbol('x')]]) }, 'of type symbol'],
    ['fields that are text', url, [], { headers: 'X: 1' }, 'option headers is of type string; give an object'],
    ['fields that are null', url, [], { headers: null }, 'option headers is null'],
    ['fields in a flat list', url, [], { headers: ['X', '1'] }, 'each of its members must be a name and a value'],
    ['a host with a line break', url, [], { host: 'h\r\nx: y' }, 'host "h\\r\\nx: y" is not a host'],
    ['a Host field with a line break', url, [], { headers: { Host: 'h\nx' } }, 'host "h\\nx" is not a host'],
    ['subprotocols that are a number', url, 5, {}, 'the subprotocols are of type number'],
    ['a subprotocol that is a number', url, ['a', 5], {}, 'a subprotocol is of type number'],
    ['a subprotocol that is undefined', url, [undefined], {}, 'a subprotocol is of type undefined'],
    ['a transport that is null', url, [], { createConnection: () => null }, 'createConnection returned null'],
    [
      'a transport that is a promise',
      url,
      [],
      { createConnection: async () => null },
      'createConnection returned a promise',
    ],
    [
      'a transport that is undefined',
      url,
      [],
      { createConnection: () => undefined },
      'createConnection returned undefined',
    ],
  ])('%s is told', (_, address, protocols, options, message) => {
    expect(mistake(address, protocols, options)).toContain(message)
  })

  it.each([
    ['a Headers', () => new Headers({ 'X-One': '1', 'X-Two': '2' })],
    [
      'a Map',
      () =>
        new Map([
          ['X-One', '1'],
          ['X-Two', '2'],
        ]),
    ],
    [
      'pairs',
      () =>
        [
          ['X-One', '1'],
          ['X-Two', '2'],
        ] as const,
    ],
    [
      'a generator',
      function* () {
        yield ['X-One', '1'] as const
        yield ['X-Two', '2'] as const
      },
    ],
    ['an object', () => ({ 'X-One': 1, 'X-Two': '2', 'X-Three': undefined })],
  ])('fields may come as %s, and go along to a redirect', async (_, make) => {
    const seen: SeenRequest[] = []
    await using http = await ScriptedHttp.start((request) => {
      seen.push(request)
      const isFirst = seen.length === 1
      request.socket.end(
        isFirst ? 'HTTP/1.1 307 Go\r\nLocation: /two\r\nContent-Length: 0\r\n\r\n' : accepting(request),
      )
    })
    const ws = new WebSocket(http.url, { headers: make(), followRedirects: true })
    await within(ws.closed, 'the end')
    expect(seen.map(({ fields }) => ['x-one', 'x-two', 'x-three'].map((name) => fields.get(name)))).toEqual([
      ['1', '2', undefined],
      ['1', '2', undefined],
    ])
  })
})

describe('answers and refusals that have no words', () => {
  it.each([204, 304])('a %s ends in unexpected-response though it says that a body follows', async (status) => {
    await using http = await ScriptedHttp.start((request) => {
      // The connection stays open: RFC 9112 §6.3 says where the response ends.
      request.socket.write(`HTTP/1.1 ${status} No\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n`)
    })
    const ws = new WebSocket(http.url)
    const body = new Promise<string>((resolve) => {
      ws.on('unexpected-response', (_request, response) => {
        let text = ''
        response.on('data', (chunk) => (text += chunk)).on('end', () => resolve(text))
      })
    })
    expect(await within(body, 'the end of the response')).toBe('')
    expect(await within(ws.closed, 'the end')).toMatchObject({ code: 1006 })
  })

  it('every address of a host that refuses is named', async () => {
    const lookup = (_host: string, _options: object, callback: (...args: unknown[]) => void): void =>
      callback(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '127.0.0.2', family: 4 },
      ])
    const server = createServer().listen(0, '127.0.0.3')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const ws = new WebSocket(`ws://host.test:${port}`, { lookup: lookup as never })
    const { error } = await failure(ws)
    server.close()
    expect(error.message).toBe(`connect ECONNREFUSED 127.0.0.1:${port}; connect ECONNREFUSED 127.0.0.2:${port}`)
  })
})
