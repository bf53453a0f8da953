import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, connect, createServer as createNetServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { beforeAll, describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { WebSocketServer } from '../../src/server/index.ts'
import { makeCertificate } from '../support/certificate.ts'
import { concat } from '../support/chunkings.ts'
import { clientClose, clientText, readServerFrame } from '../support/client-frames.ts'
import { within } from '../support/deadline.ts'
import { RawSocket, upgradeRequest } from '../support/raw-socket.ts'
import { echoOn, stop, TestServer } from '../support/test-server.ts'

let certificate: { key: Buffer; cert: Buffer }
beforeAll(() => {
  certificate = makeCertificate()
})

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await within(once(server, 'listening'), 'the server to listen')
  return (server.address() as AddressInfo).port
}

async function connectSecurely(port: number): Promise<RawSocket> {
  // The types do not know allowHalfOpen; Node does.
  const halfOpen = { allowHalfOpen: true }
  const socket = connectTls({ port, host: '127.0.0.1', ca: certificate.cert, servername: 'localhost', ...halfOpen })
  const raw = new RawSocket(socket)
  await within(once(socket, 'secureConnect'), 'the TLS handshake')
  return raw
}

async function expectEcho(raw: RawSocket, port: number): Promise<void> {
  await raw.write(concat(Buffer.from(upgradeRequest(port)), clientText('glued')))
  expect(Buffer.from(await raw.readUntil('\r\n\r\n')).toString()).toMatch(/^HTTP\/1\.1 101 /)
  expect(Buffer.from((await readServerFrame(raw)).payload).toString()).toBe('glued')
  const long = 'x'.repeat(200_000)
  await raw.write(clientText(long))
  expect(Buffer.from((await readServerFrame(raw)).payload).toString()).toBe(long)
  await raw.write(clientClose(1000))
  expect((await readServerFrame(raw)).opcode).toBe(0x8)
  await raw.readToEnd()
  expect(raw.ended).toBe('end')
}

describe('a port of its own', () => {
  it('over TCP', async () => {
    await using server = await TestServer.start()
    expect(server.server.address()).toMatchObject({ port: server.port, address: '127.0.0.1' })
    using raw = await RawSocket.connect(server.port)
    await expectEcho(raw, server.port)
  })

  it('over TLS', async () => {
    await using server = await TestServer.start({ tls: certificate })
    using raw = await connectSecurely(server.port)
    await expectEcho(raw, server.port)
  })

  it('over TLS: a peer that speaks no TLS is reported and hurts nobody', async () => {
    await using server = await TestServer.start({ tls: certificate })
    using plain = await RawSocket.connect(server.port)
    await plain.write(upgradeRequest(server.port))
    await plain.readToEnd()
    using raw = await connectSecurely(server.port)
    await expectEcho(raw, server.port)
    expect(server.errors).toHaveLength(1)
  })

  it('over TLS: a peer that begins no TLS handshake is let go after handshakeTimeout', async () => {
    await using server = await TestServer.start({ tls: certificate, handshakeTimeout: 20 })
    using plain = await RawSocket.connect(server.port)
    await plain.readToEnd()
    expect(server.errors).toHaveLength(1)
  })

  it('over TLS: more than 64 KiB of Pongs in small portions do not stop the reading', async () => {
    await using server = await TestServer.start({ tls: certificate })
    using raw = await connectSecurely(server.port)
    await raw.write(upgradeRequest(server.port))
    await raw.readUntil('\r\n\r\n')
    const ping = concat(Uint8Array.of(0x89, 0xfd, 0, 0, 0, 0), new Uint8Array(125))
    for (let i = 0; i < 600; i += 1) {
      await raw.write(ping)
      await raw.read(127)
    }
  })

  it('over a Unix domain socket', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'framewright-'))
    const socketPath = join(folder, 'server.sock')
    const server = new WebSocketServer({ socketPath })
    echoOn(server)
    try {
      await within(server.listening, 'the server to listen')
      expect(server.address()).toBe(socketPath)
      const socket = connect({ path: socketPath, allowHalfOpen: true })
      using raw = new RawSocket(socket)
      await expectEcho(raw, 0)
    } finally {
      await stop(server)
      rmSync(folder, { recursive: true })
    }
  })

  it('that is taken is an error event and a rejected promise', async () => {
    await using taken = await TestServer.start()
    const server = new WebSocketServer({ port: taken.port, host: '127.0.0.1' })
    const [error] = (await within(once(server, 'error'), 'the error')) as [NodeJS.ErrnoException]
    expect(error.code).toBe('EADDRINUSE')
    await expect(server.listening).rejects.toBe(error)
    await stop(server)
  })

  it('that is taken needs no listener of error when the promise is awaited', async () => {
    await using taken = await TestServer.start()
    const server = new WebSocketServer({ port: taken.port, host: '127.0.0.1' })
    await expect(server.listening).rejects.toThrow('EADDRINUSE')
    await stop(server)
  })

  it('calls back and emits listening', async () => {
    let calls = 0
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
      calls += 1
    })
    expect(server.address()).toBeNull()
    await within(once(server, 'listening'), 'the server to listen')
    expect(calls).toBe(1)
    await stop(server)
  })

  it('can be closed before it listens', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    await stop(server)
  })
})

describe('an existing server', () => {
  for (const [name, create] of [
    ['http', () => createHttpServer()],
    ['https', () => createHttpsServer(certificate)],
  ] as const) {
    it(`of ${name} has its upgrade requests answered, and keeps its other requests`, async () => {
      const http = create()
      http.on('request', (_request, response) => response.end('page'))
      const server = new WebSocketServer({ server: http })
      echoOn(server)
      const port = await listen(http)
      expect(await server.listening).toMatchObject({ port })
      expect(server.address()).toMatchObject({ port })
      const open = () => (name === 'https' ? connectSecurely(port) : RawSocket.connect(port))
      {
        using raw = await open()
        await expectEcho(raw, port)
      }
      {
        using raw = await open()
        await raw.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
        expect(Buffer.from(await raw.readToEnd()).toString()).toMatch(/^HTTP\/1\.1 200 [\s\S]*page/)
      }
      await stop(server)
      expect(http.listenerCount('upgrade')).toBe(0)
      http.close()
      await within(once(http, 'close'), `the ${name} server to close`)
    })
  }

  it('that listens already is noticed', async () => {
    const http = createHttpServer()
    const port = await listen(http)
    const server = new WebSocketServer({ server: http })
    expect(await within(server.listening, 'the address')).toMatchObject({ port })
    await stop(server)
    http.close()
  })

  it('stays open when ours closes, and its error is ours', async () => {
    const http = createHttpServer()
    const server = new WebSocketServer({ server: http })
    const seen: unknown[] = []
    server.on('error', (error) => seen.push(error))
    await listen(http)
    const error = new Error('from http')
    http.emit('error', error)
    expect(seen).toEqual([error])
    await stop(server)
    expect([http.listening, http.listenerCount('error')]).toEqual([true, 0])
    http.close()
  })

  it('gets a 404 answered for another path than the one that is served', async () => {
    const http = createHttpServer()
    const server = new WebSocketServer({ server: http, path: '/chat' })
    const port = await listen(http)
    for (const [target, status] of [
      ['/chat', 101],
      ['/chat?room=1', 101],
      ['/chat/', 404],
      ['/', 404],
    ] as const) {
      using raw = await RawSocket.connect(port)
      await raw.write(upgradeRequest(port, [], target))
      expect(Buffer.from(await raw.readUntil('\r\n\r\n')).toString()).toContain(` ${status} `)
    }
    await stop(server)
    http.close()
  })
})

describe('handleUpgrade', () => {
  async function startHttp(onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void) {
    const http = createHttpServer()
    http.on('upgrade', onUpgrade)
    return { http, port: await listen(http) }
  }

  it('gives the connection to the callback, not to the event', async () => {
    const server = new WebSocketServer({ noServer: true })
    const seen: string[] = []
    server.on('connection', () => seen.push('event'))
    const { http, port } = await startHttp((request, socket, head) => {
      server.handleUpgrade(request, socket, head, (ws, given) => {
        seen.push(given === request ? 'callback' : 'another request')
        ws.on('message', (data) => ws.send(data))
      })
    })
    using raw = await RawSocket.connect(port)
    await expectEcho(raw, port)
    expect(seen).toEqual(['callback'])
    await stop(server)
    http.close()
  })

  it('refuses to be called twice for one socket, and the first call holds', async () => {
    const server = new WebSocketServer({ noServer: true })
    const errors: unknown[] = []
    const { http, port } = await startHttp((request, socket, head) => {
      const echo = () => {
        server.handleUpgrade(request, socket, head, (ws) => ws.on('message', (data) => ws.send(data)))
      }
      echo()
      try {
        echo()
      } catch (error) {
        errors.push(error)
      }
    })
    using raw = await RawSocket.connect(port)
    await expectEcho(raw, port)
    expect(errors).toEqual([expect.any(UsageError)])
    await stop(server)
    http.close()
  })

  it('ends the connection with 1011 when the callback throws', async () => {
    const server = new WebSocketServer({ noServer: true })
    const boom = new Error('boom')
    const errors: unknown[] = []
    server.on('connectionError', (error) => errors.push(error))
    const { http, port } = await startHttp((request, socket, head) => {
      server.handleUpgrade(request, socket, head, () => {
        throw boom
      })
    })
    using raw = await RawSocket.connect(port)
    await raw.write(upgradeRequest(port))
    await raw.readUntil('\r\n\r\n')
    expect([...(await readServerFrame(raw)).payload.subarray(0, 2)]).toEqual([0x03, 0xf3])
    expect(errors).toEqual([boom])
    await stop(server)
    http.close()
  })

  it('lets go of a socket that is gone already', async () => {
    const server = new WebSocketServer({ noServer: true })
    let connections = 0
    const { http, port } = await startHttp((request, socket, head) => {
      socket.destroy()
      server.handleUpgrade(request, socket, head, () => {
        connections += 1
      })
    })
    using raw = await RawSocket.connect(port)
    await raw.write(upgradeRequest(port))
    await raw.readToEnd()
    expect([connections, server.clients.size]).toEqual([0, 0])
    await stop(server)
    http.close()
  })
})

describe('handleSocket', () => {
  it('takes a raw socket from a net server', async () => {
    const server = new WebSocketServer({ noServer: true })
    echoOn(server)
    const net = createNetServer({ allowHalfOpen: true }, (socket: Socket) => server.handleSocket(socket))
    const port = await listen(net)
    using raw = await RawSocket.connect(port)
    await expectEcho(raw, port)
    await stop(server)
    net.close()
  })

  it('takes a raw socket from a tls server', async () => {
    const server = new WebSocketServer({ noServer: true })
    echoOn(server)
    const tls = createTlsServer({ ...certificate, allowHalfOpen: true }, (socket) => server.handleSocket(socket))
    const port = await listen(tls)
    using raw = await connectSecurely(port)
    await expectEcho(raw, port)
    await stop(server)
    tls.close()
  })

  it('takes a socket that ends both halves at once', async () => {
    const server = new WebSocketServer({ noServer: true })
    echoOn(server)
    const net = createNetServer((socket: Socket) => server.handleSocket(socket))
    const port = await listen(net)
    using raw = await RawSocket.connect(port)
    await expectEcho(raw, port)
    await stop(server)
    net.close()
  })
})

describe('options', () => {
  for (const [name, options] of [
    ['no place', {}],
    ['two places', { port: 0, noServer: true }],
    ['port and socketPath', { port: 0, socketPath: '/x' }],
    ['a port that is a string', { port: '8080' }],
    ['a port that is too large', { port: 65_536 }],
    ['a negative port', { port: -1 }],
    ['tls without a port', { noServer: true, tls: {} }],
    ['origins', { noServer: true, origins: 'all' }],
    ['noServer', { noServer: 1 }],
    ['clientTracking', { noServer: true, clientTracking: 'yes' }],
    ['handshakeTimeout', { noServer: true, handshakeTimeout: 0 }],
    ['maxPendingHandshakes', { noServer: true, maxPendingHandshakes: 0 }],
    ['maxConnections', { noServer: true, maxConnections: -1 }],
    ['maxConnectionsPerAddress', { noServer: true, maxConnectionsPerAddress: 1.5 }],
    ['maxHeadBytes', { noServer: true, headLimits: { maxHeadBytes: -1 } }],
    ['maxPayload', { noServer: true, maxPayload: '1' }],
  ] as const) {
    it(`are refused at once: ${name}`, () => {
      expect(() => new WebSocketServer(options as unknown as { noServer: true })).toThrow(UsageError)
      if (!name.includes(' ')) {
        expect(() => new WebSocketServer(options as unknown as { noServer: true })).toThrow(name)
      }
    })
  }

  it('are given back as they were given', () => {
    const options = { noServer: true }
    expect(new WebSocketServer(options).options).toBe(options)
  })

  it('of clientTracking false keep clients empty, and shutdown complete', async () => {
    await using server = await TestServer.start({ clientTracking: false })
    const { raw } = await server.open()
    expect(server.server.clients.size).toBe(0)
    const report = server.server.shutdown()
    expect((await readServerFrame(raw)).opcode).toBe(0x8)
    await raw.write(clientClose(1001))
    raw.end()
    expect(await within(report, 'the shutdown')).toEqual({ closed: 1, terminated: 0 })
  })

  it('address needs a place', () => {
    expect(() => new WebSocketServer({ noServer: true }).address()).toThrow(UsageError)
  })
})
