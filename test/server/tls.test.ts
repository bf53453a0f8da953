import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { UsageError, WebSocket, WebSocketServer } from '../../src/index.ts'
import { transportOf } from '../../src/socket/websocket.ts'
import { makeCertificate } from '../support/certificate.ts'
import { within } from '../support/deadline.ts'

const first = makeCertificate('first')
const second = makeCertificate('second')

function echo(server: WebSocketServer): void {
  server.on('connection', (ws) => ws.on('message', (data) => ws.send(data)))
}

async function talk(ws: WebSocket): Promise<string> {
  await within(once(ws, 'open'), 'open')
  ws.send('hello')
  await within(once(ws, 'message'), 'the echo')
  const { subject } = (transportOf(ws) as TLSSocket).getPeerCertificate()
  return String(subject.CN)
}

describe('wss [6455-10.6-1]', () => {
  it('works on a port of our own', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', tls: { cert: first.cert, key: first.key } })
    echo(server)
    const { port } = await within(server.listening, 'the server')
    const ws = new WebSocket(`wss://127.0.0.1:${port}/`, { ca: first.cert })
    expect(await talk(ws)).toBe('first')
    ws.close()
    await server.shutdown({ graceMs: 0 })
  })

  it('works through https', async () => {
    const https = createServer({ cert: first.cert, key: first.key }).listen(0, '127.0.0.1')
    await within(once(https, 'listening'), 'https')
    const server = new WebSocketServer({ server: https })
    echo(server)
    const ws = new WebSocket(`wss://127.0.0.1:${(https.address() as AddressInfo).port}/`, { ca: first.cert })
    expect(await talk(ws)).toBe('first')
    await server.shutdown({ graceMs: 0 })
    https.close()
  })

  it('takes other certificates without a restart; open connections go on', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', tls: { cert: first.cert, key: first.key } })
    echo(server)
    const { port } = await within(server.listening, 'the server')
    const url = `wss://127.0.0.1:${port}/`
    const before = new WebSocket(url, { ca: first.cert })
    expect(await talk(before)).toBe('first')
    server.setSecureContext({ cert: second.cert, key: second.key })
    expect(await talk(new WebSocket(url, { ca: second.cert }))).toBe('second')
    before.send('still here')
    expect((await within(once(before, 'message'), 'the echo'))[0]).toBe('still here')
    await server.shutdown({ graceMs: 0 })
    const plain = new WebSocketServer({ noServer: true })
    expect(() => plain.setSecureContext({})).toThrow(UsageError)
  })

  it('sends no request to a server whose certificate is not trusted [6455-4.1-14] [6455-4.1-15]', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', tls: { cert: first.cert, key: first.key } })
    const { port } = await within(server.listening, 'the server')
    const ws = new WebSocket(`wss://127.0.0.1:${port}/`, { headers: { Cookie: 'secret=1' } })
    const error = await within(new Promise<Error>((resolve) => ws.on('error', resolve)), 'the error')
    expect(error).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    expect(server.stats().handshakes.accepted).toBe(0)
    await server.shutdown({ graceMs: 0 })
  })
})
