import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw, type InflateRaw } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { Extension } from '../../src/extensions/extension.ts'
import { deflateMemory } from '../../src/extensions/permessage-deflate/memory.ts'
import { publicEngine } from '../../src/extensions/permessage-deflate/public-engine.ts'
import { concat } from '../support/chunkings.ts'
import { Endpoint } from '../support/connection-pair.ts'
import { within } from '../support/deadline.ts'
import { serverExtension } from '../support/deflate.ts'
import { FC_TIMEOUT_MS, fcOptions } from '../support/fc-options.ts'

const TAIL = Uint8Array.of(0, 0, 0xff, 0xff)
const BINARY = 2

/** What a stream of zlib makes of `bytes` and a flush: the reference. */
async function through(stream: DeflateRaw | InflateRaw, bytes: Uint8Array): Promise<Uint8Array> {
  const parts: Buffer[] = []
  const collect = (part: Buffer): number => parts.push(part)
  stream.on('data', collect)
  await within(
    new Promise<void>((resolve, reject) => {
      stream.once('error', reject)
      stream.write(bytes)
      stream.flush(constants.Z_SYNC_FLUSH, resolve)
    }),
    'zlib',
  )
  stream.removeAllListeners('data').removeAllListeners('error')
  return concat(...parts)
}

/** A server connection and its woken promise. */
class Server extends Endpoint {
  #wake: () => void = () => {}

  constructor(extension: Extension) {
    super('server', { extension, maxPayload: 1 << 24 }, (listener) =>
      Object.assign(listener, { woken: () => this.#wake() }),
    )
  }

  async settle(): Promise<void> {
    while (this.connection.isDecoding || this.connection.waitingFrames > 0 || this.connection.hasRetained) {
      if (this.connection.hasRetained) this.connection.readRetained()
      else {
        await within(
          new Promise<void>((resolve) => {
            this.#wake = resolve
          }),
          'the work elsewhere',
        )
      }
    }
  }

  /** The payloads of the messages that were sent, their fragments joined. */
  sent(): Uint8Array[] {
    const bytes = this.takeBytes()
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    const messages: Uint8Array[] = []
    let open: Uint8Array[] = []
    for (let at = 0; at < bytes.length; ) {
      const length7 = view.getUint8(at + 1)
      const start = at + (length7 < 126 ? 2 : length7 === 126 ? 4 : 10)
      const length = length7 < 126 ? length7 : length7 === 126 ? view.getUint16(at + 2) : view.getUint32(at + 6)
      open.push(bytes.slice(start, start + length))
      if (view.getUint8(at) >= 0x80) {
        messages.push(concat(...open))
        open = []
      }
      at = start + length
    }
    return messages
  }
}

const payload = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc
    .tuple(fc.integer({ min: 1, max: 120_000 }), fc.string({ minLength: 1, maxLength: 30 }))
    .map(([length, text]) => new Uint8Array(Buffer.alloc(length, text))),
)
const payloads = fc.array(payload, { minLength: 1, maxLength: 5 })
const bits = fc.integer({ min: 9, max: 15 })
const engine = fc.constantFrom(null, publicEngine)

/** Cuts bytes into `count` parts of about the same length. */
function split(bytes: Uint8Array, count: number): Uint8Array[] {
  const size = Math.ceil(bytes.length / count)
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
}

afterEach(() => deflateMemory.useEngine(null))

describe('permessage-deflate beside the streams of zlib', () => {
  it(
    'inflates whatever a stream deflates, with every window, level and fragmentation [7692-7.2.2-11] [7692-7.2.2-8] [7692-6.2-1]',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          engine,
          bits,
          fc.integer({ min: 0, max: 9 }),
          fc.boolean(),
          fc.integer({ min: 1, max: 4 }),
          payloads,
          async (engine, windowBits, level, takeover, count, messages) => {
            deflateMemory.useEngine(engine)
            const options = { clientMaxWindowBits: windowBits, clientNoContextTakeover: !takeover }
            const server = new Server(serverExtension('permessage-deflate; client_max_window_bits', options))
            const stream = createDeflateRaw({ windowBits, level })
            try {
              for (const message of messages) {
                // A stream that is given nothing has nothing to flush: RFC 7692 §7.2.3.6.
                const deflated = message.length === 0 ? Uint8Array.of(0) : await through(stream, message)
                const bytes = message.length === 0 ? deflated : deflated.subarray(0, -TAIL.length)
                for (const [i, part] of split(bytes, count).entries()) {
                  const more = { fin: i === count - 1, rsv: i === 0 ? 4 : 0 }
                  server.receive(server.peerFrame(i === 0 ? BINARY : 0, part, more))
                }
                await server.settle()
                const hex = Buffer.from(message)
                  .toString('hex')
                  .replaceAll(/..(?!$)/g, '$& ')
                expect(server.takeEvents().join() === ['binary', hex].join(' ').trimEnd()).toBe(true)
                if (!takeover) stream.reset()
              }
            } finally {
              stream.close()
              server.connection.transportClosed()
            }
          },
        ),
        fcOptions(60),
      )
    },
    FC_TIMEOUT_MS,
  )

  it(
    'deflates to what a stream inflates, within the window that was agreed on [7692-7.2.1-14] [7692-7.2.1-15] [7692-7.2.1-5]',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          engine,
          bits,
          fc.integer({ min: 0, max: 9 }),
          fc.boolean(),
          fc.integer({ min: 1, max: 4 }),
          payloads,
          async (engine, windowBits, level, takeover, count, messages) => {
            deflateMemory.useEngine(engine)
            const options = { serverMaxWindowBits: windowBits, serverNoContextTakeover: !takeover, level, threshold: 0 }
            const server = new Server(serverExtension('permessage-deflate', options))
            // A stream with the same window refuses whatever refers to something further away.
            const stream = createInflateRaw({ windowBits })
            try {
              for (const message of messages) {
                const parts = split(message, count)
                for (const [i, part] of parts.entries()) server.connection.sendFragment(part, true, i === count - 1)
                await server.settle()
                const [bytes = new Uint8Array(0), ...others] = server.sent()
                expect(others).toEqual([])
                expect(Buffer.compare(await through(stream, concat(bytes, TAIL)), message)).toBe(0)
                if (!takeover) stream.reset()
              }
            } finally {
              stream.close()
              server.connection.transportClosed()
            }
          },
        ),
        fcOptions(60),
      )
    },
    FC_TIMEOUT_MS,
  )
})
