import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeCertificate } from '../support/certificate.ts'
import { concat, cutAt } from '../support/chunkings.ts'
import { clientBinary, clientClose, clientFrame, clientText } from '../support/client-frames.ts'
import { within } from '../support/deadline.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { openRawWebSocket, RawSocket, upgradeRequest } from '../support/raw-socket.ts'
import { exchange, inWords, talk, WireServer } from './wire.ts'

const certificate = makeCertificate()
let server: WireServer
let secure: WireServer

beforeAll(async () => {
  server = await WireServer.start()
  secure = await WireServer.start({ tls: certificate })
})

afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await secure?.[Symbol.asyncDispose]()
})

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

describe('bytes glued to the opening handshake', () => {
  const message = concat(clientText('first'), clientFrame({ opcode: 0x9, payload: 'p' }), clientClose(1000))
  const answer = ['text "first"', 'pong 70', 'close 1000 ""']

  it('are the first frames, wherever the stream is cut [6455-4.1-37] [6455-5.4-13] [6455-4.2.2-19]', async () => {
    const request = Buffer.from(upgradeRequest(server.port))
    const stream = concat(request, message)
    const cuts = [request.length - 1, request.length, request.length + 1, request.length + 7, stream.length - 1]
    for (const chunks of [[stream], ...cuts.map((cut) => cutAt(stream, [cut])), cutAt(stream, cuts)]) {
      const { bytes, ended } = await talk(server.port, chunks)
      const head = latin1(bytes).indexOf('\r\n\r\n') + 4
      expect(latin1(bytes.subarray(0, head))).toMatch(/^HTTP\/1\.1 101 /)
      expect({ ended, answer: inWords(bytes.subarray(head)) }).toEqual({ ended: 'end', answer })
    }
  })

  it('are dropped when the handshake is refused: one answer, then the end [6455-4.2.1-1]', async () => {
    const request = upgradeRequest(server.port).replace('Version: 13', 'Version: 12')
    const { bytes, ended } = await talk(server.port, [concat(Buffer.from(request), message)])
    expect(ended).toBe('end')
    expect(latin1(bytes)).toMatch(/^HTTP\/1\.1 426 /)
    expect(latin1(bytes).match(/HTTP\/1\.1 /g)).toHaveLength(1)
  })
})

describe('the ends of the transport', () => {
  it('come after the answer when the client sends Close and FIN in one go [6455-5.5.1-7] [6455-5.5.1-10] [6455-7.1.1-1]', async () => {
    const { raw } = await openRawWebSocket(server.port)
    await raw.write(clientClose(1000))
    raw.end()
    expect(inWords(await raw.readToEnd())).toEqual(['close 1000 ""'])
    expect(raw.ended).toBe('end')
    raw.destroy()
  })

  it('come from the server first: it ends TCP at once, without waiting for the client [6455-5.5.1-11] [6455-7.1.1-3] [6455-7.1.1-5] [6455-7.1.1-4]', async () => {
    const { raw } = await openRawWebSocket(server.port)
    await raw.write(clientClose(1000))
    expect(inWords(await raw.readToEnd())).toEqual(['close 1000 ""'])
    raw.destroy()
  })

  it.each([
    { name: 'between messages', bytes: clientText('a'), answer: ['text "a"'] },
    { name: 'inside a header', bytes: clientText('abc').slice(0, 3), answer: [] },
    { name: 'inside a payload', bytes: clientText('abc').slice(0, 7), answer: [] },
    { name: 'inside a fragmented message', bytes: clientFrame({ opcode: 1, fin: false, payload: 'a' }), answer: [] },
  ])(
    'are answered with a FIN when the client half-closes $name without a Close: 1006 [6455-7.1.5-3] [6455-5.5.1-13]',
    async ({ bytes, answer }) => {
      const closed = new Promise<number>((resolve) => {
        server.server.once('connection', (ws) => ws.on('close', (code) => resolve(code)))
      })
      const { raw } = await openRawWebSocket(server.port)
      await raw.write(bytes)
      raw.end()
      expect(inWords(await raw.readToEnd())).toEqual(answer)
      expect(await within(closed, 'the server to see the end')).toBe(1006)
      raw.destroy()
    },
  )

  it('may be a reset: 1006, and the server goes on [6455-7.1.5-3] [6455-5.5.1-13]', async () => {
    const closed = new Promise<number>((resolve) => {
      server.server.once('connection', (ws) => {
        ws.on('error', () => {})
        ws.on('close', (code) => resolve(code))
      })
    })
    const { raw } = await openRawWebSocket(server.port)
    raw.reset()
    expect(await within(closed, 'the server to see the reset')).toBe(1006)
    const { bytes } = await exchange(server.port, [clientText('still here'), clientClose(1000)])
    expect(inWords(bytes)).toEqual(['text "still here"', 'close 1000 ""'])
  })
})

describe('a server with limits', () => {
  it('answers 408 and closes when the handshake takes too long [6455-7.2.2-1] [6455-10.4-1]', async () => {
    const clock = new FakeClock()
    await using impatient = await WireServer.start({ clock, handshakeTimeout: 10_000 })
    const raw = await RawSocket.connect(impatient.port)
    await raw.write('GET / HTTP/1.1\r\nHost: a\r\n')
    // A second connection is answered: by then the first one has been accepted, and its time runs.
    await exchange(impatient.port, [clientClose(1000)])
    clock.advance(10_000)
    expect(latin1(await raw.readToEnd())).toMatch(/^HTTP\/1\.1 408 /)
    raw.destroy()
  })

  it('answers 431 and closes when the head is too large [6455-7.2.2-1] [6455-10.4-1]', async () => {
    const { bytes, ended } = await talk(server.port, [
      Buffer.from(upgradeRequest(server.port, [`X-Large: ${'x'.repeat(17_000)}`])),
    ])
    expect(latin1(bytes)).toMatch(/^HTTP\/1\.1 431 /)
    expect(ended).toBe('end')
  })
})

describe('over TLS', () => {
  it('speaks WebSocket inside the tunnel and ends it cleanly [6455-4.2.2-2] [6455-10.6-1] [6455-7.1.1-1]', async () => {
    const socket = connectTls({
      port: secure.port,
      host: '127.0.0.1',
      servername: 'localhost',
      ca: certificate.cert,
    })
    const raw = new RawSocket(socket)
    await within(once(socket, 'secureConnect'), 'the TLS handshake')
    await raw.write(upgradeRequest(secure.port))
    expect(latin1(await raw.readUntil('\r\n\r\n'))).toMatch(/^HTTP\/1\.1 101 /)
    const payload = Uint8Array.from({ length: 100_000 }, (_, i) => i * 7)
    await raw.write(concat(clientText('hello'), clientBinary(payload), clientClose(1000)))
    const [text, ...rest] = inWords(await raw.readToEnd())
    expect(text).toBe('text "hello"')
    expect(rest).toEqual([
      `binary ${Buffer.from(payload)
        .toString('hex')
        .replace(/..(?!$)/g, '$& ')}`,
      'close 1000 ""',
    ])
    expect(raw.ended).toBe('end')
    raw.destroy()
  })

  it('answers no handshake that comes without TLS [6455-4.2.2-2]', async () => {
    const socket = connectTcp({ port: secure.port, host: '127.0.0.1' })
    const raw = new RawSocket(socket)
    await raw.write(upgradeRequest(secure.port))
    expect(latin1(await raw.readToEnd())).not.toContain('HTTP/')
    raw.destroy()
  })
})
