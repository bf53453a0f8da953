import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, expect, it } from 'vitest'
import { HandshakeError } from '../../src/errors.ts'
import { type Authorize, reject, type WebSocketServerOptions } from '../../src/server/index.ts'
import type { ConnectionErrorMessage } from '../../src/socket/index.ts'
import { clientText, readServerFrame } from '../support/client-frames.ts'
import { within } from '../support/deadline.ts'
import { deferred, turn } from '../support/deferred.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { openRawWebSocket, RawSocket, upgradeRequest } from '../support/raw-socket.ts'
import { statusOf, TestServer } from '../support/test-server.ts'

async function statusFor(options: WebSocketServerOptions, fieldLines: readonly string[] = []): Promise<number> {
  await using server = await TestServer.start(options)
  using raw = await RawSocket.connect(server.port)
  await raw.write(upgradeRequest(server.port, fieldLines))
  return statusOf(Buffer.from(await raw.readUntil('\r\n\r\n')).toString('latin1'))
}

describe('authorize', () => {
  for (const [name, authorize] of [
    ['at once', () => ({ user: 'ada' })],
    ['later', async () => ({ user: 'ada' })],
  ] as const) {
    it(`makes ws.data of what it returns ${name}, before connection`, async () => {
      await using server = await TestServer.start<{ user: string }>({ authorize })
      const { ws, raw } = await server.open()
      expect(ws.data).toEqual({ user: 'ada' })
      raw.destroy()
    })
  }

  it('gets the request as it was sent', async () => {
    let seen: unknown
    await using server = await TestServer.start({
      authorize: (request) => {
        const { method, url, httpVersion, headers, rawHeaders } = request
        seen = { method, url, httpVersion, cookie: headers.cookie, twice: headers['x-twice'] }
        expect(rawHeaders.slice(-6)).toEqual(['Cookie', 'b=2', 'X-Twice', '1', 'x-twice', '2'])
      },
    })
    using raw = await RawSocket.connect(server.port)
    const fields = ['Cookie: a=1', 'Cookie: b=2', 'X-Twice: 1', 'x-twice: 2']
    await raw.write(upgradeRequest(server.port, fields, '/chat?room=1'))
    await raw.readUntil('\r\n\r\n')
    expect(seen).toEqual({
      method: 'GET',
      url: '/chat?room=1',
      httpVersion: '1.1',
      cookie: 'a=1; b=2',
      twice: '1, 2',
    })
  })

  it('is asked once, and not when the request is refused anyway', async () => {
    let calls = 0
    const authorize = (): void => {
      calls += 1
    }
    expect(await statusFor({ authorize })).toBe(101)
    expect(await statusFor({ authorize }, ['Host: example.org'])).toBe(400)
    expect(await statusFor({ authorize, path: '/chat' })).toBe(404)
    expect(await statusFor({ authorize, origins: [] }, ['Origin: http://a.example'])).toBe(403)
    expect(calls).toBe(1)
  })

  it('refuses by reject(), with status, body and fields, and the socket ends [6455-4.2.2-3]', async () => {
    const answer = () => reject(401, 'who are you?', { 'WWW-Authenticate': 'Bearer' })
    for (const authorize of [answer, async () => answer()]) {
      await using server = await TestServer.start({ authorize })
      const response = await server.refusal()
      expect(response).toMatch(/^HTTP\/1\.1 401 /)
      expect(response).toMatch(/^WWW-Authenticate: Bearer\r$/m)
      expect(response).toMatch(/\r\n\r\nwho are you\?\s*$/)
      expect(server.errors).toMatchObject([{ error: { httpStatus: 401 } }])
      expect(server.errors[0]?.request).toBeDefined()
    }
  })

  const boom = new Error('database is down: password hunter2')
  for (const [name, authorize] of [
    [
      'throws',
      () => {
        throw boom
      },
    ],
    ['rejects', () => Promise.reject(boom)],
  ] as ReadonlyArray<[string, Authorize<unknown>]>) {
    it(`that ${name} is a 500 that tells the peer nothing, and is reported with its cause`, async () => {
      await using server = await TestServer.start({ authorize })
      const response = await server.refusal()
      expect(response).toMatch(/^HTTP\/1\.1 500 /)
      expect(response).not.toContain('hunter2')
      expect(server.errors).toMatchObject([{ error: { httpStatus: 500, cause: boom } }])
    })
  }

  it('that never settles is ended by the handshake’s deadline: 408, the signal aborted', async () => {
    const clock = new FakeClock()
    let signal: AbortSignal | undefined
    const asked = deferred<void>()
    await using server = await TestServer.start({
      clock,
      handshakeTimeout: 10_000,
      authorize: (_request, context) => {
        signal = context.signal
        asked.resolve(undefined)
        return new Promise(() => {})
      },
    })
    using raw = await RawSocket.connect(server.port)
    await raw.write(upgradeRequest(server.port))
    await within(asked.promise, 'authorize to be asked')
    clock.advance(9999)
    expect(signal?.aborted).toBe(false)
    clock.advance(1)
    expect(signal?.aborted).toBe(true)
    expect(statusOf(Buffer.from(await raw.readToEnd()).toString())).toBe(408)
  })

  it('keeps frames that come while it decides', async () => {
    const decision = deferred<string>()
    await using server = await TestServer.start({ authorize: () => decision.promise })
    using raw = await RawSocket.connect(server.port)
    await raw.write(upgradeRequest(server.port))
    await raw.write(clientText('early'))
    await raw.write(clientText('x'.repeat(200_000)))
    decision.resolve('welcome')
    await raw.readUntil('\r\n\r\n')
    expect(Buffer.from((await readServerFrame(raw)).payload).toString()).toBe('early')
    expect((await readServerFrame(raw)).payload).toHaveLength(200_000)
  })
})

describe('origins', () => {
  const cookie = 'Cookie: id=1'
  const bearer = 'Authorization: Bearer x'
  const PORT = '<port>'
  const table: ReadonlyArray<[WebSocketServerOptions['origins'], string[], number]> = [
    [undefined, [], 101],
    [undefined, [cookie], 101],
    [undefined, ['Origin: https://evil.example'], 101],
    [undefined, ['Origin: null'], 101],
    [undefined, ['Origin: https://evil.example', cookie], 403],
    [undefined, ['Origin: https://evil.example', bearer], 403],
    [undefined, ['Origin: null', cookie], 403],
    [undefined, [`Origin: http://127.0.0.1:${PORT}`, cookie], 101],
    [undefined, [`Origin: https://127.0.0.1:${PORT}`, cookie], 101],
    [undefined, ['Origin: http://127.0.0.1', cookie], 403],
    [undefined, ['Origin: http://127.0.0.1:1', cookie], 403],
    [undefined, [`Origin: http://127.0.0.1:${PORT}.evil.example`, cookie], 403],
    [undefined, [`Origin: http://evil.example#127.0.0.1:${PORT}`, cookie], 403],
    [undefined, [`Origin: 127.0.0.1:${PORT}`, cookie], 403],
    ['same-origin', ['Origin: https://evil.example', cookie], 403],
    ['any', ['Origin: https://evil.example', cookie], 101],
    [['https://good.example'], ['Origin: https://good.example'], 101],
    [['https://good.example'], ['Origin: https://good.example', cookie], 101],
    [['https://good.example'], [], 101],
    [['https://good.example'], ['Origin: http://good.example'], 403],
    [['https://good.example'], ['Origin: https://good.example:8443'], 403],
    [['https://good.example'], ['Origin: https://good.example.evil.example'], 403],
    [['https://good.example'], ['Origin: https://evil.example/https://good.example'], 403],
    [['https://good.example'], ['Origin: https://good.example.'], 403],
    [['https://good.example'], ['Origin: HTTPS://GOOD.EXAMPLE'], 403],
    [['https://good.example'], ['Origin: null'], 403],
    [['https://good.example', 'null'], ['Origin: null'], 101],
    [[], ['Origin: https://good.example'], 403],
    [['same-origin', 'https://a.example'], ['Cookie: id=1', 'Origin: https://a.example'], 101],
    [['same-origin', 'https://a.example'], ['Cookie: id=1', 'Origin: https://b.example'], 403],
    [['same-origin', 'https://a.example'], ['Origin: https://b.example'], 101],
  ]
  for (const [origins, fieldLines, status] of table) {
    it(`${JSON.stringify(origins) ?? 'default'}: ${fieldLines.join(', ') || 'no Origin'} gives ${status} [6455-10.2-2]`, async () => {
      await using server = await TestServer.start(origins === undefined ? {} : { origins })
      using raw = await RawSocket.connect(server.port)
      const lines = fieldLines.map((line) => line.replace(PORT, String(server.port)))
      await raw.write(upgradeRequest(server.port, lines))
      expect(statusOf(Buffer.from(await raw.readUntil('\r\n\r\n')).toString())).toBe(status)
    })
  }
})

describe('subprotocols', () => {
  const offer = (list: string) => [`Sec-WebSocket-Protocol: ${list}`]
  const table: ReadonlyArray<[string, WebSocketServerOptions, string[], string]> = [
    ['none is chosen when the server lists none', {}, offer('a, b'), ''],
    ['none is chosen when none is offered', { subprotocols: ['a'] }, [], ''],
    ['the server’s preference wins', { subprotocols: ['b', 'a'] }, offer('a, b'), 'b'],
    ['none is chosen when nothing fits', { subprotocols: ['c'] }, offer('a, b'), ''],
    ['names are compared exactly', { subprotocols: ['A'] }, offer('a'), ''],
    ['handleProtocols chooses', { handleProtocols: (offered) => [...offered][1] ?? false }, offer('a, b'), 'b'],
    ['handleProtocols chooses none', { handleProtocols: () => false }, offer('a, b'), ''],
  ]
  for (const [name, options, fieldLines, protocol] of table) {
    it(name, async () => {
      await using server = await TestServer.start(options)
      const { ws, raw, head } = await server.open(fieldLines)
      expect(ws.protocol).toBe(protocol)
      expect(/^Sec-WebSocket-Protocol: (.*)\r$/m.exec(head)?.[1] ?? '').toBe(protocol)
      raw.destroy()
    })
  }

  for (const [name, handleProtocols] of [
    ['throws', () => reject(500, 'x').message.repeat(-1)],
    ['chooses what was not offered', () => 'c'],
    ['chooses what is no token', () => 'a\r\nSet-Cookie: x=1'],
  ] as const) {
    it(`a handleProtocols that ${name} is a 500`, async () => {
      await using server = await TestServer.start({ handleProtocols })
      const response = await server.refusal(offer('a'))
      expect(response).toMatch(/^HTTP\/1\.1 500 /)
      expect(response).not.toContain('Set-Cookie')
      expect(server.errors).toMatchObject([{ error: { httpStatus: 500 } }])
    })
  }
})

describe('limits', () => {
  it('handshakeTimeout answers 408 to a peer that is too slow with its request, however it drips [6455-7.2.2-1]', async () => {
    const clock = new FakeClock()
    await using server = await TestServer.start({ clock, handshakeTimeout: 10_000 })
    using raw = await RawSocket.connect(server.port)
    for (const byte of upgradeRequest(server.port).slice(0, 9)) {
      await raw.write(byte)
      await turn()
      clock.advance(1000)
    }
    expect(raw.ended).toBeUndefined()
    while (raw.ended === undefined && clock.now() < 60_000) {
      clock.advance(1000)
      await turn()
    }
    const response = Buffer.from(await raw.readToEnd()).toString()
    expect(statusOf(response)).toBe(408)
    expect(response).toMatch(/^Connection: close\r$/m)
    expect(server.errors).toMatchObject([{ error: { httpStatus: 408 } }])
  })

  it('handshakeTimeout of Infinity is none', async () => {
    await using server = await TestServer.start({ handshakeTimeout: Number.POSITIVE_INFINITY })
    const { raw } = await openRawWebSocket(server.port)
    raw.destroy()
  })

  it('a refused peer that does not end its side is destroyed after closeTimeout', async () => {
    const clock = new FakeClock()
    await using server = await TestServer.start({ clock, closeTimeout: 5000, path: '/chat' })
    using raw = await RawSocket.connect(server.port)
    await raw.write(upgradeRequest(server.port))
    await raw.readToEnd()
    clock.advance(5000)
    while (!raw.socket.destroyed) {
      // Sooner or later the peer's writes are answered with a reset.
      raw.socket.write('x')
      await turn()
    }
  })

  it('a refused peer that sends and sends is not read from any more, and destroyed after a second', async () => {
    const clock = new FakeClock()
    const server = await TestServer.start({ clock, closeTimeout: 5000 })
    using raw = await RawSocket.connect(server.port)
    await raw.write(`GET / HTTP/1.1\r\nX: ${'x'.repeat(40_000)}`)
    expect(statusOf(Buffer.from(await raw.readToEnd()).toString())).toBe(431)
    raw.destroy()
    const ended = server[Symbol.asyncDispose]()
    clock.advance(1000)
    await within(ended, 'the server to close')
  })

  it('maxPendingHandshakes drops the oldest handshake for a new one', async () => {
    await using server = await TestServer.start({ maxPendingHandshakes: 2 })
    const [first, second, third] = [
      await RawSocket.connect(server.port),
      await RawSocket.connect(server.port),
      await RawSocket.connect(server.port),
    ]
    await first.readToEnd()
    for (const raw of [second, third]) {
      await raw.write(upgradeRequest(server.port))
      expect(statusOf(Buffer.from(await raw.readUntil('\r\n\r\n')).toString())).toBe(101)
      raw.destroy()
    }
    expect(server.errors).toMatchObject([{ error: { name: 'HandshakeError', httpStatus: 503 } }])
  })

  it('maxConnections refuses one more with 503, and has room again when one is gone [6455-10.4-1]', async () => {
    await using server = await TestServer.start({ maxConnections: 2 })
    const one = await server.open()
    const two = await server.open()
    expect(statusOf(await server.refusal())).toBe(503)
    one.raw.destroy()
    await within(one.ws.closed, 'the first connection to end')
    const three = await server.open()
    expect(statusOf(await server.refusal())).toBe(503)
    two.raw.destroy()
    three.raw.destroy()
  })

  it('maxConnections holds for handshakes whose authorize decides at the same time', async () => {
    const decision = deferred<void>()
    await using server = await TestServer.start({ maxConnections: 1, authorize: () => decision.promise })
    const peers = [await RawSocket.connect(server.port), await RawSocket.connect(server.port)]
    for (const raw of peers) await raw.write(upgradeRequest(server.port))
    for (let i = 0; i < 20; i += 1) await turn()
    decision.resolve(undefined)
    const statuses = await Promise.all(
      peers.map(async (raw) => statusOf(Buffer.from(await raw.readUntil('\r\n\r\n')).toString())),
    )
    expect(statuses.sort()).toEqual([101, 503])
    for (const raw of peers) raw.destroy()
  })

  it('maxConnectionsPerAddress refuses one more with 429, by address', async () => {
    await using server = await TestServer.start({ host: '::', maxConnectionsPerAddress: 1 })
    const { raw, ws } = await server.open()
    expect(statusOf(await server.refusal())).toBe(429)
    using other = await RawSocket.connect(server.port, '127.0.0.2')
    await other.write(upgradeRequest(server.port))
    await other.readUntil('\r\n\r\n')
    raw.destroy()
    await within(ws.closed, 'the connection to end')
    const again = await server.open()
    again.raw.destroy()
  })
})

describe('connectionError', () => {
  it('is also published on the diagnostics channel', async () => {
    const messages: ConnectionErrorMessage[] = []
    const note = (message: unknown): unknown => messages.push(message as ConnectionErrorMessage)
    subscribe('framewright:connectionError', note)
    try {
      await using server = await TestServer.start()
      const { raw } = await server.open()
      await raw.write(Uint8Array.of(0xff, 0xff))
      await raw.readToEnd()
      await server.refusal(['Host: two'])
      expect(messages.map(({ error }) => error.name)).toEqual(['ProtocolError', 'HandshakeError'])
      expect(messages[0]?.ws).toBeDefined()
      expect(messages[1]).toMatchObject({ error: expect.any(HandshakeError), ws: undefined })
    } finally {
      unsubscribe('framewright:connectionError', note)
    }
  })

  it('says nothing of requests before their head is complete', async () => {
    await using server = await TestServer.start()
    using raw = await RawSocket.connect(server.port)
    await raw.write('nonsense\r\n\r\n')
    await raw.readToEnd()
    expect(server.errors).toMatchObject([{ error: { httpStatus: 400 }, ws: undefined, request: undefined }])
  })

  it('listeners that throw or reject are warned of, and the server goes on', async () => {
    await using server = await TestServer.start()
    const warnings: string[] = []
    const note = (warning: Error): unknown => warnings.push(warning.message)
    process.on('warning', note)
    try {
      let calls = 0
      server.server.on('connectionError', () => {
        calls += 1
        if (calls === 1) throw new Error('thrown by the listener')
        return Promise.reject(new Error('rejected by the listener')) as unknown as undefined
      })
      await server.refusal(['Host: two'])
      await server.refusal(['Host: two'])
      while (warnings.length < 2) await turn()
      expect(warnings.map((text) => text.replace(/port \d+/, 'port n'))).toEqual([
        "a listener of 'connectionError' failed with Error: thrown by the listener, on the connection of 127.0.0.1 port n",
        "a listener of 'connectionError' failed with Error: rejected by the listener, on the connection of 127.0.0.1 port n",
      ])
      const { raw } = await server.open()
      raw.destroy()
    } finally {
      process.off('warning', note)
    }
  })
})
