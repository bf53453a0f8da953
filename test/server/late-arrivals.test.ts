import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createNetServer } from 'node:net'
import { Duplex } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocketServer as WsServer } from 'ws'
import { WebSocketServer as CompatServer } from '../../src/compat/index.ts'
import { HandshakeError, UsageError } from '../../src/errors.ts'
import { WebSocketServer, type WebSocketServerOptions } from '../../src/server/index.ts'
import type { WebSocket } from '../../src/socket/index.ts'
import { clientFrame, clientText, readServerFrame } from '../support/client-frames.ts'
import { within } from '../support/deadline.ts'
import { deferred, turn, until } from '../support/deferred.ts'
import { portOf } from '../support/port.ts'
import { RawSocket, upgradeRequest } from '../support/raw-socket.ts'
import { statusOf } from '../support/test-server.ts'

interface Upgrade {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
}

const cleanups: Array<() => Promise<unknown>> = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** An HTTP server that hands over its upgrades, and does nothing with them. */
async function httpServer(prepare: (server: Server) => void = () => {}): Promise<Server> {
  const server = createServer()
  prepare(server)
  server.on('upgrade', (_request, socket: Duplex) => socket.on('error', () => {}))
  server.listen(0, '127.0.0.1')
  await within(once(server, 'listening'), 'the server to listen')
  cleanups.push(async () => {
    server.close()
    server.closeAllConnections()
  })
  return server
}

/** The upgrade that a peer asks for, as an application sees it that has something to do first. */
async function upgradeOf(server: Server, raw: RawSocket, behind: Uint8Array | string = ''): Promise<Upgrade> {
  const coming = once(server, 'upgrade')
  const request = Buffer.from(upgradeRequest(portOf(server)))
  await raw.write(Buffer.concat([request, Buffer.from(behind as Uint8Array)]))
  const [incoming, socket, head] = (await within(coming, 'an upgrade')) as [IncomingMessage, Duplex, Buffer]
  cleanups.push(async () => socket.destroy())
  return { request: incoming, socket, head }
}

function serverOf(options: WebSocketServerOptions = {}): { server: WebSocketServer; errors: Error[] } {
  const server = new WebSocketServer({ noServer: true, ...options })
  const errors: Error[] = []
  server.on('connectionError', (error) => errors.push(error))
  return { server, errors }
}

describe('a peer that is gone before its request is answered', () => {
  for (const how of ['end', 'destroy', 'reset'] as const) {
    for (const way of ['handleUpgrade', 'handleSocket'] as const) {
      it(`by ${how}, before ${way}: there is no connection, and nothing waits`, async () => {
        const http = await httpServer()
        const raw = await RawSocket.connect(portOf(http))
        const { request, socket, head } = await upgradeOf(http, raw)
        raw[how]()
        await until(() => !socket.readable, 'the end to arrive')
        const { server, errors } = serverOf({ heartbeat: false })
        const connections: unknown[] = []
        server.on('connection', (ws) => connections.push(ws))
        if (way === 'handleUpgrade') server.handleUpgrade(request, socket, head, (ws) => connections.push(ws))
        else server.handleSocket(socket)
        await until(() => errors.length === 1, 'the handshake to be over')
        expect(server.stats()).toMatchObject({ connections: 0, handshakes: { pending: 0, accepted: 0, refused: 1 } })
        expect(connections).toEqual([])
        raw.destroy()
        await until(() => socket.destroyed, 'the socket to go')
      })
    }
  }

  it('by the server’s own end() is told of, and nothing waits', async () => {
    const http = await httpServer()
    using raw = await RawSocket.connect(portOf(http))
    const { request, socket, head } = await upgradeOf(http, raw)
    socket.end()
    const { server, errors } = serverOf()
    server.handleUpgrade(request, socket, head, () => expect.unreachable())
    expect(errors).toHaveLength(1)
    expect(server.stats().handshakes).toMatchObject({ pending: 0, refused: 1 })
  })

  it('in memory: a Duplex that is destroyed, or broken, or at its end', async () => {
    for (const bring of [
      (duplex: Duplex) => duplex.destroy(),
      (duplex: Duplex) => duplex.destroy(new Error('broken')),
      (duplex: Duplex) => duplex.push(null),
    ]) {
      const duplex = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
      duplex.on('error', () => {})
      bring(duplex)
      duplex.resume()
      await turn()
      const { server, errors } = serverOf()
      server.handleSocket(duplex)
      await until(() => errors.length === 1, 'the handshake to be over')
      expect(server.stats().handshakes).toMatchObject({ pending: 0, refused: 1 })
    }
  })

  it('while authorize decides, having gone before it was asked', async () => {
    const http = await httpServer()
    const raw = await RawSocket.connect(portOf(http))
    const { request, socket, head } = await upgradeOf(http, raw)
    raw.end()
    await until(() => !socket.readable, 'the end to arrive')
    let asked = 0
    const { server } = serverOf({
      authorize: () => {
        asked += 1
        return new Promise(() => {})
      },
    })
    server.handleUpgrade(request, socket, head, () => expect.unreachable())
    expect([asked, server.stats().handshakes.pending]).toEqual([0, 0])
    raw.destroy()
  })
})

describe('one socket, two servers', () => {
  const kinds = { ours: WebSocketServer, 'framewright/ws': CompatServer } as const
  for (const [first, First] of Object.entries(kinds)) {
    for (const [second, Second] of Object.entries(kinds)) {
      it(`${first}, then ${second}: the second one throws, and the first connection goes on`, async () => {
        const http = await httpServer()
        using raw = await RawSocket.connect(portOf(http))
        const { request, socket, head } = await upgradeOf(http, raw)
        const [one, two] = [new First({ noServer: true }), new Second({ noServer: true })]
        one.handleUpgrade(request, socket, head, (ws) => ws.on('message', (data) => ws.send(data)))
        expect(() => two.handleUpgrade(request, socket, head, () => expect.unreachable())).toThrow(UsageError)
        expect(() => two.handleSocket(socket)).toThrow(UsageError)
        expect(() => one.handleSocket(socket)).toThrow(UsageError)
        const response = Buffer.from(await raw.readUntil('\r\n\r\n')).toString()
        expect(statusOf(response)).toBe(101)
        await raw.write(clientText('once'))
        expect(Buffer.from((await readServerFrame(raw)).payload).toString()).toBe('once')
        expect(raw.unread).toHaveLength(0)
      })
    }
  }

  it('ws throws too', async () => {
    const http = await httpServer()
    using raw = await RawSocket.connect(portOf(http))
    const { request, socket, head } = await upgradeOf(http, raw)
    const upgrade = (server: object): void =>
      (server as WebSocketServer).handleUpgrade(request, socket, head, (ws) => ws.on('error', () => {}))
    upgrade(new WsServer({ noServer: true }))
    expect(() => upgrade(new WsServer({ noServer: true }))).toThrow('more than once with the same socket')
  })

  it('while the first one still decides, or still reads the head', async () => {
    const decision = deferred<void>()
    const http = await httpServer()
    using raw = await RawSocket.connect(portOf(http))
    const { request, socket, head } = await upgradeOf(http, raw)
    const { server: one } = serverOf({ authorize: () => decision.promise })
    const { server: two } = serverOf()
    one.handleUpgrade(request, socket, head, () => {})
    expect(() => two.handleUpgrade(request, socket, head, () => {})).toThrow(UsageError)
    decision.resolve(undefined)
    expect(statusOf(Buffer.from(await raw.readUntil('\r\n\r\n')).toString())).toBe(101)

    const duplex = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
    one.handleSocket(duplex)
    expect(() => two.handleSocket(duplex)).toThrow(UsageError)
    expect(one.stats().handshakes.pending).toBe(1)
    duplex.destroy()
  })

  it('a socket that was refused is not answered again, and nobody throws, as in ws', async () => {
    const http = await httpServer()
    using raw = await RawSocket.connect(portOf(http))
    const { request, socket, head } = await upgradeOf(http, raw)
    const { server: one } = serverOf({ path: '/one' })
    const { server: two, errors } = serverOf()
    one.handleUpgrade(request, socket, head, () => expect.unreachable())
    two.handleUpgrade(request, socket, head, () => expect.unreachable())
    expect(statusOf(Buffer.from(await raw.readToEnd()).toString())).toBe(404)
    expect(errors).toHaveLength(1)
    expect(errors[0]).toBeInstanceOf(HandshakeError)
    expect(two.stats().handshakes).toMatchObject({ pending: 0, refused: 1 })
  })

  it('a socket that the application took over may be given to another server', async () => {
    const http = await httpServer()
    using raw = await RawSocket.connect(portOf(http))
    const { request, socket, head } = await upgradeOf(http, raw)
    const { server: one } = serverOf()
    const { server: two } = serverOf()
    const key = request.rawHeaders.indexOf('Sec-WebSocket-Key')
    const good = request.rawHeaders[key + 1]!
    one.on('wsClientError', () => {})
    request.rawHeaders[key + 1] = 'bad'
    one.handleUpgrade(request, socket, head, () => expect.unreachable())
    request.rawHeaders[key + 1] = good
    two.handleUpgrade(request, socket, head, () => {})
    expect(statusOf(Buffer.from(await raw.readUntil('\r\n\r\n')).toString())).toBe(101)
  })
})

describe('what an HTTP server left on its socket', () => {
  // The members of ws's server that are used here are those of ours.
  const makers: Record<string, () => WebSocketServer> = {
    ours: () => new WebSocketServer({ noServer: true }),
    'framewright/ws': () => new CompatServer({ noServer: true }),
    ws: () => new WsServer({ noServer: true }) as unknown as WebSocketServer,
  }
  for (const [name, make] of Object.entries(makers)) {
    it(`${name}: neither its timeout nor Nagle’s algorithm goes on`, async () => {
      const http = await httpServer((server) => {
        server.on('connection', (socket) => socket.setTimeout(60_000, () => socket.destroy()))
      })
      using raw = await RawSocket.connect(portOf(http))
      const { request, socket, head } = await upgradeOf(http, raw)
      const noDelay: unknown[] = []
      const net = socket as Duplex & { timeout?: number; setNoDelay(on?: boolean): unknown }
      const { setNoDelay } = net
      net.setNoDelay = (on) => {
        noDelay.push(on)
        return setNoDelay.call(net, on)
      }
      let ws: WebSocket | undefined
      make().handleUpgrade(request, socket, head, (opened) => {
        ws = opened
        opened.on('message', (data) => opened.send(data))
      })
      expect([net.timeout, noDelay.length]).toEqual([0, 1])
      await raw.write(clientText('idle'))
      expect((await readServerFrame(await afterHead(raw))).opcode).toBe(name === 'ours' ? 0x1 : 0x2)
      ws?.terminate()
    })
  }

  it('a raw socket’s timeout does not go on either', async () => {
    const net = createNetServer({ allowHalfOpen: true })
    const { server } = serverOf()
    net.on('connection', (socket) => {
      socket.setTimeout(60_000)
      server.handleSocket(socket)
    })
    net.listen(0, '127.0.0.1')
    await once(net, 'listening')
    using raw = await RawSocket.connect(portOf(net))
    const opening = once(server, 'connection')
    await raw.write(upgradeRequest(portOf(net)))
    const [, request] = (await within(opening, 'a connection')) as [unknown, { socket: { timeout?: number } }]
    expect(request.socket.timeout).toBe(0)
    raw.destroy()
    net.close()
  })
})

async function afterHead(raw: RawSocket): Promise<RawSocket> {
  await raw.readUntil('\r\n\r\n')
  return raw
}

describe('messages behind the request, more than a read, for a handler that pauses', () => {
  /** Gives the numbers of the messages in the order in which they came. */
  async function order(
    size: number,
    count: number,
    way: 'handleUpgrade' | 'handleSocket',
    wait: () => Promise<void>,
    pause: (ws: WebSocket, number: number) => void,
  ): Promise<number[]> {
    const numbered = (number: number): Uint8Array => {
      const payload = Buffer.alloc(size, number)
      payload.writeUInt32BE(number)
      return clientFrame({ opcode: 0x2, payload })
    }
    const frames = Buffer.concat(Array.from({ length: count }, (_, i) => numbered(i)))
    const received: number[] = []
    const all = deferred<void>()
    const take = (ws: WebSocket): void => {
      ws.on('error', () => all.resolve())
      ws.on('message', (data) => {
        received.push((data as Buffer).readUInt32BE())
        if (received.length === count) all.resolve()
        else pause(ws, received.length)
      })
    }
    const { server } = serverOf()
    using peer = await (async () => {
      if (way === 'handleUpgrade') {
        const http = await httpServer()
        const raw = await RawSocket.connect(portOf(http))
        const { request, socket, head } = await upgradeOf(http, raw, frames)
        await wait()
        server.handleUpgrade(request, socket, head, take)
        return raw
      }
      const net = createNetServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
      cleanups.push(async () => net.close())
      await once(net, 'listening')
      const accepting = once(net, 'connection')
      const raw = await RawSocket.connect(portOf(net))
      const [socket] = (await within(accepting, 'a socket')) as [Duplex]
      // Somebody who wants to know what is spoken here looks at the first bytes, and puts them back.
      socket.once('data', (chunk) => {
        socket.pause()
        socket.unshift(chunk)
        server.on('connection', take)
        void wait().then(() => server.handleSocket(socket))
      })
      await raw.write(Buffer.concat([Buffer.from(upgradeRequest(0)), frames]))
      return raw
    })()
    await within(all.promise, () => `the messages; so far ${received.length}`)
    expect(peer.ended).toBeUndefined()
    return received
  }

  const pauses: Record<string, (ws: WebSocket, number: number) => void> = {
    'for a turn at each': (ws) => {
      ws.pause()
      setImmediate(() => ws.resume())
    },
    'for some turns at every third': (ws, number) => {
      if (number % 3 !== 0) return
      ws.pause()
      void turn()
        .then(turn)
        .then(turn)
        .then(() => ws.resume())
    },
    'for a tick at each': (ws) => {
      ws.pause()
      process.nextTick(() => ws.resume())
    },
  }
  const waits: Record<string, () => Promise<void>> = {
    'at once': async () => {},
    'some turns later': async () => {
      for (let i = 0; i < 20; i += 1) await turn()
    },
  }
  for (const way of ['handleUpgrade', 'handleSocket'] as const) {
    for (const [when, wait] of Object.entries(waits)) {
      for (const [how, pause] of Object.entries(pauses)) {
        it(`come in order: ${way} ${when}, paused ${how}`, { timeout: 60_000 }, async () => {
          for (const size of [300, 1000, 5000, 16_384, 30_000, 65_536, 100_000]) {
            const count = Math.max(6, Math.ceil(300_000 / size))
            expect(await order(size, count, way, wait, pause)).toEqual(Array.from({ length: count }, (_, i) => i))
          }
        })
      }
    }
  }
})

describe('a server that is closed in the tick in which it is made', () => {
  it('rejects listening, never listens, and says close', async () => {
    for (const options of [{ port: 0 }, { port: 0, host: 'localhost' }, { port: 0, tls: {} }]) {
      const server = new WebSocketServer(options)
      const events: string[] = []
      server.on('listening', () => events.push('listening'))
      server.on('error', () => events.push('error'))
      const { listening } = server
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      await expect(within(listening, 'listening to settle')).rejects.toThrow('closed before it listened')
      await within(closed, 'close')
      // A host name is looked up first: what comes of it must not listen.
      await lookup('localhost')
      await turn()
      expect([events, server.address()]).toEqual([[], null])
    }
  })

  it('rejects listening when the server that it is attached to is closed in the same tick', async () => {
    const http = createServer()
    const server = new WebSocketServer({ server: http })
    const { listening } = server
    http.listen(0)
    http.close()
    await expect(within(listening, 'listening to settle')).rejects.toThrow('closed before it listened')
  })

  it('rejects listening also when it is asked for later, and for somebody else’s server', async () => {
    const http = createServer()
    const server = new WebSocketServer({ server: http })
    server.close()
    await expect(within(server.listening, 'listening to settle')).rejects.toBeInstanceOf(UsageError)
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    http.close()
  })

  it('shutdown() does the same', async () => {
    const server = new WebSocketServer({ port: 0 })
    await within(server.shutdown(), 'the shutdown')
    await expect(within(server.listening, 'listening to settle')).rejects.toThrow('closed before it listened')
  })

  it('still gives the address when it did listen', async () => {
    const server = new WebSocketServer({ port: 0 })
    const address = await within(server.listening, 'listening')
    await new Promise<void>((resolve) => server.close(() => resolve()))
    expect(await server.listening).toEqual(address)
  })
})
