import { randomFillSync } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { deflateMemory } from '../../src/extensions/permessage-deflate/memory.ts'
import type { PerMessageDeflateOptions } from '../../src/extensions/permessage-deflate/options.ts'
import { publicEngine } from '../../src/extensions/permessage-deflate/public-engine.ts'
import { prepareMessage } from '../../src/protocol/prepared-message.ts'
import { TransportIntent } from '../../src/protocol/state.ts'
import { concat } from '../support/chunkings.ts'
import { Endpoint } from '../support/connection-pair.ts'
import { within } from '../support/deadline.ts'
import { serverExtension } from '../support/deflate.ts'

const KEEP: PerMessageDeflateOptions = { serverNoContextTakeover: false, threshold: 0 }
const FORGET: PerMessageDeflateOptions = { threshold: 0 }
const TAIL = Uint8Array.of(0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff)

interface Frame {
  readonly first: number
  readonly payload: Uint8Array
}

/** A server that deflates. */
class Server extends Endpoint {
  wakes = 0
  #wake: () => void = () => {}

  constructor(options: PerMessageDeflateOptions | true, offer = 'permessage-deflate') {
    super('server', { extension: serverExtension(offer, options) }, (listener) =>
      Object.assign(listener, {
        woken: () => {
          this.wakes += 1
          this.#wake()
        },
      }),
    )
  }

  /** The frames sent since the last call, RSV bits included. */
  frames(): Frame[] {
    const bytes = this.takeBytes()
    const frames: Frame[] = []
    for (let at = 0; at < bytes.length; ) {
      const length7 = bytes[at + 1] ?? 0
      const view = new DataView(bytes.buffer, bytes.byteOffset)
      const header = length7 < 126 ? 2 : length7 === 126 ? 4 : 10
      const length = length7 < 126 ? length7 : length7 === 126 ? view.getUint16(at + 2) : view.getUint32(at + 6)
      frames.push({ first: bytes[at] ?? 0, payload: bytes.slice(at + header, at + header + length) })
      at += header + length
    }
    return frames
  }

  async settle(): Promise<void> {
    while (this.connection.waitingFrames > 0) {
      await within(
        new Promise<void>((resolve) => {
          this.#wake = resolve
        }),
        'the encoder',
      )
    }
  }
}

/** What a message inflates to, by zlib alone. */
function inflated(payload: Uint8Array, windowBits = 15): string {
  return inflateRawSync(concat(payload, TAIL), { windowBits }).toString()
}

describe.each([
  ['the native object', null],
  ['the public functions', publicEngine],
] as const)('a server that deflates with %s', (_, engine) => {
  beforeEach(() => deflateMemory.useEngine(engine))
  afterEach(() => deflateMemory.useEngine(null))

  it('sets RSV1 in the first frame of a compressed message and nowhere else [7692-6.1-1] [7692-6.1-2] [7692-6.1-3] [7692-6.1-5]', () => {
    const server = new Server({ ...KEEP, threshold: 3 })
    server.connection.sendMessage('ab')
    server.connection.sendMessage('abc')
    server.connection.sendMessage(Uint8Array.of(1, 2, 3))
    server.connection.sendFragment('abc', false, false)
    server.connection.sendPing()
    server.connection.sendFragment('', false, false)
    server.connection.sendFragment('d', false, true)
    server.connection.close(1000)
    expect(server.frames().map(({ first }) => first.toString(16))).toEqual([
      '81',
      'c1',
      'c2',
      '41',
      '89',
      '0',
      '80',
      '88',
    ])
  })

  it('keeps 00 00 ff ff at the end of fragments but the last [7692-7.2.1-5] [7692-7.2.1-15]', () => {
    for (const options of [KEEP, FORGET]) {
      const server = new Server(options)
      const parts = ['one ', '', 'two ', 'three', '']
      for (const [i, part] of parts.entries()) server.connection.sendFragment(part, false, i === parts.length - 1)
      const frames = server.frames()
      expect(frames).toHaveLength(5)
      const whole = concat(...frames.map(({ payload }) => payload))
      expect(inflated(whole)).toBe('one two three')
      expect(Buffer.from(frames[0]!.payload.subarray(-4)).toString('hex')).toBe('0000ffff')
      expect(whole.at(-1)).toBe(0)
    }
  })

  it('honours the threshold, counted in bytes, with context takeover too', () => {
    for (const options of [{ threshold: 10 }, { ...KEEP, threshold: 10 }]) {
      const server = new Server(options)
      for (const text of ['a'.repeat(9), 'a'.repeat(10), 'ä'.repeat(4), 'ä'.repeat(5), '€€€', '€€€€']) {
        server.connection.sendMessage(text)
        server.connection.sendMessage(Buffer.from(text), true)
      }
      expect(server.frames().map(({ first }) => (first & 0x40) !== 0)).toEqual([
        false,
        false,
        true,
        true,
        false,
        false,
        true,
        true,
        false,
        false,
        true,
        true,
      ])
    }
  })

  it('compresses what the caller says, else what the option says', () => {
    const asked: unknown[] = []
    const rule = (data: string | Uint8Array, isBinary: boolean): boolean => {
      asked.push([data, isBinary])
      return isBinary
    }
    const bytes = Uint8Array.of(1)
    for (const [compress, expected] of [
      [rule, [true, false, true, false]],
      [false, [true, false, false, false]],
      [true, [true, false, true, true]],
    ] as const) {
      const server = new Server({ ...KEEP, compress })
      server.connection.sendMessage('yes', false, true)
      server.connection.sendMessage('no', false, false)
      server.connection.sendMessage(bytes)
      server.connection.sendMessage('text')
      expect(server.frames().map(({ first }) => (first & 0x40) !== 0)).toEqual(expected)
    }
    expect(asked).toEqual([
      [bytes, true],
      ['text', false],
    ])
  })

  it('never refers back further than the agreed window [7692-7.2.1-14] [7692-7.2.1-6]', async () => {
    const noise = Buffer.from(Array.from({ length: 700 }, (_, i) => (i * i * 7 + (i >> 2)) % 256)).toString('latin1')
    for (let bits = 9; bits <= 15; bits += 1) {
      const server = new Server({ ...KEEP, serverMaxWindowBits: bits })
      const texts = [noise, 'x'.repeat(600), noise, `${noise}${'y'.repeat((1 << bits) - 100)}${noise}`]
      for (const text of texts) server.connection.sendMessage(text)
      await server.settle()
      const payloads = server.frames().map(({ payload }) => concat(payload, Uint8Array.of(0, 0, 0xff, 0xff)))
      const whole = inflateRawSync(concat(...payloads, Uint8Array.of(1, 0, 0, 0xff, 0xff)), { windowBits: bits })
      expect(whole.toString()).toBe(texts.join(''))
    }
  })

  it('keeps the order behind a large message, and lets control frames pass', async () => {
    const server = new Server(KEEP)
    const large = 'lorem ipsum '.repeat(20_000)
    server.connection.sendMessage(large)
    server.connection.sendMessage('second')
    server.connection.sendMessage('third', false, false)
    server.connection.sendPing()
    server.connection.sendMessage(large)
    server.connection.sendMessage('last')
    expect(server.connection.waitingFrames).toBe(5)
    expect(server.connection.waitingOutput).toBe(2 * large.length + 15)
    server.connection.close(1000)
    expect(server.frames().map(({ first }) => first)).toEqual([0x89])
    await server.settle()
    const frames = server.frames()
    expect(frames.map(({ first }) => first.toString(16))).toEqual(['c1', 'c1', '81', 'c1', 'c1', '88'])
    expect(server.connection.waitingOutput).toBe(0)
    expect(server.connection.releasedFrames).toBe(6)
    expect(server.wakes).toBeGreaterThan(0)
    const compressedPayloads = frames.filter(({ first }) => first === 0xc1).map(({ payload }) => payload)
    const all = concat(...compressedPayloads.flatMap((payload) => [payload, Uint8Array.of(0, 0, 0xff, 0xff)]))
    const whole = inflateRawSync(concat(all, Uint8Array.of(1, 0, 0, 0xff, 0xff)))
    expect(whole.toString()).toBe(`${large}second${large}last`)
  })

  it('sends what does not compress in the same order, and does not change while it waits', async () => {
    const noise = randomFillSync(new Uint8Array(400_000))
    for (const length of [400_000, 30_000]) {
      const server = new Server(FORGET)
      const sent = Buffer.from(noise.subarray(0, length))
      server.connection.sendMessage(sent)
      sent.fill(0)
      // Another connection uses the memory in which small messages are deflated.
      new Server(FORGET).connection.sendMessage('x'.repeat(30_000))
      await server.settle()
      const [frame] = server.frames()
      const result = inflateRawSync(concat(frame!.payload, TAIL))
      expect(Buffer.compare(result, noise.subarray(0, length))).toBe(0)
    }
  })

  it('ends its direction behind what waits when the peer closes [6455-5.5.1-8]', async () => {
    const server = new Server(KEEP)
    server.connection.sendMessage('x'.repeat(200_000))
    server.receive(server.peerClose(1000))
    expect(server.connection.transportIntent).toBe(TransportIntent.ExpectClose)
    await server.settle()
    expect(server.frames().map(({ first }) => first)).toEqual([0xc1, 0x88])
    expect(server.connection.transportIntent).toBe(TransportIntent.HalfClose)
  })

  it('forgets what waits when the connection is failed, but not a Close frame it has sent [6455-7.1.7-5]', async () => {
    for (const closes of [false, true]) {
      const server = new Server(KEEP)
      server.connection.sendMessage('x'.repeat(200_000))
      if (closes) server.connection.close(4000)
      server.receive(server.peerFrame(3, ''))
      const frames = server.frames()
      expect(frames.map(({ first }) => first)).toEqual([0x88])
      expect(Buffer.from(frames[0]!.payload).readUInt16BE(0)).toBe(closes ? 4000 : 1002)
      for (let i = 0; i < 30; i += 1) await new Promise((resolve) => setImmediate(resolve))
      expect(server.frames()).toEqual([])
    }
  })

  it('sends a prepared message compressed', () => {
    const server = new Server(FORGET)
    server.connection.sendMessage(prepareMessage('Hello'))
    expect(Buffer.from(server.takeBytes()).toString('hex')).toBe('c107f248cdc9c90700')
  })
})

describe('the memory of all deflaters', () => {
  const { limit } = deflateMemory
  afterEach(() => {
    deflateMemory.limit = limit
    deflateMemory.useEngine(null)
  })

  it('has a limit: idle windows are forgotten, and the peers notice nothing but the ratio', () => {
    deflateMemory.useEngine(null)
    const servers = Array.from({ length: 12 }, () => new Server(KEEP))
    const histories = servers.map(() => [] as Uint8Array[])
    const size = (1 << 14) + (1 << 14) + (64 << 10)
    deflateMemory.limit = deflateMemory.used + 3 * size
    for (const round of [1, 2]) {
      for (const [i, server] of servers.entries()) {
        server.connection.sendMessage(`Hello, round ${round}`)
        server.connection.sendMessage('again')
        const frames = server.frames().map(({ payload }) => concat(payload, TAIL.subarray(0, 4)))
        histories[i]!.push(...frames)
        const expected = Array.from({ length: round }, (_, before) => `Hello, round ${before + 1}again`).join('')
        expect(inflated(concat(...histories[i]!, Uint8Array.of(0)))).toBe(expected)
        expect(deflateMemory.used).toBeLessThanOrEqual(deflateMemory.limit)
      }
    }
    for (const server of servers) server.connection.transportClosed()
  })

  it('has a limit: when all is in use, messages go out as they are', async () => {
    deflateMemory.useEngine(null)
    deflateMemory.limit = 0
    const server = new Server({ ...KEEP, level: 1 }, 'permessage-deflate')
    server.connection.sendMessage('Hello')
    expect(server.frames().map(({ first }) => first)).toEqual([0x81])
  })

  it('is taken by no connection that has ended, also when it ends while it deflates', async () => {
    deflateMemory.useEngine(null)
    const before = deflateMemory.used
    const servers = Array.from({ length: 10 }, () => new Server(KEEP))
    for (const server of servers) {
      server.connection.sendMessage('x'.repeat(200_000))
      server.connection.transportClosed()
    }
    while (deflateMemory.used > before + 4 * (96 << 10)) await new Promise((resolve) => setImmediate(resolve))
    expect(servers.every(({ connection }) => connection.waitingFrames === 0)).toBe(true)
  })

  it('is given back by a connection that has sent nothing for ten seconds', () => {
    deflateMemory.useEngine(null)
    const servers = Array.from({ length: 10 }, () => new Server(KEEP))
    const before = deflateMemory.used
    const rest = (now: number): void => {
      for (const { connection } of servers) connection.rest(now)
    }
    for (const { connection } of servers) connection.sendMessage('Hello')
    const inUse = deflateMemory.used
    rest(1000)
    rest(10_999)
    expect(deflateMemory.used).toBe(inUse)
    servers[0]!.connection.sendFragment('open', false, false)
    rest(11_000)
    rest(30_000)
    // One is in the middle of a message; four are kept for the next who needs one.
    expect(deflateMemory.used - before).toBeLessThanOrEqual((inUse - before) / 2)
    servers[0]!.takeBytes()
    servers[0]!.connection.sendFragment('closed', false, true)
    servers[1]!.takeBytes()
    servers[1]!.connection.sendMessage('Hello')
    expect(inflated(servers[1]!.frames()[0]!.payload)).toBe('Hello')
    for (const { connection } of servers) connection.transportClosed()
  })

  it('cannot be limited by what is no number of bytes', () => {
    expect(() => {
      deflateMemory.limit = -1
    }).toThrow('deflateMemory.limit is -1')
    deflateMemory.limit = Number.POSITIVE_INFINITY
    expect(deflateMemory.limit).toBe(Number.POSITIVE_INFINITY)
  })
})
