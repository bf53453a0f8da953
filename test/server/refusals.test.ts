import { describe, expect, it } from 'vitest'
import { HandshakeError, reject, type WebSocketServer, type WebSocketServerOptions } from '../../src/index.ts'
import { TestServer } from '../support/test-server.ts'

/** Refusals that no response can say. */
const UNSENDABLE: Readonly<Record<string, () => HandshakeError>> = {
  'status 200': () => new HandshakeError('6455-4.2.2-3', 200, 'no'),
  'a status that is no number': () => new HandshakeError('6455-4.2.2-3', Number.NaN, 'no'),
  'CR LF in a field': () => new HandshakeError('6455-4.2.2-3', 403, 'no', [['X-A', 'b\r\nX-C: d']]),
  'a field of ours': () => new HandshakeError('6455-4.2.2-3', 403, 'no', [['Content-Length', '7']]),
  'fields that are none': () => new HandshakeError('6455-4.2.2-3', 403, 'no', null as never),
  'a message that is no text': () =>
    Object.assign(new HandshakeError('6455-4.2.2-3', 403, 'no'), { message: Symbol('no') }),
}

/** Every place where the application may refuse. */
const PLACES: Readonly<Record<string, (refuse: () => never) => WebSocketServerOptions>> = {
  'authorize throws': (refuse) => ({ authorize: refuse }),
  'authorize rejects': (refuse) => ({ authorize: async () => refuse() }),
  'authorize returns': (refuse) => ({ authorize: () => caught(refuse) }),
  'verifyClient throws': (refuse) => ({ verifyClient: () => refuse() }),
  'verifyClient with a callback throws': (refuse) => ({ verifyClient: (_info, _callback) => refuse() }),
  'verifyClient with a callback rejects': (refuse) => ({
    verifyClient: async (_info: unknown, _callback: unknown) => refuse(),
  }),
  'handleProtocols throws': (refuse) => ({ handleProtocols: refuse }),
}

/** The same, for a server that exists. */
const HANDLERS: Readonly<Record<string, (server: WebSocketServer, refuse: () => never) => void>> = {
  'a listener of headers throws': (server, refuse) => void server.on('headers', refuse),
  'shouldHandle throws': (server, refuse) => void Object.assign(server, { shouldHandle: refuse }),
  'refusal throws': (server, refuse) => {
    Object.assign(server, { refusal: refuse })
    Object.assign(server.options, { authorize: () => reject(403, 'no') })
  },
}

function caught(refuse: () => never): unknown {
  try {
    return refuse()
  } catch (error) {
    return error
  }
}

const PROTOCOL = ['Sec-WebSocket-Protocol: chat']

describe.each(Object.entries(UNSENDABLE))('a refusal with %s', (_, make) => {
  const refuse = (): never => {
    throw make()
  }

  it.each(Object.entries(PLACES))('is a 500 when %s it', async (_place, options) => {
    await using server = await TestServer.start(options(refuse))
    expect(await server.refusal(PROTOCOL)).toMatch(/^HTTP\/1\.1 500 /)
    expect(server.errors).toMatchObject([{ error: { httpStatus: 500, cause: expect.any(Error) } }])
  })

  it.each(Object.entries(HANDLERS))('is a 500 when %s it', async (_place, attach) => {
    await using server = await TestServer.start()
    attach(server.server, refuse)
    expect(await server.refusal(PROTOCOL)).toMatch(/^HTTP\/1\.1 500 /)
    expect(server.errors).toMatchObject([{ error: { httpStatus: 500 } }])
  })
})

describe('authorize', () => {
  it('refuses with 401 when it returns false, also later', async () => {
    await using server = await TestServer.start({
      authorize: (request) => (request.url === '/now' ? false : Promise.resolve(false as const)),
    })
    expect(await server.refusal([], '/now')).toMatch(/^HTTP\/1\.1 401 /)
    expect(await server.refusal([], '/later')).toMatch(/^HTTP\/1\.1 401 /)
  })

  it.each([
    ['an Error', new Error('no')],
    ['an error of another kind', new RangeError('no')],
  ])('refuses with 500 when it returns %s, and says so', async (_, error) => {
    await using server = await TestServer.start({ authorize: () => error })
    expect(await server.refusal()).toMatch(/^HTTP\/1\.1 500 /)
    expect(server.errors).toMatchObject([{ error: { httpStatus: 500, cause: error } }])
  })

  it('refuses with what it returns when that is a HandshakeError', async () => {
    await using server = await TestServer.start({
      authorize: () => new HandshakeError('6455-4.2.2-3', 418, 'a teapot'),
    })
    expect(await server.refusal()).toMatch(/^HTTP\/1\.1 418 /)
  })

  it.each([[null], [undefined], [0], ['']])('admits with %s, which is data like any other', async (data) => {
    await using server = await TestServer.start<unknown>({ authorize: () => data })
    const { raw, ws } = await server.open()
    expect(ws.data).toBe(data)
    raw.destroy()
  })
})

describe('a hook that is asked at once and returns a promise', () => {
  it.each<[string, WebSocketServerOptions]>([
    ['verifyClient', { verifyClient: (async () => false) as never }],
    ['handleProtocols', { handleProtocols: (async () => 'chat') as never }],
  ])('%s refuses with 500, since a promise would be taken for a yes', async (name, options) => {
    await using server = await TestServer.start(options)
    expect(await server.refusal(PROTOCOL)).toMatch(/^HTTP\/1\.1 500 /)
    expect(server.errors).toMatchObject([
      { error: { cause: { message: expect.stringContaining(`${name} returned a promise`) } } },
    ])
  })
})

describe('wsClientError', () => {
  it('a listener that throws leaves the peer the answer that it would have had', async () => {
    await using server = await TestServer.start()
    const boom = new Error('boom')
    server.server.on('wsClientError', () => {
      throw boom
    })
    expect(await server.refusal(['Host: two'])).toMatch(/^HTTP\/1\.1 400 /)
    expect(server.errors).toMatchObject([{ error: boom }, { error: { httpStatus: 400 } }])
  })

  it('one that rejects has the socket, which is destroyed', async () => {
    await using server = await TestServer.start()
    const boom = new Error('boom')
    server.server.on('wsClientError', async () => {
      throw boom
    })
    expect(await server.refusal(['Host: two'])).toBe('')
    expect(server.errors).toMatchObject([{ error: boom }])
  })
})
