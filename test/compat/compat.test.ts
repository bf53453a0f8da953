import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import Default, { extension, Sender, Server, subprotocol, WebSocket, WebSocketServer } from '../../src/compat/index.ts'
import { parseFrames } from '../../src/frames/parse-frames.ts'
import { WebSocket as MainWebSocket } from '../../src/index.ts'
import { within } from '../support/deadline.ts'
import { openRawWebSocket } from '../support/raw-socket.ts'

const disposals: Array<() => unknown> = []

afterEach(async () => {
  for (const dispose of disposals.splice(0).reverse()) await dispose()
})

async function listen(options: object = {}): Promise<{ server: WebSocketServer; url: string; port: number }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options })
  disposals.push(() => server.shutdown({ graceMs: 0 }))
  await within(server.listening, 'the server')
  const { port } = server.address() as AddressInfo
  return { server, port, url: `ws://127.0.0.1:${port}/` }
}

function open(url: string, protocols: string[] = [], options: object = {}): WebSocket {
  const ws = new WebSocket(url, protocols, options)
  disposals.push(() => ws.terminate())
  return ws
}

describe('framewright/ws', () => {
  it('is one class with the rest as its members', () => {
    expect(Default).toBe(WebSocket)
    expect(Server).toBe(WebSocketServer)
    expect({ ...Default }).toMatchObject({ WebSocket, WebSocketServer, Server, Sender, extension, subprotocol })
    expect(WebSocket.prototype).toBeInstanceOf(MainWebSocket)
  })

  it('gives text as a Buffer, takes the first subprotocol and offers compression', async () => {
    const { server, url } = await listen({ perMessageDeflate: true })
    const connected = once(server, 'connection') as Promise<[WebSocket]>
    const client = open(url, ['b', 'a'], { origin: 'https://anywhere.example', headers: { Cookie: 'a=1' } })
    const [side] = await within(connected, 'a connection')
    expect(side).toBeInstanceOf(WebSocket)
    expect(side.protocol).toBe('b')
    client.on('open', () => client.send('grüße'))
    expect(await within(once(side, 'message'), 'a message')).toEqual([Buffer.from('grüße'), false])
    expect(client.extensions).toMatch(/^permessage-deflate/)
    expect(side._isServer).toBe(true)
    expect(client._isServer).toBe(false)
    expect(side._socket).toMatchObject({ remoteAddress: '127.0.0.1' })
  })

  it('compresses with the defaults of ws: whole windows, kept from message to message, and what zlib takes', () => {
    const { options } = new WebSocketServer({ noServer: true, perMessageDeflate: true })
    expect(options.perMessageDeflate).toEqual({
      serverNoContextTakeover: false,
      clientNoContextTakeover: false,
      serverMaxWindowBits: 15,
      clientMaxWindowBits: 15,
      memLevel: 8,
    })
    expect(new WebSocketServer({ noServer: true }).options.perMessageDeflate).toBe(false)
  })

  it('takes the compression options of ws: null, false, and what zlibDeflateOptions says', () => {
    const perMessageDeflate = {
      serverNoContextTakeover: 1,
      clientNoContextTakeover: null,
      serverMaxWindowBits: 10,
      clientMaxWindowBits: false,
      threshold: null,
      zlibDeflateOptions: { memLevel: 7, level: 3 },
    }
    const { options } = new WebSocketServer({ noServer: true, perMessageDeflate: perMessageDeflate as object })
    expect(options.perMessageDeflate).toEqual({
      serverNoContextTakeover: true,
      clientNoContextTakeover: false,
      serverMaxWindowBits: 10,
      clientMaxWindowBits: 15,
      memLevel: 7,
      zlibDeflateOptions: { memLevel: 7, level: 3 },
    })
  })

  it.each([
    ['a client of its own', true, 'permessage-deflate'],
    ['a client that wants less', { serverNoContextTakeover: true }, 'permessage-deflate; server_no_context_takeover'],
  ])('agrees on what ws would with %s', async (_, perMessageDeflate, agreed) => {
    const { url } = await listen({ perMessageDeflate: true })
    const client = open(url, [], { perMessageDeflate })
    await within(once(client, 'open'), 'the connection')
    expect(client.extensions).toBe(agreed)
  })

  it('takes null for a default, numbers as text, and 0 for no limit', async () => {
    const { server } = await listen({ port: '0', server: null, path: null, verifyClient: null, maxPayload: 0 })
    expect(server.options.maxPayload).toBe(Number.POSITIVE_INFINITY)
    expect(server.options.port).toBe(0)
    expect(server.path).toBeUndefined()
  })

  it('has no clients when they are not tracked, and still counts their ends', async () => {
    const { server, url } = await listen({ clientTracking: false })
    const connected = once(server, 'connection') as Promise<[WebSocket]>
    open(url).on('open', function (this: WebSocket) {
      this.close(1000)
    })
    const [side] = await connected
    await within(side.closed, 'the end')
    expect(server.clients).toBeUndefined()
    expect(server.stats().connections).toBe(0)
  })

  it('answers another path with 400, in the words of ws', async () => {
    const { url } = await listen({ path: '/ws' })
    const error = await within(new Promise<Error>((resolve) => open(url).on('error', resolve)), 'the refusal')
    expect(error.message).toBe('Unexpected server response: 400')
  })

  it.each([
    ['WS_ERR_EXPECTED_MASK', [0x81, 0x01, 0x61]],
    ['WS_ERR_UNEXPECTED_RSV_2_3', [0xa1, 0x80, 0, 0, 0, 0]],
    ['WS_ERR_INVALID_OPCODE', [0x83, 0x80, 0, 0, 0, 0]],
    ['WS_ERR_EXPECTED_FIN', [0x09, 0x80, 0, 0, 0, 0]],
    ['WS_ERR_INVALID_UTF8', [0x81, 0x81, 0, 0, 0, 0, 0xff]],
    ['WS_ERR_INVALID_CLOSE_CODE', [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xed]],
    ['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', [0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]],
  ])('names faults as ws does: %s', async (code, bytes) => {
    const { server, port } = await listen()
    const connected = once(server, 'connection') as Promise<[WebSocket]>
    const { raw } = await openRawWebSocket(port)
    disposals.push(() => raw.destroy())
    const [side] = await connected
    const failed = new Promise<Error>((resolve) => side.on('error', resolve))
    await raw.write(Uint8Array.from(bytes))
    expect(await within(failed, 'the error')).toMatchObject({ code })
  })

  it('drops messages to which nobody listens, and sees the Close frame behind them', async () => {
    const { server, url } = await listen()
    const connected = once(server, 'connection') as Promise<[WebSocket]>
    const client = open(url)
    client.on('open', () => {
      client.send('nobody hears this')
      client.close(4000)
    })
    const [side] = await connected
    expect((await within(side.closed, 'the end')).code).toBe(4000)
  })

  it('writes a frame that was made once to many [6455-5.1-5]', async () => {
    const { server, url } = await listen()
    const list = Sender.frame(Buffer.from('to all'), {
      fin: true,
      opcode: 1,
      rsv1: false,
      mask: false,
      readOnly: false,
    })
    server.on('connection', (ws) => (ws as WebSocket)._sender.sendFrame(list, () => {}))
    const heard = await within(
      Promise.all([1, 2].map(async () => (await once(open(url), 'message'))[0])),
      'the broadcast',
    )
    expect(heard.map(String)).toEqual(['to all', 'to all'])
    expect(() => new Sender(open(url)).sendFrame([Buffer.from([0x81])])).toThrow('whole frames')
  })

  it('masks a frame when it is told to', () => {
    const [frame] = Sender.frame(Buffer.from('a'), {
      fin: true,
      opcode: 2,
      mask: true,
      maskBuffer: Buffer.from([1, 2, 3, 4]),
    })
    expect([...parseFrames(frame!, { role: 'server' }).frames[0]!.maskingKey!]).toEqual([1, 2, 3, 4])
    expect(() => Sender.frame(Buffer.from('a'), { fin: true, opcode: 2, mask: true })).toThrow('maskBuffer')
  })

  it('parses and formats headers in the shapes of ws', () => {
    const offers = extension.parse('foo; a; b=1; b=2, bar, foo; c')
    expect({ ...offers }).toEqual({ foo: [{ a: [true], b: ['1', '2'] }, { c: [true] }], bar: [{}] })
    expect(extension.format(offers)).toBe('foo; a; b=1; b=2, foo; c, bar')
    expect([...subprotocol.parse('a, b')]).toEqual(['a', 'b'])
  })

  it('closes more than once; the callback of the later ones gets an error', async () => {
    const { server } = await listen()
    await within(new Promise<void>((resolve) => server.close(() => resolve())), 'the first close')
    const error = await new Promise((resolve) => server.close(resolve))
    expect(error).toBeInstanceOf(Error)
    expect(() => server.close()).not.toThrow()
  })
})
