import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { WebSocketServer, type WebSocketServerOptions } from '../../src/server/index.ts'
import { makeCertificate } from '../support/certificate.ts'
import { clientText, readServerFrame } from '../support/client-frames.ts'
import { within } from '../support/deadline.ts'
import { openRawWebSocket, RawSocket, SAMPLE_KEY, upgradeRequest } from '../support/raw-socket.ts'
import { statusOf, stop, TestServer } from '../support/test-server.ts'

const server = makeCertificate('server')
const client = makeCertificate('client')

describe('a TLS client certificate is a credential that browsers send by themselves', () => {
  const tls = { cert: server.cert, key: server.key, requestCert: true }

  /** The status that a page of `origin` gets, whose browser shows the certificate. */
  async function status(port: number, origin: string | null, shown: object): Promise<number> {
    const socket = connectTls({ port, host: '127.0.0.1', ca: server.cert, ...shown })
    const raw = new RawSocket(socket)
    await within(once(socket, 'secureConnect'), 'TLS')
    await raw.write(upgradeRequest(port, origin === null ? [] : [`Origin: ${origin}`]))
    const response = Buffer.from(await raw.readUntil('\r\n\r\n')).toString()
    raw.destroy()
    return statusOf(response)
  }

  const listen: Record<string, (options: object) => Promise<[port: number, end: () => Promise<unknown>]>> = {
    'its own port': async (options) => {
      const own = new WebSocketServer({ port: 0, host: '127.0.0.1', tls: { ...tls, ...options } })
      const { port } = await within(own.listening, 'the server')
      return [port, () => stop(own)]
    },
    https: async (options) => {
      const https = createHttpsServer({ ...tls, ...options }).listen(0, '127.0.0.1')
      await within(once(https, 'listening'), 'https')
      const attached = new WebSocketServer({ server: https })
      const end = async (): Promise<void> => {
        await stop(attached)
        https.close()
        https.closeAllConnections()
      }
      return [(https.address() as AddressInfo).port, end]
    },
  }
  for (const [place, start] of Object.entries(listen)) {
    it.each([
      ['trusted', { ca: client.cert }],
      ['not trusted, and let in all the same', { rejectUnauthorized: false }],
    ])(`${place}: %s [6455-10.2-2]`, async (_, options) => {
      const [port, end] = await start(options)
      const own = `https://127.0.0.1:${port}`
      expect(await status(port, 'https://evil.example', client)).toBe(403)
      expect(await status(port, own, client)).toBe(101)
      expect(await status(port, null, client)).toBe(101)
      await end()
    })

    it(`${place}: another origin passes without one`, async () => {
      const [port, end] = await start({ rejectUnauthorized: false })
      expect(await status(port, 'https://evil.example', {})).toBe(101)
      await end()
    })
  }
})

/** The status of a request with a cookie that a WebSocketServer gets from an HTTP server. */
function statusFor(url: string, headers: Record<string, string>, options: WebSocketServerOptions = {}): number {
  const written: Buffer[] = []
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk)
      done()
    },
  })
  const fields = {
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': SAMPLE_KEY,
    'Sec-WebSocket-Version': '13',
    Cookie: 'a=1',
    ...headers,
  }
  const request = { method: 'GET', url, httpVersion: '1.1', rawHeaders: Object.entries(fields).flat() }
  const noServer = new WebSocketServer({ noServer: true, ...options })
  noServer.handleUpgrade(request as unknown as IncomingMessage, socket, Buffer.alloc(0), () => {})
  socket.destroy()
  return statusOf(Buffer.concat(written).toString())
}

describe('the default of origins', () => {
  it.each([
    ['http://example.org', 101],
    ['https://example.org', 101],
    ['HTTPS://EXAMPLE.org:443', 101],
    ['chrome-extension://example.org', 403],
    ['moz-extension://example.org', 403],
    ['capacitor://example.org', 403],
    ['file://example.org', 403],
    ['ws://example.org', 403],
    ['://example.org', 403],
    ['//example.org', 403],
    ['https://example.org://evil.example', 403],
    ['null', 403],
  ])('a page of %s with a cookie for example.org gets %i [6455-10.2-2]', (origin, status) => {
    expect(statusFor('/', { Host: 'example.org', Origin: origin })).toBe(status)
  })

  it('lets in an extension that is on the list', () => {
    const headers = { Host: 'example.org', Origin: 'chrome-extension://example.org' }
    expect(statusFor('/', headers, { origins: ['chrome-extension://example.org'] })).toBe(101)
  })

  it.each([
    ['http://example.org/', 'example.org', 'http://example.org', 101],
    ['http://example.org/', 'other.example', 'http://example.org', 403],
    ['http://evil.example/', 'example.org', 'http://evil.example', 403],
    ['http://evil.example/', 'example.org', 'http://example.org', 403],
  ])('with the target %s and the Host %s a page of %s gets %i', (url, host, origin, status) => {
    expect(statusFor(url, { Host: host, Origin: origin })).toBe(status)
  })
})

describe('a request that has more to it', () => {
  it.each([['Expect: 100-continue'], ['Expect: something'], ['Content-Length: 0'], ['Content-Length: 000']])(
    '%s: is accepted, and the next byte is a frame',
    async (field) => {
      await using test = await TestServer.start()
      const { raw } = await openRawWebSocket(test.port, [field])
      await raw.write(clientText('first'))
      expect(Buffer.from((await readServerFrame(raw)).payload).toString()).toBe('first')
      raw.destroy()
    },
  )

  it('a second request behind one that is refused is not answered', async () => {
    await using test = await TestServer.start()
    using raw = await RawSocket.connect(test.port)
    await raw.write(`GET / HTTP/1.1\r\nHost: a\r\n\r\n${upgradeRequest(test.port)}`)
    const answer = Buffer.from(await raw.readToEnd()).toString()
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 426'])
  })

  it('a second request behind one that is accepted is no frame', async () => {
    await using test = await TestServer.start()
    using raw = await RawSocket.connect(test.port)
    await raw.write(upgradeRequest(test.port).repeat(2))
    const answer = Buffer.from(await raw.readToEnd()).toString('latin1')
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 101'])
  })

  it('the head that the caller holds is not unmasked under its eyes', async () => {
    const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
    const fields = { Host: 'a', Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Key': SAMPLE_KEY }
    const rawHeaders = Object.entries({ ...fields, 'Sec-WebSocket-Version': '13' }).flat()
    const request = { method: 'GET', url: '/', httpVersion: '1.1', rawHeaders } as unknown as IncomingMessage
    const head = clientText('behind the request')
    const before = head.slice()
    const received = new Promise((resolve) => {
      const noServer = new WebSocketServer({ noServer: true })
      noServer.handleUpgrade(request, socket, head, (ws) => ws.on('message', resolve))
    })
    expect(await within(received, 'the message')).toBe('behind the request')
    expect(head).toEqual(before)
    socket.destroy()
  })
})
