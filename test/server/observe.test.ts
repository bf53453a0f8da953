import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { WebSocketServer as CompatServer } from '../../src/compat/index.ts'
import {
  type CloseInfo,
  type ConnectionTap,
  type ObservedConnection,
  UsageError,
  WebSocketServer,
} from '../../src/index.ts'
import { makeCertificate } from '../support/certificate.ts'
import { concat } from '../support/chunkings.ts'
import { clientClose, clientFrame, clientText } from '../support/client-frames.ts'
import { within } from '../support/deadline.ts'
import { MemoryTransport, settle } from '../support/memory-transport.ts'
import { RawSocket, upgradeRequest } from '../support/raw-socket.ts'
import { TestServer } from '../support/test-server.ts'

const disposals: Array<() => unknown> = []

afterEach(async () => {
  for (const dispose of disposals.splice(0).reverse()) await dispose()
})

/** Writes down what it is told. */
class Witness {
  readonly connections: Seen[] = []
  observe(about: ObservedConnection): ConnectionTap {
    const seen = new Seen(about)
    this.connections.push(seen)
    return seen
  }
}

class Seen implements ConnectionTap {
  readonly about: ObservedConnection
  readonly log: string[] = []
  readonly chunks: { readonly in: Uint8Array[]; readonly out: Uint8Array[] } = { in: [], out: [] }
  info: CloseInfo | null | undefined
  readonly over: Promise<void>
  #isOver: () => void = () => {}
  constructor(about: ObservedConnection) {
    this.about = about
    this.over = new Promise((resolve) => {
      this.#isOver = resolve
    })
  }
  received(bytes: Uint8Array, isRebuilt: boolean): void {
    this.log.push(isRebuilt ? 'rebuilt' : 'in')
    this.chunks.in.push(bytes)
  }
  sent(bytes: Uint8Array): void {
    this.log.push('out')
    this.chunks.out.push(bytes)
  }
  receivedEnd(): void {
    this.log.push('fin in')
  }
  sentEnd(): void {
    this.log.push('fin out')
  }
  opened(): void {
    this.log.push('opened')
  }
  refused(error: Error): void {
    this.log.push(`refused ${error.name}`)
  }
  closing(by: string): void {
    this.log.push(`closing ${by}`)
  }
  failed(): void {
    this.log.push('failed')
  }
  destroyed(): void {
    this.log.push('destroyed')
  }
  closed(info: CloseInfo | null): void {
    this.info = info
    this.log.push('closed')
    this.#isOver()
  }
}

function text(chunks: readonly Uint8Array[]): string {
  return Buffer.from(concat(...chunks)).toString('latin1')
}

/** Bytes of a client from its request to its end, each piece in a write of its own that waits for the answer. */
async function talk(port: number): Promise<Uint8Array[]> {
  using raw = await RawSocket.connect(port)
  const pieces = [Buffer.from(upgradeRequest(port)), clientText('one'), clientClose(1000, 'enough')]
  await raw.write(pieces[0]!)
  await raw.readUntil('\r\n\r\n')
  await raw.write(pieces[1]!)
  await raw.read(5)
  await raw.write(pieces[2]!)
  await raw.readToEnd()
  return pieces
}

describe('observe', () => {
  it('shows every byte as it is on the wire, in the cuts of TCP, and how it ended', async () => {
    await using server = await TestServer.start()
    const witness = new Witness()
    server.server.observe(witness)
    const pieces = await talk(server.port)
    const [seen] = witness.connections
    await within(seen!.over, 'the end')
    expect(seen!.chunks.in).toEqual(pieces.map((piece) => new Uint8Array(piece)))
    expect(text(seen!.chunks.out.slice(0, 1))).toMatch(/^HTTP\/1\.1 101 /)
    expect(seen!.chunks.out.slice(1).map((bytes) => Buffer.from(bytes).toString('hex'))).toEqual([
      '81036f6e65',
      '880203e8',
    ])
    expect(seen!.log.slice(0, 9)).toEqual([
      'in',
      'out',
      'opened',
      'in',
      'out',
      'in',
      'closing remote',
      'out',
      'fin out',
    ])
    expect(seen!.log.at(-1)).toBe('closed')
    expect(seen!.info).toMatchObject({ code: 1000, reason: 'enough', cause: 'closed-by-peer' })
    expect(seen!.about).toMatchObject({ remoteAddress: '127.0.0.1', localPort: server.port, isEncrypted: false })
  })

  it('gives copies: what comes later changes nothing', async () => {
    await using server = await TestServer.start()
    const witness = new Witness()
    server.server.observe(witness)
    const { raw } = await server.open()
    using _ = raw
    const frame = clientFrame({ opcode: 2, payload: Buffer.alloc(2000, 7) })
    await raw.write(frame)
    await raw.read(2004)
    await raw.write(clientFrame({ opcode: 2, payload: Buffer.alloc(2000, 9) }))
    await raw.read(2004)
    expect(concat(...witness.connections[0]!.chunks.in.slice(1)).subarray(0, frame.length)).toEqual(frame)
  })

  it('shows refused handshakes', async () => {
    await using server = await TestServer.start({ path: '/chat' })
    const witness = new Witness()
    server.server.observe(witness)
    await server.refusal([], '/nowhere')
    const [seen] = witness.connections
    await within(seen!.over, 'the end')
    expect(text(seen!.chunks.in)).toMatch(/^GET \/nowhere /)
    expect(text(seen!.chunks.out)).toMatch(/^HTTP\/1\.1 404 /)
    expect(seen!.log.slice(0, 4)).toEqual(['in', 'refused HandshakeError', 'out', 'fin out'])
    expect(seen!.info).toBeNull()
  })

  it('shows a peer that vanishes in the middle of its request', async () => {
    await using server = await TestServer.start()
    const witness = new Witness()
    server.server.observe(witness)
    const raw = await RawSocket.connect(server.port)
    await raw.write('GET / HTTP')
    await vi.waitUntil(() => witness.connections[0]?.log.includes('in'), { timeout: 20_000 })
    raw.socket.resetAndDestroy()
    await within(witness.connections[0]!.over, 'the end')
    expect(witness.connections[0]!.log).toEqual(expect.arrayContaining(['failed', 'closed']))
  })

  it('shows terminate as what it is', async () => {
    await using server = await TestServer.start()
    const witness = new Witness()
    server.server.observe(witness)
    const { raw, ws } = await server.open()
    using _ = raw
    ws.terminate()
    await within(witness.connections[0]!.over, 'the end')
    expect(witness.connections[0]!.log.slice(-2)).toEqual(['destroyed', 'closed'])
    expect(witness.connections[0]!.info).toMatchObject({ code: 1006, cause: 'terminated' })
  })

  it('shows the request that node:http has read, and says that it is rebuilt', async () => {
    const http = createServer().listen(0, '127.0.0.1')
    disposals.push(() => http.close())
    await within(once(http, 'listening'), 'http to listen')
    const { port } = http.address() as AddressInfo
    const server = new WebSocketServer({ server: http })
    disposals.push(() => server.shutdown({ graceMs: 0 }))
    server.on('connection', (ws) => ws.on('message', (data) => ws.send(data)))
    const witness = new Witness()
    server.observe(witness)
    using raw = await RawSocket.connect(port)
    await raw.write(concat(Buffer.from(upgradeRequest(port, ['X-One: 1'])), clientText('early')))
    await raw.readUntil('early')
    const [seen] = witness.connections
    expect(seen!.log.slice(0, 4)).toEqual(['rebuilt', 'in', 'out', 'opened'])
    expect(text(seen!.chunks.in.slice(0, 1))).toBe(upgradeRequest(port, ['X-One: 1']))
    expect(seen!.chunks.in[1]).toEqual(clientText('early'))
  })

  it('looks beneath TLS, and at servers of framewright/ws', async () => {
    const { key, cert } = makeCertificate()
    const server = new CompatServer({ port: 0, host: '127.0.0.1', tls: { key, cert } })
    disposals.push(() => server.shutdown({ graceMs: 0 }))
    const { port } = (await within(server.listening, 'the server to listen')) as AddressInfo
    const witness = new Witness()
    server.observe(witness)
    const raw = new RawSocket(connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }))
    using _ = raw
    await raw.write(upgradeRequest(port))
    await raw.readUntil('\r\n\r\n')
    expect(text(witness.connections[0]!.chunks.in)).toBe(upgradeRequest(port))
    expect(witness.connections[0]!.about.isEncrypted).toBe(true)
  })

  it('harms nobody when it throws: it is reported once and not asked again', async () => {
    await using server = await TestServer.start()
    const witness = new Witness()
    const warnings: Error[] = []
    const onWarning = (warning: Error): unknown => warnings.push(warning)
    process.on('warning', onWarning)
    disposals.push(() => process.off('warning', onWarning))
    let asked = 0
    const fault = (): never => {
      asked++
      throw new Error('bad tap')
    }
    server.server.observe({ observe: () => ({ received: fault, sent: fault, closed: fault }) })
    server.server.observe({ observe: fault })
    server.server.observe(witness)
    await talk(server.port)
    await within(witness.connections[0]!.over, 'the end')
    expect(asked).toBe(2)
    await vi.waitUntil(() => warnings.length === 2, { timeout: 20_000 })
    expect(warnings.map(({ name }) => name)).toEqual(['ApplicationWarning', 'ApplicationWarning'])
  })

  it('ends for connections to come, and refuses what is no observer or is there already', async () => {
    await using server = await TestServer.start()
    const witness = new Witness()
    const stop = server.server.observe(witness)
    expect(() => server.server.observe(witness)).toThrow(UsageError)
    expect(() => server.server.observe({} as never)).toThrow(UsageError)
    stop()
    await talk(server.port)
    expect(witness.connections).toEqual([])
  })

  it.each([false, true])('brings about no other write and no other listener (observed: %s)', async (isObserved) => {
    const server = new WebSocketServer({ noServer: true, perMessageDeflate: false })
    disposals.push(() => server.shutdown({ graceMs: 0 }))
    server.on('connection', (ws) => {
      ws.on('message', (data) => {
        ws.send(data)
        ws.send(data)
      })
    })
    if (isObserved) server.observe(new Witness())
    const transport = new MemoryTransport()
    server.handleSocket(transport)
    transport.push(upgradeRequest(80))
    await settle()
    for (let i = 0; i < 10; i++) {
      transport.push(clientText(`message ${i}`))
      await settle()
    }
    // One for the response, and one for both answers to each message.
    expect(transport.writes.length).toBe(11)
    expect(transport.eventNames().map(String).sort()).toEqual(['close', 'data', 'drain', 'end', 'error'])
    expect(transport.listenerCount('data')).toBe(1)
    expect(Object.getOwnPropertySymbols(transport).map(String).includes('Symbol(framewright.taps)')).toBe(isObserved)
    transport.destroy()
  })
})
