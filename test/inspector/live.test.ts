import { request as httpRequest } from 'node:http'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { WebSocket } from '../../src/index.ts'
import {
  type Entry,
  type FeedMessage,
  type InspectOptions,
  type Inspector,
  inspect,
} from '../../src/inspector/index.ts'
import { clientFrame, clientText } from '../support/client-frames.ts'
import { DEADLINE_MS, within } from '../support/deadline.ts'
import { RawSocket, upgradeRequest } from '../support/raw-socket.ts'
import { TestServer } from '../support/test-server.ts'

const disposals: Array<() => unknown> = []

afterEach(async () => {
  for (const dispose of disposals.splice(0).reverse()) await dispose()
})

async function inspected(options: Partial<InspectOptions> = {}): Promise<{ server: TestServer; inspector: Inspector }> {
  const server = await TestServer.start({ perMessageDeflate: true })
  disposals.push(() => server[Symbol.asyncDispose]())
  const inspector = await inspect(server.server, { port: 0, ...options })
  disposals.push(() => inspector.close())
  return { server, inspector }
}

type Shown<E> = E extends { wire: unknown } ? Omit<E, 'wire'> & { wire: { base64: string; elided: number } } : E

/** A viewer that watches every connection it hears of. */
class Viewer {
  readonly ws: WebSocket
  readonly messages: FeedMessage[] = []
  constructor(inspector: Inspector) {
    this.ws = new WebSocket(inspector.url.replace('http', 'ws').replace('/?', '/feed?'))
    disposals.push(() => this.ws.terminate())
    const watched = new Set<number>()
    this.ws.on('message', (data) => {
      const message = JSON.parse(String(data)) as FeedMessage
      this.messages.push(message)
      if (message.type !== 'connection' || watched.has(message.connection.id)) return
      watched.add(message.connection.id)
      this.ws.send(JSON.stringify({ type: 'watch', connection: message.connection.id }))
    })
  }
  entries(connection: number): Array<Shown<Entry>> {
    return this.messages.flatMap((message) =>
      message.type === 'entries' && message.connection === connection ? (message.entries as Array<Shown<Entry>>) : [],
    )
  }
  async until(isMet: () => boolean): Promise<void> {
    await vi.waitUntil(isMet, { timeout: DEADLINE_MS, interval: 5 })
  }
}

describe('the live inspector', () => {
  it('shows handshake, frames both ways and the end, as they happen', async () => {
    const { server, inspector } = await inspected()
    const viewer = new Viewer(inspector)
    await viewer.until(() => viewer.messages.length > 0)
    expect(viewer.messages[0]).toMatchObject({ type: 'hello', v: 1, labRefusal: null })
    const client = new WebSocket(`ws://127.0.0.1:${server.port}/chat?token=secret`, {
      headers: { Cookie: 'id=secret' },
    })
    client.on('open', () => client.send('Hello'))
    client.on('message', () => {
      client.ping('are you there')
      client.close(4000, 'bye')
    })
    await within(client.closed, 'the end')
    await viewer.until(() => viewer.entries(1).some(({ kind }) => kind === 'close'))
    const entries = viewer.entries(1)
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i))
    const said = entries.flatMap((entry) =>
      entry.kind === 'frame' ? [`${entry.direction} ${entry.opcode} ${entry.preview} ${entry.statusCode}`] : [],
    )
    expect(said).toEqual(
      expect.arrayContaining(['c2s 1 Hello null', 's2c 1 Hello null', 'c2s 9 are you there null', 'c2s 8 bye 4000']),
    )
    expect(entries.flatMap((entry) => (entry.kind === 'state' ? [`${entry.state} ${entry.by}`] : []))).toEqual([
      'CONNECTING null',
      'OPEN null',
      'CLOSING client',
      'CLOSED null',
    ])
    const head = entries.find(({ kind }) => kind === 'head') as Extract<Shown<Entry>, { kind: 'head' }>
    const text = Buffer.from(head.wire.base64, 'base64').toString('latin1')
    expect(text).toContain('GET /chat?token=****** HTTP/1.1\r\n')
    expect(text).toContain('Cookie: *********\r\n')
    expect(JSON.stringify(viewer.messages)).not.toContain('secret')
    expect(head.redacted.length).toBe(2)
    expect(entries.flatMap((entry) => ('verdicts' in entry ? entry.verdicts : []))).toEqual([])
  })

  it('exports what is kept', async () => {
    const { server, inspector } = await inspected()
    using raw = await RawSocket.connect(server.port)
    await raw.write(upgradeRequest(server.port))
    await raw.readUntil('\r\n\r\n')
    await raw.write(clientText('Hello'))
    await raw.read(7)
    const get = async (format: string): Promise<string> => {
      const response = await fetch(inspector.url.replace('/?', `/export/1.${format}?`))
      expect(response.status).toBe(200)
      return Buffer.from(await response.arrayBuffer()).toString('latin1')
    }
    expect(await get('hex')).toContain(`\n${Buffer.from(clientText('Hello')).toString('hex')}\n\t810548656c6c6f\n`)
    expect((await get('jsonl')).split('\n')[0]).toContain('"format":"framewright-session"')
    expect((await get('pcapng')).length).toBeGreaterThan(400)
  })

  it('sends illegal frames to the server, and shows what becomes of it', async () => {
    const { inspector } = await inspected()
    const viewer = new Viewer(inspector)
    await viewer.until(() => viewer.messages.length > 0)
    const [hello] = viewer.messages
    const exercises = (hello as Extract<FeedMessage, { type: 'hello' }>).lab.filter(
      ({ direction }) => direction === 'c2s',
    )
    expect(exercises.length).toBeGreaterThan(15)
    for (const { name, id, statusCode } of exercises) {
      const before = viewer.messages.length
      viewer.ws.send(JSON.stringify({ type: 'lab', name }))
      const answer = (): FeedMessage | undefined => viewer.messages.slice(before).find(({ type }) => type === 'lab')
      await viewer.until(() => answer() !== undefined)
      const { connection, error } = answer() as Extract<FeedMessage, { type: 'lab' }>
      expect([name, error]).toEqual([name, null])
      await viewer.until(() => viewer.entries(connection!).some(({ kind }) => kind === 'close'))
      const entries = viewer.entries(connection!)
      expect([name, entries.find(({ kind }) => kind === 'close')]).toMatchObject([name, { info: { requirement: id } }])
      const verdicts = entries.flatMap((entry) => ('verdicts' in entry ? entry.verdicts : []))
      expect([name, verdicts[0]]).toMatchObject([name, { id }])
      const close = entries.find((entry) => entry.kind === 'frame' && entry.direction === 's2c' && entry.opcode === 8)
      expect([name, close]).toMatchObject([name, { statusCode }])
    }
  })

  it('sends illegal frames to the connection of a page, and to no other', async () => {
    const { server, inspector } = await inspected()
    const viewer = new Viewer(inspector)
    const page = new WebSocket(inspector.url.replace('http', 'ws').replace('/?', '/lab?'))
    const connection = await within(
      new Promise<number>((resolve) => page.once('message', (data) => resolve(JSON.parse(String(data)).connection))),
      'the id of the connection',
    )
    page.on('error', () => {})
    viewer.ws.send(JSON.stringify({ type: 'lab', name: 'masked-server-frame', connection }))
    const { code } = await within(page.closed, 'the end')
    expect(code).toBe(1006)
    await viewer.until(() => viewer.entries(connection).some(({ kind }) => kind === 'close'))
    const frames = viewer.entries(connection).filter((entry) => entry.kind === 'frame')
    const masked = frames.findIndex((frame) => frame.direction === 's2c' && frame.masked)
    expect(frames[masked]).toMatchObject({ verdicts: [{ id: '6455-5.1-5' }] })
    expect(frames[masked + 1]).toMatchObject({ direction: 'c2s', opcode: 8, statusCode: 1002 })
    // A connection of the application is out of reach.
    const { raw } = await server.open()
    using _ = raw
    const id = inspector.recorder.connections.at(-1)!.id
    viewer.ws.send(JSON.stringify({ type: 'lab', name: 'masked-server-frame', connection: id }))
    const answer = (): FeedMessage | undefined =>
      viewer.messages.findLast((one) => one.type === 'lab' && one.connection === id)
    await viewer.until(() => answer() !== undefined)
    expect(answer()).toMatchObject({ error: 'that is no open connection to the lab' })
    expect(raw.unread.length).toBe(0)
  })

  it('shows refused handshakes, and their bytes are not looked into', async () => {
    const { server, inspector } = await inspected()
    await server.refusal(['Origin: http://elsewhere.example', 'Cookie: a=b'])
    await vi.waitUntil(() => inspector.recorder.connections[0]?.isOver, { timeout: DEADLINE_MS })
    const entries = inspector.recorder.connections[0]!.entries()
    expect(entries.filter(({ kind }) => kind === 'head').length).toBe(2)
    expect(entries.find(({ kind }) => kind === 'error')).toMatchObject({
      requirement: expect.stringContaining('6455-'),
    })
  })

  it('finds the same frames whatever the cuts', async () => {
    const { server, inspector } = await inspected()
    using raw = await RawSocket.connect(server.port)
    await raw.writeByteByByte(upgradeRequest(server.port, ['Authorization: Bearer secret']))
    await raw.readUntil('\r\n\r\n')
    await raw.writeByteByByte(clientFrame({ opcode: 1, fin: false, payload: 'Hel' }))
    await raw.write(clientFrame({ opcode: 0, payload: 'lo' }))
    await raw.read(7)
    const [connection] = inspector.recorder.connections
    const entries = connection!.entries()
    expect(entries.filter(({ kind }) => kind === 'message')[0]).toMatchObject({ frames: [1, 2], length: 5 })
    const bytes = Buffer.concat(
      connection!
        .session()
        .events.flatMap((event) => (event.kind === 'bytes' && event.direction === 'c2s' ? [event.bytes] : [])),
    ).toString('latin1')
    expect(bytes).toContain('Authorization: *************\r\n')
  })
})

describe('who may look', () => {
  async function status(inspector: Inspector, path: string, headers: Record<string, string> = {}): Promise<number> {
    const { port } = new URL(inspector.url)
    return within(
      new Promise((resolve, reject) => {
        const request = httpRequest({ host: '127.0.0.1', port, path, headers }, (response) => {
          response.resume()
          resolve(response.statusCode!)
        })
        request.on('upgrade', (_, socket) => {
          socket.destroy()
          resolve(101)
        })
        request.on('error', reject)
        request.end()
      }),
      'a response',
    )
  }

  const upgrade = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  }

  it.each(['/', '/export/1.hex', '/feed', '/lab'])(
    'refuses %s without the token, with a wrong one, to foreign pages and names',
    async (path) => {
      const { server, inspector } = await inspected()
      const { raw } = await server.open()
      using _ = raw
      const { search, host } = new URL(inspector.url)
      const headers: Record<string, string> = path === '/feed' || path === '/lab' ? upgrade : {}
      expect(await status(inspector, path, headers)).toBe(401)
      expect(await status(inspector, `${path}?token=${'x'.repeat(32)}`, headers)).toBe(401)
      expect(await status(inspector, `${path}${search}x`, headers)).toBe(401)
      expect(await status(inspector, `${path}${search}`, { ...headers, Origin: 'http://evil.example' })).toBe(403)
      expect(await status(inspector, `${path}${search}`, { ...headers, Origin: 'null' })).toBe(403)
      expect(await status(inspector, `${path}${search}`, { ...headers, Host: 'evil.example' })).toBe(403)
      expect(
        await status(inspector, `${path}${search}`, {
          ...headers,
          Host: `evil.example:${new URL(inspector.url).port}`,
        }),
      ).toBe(403)
      if (path !== '/') {
        const good = await status(inspector, `${path}${search}`, { ...headers, Origin: `http://${host}` })
        expect(good).toBe(path.startsWith('/export') ? 200 : 101)
      }
    },
  )

  it.each(['0.0.0.0', '::', '192.0.2.1', 'example.org'])('listens on no %s', async (host) => {
    const server = await TestServer.start()
    disposals.push(() => server[Symbol.asyncDispose]())
    await expect(inspect(server.server, { port: 0, host })).rejects.toThrow('loopback')
  })

  it('takes no short token and no misspelt option', async () => {
    const server = await TestServer.start()
    disposals.push(() => server[Symbol.asyncDispose]())
    await expect(inspect(server.server, { port: 0, token: 'short' })).rejects.toThrow('option token')
    await expect(inspect(server.server, { port: 0, tokn: 'x' } as never)).rejects.toThrow('did you mean token?')
  })

  it('is never looked at itself', async () => {
    const { inspector } = await inspected()
    const viewer = new Viewer(inspector)
    await viewer.until(() => viewer.messages.length > 0)
    expect(inspector.recorder.connections).toEqual([])
  })
})
