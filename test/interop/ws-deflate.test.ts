import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WebSocket as WsClient, WebSocketServer as WsServer } from 'ws'
import type { PerMessageDeflateOptions } from '../../src/extensions/index.ts'
import { WebSocket } from '../../src/index.ts'
import { WebSocketServer } from '../../src/server/index.ts'
import { within } from '../support/deadline.ts'
import { FC_TIMEOUT_MS, fcOptions } from '../support/fc-options.ts'

/** A message, in as many fragments as there are parts. */
interface Message {
  readonly isBinary: boolean
  readonly parts: readonly Uint8Array[]
  readonly compress: boolean
}

const parts = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    // Something that compresses well, and something larger than what is inflated at once.
    fc
      .tuple(fc.integer({ min: 1, max: 200_000 }), fc.string({ minLength: 1, maxLength: 40 }))
      .map(([length, text]) => new Uint8Array(Buffer.alloc(length, text))),
  ),
  { minLength: 1, maxLength: 4 },
)
const textParts = fc.array(
  fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 100 }),
    fc
      .tuple(fc.integer({ min: 1, max: 4000 }), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }))
      .map(([count, text]) => text.repeat(count)),
  ),
  { minLength: 1, maxLength: 4 },
)
// Everything twice: a window that should have been forgotten would be referred to.
const messages: fc.Arbitrary<Message[]> = fc
  .array(
    fc.oneof(
      fc.record({ isBinary: fc.constant(true), parts, compress: fc.boolean() }),
      fc.record({
        isBinary: fc.constant(false),
        parts: textParts.map((texts) => texts.map((text) => new TextEncoder().encode(text))),
        compress: fc.boolean(),
      }),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((once) => [...once, ...once])
const bits = fc.integer({ min: 9, max: 15 })
const options: fc.Arbitrary<PerMessageDeflateOptions> = fc.record({
  serverNoContextTakeover: fc.boolean(),
  clientNoContextTakeover: fc.boolean(),
  serverMaxWindowBits: bits,
  clientMaxWindowBits: bits,
  memLevel: fc.integer({ min: 1, max: 9 }),
  level: fc.integer({ min: -1, max: 9 }),
  threshold: fc.constantFrom(0, 1024),
})

function describeMessage(isBinary: boolean, bytes: Buffer): string {
  return `${isBinary ? 'binary' : 'text'} ${bytes.toString('base64')}`
}

function describeAll(messages: readonly Message[]): string[] {
  return messages.map(({ isBinary, parts }) => describeMessage(isBinary, Buffer.concat(parts)))
}

/** Sends all messages from a `ws` client to an echo server, and returns what came back. */
async function roundTrip(option: PerMessageDeflateOptions, sent: readonly Message[]): Promise<string[]> {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    maxPayload: 1 << 24,
    textFormat: 'buffer',
    perMessageDeflate: option,
  })
  const { port } = await server.listening
  server.on('connection', (ws) => {
    ws.on('message', (data, isBinary) => {
      const bytes = data as Buffer
      const middle = bytes.length >> 1
      // The reply comes in two fragments when its length is odd.
      if (bytes.length % 2 === 0) ws.send(bytes, { binary: isBinary })
      else {
        ws.send(bytes.subarray(0, middle), { binary: isBinary, fin: false })
        ws.ping()
        ws.send(bytes.subarray(middle), { binary: isBinary })
      }
    })
  })
  const client = new WsClient(`ws://127.0.0.1:${port}/`, [], { perMessageDeflate: { threshold: 0 } })
  const received: string[] = []
  try {
    await within(
      new Promise<void>((resolve, reject) => {
        client.on('error', reject)
        client.on('close', (code, reason) => reject(new Error(`closed with ${code} ${reason}`)))
        client.on('message', (data, isBinary) => {
          if (received.push(describeMessage(isBinary, data)) === sent.length) resolve()
        })
        client.on('open', () => {
          expect(client.extensions).toBe('permessage-deflate')
          for (const { isBinary, parts, compress } of sent) {
            for (const [i, part] of parts.entries()) {
              client.send(part, { binary: isBinary, compress, fin: i === parts.length - 1 })
            }
          }
        })
      }),
      'the replies',
    )
    return received
  } finally {
    client.removeAllListeners('close')
    client.terminate()
    await new Promise((resolve) => server.close(resolve))
  }
}

describe('a client of ws, with compression', () => {
  it(
    'gets every message back, whatever was agreed on and however it is fragmented [7692-5-15] [7692-6.2-1] [7692-6.2-2] [7692-7.2.1-5] [7692-7.2.1-1]',
    async () => {
      await fc.assert(
        fc.asyncProperty(options, messages, async (option, sent) => {
          const received = await roundTrip(option, sent)
          expect(received).toEqual(describeAll(sent))
        }),
        fcOptions(25),
      )
    },
    FC_TIMEOUT_MS,
  )
})

/** A proxy that cuts what the server says into pieces of these lengths, over and over. */
class CuttingProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(port: number, lengths: readonly number[]) {
    this.#server = createServer((near) => {
      const far = connect(port, '127.0.0.1')
      let turn = 0
      for (const socket of [near, far]) {
        this.#sockets.add(socket)
        socket.setNoDelay(true)
        socket.on('error', () => {})
        socket.on('close', () => [near, far].map((end) => end.destroy()))
      }
      near.pipe(far)
      far.on('data', (chunk) => {
        far.pause()
        const send = (at: number): void => {
          if (at >= chunk.length) {
            far.resume()
            return
          }
          const end = at + (lengths[turn++ % lengths.length] ?? chunk.length)
          // The next piece when this one has left, in a later turn: TCP hardly ever joins them again.
          near.write(chunk.subarray(at, end), () => setImmediate(send, end))
        }
        send(0)
      })
    })
  }

  static async start(port: number, lengths: readonly number[]): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(port, lengths)
    proxy.#server.listen(0, '127.0.0.1')
    await within(once(proxy.#server, 'listening'), 'the proxy')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** Sends all messages from our client to an echo server of `ws`, and returns what came back through the cuts. */
async function roundTripOfOurs(
  ours: PerMessageDeflateOptions,
  theirs: { serverNoContextTakeover: boolean; clientNoContextTakeover: boolean },
  sent: readonly Message[],
  cuts: readonly number[],
): Promise<string[]> {
  const server = new WsServer({ port: 0, host: '127.0.0.1', perMessageDeflate: { ...theirs, threshold: 0 } })
  await within(once(server, 'listening'), 'the server')
  server.on('connection', (ws) => ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary })))
  const proxy = await CuttingProxy.start(server.address().port, cuts)
  const client = new WebSocket(`ws://127.0.0.1:${proxy.port}/`, [], {
    perMessageDeflate: ours,
    maxPayload: 1 << 24,
    textFormat: 'buffer',
  })
  const received: string[] = []
  try {
    await within(
      new Promise<void>((resolve, reject) => {
        client.on('error', reject)
        client.on('close', (code, reason) => reject(new Error(`closed with ${code} ${reason}`)))
        client.on('message', (data, isBinary) => {
          if (received.push(describeMessage(isBinary, data as Buffer)) === sent.length) resolve()
        })
        client.on('open', () => {
          for (const { isBinary, parts, compress } of sent) {
            for (const [i, part] of parts.entries()) {
              client.send(part, { binary: isBinary, compress, fin: i === parts.length - 1 })
            }
          }
        })
      }),
      'the replies',
    )
    expect(client.extensions).toContain('permessage-deflate')
    return received
  } finally {
    client.removeAllListeners('close')
    client.terminate()
    for (const ws of server.clients) ws.terminate()
    await proxy.close()
    await new Promise<void>((resolve) => server.close(resolve))
  }
}

describe('our client at a server of ws, with compression', () => {
  it(
    'gets every message back, however it is fragmented and however TCP cuts the replies [7692-5-15] [7692-7.1.1.2-3] [7692-7.2.2-2] [7692-7.2.1-12]',
    async () => {
      const theirs = fc.record({ serverNoContextTakeover: fc.boolean(), clientNoContextTakeover: fc.boolean() })
      const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 500, max: 70_000 })), {
        minLength: 1,
        maxLength: 5,
      })
      await fc.assert(
        fc.asyncProperty(options, theirs, messages, cuts, async (ours, wanted, sent, lengths) => {
          // A server that wants to keep its window refuses to be asked not to; our client asks only when it is told to.
          const asks = ours.serverNoContextTakeover === true
          const their = { ...wanted, serverNoContextTakeover: asks || wanted.serverNoContextTakeover }
          expect(await roundTripOfOurs(ours, their, sent, lengths)).toEqual(describeAll(sent))
        }),
        fcOptions(25),
      )
    },
    FC_TIMEOUT_MS,
  )
})
