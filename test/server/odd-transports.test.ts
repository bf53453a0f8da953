import { Duplex, type DuplexOptions } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { WebSocketServer, type WebSocketServerOptions } from '../../src/server/index.ts'
import type { WebSocket } from '../../src/socket/index.ts'
import { clientClose, clientFrame, clientText } from '../support/client-frames.ts'
import { within } from '../support/deadline.ts'
import { turn, until } from '../support/deferred.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { upgradeRequest } from '../support/raw-socket.ts'
import { statusOf } from '../support/test-server.ts'

/** What the peer of an {@link OddTransport} got. */
interface Peer {
  readonly transport: Duplex
  readonly written: Buffer[]
}

function transportOf(options: DuplexOptions = {}): Peer {
  const written: Buffer[] = []
  const transport = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk)
      done()
    },
    ...options,
  })
  return { transport, written }
}

/** Streams that do what Node lets them do. */
const ODDITIES: Record<string, DuplexOptions> = {
  'says no close (emitClose: false)': { emitClose: false },
  'never calls back from destroy': { destroy() {} },
  'calls back from destroy with an error': { destroy: (_error, done) => done(new Error('destroy failed')) },
  'throws in destroy': {
    destroy() {
      throw new Error('destroy threw')
    },
  },
  'does not destroy itself (autoDestroy: false)': { autoDestroy: false },
  'never ends its side (final)': { final() {} },
  'throws in final': {
    final() {
      throw new Error('final threw')
    },
  },
  'says no close, and does not destroy itself': { autoDestroy: false, emitClose: false },
}

/** Streams that break, each at the first use of a method. */
const BROKEN: Record<string, DuplexOptions> = {
  'throws in write': {
    write() {
      throw new Error('write threw')
    },
  },
  'throws in writev': {
    write() {
      throw new Error('write threw')
    },
    writev() {
      throw new Error('writev threw')
    },
  },
  'throws what is no Error in write': {
    write() {
      throw Object.create(null)
    },
  },
  'throws in write, and says no close': {
    emitClose: false,
    write() {
      throw new Error('write threw')
    },
  },
  'throws in write, and does not destroy itself': {
    autoDestroy: false,
    write() {
      throw new Error('write threw')
    },
  },
  'calls back from write with an error, and says no close': {
    emitClose: false,
    write: (_chunk, _encoding, done) => done(new Error('write failed')),
  },
  'calls back from write with an error, and does not destroy itself': {
    autoDestroy: false,
    write: (_chunk, _encoding, done) => done(new Error('write failed')),
  },
  'throws in read': {
    read() {
      throw new Error('read threw')
    },
  },
  'throws in read, and does neither destroy itself nor say close': {
    autoDestroy: false,
    emitClose: false,
    read() {
      throw new Error('read threw')
    },
  },
}

function serverOf(options: WebSocketServerOptions = {}): {
  server: WebSocketServer
  errors: Error[]
  clock: FakeClock
} {
  const clock = new FakeClock()
  const server = new WebSocketServer({ noServer: true, clock, ...options })
  const errors: Error[] = []
  server.on('connectionError', (error) => errors.push(error))
  return { server, errors, clock }
}

/** Opens a connection over a transport. */
async function open(server: WebSocketServer, { transport, written }: Peer): Promise<WebSocket> {
  let opened: WebSocket | undefined
  server.once('connection', (ws) => {
    ws.on('message', () => {})
    opened = ws
  })
  server.handleSocket(transport)
  transport.push(Buffer.from(upgradeRequest(0)))
  await until(() => opened !== undefined, 'a connection')
  expect(statusOf(Buffer.concat(written).toString())).toBe(101)
  return opened!
}

/** Turns the hands until `promise` settles. */
async function untilSettled<T>(promise: Promise<T>, clock: FakeClock, what: string): Promise<T> {
  let isOver = false
  const settled = promise.finally(() => {
    isOver = true
  })
  const turning = (async () => {
    while (!isOver) {
      clock.advance(1000)
      await turn()
    }
  })()
  try {
    return await within(settled, what)
  } finally {
    isOver = true
    await turning
  }
}

describe('a transport that', () => {
  for (const [name, options] of Object.entries(ODDITIES)) {
    it(`${name}: terminate() is the end`, async () => {
      const { server } = serverOf()
      const ws = await open(server, transportOf(options))
      ws.terminate()
      expect(await within(ws.closed, 'the end')).toMatchObject({ code: 1006, cause: 'terminated' })
      expect(server.stats().connections).toBe(0)
    })

    it(`${name}: shutdown() ends after jitterMs and graceMs`, async () => {
      const { server, clock } = serverOf()
      await open(server, transportOf(options))
      const report = server.shutdown({ graceMs: 300 })
      await turn()
      clock.advance(300)
      expect(await within(report, 'the shutdown')).toMatchObject({ terminated: 1 })
      expect([server.clients.size, clock.pending]).toEqual([0, 0])
    })

    it(`${name}: a closing handshake is the end`, async () => {
      const { server, clock } = serverOf()
      const peer = transportOf(options)
      const ws = await open(server, peer)
      peer.transport.push(clientClose(1000))
      await turn()
      peer.transport.push(null)
      expect(await untilSettled(ws.closed, clock, 'the end')).toMatchObject({ code: 1000, wasClean: true })
      expect(clock.pending).toBe(0)
    })

    it(`${name}: a peer that only ends its side is the end`, async () => {
      const { server, clock } = serverOf()
      const peer = transportOf(options)
      const ws = await open(server, peer)
      peer.transport.push(null)
      expect(await untilSettled(ws.closed, clock, 'the end')).toMatchObject({ code: 1006 })
    })

    it(`${name}: destroyed by somebody else is the end`, async () => {
      const { server, clock } = serverOf({ heartbeat: false })
      const peer = transportOf(options)
      const ws = await open(server, peer)
      peer.transport.destroy()
      expect(await untilSettled(ws.closed, clock, 'the end')).toMatchObject({ code: 1006 })
    })

    it(`${name}: broken by somebody else is the end, and why is told once`, async () => {
      const { server, errors, clock } = serverOf({ heartbeat: false })
      const peer = transportOf(options)
      const ws = await open(server, peer)
      const seen: Error[] = []
      ws.on('error', (error) => seen.push(error))
      peer.transport.destroy(new Error('read ECONNRESET'))
      const { code, cause, error } = await untilSettled(ws.closed, clock, 'the end')
      expect([code, cause]).toEqual([1006, 'transport-error'])
      // Some have an error of their own.
      expect(error?.message).toMatch(/ECONNRESET|destroy (failed|threw)/)
      expect([seen, errors]).toEqual([[error], [error]])
    })

    it(`${name}: a refusal and a handshake without end leave nothing behind`, async () => {
      for (const request of ['POST / HTTP/1.1\r\n\r\n', 'GET / HTTP/1.1\r\n']) {
        const { server, errors, clock } = serverOf()
        const peer = transportOf(options)
        server.handleSocket(peer.transport)
        peer.transport.push(request)
        const over = async (): Promise<void> => {
          while (errors.length === 0 || !peer.transport.destroyed) await turn()
        }
        await untilSettled(over(), clock, 'the handshake to be over')
        await untilSettled(
          until(() => clock.pending === 0),
          clock,
          'the timers to be gone',
        )
        expect(server.stats().handshakes).toMatchObject({ pending: 0, refused: 1 })
      }
    })
  }

  for (const [name, options] of Object.entries(BROKEN)) {
    it(`${name}: breaks its own handshake and nothing else`, async () => {
      const { server, errors, clock } = serverOf()
      const { transport } = transportOf(options)
      server.on('connection', (ws) => ws.on('error', () => {}))
      server.handleSocket(transport)
      transport.push(Buffer.from(upgradeRequest(0)))
      await untilSettled(
        until(() => transport.destroyed && server.clients.size === 0 && server.stats().handshakes.pending === 0),
        clock,
        'the end',
      )
      expect(errors.length).toBeGreaterThan(0)
      expect(clock.pending).toBe(0)
    })

    it(`${name}, once it is open: ends its own connection and nothing else`, async () => {
      const { server, errors, clock } = serverOf()
      const peer = transportOf()
      const ws = await open(server, peer)
      for (const [method, of] of Object.entries({ write: '_write', writev: '_writev', read: '_read' })) {
        const odd = options[method as keyof DuplexOptions]
        if (odd !== undefined) Object.defineProperty(peer.transport, of, { value: odd })
      }
      ws.send('to be written')
      ws.send(Buffer.alloc(200_000))
      peer.transport.push(clientText('x'.repeat(10)))
      peer.transport.read(0)
      expect(await untilSettled(ws.closed, clock, 'the end')).toMatchObject({ code: 1006, cause: 'transport-error' })
      expect(errors.length).toBeGreaterThan(0)
      expect(clock.pending).toBe(0)
    })
  }

  for (const method of ['pause', 'resume', 'setTimeout', 'setNoDelay', 'destroy', 'end']) {
    it(`throws in ${method}(): harms nobody, and shutdown() ends`, async () => {
      const { server, clock } = serverOf()
      const peer = transportOf()
      Object.defineProperty(peer.transport, method, {
        value: () => {
          throw new Error(`${method} threw`)
        },
      })
      server.on('connection', (ws) => {
        ws.on('error', () => {})
        ws.pause()
        ws.resume()
        ws.send('to be written')
      })
      server.handleSocket(peer.transport)
      peer.transport.push(Buffer.from(upgradeRequest(0)))
      peer.transport.push(clientFrame({ opcode: 2, payload: Buffer.alloc(200_000) }))
      await turn()
      await untilSettled(server.shutdown({ graceMs: 300 }), clock, 'the shutdown')
      await untilSettled(
        until(() => server.clients.size === 0 && server.stats().handshakes.pending === 0 && clock.pending === 0),
        clock,
        'the end',
      )
    })
  }

  it('gives text in place of bytes (setEncoding) gets a clean 400', async () => {
    const { server, errors } = serverOf()
    const { transport, written } = transportOf()
    transport.setEncoding('utf8')
    server.handleSocket(transport)
    transport.push(upgradeRequest(0))
    await until(() => errors.length === 1, 'the refusal')
    expect(statusOf(Buffer.concat(written).toString())).toBe(400)
  })
})
