import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { WebSocketServer, type WebSocketServerOptions } from '../../src/server/index.ts'
import { makeCertificate } from '../support/certificate.ts'
import { within } from '../support/deadline.ts'
import { turn, until } from '../support/deferred.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { RawSocket, upgradeRequest } from '../support/raw-socket.ts'
import { statusOf, stop, TestServer } from '../support/test-server.ts'

const { cert, key } = makeCertificate()

async function listen(options: WebSocketServerOptions): Promise<{ server: WebSocketServer; port: number }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', tls: { cert, key }, ...options })
  const { port } = await within(server.listening, 'the server')
  return { server, port }
}

async function overTls(port: number): Promise<RawSocket> {
  const socket = connectTls({ port, host: '127.0.0.1', ca: cert })
  const raw = new RawSocket(socket)
  await within(once(socket, 'secureConnect'), 'TLS')
  return raw
}

async function statusOver(raw: RawSocket, port: number): Promise<number> {
  await raw.write(upgradeRequest(port))
  return statusOf(Buffer.from(await raw.readUntil('\r\n\r\n')).toString())
}

/** Opens so many TCP connections that say nothing. */
async function silent(port: number, count: number): Promise<RawSocket[]> {
  const peers: RawSocket[] = []
  for (let i = 0; i < count; i += 1) peers.push(await RawSocket.connect(port))
  return peers
}

const left = (peers: readonly RawSocket[]): number => peers.filter((raw) => raw.ended === undefined).length

describe('on a port with TLS', () => {
  it('maxPendingHandshakes counts from the accept, and drops the oldest [6455-10.4-1]', async () => {
    const { server, port } = await listen({ maxPendingHandshakes: 5 })
    const peers = await silent(port, 30)
    await until(
      () => left(peers) === 5,
      () => `25 of 30 to be dropped; left ${left(peers)}`,
    )
    expect(peers.slice(-5).every((raw) => raw.ended === undefined)).toBe(true)
    await until(() => server.stats().handshakes.refused === 25)
    expect(server.stats().handshakes).toMatchObject({ pending: 5, accepted: 0 })
    const raw = await overTls(port)
    expect(await statusOver(raw, port)).toBe(101)
    raw.destroy()
    for (const peer of peers) peer.reset()
    await until(() => server.stats().handshakes.pending === 0, 'nobody to be pending')
    await stop(server)
  })

  it('maxConnectionsPerAddress counts from the accept, and an open connection is no TLS handshake', async () => {
    const { server, port } = await listen({ maxConnectionsPerAddress: 3 })
    const peers = await silent(port, 20)
    await until(
      () => left(peers) === 3,
      () => `17 of 20 to be refused; left ${left(peers)}`,
    )
    for (const peer of peers) peer.reset()
    await until(() => server.stats().handshakes.pending === 0, 'nobody to be pending')
    const open: RawSocket[] = []
    for (const status of [101, 101, 101, 429]) {
      const raw = await overTls(port)
      expect(await statusOver(raw, port)).toBe(status)
      open.push(raw)
    }
    for (const raw of open) raw.destroy()
    await stop(server)
  })

  it('maxConnectionsPerAddress leaves a proxy alone that speaks for many', async () => {
    const { server, port } = await listen({ maxConnectionsPerAddress: 3, trustProxy: 1 })
    const peers = await silent(port, 10)
    await until(() => server.stats().handshakes.pending === 10)
    expect(left(peers)).toBe(10)
    for (const peer of peers) peer.reset()
    await stop(server)
  })

  it('handshakeTimeout begins with the accept, and does not begin again after TLS [6455-7.2.2-1]', async () => {
    const clock = new FakeClock()
    const { server, port } = await listen({ clock, handshakeTimeout: 10_000 })
    const socket = connectTls({ socket: (await RawSocket.connect(port)).socket, ca: cert, host: '127.0.0.1' })
    // The time that TLS takes.
    await until(() => server.stats().handshakes.pending === 1)
    clock.advance(6000)
    const raw = new RawSocket(socket)
    await within(once(socket, 'secureConnect'), 'TLS')
    await raw.write('GET / HTTP/1.1\r\n')
    for (let i = 0; i < 20; i += 1) await turn()
    clock.advance(3999)
    await turn()
    expect(raw.ended).toBeUndefined()
    clock.advance(1)
    expect(statusOf(Buffer.from(await raw.readToEnd()).toString())).toBe(408)
    raw.destroy()
    await stop(server)
  })

  it('handshakeTimeout ends a TLS handshake that says nothing', async () => {
    const clock = new FakeClock()
    const { server, port } = await listen({ clock, handshakeTimeout: 10_000 })
    const [peer] = await silent(port, 1)
    await until(() => server.stats().handshakes.pending === 1)
    clock.advance(10_000)
    await peer!.readToEnd()
    await until(() => server.stats().handshakes.refused === 1)
    expect(server.stats().handshakes.pending).toBe(0)
    peer!.destroy()
    await stop(server)
  })

  it('close() ends TLS handshakes that are under way', async () => {
    const { server, port } = await listen({})
    const [peer] = await silent(port, 1)
    await until(() => server.stats().handshakes.pending === 1)
    await stop(server)
    await peer!.readToEnd()
    peer!.destroy()
  })
})

describe('refused peers that do not leave', () => {
  it('hold as many descriptors as maxPendingHandshakes, the oldest is made to leave', async () => {
    const clock = new FakeClock()
    await using test = await TestServer.start({ clock, maxPendingHandshakes: 5, path: '/chat' })
    const peers: RawSocket[] = []
    for (let i = 0; i < 30; i += 1) {
      const raw = await RawSocket.connect(test.port)
      await raw.write(upgradeRequest(test.port))
      expect(statusOf(Buffer.from(await raw.readUntil('\r\n\r\n')).toString())).toBe(404)
      peers.push(raw)
    }
    // Of those whose socket is gone a write is answered with a reset.
    const gone = peers.slice(0, 25)
    await until(
      () => {
        for (const raw of gone) if (!raw.socket.destroyed) raw.socket.write('x')
        return gone.every((raw) => raw.socket.destroyed)
      },
      () => `25 of 30 to be gone; left ${gone.filter((raw) => !raw.socket.destroyed).length}`,
    )
    expect(peers.slice(-5).some((raw) => raw.socket.destroyed)).toBe(false)
    for (const raw of peers) raw.destroy()
  })
})
