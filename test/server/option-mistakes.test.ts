/*
 * Mistakes in options that leave a server open, or let nobody in, are told at once: what arrived, and what is wanted.
 */
import { createServer } from 'node:http'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocketServer as CompatServer, WebSocket as CompatWebSocket } from '../../src/compat/index.ts'
import { accept, prepareMessage, UsageError, WebSocket, WebSocketServer } from '../../src/index.ts'
import { connectedPair } from '../../src/testing/index.ts'

const noServer = { noServer: true } as const

/** The message of the UsageError that `call` throws. */
function mistake(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError)
    return (error as UsageError).message
  }
  throw new Error('nothing was thrown')
}

const serve = (options: object): string => mistake(() => new WebSocketServer(options as never))
const dial = (options: object): string => mistake(() => new WebSocket('ws://localhost:1', options as never))

describe('an option that there is not', () => {
  it.each([
    ['autorize', 'authorize', () => serve({ ...noServer, autorize: () => undefined })],
    ['origin', 'origins', () => serve({ ...noServer, origin: 'https://example.org' })],
    ['maxPayLoad', 'maxPayload', () => serve({ ...noServer, maxPayLoad: 1 })],
    ['ideMs', 'idleMs', () => serve({ ...noServer, heartbeat: { ideMs: 1 } })],
    ['treshold', 'threshold', () => serve({ ...noServer, perMessageDeflate: { treshold: 1 } })],
    ['message', 'messages', () => serve({ ...noServer, rateLimit: { message: { perSecond: 1 } } })],
    ['brust', 'burst', () => serve({ ...noServer, rateLimit: { messages: { perSecond: 1, brust: 1 } } })],
    ['maxHeadByte', 'maxHeadBytes', () => serve({ ...noServer, headLimits: { maxHeadByte: 1 } })],
    ['headers', 'header', () => serve({ ...noServer, trustProxy: { proxies: 1, headers: 'forwarded' } })],
    ['perMessageDefalte', 'perMessageDeflate', () => dial({ perMessageDefalte: true })],
    ['rejectUnauthorised', 'rejectUnauthorized', () => dial({ rejectUnauthorised: false })],
    ['headres', 'headers', () => dial({ headres: {} })],
    ['tresholds', 'threshold', () => dial({ perMessageDeflate: { tresholds: 1 } })],
    ['perMessageDeflat', 'perMessageDeflate', () => mistake(() => accept(1, { perMessageDeflat: false } as never))],
    ['binray', 'binary', () => mistake(() => prepareMessage('x', { binray: true } as never))],
    ['binray', 'binary', () => mistake(() => connectedPair().client.send('x', { binray: true } as never))],
    [
      'highWatermark',
      'highWaterMark',
      () => mistake(() => connectedPair().client.messages({ highWatermark: 1 } as never)),
    ],
    ['singal', 'signal', () => mistake(() => connectedPair().client.streams({ singal: null } as never))],
    ['sever', 'server', () => mistake(() => connectedPair({ sever: {} } as never))],
    ['maxPayLoad', 'maxPayload', () => mistake(() => connectedPair({ client: { maxPayLoad: 1 } } as never))],
  ])('%s is refused, and %s is meant', (name, meant, call) => {
    const message = call()
    expect(message).toContain(`there is no option "${name}"`)
    expect(message).toContain(`did you mean ${meant}?`)
  })

  it('is refused by promises too', async () => {
    const { client } = connectedPair()
    await expect(client.sendStream(['x'], { binarry: true } as never)).rejects.toThrow('did you mean binary?')
    await expect(client.drained({ sginal: null } as never)).rejects.toThrow('did you mean signal?')
    const server = new WebSocketServer(noServer)
    await expect(server.shutdown({ gracems: 1 } as never)).rejects.toThrow('did you mean graceMs?')
    // Nothing was closed.
    await expect(server.shutdown()).resolves.toEqual({ closed: 0, terminated: 0 })
  })

  it('is not looked for in what goes to net, tls and zlib', () => {
    const options = { zlibDeflateOptions: { chunkSize: 1024, anything: 1 } }
    expect(() => new WebSocketServer({ ...noServer, perMessageDeflate: options })).not.toThrow()
    const client = new WebSocket('wss://localhost:1', { tls: { anything: 1 } as never })
    client.on('error', () => {})
    client.terminate()
  })

  it('is ignored by framewright/ws, with one warning', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    onTestFinished(() => warn.mockRestore())
    for (let i = 0; i < 2; i++) {
      new CompatServer({ ...noServer, noSuchThing: 1, perMessageDeflate: { noSuchPart: 1 } } as never)
      const client = new CompatWebSocket('ws://localhost:1', { clientThing: 1 } as never)
      client.on('error', () => {})
      client.terminate()
    }
    const names = warn.mock.calls.map(([message]) => /"(.*)"/.exec(String(message))![1])
    expect(names).toEqual(['noSuchThing', 'noSuchPart', 'clientThing'])
  })

  it('of send() is ignored by framewright/ws, with one warning, and mask without', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    onTestFinished(() => warn.mockRestore())
    const server = new CompatServer({ port: 0 })
    onTestFinished(async () => void (await server.shutdown()))
    server.on('connection', (ws) => ws.on('message', (data) => ws.send(data)))
    const { port } = await server.listening
    const client = new CompatWebSocket(`ws://localhost:${port}`)
    const echoes = new Promise<void>((resolve) => {
      let count = 0
      client.on('message', () => {
        if (++count === 2) resolve()
      })
    })
    client.on('open', () => {
      client.send('a', { mask: true, sendThing: 1 } as never)
      client.send('b', { mask: true, sendThing: 1 } as never)
    })
    await echoes
    expect(warn.mock.calls.map(([message]) => message)).toEqual(['send: there is no option "sendThing"; it is ignored'])
  })
})

describe('an option that cannot be meant', () => {
  it.each([
    [{ ...noServer, path: 'chat' }, 'option path is "chat"; it must begin with "/"'],
    [{ ...noServer, path: '/chat?room=1' }, 'option path is "/chat?room=1"; it must begin with "/" and have no query'],
    [{ ...noServer, path: 7 }, 'option path is 7'],
    [{ ...noServer, origins: ['https://a/'] }, 'option origins has "https://a/"; browsers send "https://a"'],
    [{ ...noServer, origins: ['https://A.example'] }, 'browsers send "https://a.example"'],
    [{ ...noServer, origins: ['https://a.example:443'] }, 'browsers send "https://a.example"'],
    [{ ...noServer, origins: ['a.example'] }, 'browsers send scheme://host[:port]'],
    [{ ...noServer, origins: ['*'] }, "origins: 'any'"],
    [{ ...noServer, origins: [/a/] }, 'an origin is a string'],
    [{ ...noServer, origins: 'https://a.example' }, "it must be 'same-origin', 'any' or a list"],
    [{ port: '8080' }, 'option port is the string "8080"; it must be a number'],
    [{ port: '' }, 'option port is the string ""'],
    [{ port: 65_536 }, 'option port is 65536'],
    [{ server: () => {} }, 'option server is a function; it must be an http.Server, such as http.createServer(app)'],
    [{ server: 8080 }, 'option server is no http.Server'],
    [{ server: null }, 'option server is no http.Server'],
  ])('%j', (options, message) => {
    expect(serve(options)).toContain(message)
  })

  it.each([undefined, null, 8080, '8080'])('options that are %s', (options) => {
    expect(mistake(() => new WebSocketServer(options as never))).toContain('WebSocketServer: the options are')
  })

  it('takes origins as browsers send them', () => {
    const origins = [
      'https://a.example',
      'http://a.example:8080',
      'http://[::1]:80/'.slice(0, -4),
      'null',
      'chrome-extension://abc',
      'same-origin',
    ]
    expect(() => new WebSocketServer({ ...noServer, origins })).not.toThrow()
  })

  it('takes a server that is one', () => {
    const http = createServer()
    const server = new WebSocketServer({ server: http })
    server.close()
  })

  it('is asked of a server that never listens: listening rejects', async () => {
    await expect(new WebSocketServer(noServer).listening).rejects.toThrow('a server with noServer does not listen')
  })
})
