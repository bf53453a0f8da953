import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WebSocket as WsClient } from 'ws'
import type { PerMessageDeflateOptions } from '../../src/extensions/index.ts'
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
const messages: fc.Arbitrary<Message[]> = fc.array(
  fc.record({ isBinary: fc.constant(true), parts, compress: fc.boolean() }),
  { minLength: 1, maxLength: 6 },
)
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

/** Sends all messages from a `ws` client to an echo server, and returns what came back. */
async function roundTrip(option: PerMessageDeflateOptions, sent: readonly Message[]): Promise<Buffer[]> {
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
  const received: Buffer[] = []
  try {
    await within(
      new Promise<void>((resolve, reject) => {
        client.on('error', reject)
        client.on('close', (code, reason) => reject(new Error(`closed with ${code} ${reason}`)))
        client.on('message', (data) => {
          if (received.push(data) === sent.length) resolve()
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
          expect(received.map((data) => data.toString('base64'))).toEqual(
            sent.map(({ parts }) => Buffer.concat(parts).toString('base64')),
          )
        }),
        fcOptions(25),
      )
    },
    FC_TIMEOUT_MS,
  )
})
