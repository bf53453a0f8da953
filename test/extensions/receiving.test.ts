import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { deflateMemory } from '../../src/extensions/permessage-deflate/memory.ts'
import type { PerMessageDeflateOptions } from '../../src/extensions/permessage-deflate/options.ts'
import { publicEngine } from '../../src/extensions/permessage-deflate/public-engine.ts'
import type { ConnectionListener, MessageSink } from '../../src/protocol/listener.ts'
import type { ConnectionOptions } from '../../src/protocol/options.ts'
import { chunkings, concat } from '../support/chunkings.ts'
import { Endpoint } from '../support/connection-pair.ts'
import { within } from '../support/deadline.ts'
import { compressed, serverExtension } from '../support/deflate.ts'
import { hex } from '../support/hex.ts'

const KEEP: PerMessageDeflateOptions = { serverNoContextTakeover: false, clientNoContextTakeover: false }
const OFFER = 'permessage-deflate; client_max_window_bits'
const TEXT = 1
const BINARY = 2
const RSV1 = { rsv: 4 }

/** A server that inflates, and what its driver is told. */
class Server extends Endpoint {
  #wake: () => void = () => {}

  constructor(
    options: PerMessageDeflateOptions | true = true,
    more: Partial<ConnectionOptions> = {},
    extra: Partial<ConnectionListener> = {},
  ) {
    super('server', { extension: serverExtension(OFFER, options), ...more }, (listener) =>
      Object.assign(listener, extra, { woken: () => this.#wake() }),
    )
  }

  /** Does what a driver does, until nothing is left to read. */
  async settle(): Promise<void> {
    while (this.connection.isDecoding || this.connection.hasRetained) {
      if (this.connection.isDecoding) {
        await within(
          new Promise<void>((resolve) => {
            this.#wake = resolve
          }),
          'the decoder',
        )
      }
      if (this.connection.hasRetained) this.connection.readRetained()
    }
  }
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve))
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await turns(1)
}

/** The lengths of messages instead of their bytes. */
function lengths(events: readonly string[]): string[] {
  return events.map((event) => (event.length < 200 ? event : `${event.split(' ')[0]} of ${event.length}`))
}

const engines = [
  ['the native object', null],
  ['the public functions', publicEngine],
] as const

describe.each(engines)('a server that inflates with %s', (_, engine) => {
  beforeEach(() => deflateMemory.useEngine(engine))
  afterEach(() => deflateMemory.useEngine(null))

  it('takes compressed and plain messages as they come [7692-6.2-1] [7692-6.2-2] [7692-7.2.2-4]', async () => {
    for (const options of [true, KEEP] as const) {
      const server = new Server(options)
      server.receive(
        server.peerFrame(TEXT, compressed('Hello'), RSV1),
        server.peerFrame(TEXT, 'plain'),
        server.peerFrame(BINARY, compressed('Hello'), RSV1),
      )
      await server.settle()
      expect(server.takeEvents()).toEqual(['text "Hello"', 'text "plain"', 'binary 48 65 6c 6c 6f'])
    }
  })

  it('keeps the window, with plain messages in between [7692-7.2.2-4] [7692-7.2.1-8]', async () => {
    const server = new Server(KEEP)
    const second = hex('f200110000')
    server.receive(server.peerFrame(TEXT, hex('f248cdc9c90700'), RSV1), server.peerFrame(TEXT, 'Hello?'))
    server.receive(server.peerFrame(TEXT, second, RSV1))
    await server.settle()
    expect(server.takeEvents()).toEqual(['text "Hello"', 'text "Hello?"', 'text "Hello"'])
  })

  it('keeps the window when no context takeover was a hint that it did not take up [7692-7.2.1-9] [7692-7.2.2-5]', async () => {
    const extension = serverExtension('permessage-deflate; client_no_context_takeover', KEEP)
    expect(extension.agreed).not.toContain('client_no_context_takeover')
    const server = new Server(KEEP, { extension })
    for (const bytes of ['f248cdc9c90700', 'f200110000']) server.receive(server.peerFrame(TEXT, hex(bytes), RSV1))
    await server.settle()
    expect(server.takeEvents()).toEqual(['text "Hello"', 'text "Hello"'])
  })

  it('inflates with 32 KiB unless a smaller window was agreed on [7692-7.2.2-9] [7692-7.2.2-8]', async () => {
    const noise = Uint8Array.from({ length: 32_768 - 300 }, (_, i) => (i * i * 31 + (i >> 3)) % 256)
    const payload = concat(noise, noise)
    const server = new Server(true, { extension: serverExtension('permessage-deflate') })
    server.receive(server.peerFrame(BINARY, compressed(payload), RSV1))
    await server.settle()
    expect(lengths(server.takeEvents())).toEqual([`binary of ${6 + 3 * payload.length}`])
  })

  it('joins fragments, with control frames between them, however it is cut [7692-6.2-1] [6455-5.5-2]', async () => {
    const bytes = compressed('Hello, Hello, Hello')
    const make = (server: Server) =>
      concat(
        server.peerFrame(TEXT, bytes.subarray(0, 0), { fin: false, ...RSV1 }),
        server.peerFrame(9, 'a'),
        server.peerFrame(0, bytes.subarray(0, 3), { fin: false }),
        server.peerFrame(9, 'b'),
        server.peerFrame(0, bytes.subarray(3), { fin: false }),
        server.peerFrame(0),
        server.peerFrame(TEXT, 'next'),
      )
    for (const { chunks } of chunkings(make(new Server()))) {
      const server = new Server()
      for (const chunk of chunks) server.receive(chunk)
      await server.settle()
      expect(server.takeEvents()).toEqual(['ping 61', 'ping 62', 'text "Hello, Hello, Hello"', 'text "next"'])
    }
  })

  it('takes several blocks, of every kind, and blocks with BFINAL 1 [7692-7.2.1-1] [7692-7.2.1-2] [7692-7.2.1-3]', async () => {
    const cases = {
      'two blocks': 'f24805000000ffffcac9c90700',
      stored: '000500faff48656c6c6f00',
      'BFINAL 1': 'f348cdc9c9070000',
      'BFINAL 1 and nothing behind it': 'f348cdc9c90700',
    }
    for (const options of [true, KEEP] as const) {
      const server = new Server(options)
      for (const digits of Object.values(cases)) {
        server.receive(server.peerFrame(TEXT, hex(digits), RSV1), server.peerFrame(TEXT, hex(digits), RSV1))
      }
      const twice = concat(hex('f348cdc9c90700'), hex('f348cdc9c9070000'))
      server.receive(server.peerFrame(TEXT, twice, RSV1))
      await server.settle()
      expect(server.takeEvents()).toEqual([...Array(8).fill('text "Hello"'), 'text "HelloHello"'])
    }
  })

  it('takes an empty message, with and without the byte that stands for it [7692-7.2.1-15]', async () => {
    const server = new Server()
    server.receive(server.peerFrame(TEXT, hex('00'), RSV1), server.peerFrame(BINARY, '', RSV1))
    await server.settle()
    expect(server.takeEvents()).toEqual(['text ""', 'binary'])
  })

  it('fails with 1007 when the inflated text is not UTF-8, and not when the deflated one is none [7692-6.1-6]', async () => {
    for (const [payload, expected] of [
      [Uint8Array.of(0x61, 0xff), 'failed 6455-8.1-1'],
      [Uint8Array.of(0xe2, 0x82), 'failed 6455-8.1-1'],
      [concat(new Uint8Array(70_000).fill(0x61), Uint8Array.of(0xff)), 'failed 6455-8.1-1'],
      [concat(new Uint8Array(70_000).fill(0x61), Uint8Array.of(0xe2, 0x82)), 'failed 6455-8.1-1'],
      ['ä', 'text "ä"'],
    ] as const) {
      const bytes = compressed(payload)
      for (const parts of [[bytes], [bytes.subarray(0, 1), bytes.subarray(1)]]) {
        const server = new Server()
        for (const [i, part] of parts.entries()) {
          server.receive(
            server.peerFrame(i === 0 ? TEXT : 0, part, { fin: i === parts.length - 1, rsv: i === 0 ? 4 : 0 }),
          )
        }
        await server.settle()
        expect(server.takeEvents()).toEqual([expected])
      }
    }
  })

  it('keeps what it works on elsewhere when the memory of the chunk is used again', async () => {
    const server = new Server({ clientMaxWindowBits: true })
    const text = Array.from({ length: 40_000 }, (_, i) => `${i}`).join(' ')
    const chunk = Buffer.from(server.peerFrame(TEXT, compressed(text), RSV1))
    server.connection.receive(chunk)
    chunk.fill(0xff)
    await server.settle()
    expect(server.takeEvents()).toEqual([`text ${JSON.stringify(text)}`])
  })

  it('goes on in order behind a large message, and behind an end of the stream', async () => {
    const server = new Server(KEEP)
    const large = 'x'.repeat(900_000)
    server.receive(
      server.peerFrame(TEXT, compressed(large), RSV1),
      server.peerFrame(9, 'a'),
      server.peerFrame(TEXT, compressed('Hello'), RSV1),
    )
    server.receive(server.peerFrame(TEXT, 'last'))
    server.connection.receiveEnd()
    await server.settle()
    expect(lengths(server.takeEvents())).toEqual(['text of 900007', 'ping 61', 'text "Hello"', 'text "last"'])
    expect(server.connection.readyState).toBe(3)
  })

  it('delivers what is exactly maxPayload long, and fails with 1009 at one byte more [6455-10.4-2]', async () => {
    for (const maxPayload of [0, 5, 65_535, 65_536, 200_000]) {
      for (const [more, isGood] of [
        [0, true],
        [1, false],
      ] as const) {
        const server = new Server(true, { maxPayload })
        const bytes = compressed(new Uint8Array(maxPayload + more))
        const cut = bytes.length >> 1
        server.receive(
          server.peerFrame(BINARY, bytes.subarray(0, cut), { fin: false, ...RSV1 }),
          server.peerFrame(0, bytes.subarray(cut)),
        )
        await server.settle()
        const [event] = server.takeEvents()
        expect(event?.split(' ')[0]).toBe(isGood ? 'binary' : 'failed')
        expect(server.connection.sentCloseCode).toBe(isGood ? 0 : 1009)
        const whole = new Server(true, { maxPayload })
        whole.receive(whole.peerFrame(BINARY, bytes, RSV1))
        await whole.settle()
        expect(whole.connection.sentCloseCode).toBe(isGood ? 0 : 1009)
      }
    }
  })

  it('fails with 1007 for a message that is cut anywhere, spoilt, or goes on behind its end', async () => {
    const whole = compressed(`{"id":1,"names":["ada","grace"],"text":"${'lorem ipsum dolor '.repeat(20)}"}`)
    const dynamic = compressed(Uint8Array.from({ length: 2000 }, (_, i) => (i * i) % 97))
    const broken: Uint8Array[] = [hex('07'), hex('ff'), concat(whole, hex('4142')), hex('f248cdc9c907')]
    for (const bytes of [whole, dynamic]) {
      for (let length = 1; length < bytes.length; length += 1) broken.push(bytes.subarray(0, length))
    }
    for (const options of [true, KEEP] as const) {
      for (const bytes of broken) {
        const server = new Server(options)
        server.receive(server.peerFrame(BINARY, bytes, RSV1))
        await server.settle()
        expect([server.takeEvents(), bytes.length]).toEqual([['failed 7692-7.2.2-11'], bytes.length])
        expect(server.connection.sentCloseCode).toBe(1007)
      }
    }
  })

  it('names the same rule for a text that is wrong and lacks its end, cut or not', async () => {
    const bytes = compressed(Uint8Array.of(0x61, 0xff, 0x61)).subarray(0, -1)
    const told = new Set<string>()
    for (const cut of [0, 1, bytes.length]) {
      const server = new Server()
      if (cut === 0) server.receive(server.peerFrame(TEXT, bytes, RSV1))
      else {
        server.receive(server.peerFrame(TEXT, bytes.subarray(0, cut), { fin: false, ...RSV1 }))
        server.receive(server.peerFrame(0, bytes.subarray(cut)))
      }
      await server.settle()
      for (const event of server.takeEvents()) told.add(event)
    }
    expect([...told]).toHaveLength(1)
  })

  it('holds RSV1 on control frames and continuations against the peer [7692-6.1-4]', () => {
    const cases: Array<(server: Server) => Uint8Array> = [
      (server) => server.peerFrame(8, hex('03e8'), RSV1),
      (server) => server.peerFrame(9, '', RSV1),
      (server) => server.peerFrame(10, '', RSV1),
      (server) =>
        concat(server.peerFrame(TEXT, compressed('a'), { fin: false, ...RSV1 }), server.peerFrame(0, '', RSV1)),
      (server) => server.peerFrame(TEXT, 'a', { rsv: 2 }),
    ]
    for (const make of cases) {
      const server = new Server()
      server.receive(make(server))
      expect(server.connection.sentCloseCode).toBe(1002)
    }
  })

  it('delivers nothing while the application pauses, and the rest in order when it resumes', async () => {
    const server = new Server(KEEP)
    const large = compressed('x'.repeat(500_000))
    server.receive(server.peerFrame(TEXT, large, RSV1))
    const wasDecoding = server.connection.isDecoding
    server.connection.pause()
    server.receive(server.peerFrame(TEXT, 'behind'))
    await turns(50)
    if (wasDecoding) expect(server.takeEvents()).toEqual([])
    server.connection.resume()
    await server.settle()
    expect(lengths(server.takeEvents()).at(-1)).toBe('text "behind"')
  })

  it('gives its memory back when the connection ends, also in the middle of a message', async () => {
    const before = deflateMemory.used
    const servers = Array.from({ length: 20 }, () => new Server(KEEP))
    for (const server of servers) {
      server.receive(server.peerFrame(BINARY, compressed(new Uint8Array(300_000)), RSV1))
      server.receive(server.peerFrame(BINARY, compressed('open').subarray(0, 2), { fin: false, ...RSV1 }))
      expect(deflateMemory.used).toBeGreaterThan(before)
    }
    for (const server of servers) server.connection.transportClosed()
    // What a thread still works on is given back when it is done; a few states are kept for the next connection.
    await within(
      until(() => deflateMemory.used <= before + 5 * 48 * 1024),
      'the memory',
    )
  })
})

describe('a server that inflates', () => {
  it('hands pieces of a large message on while it arrives, to a sink that may end the connection', async () => {
    const sizes: number[] = []
    let aborted = 0
    const sink: MessageSink = {
      piece: (_, start, end) => {
        sizes.push(end - start)
        if (sizes.length === 3) server.connection.transportClosed()
      },
      end: () => sizes.push(-1),
      abort: () => {
        aborted += 1
      },
    }
    const server: Server = new Server(KEEP, {}, { messageStart: () => sink })
    const bytes = compressed(new Uint8Array(1_000_000))
    server.receive(server.peerFrame(BINARY, bytes, RSV1))
    await within(
      until(() => sizes.length >= 3),
      'three pieces',
    )
    await turns(20)
    expect(sizes).toEqual([65_536, 65_536, 65_536])
    expect(aborted).toBe(1)
    expect(server.connection.isDecoding).toBe(false)
  })

  it.each([
    ['in fragments', false, new Uint8Array(100)],
    ['whole', true, new Uint8Array(100)],
    ['whole, and long when inflated', true, new Uint8Array(1_000_000)],
  ])('ends the connection when whoever hears of a message fails it: %s', async (_name, fin, message) => {
    const violation = { id: '6455-10.4-1', statusCode: 1008, message: 'too many messages' }
    const listener: Partial<ConnectionListener> = {
      messageStart: () => {
        server.connection.fail(violation)
        return null
      },
      message: () => server.connection.fail(violation),
    }
    const server: Server = new Server(KEEP, {}, listener)
    server.receive(server.peerFrame(BINARY, compressed(message), { ...RSV1, fin }))
    server.receive(server.peerFrame(0, 'more'))
    await server.settle()
    await turns(20)
    expect(server.connection.violation).toBe(violation)
    expect(server.connection.bufferedInput).toBe(0)
    expect(server.connection.isDecoding).toBe(false)
  })

  it('inflates nothing while a sink has paused, and goes on when it resumes', async () => {
    const sizes: number[] = []
    const sink: MessageSink = {
      piece: (_, start, end) => {
        sizes.push(end - start)
        server.connection.pause()
      },
      end: () => sizes.push(-1),
      abort: () => {},
    }
    const server: Server = new Server(true, {}, { messageStart: () => sink })
    server.receive(server.peerFrame(BINARY, compressed(new Uint8Array(160_000)), RSV1))
    await turns(20)
    expect(sizes).toEqual([65_536])
    server.connection.resume()
    await within(
      until(() => sizes.length > 1),
      'the second piece',
    )
    await turns(20)
    expect(sizes).toEqual([65_536, 65_536])
    server.connection.resume()
    await within(
      until(() => sizes.length > 2),
      'the last piece',
    )
    expect(sizes).toEqual([65_536, 65_536, 160_000 - 2 * 65_536, -1])
  })

  it('delivers at once, when the application resumes, what was ready while it paused', async () => {
    const server = new Server({ clientMaxWindowBits: true })
    server.receive(server.peerFrame(TEXT, compressed('x'.repeat(70_000)), RSV1), server.peerFrame(TEXT, 'behind'))
    server.connection.pause()
    // A job of another connection that begins later has ended: the thread is done with this one.
    const later = new Server({ clientMaxWindowBits: true })
    later.receive(later.peerFrame(BINARY, compressed(new Uint8Array(900_000)), RSV1))
    await later.settle()
    await turns(20)
    expect(server.takeEvents()).toEqual([])
    server.connection.resume()
    await server.settle()
    expect(lengths(server.takeEvents())).toEqual(['text of 70007', 'text "behind"'])
  })

  it('inflates 256 KiB in a turn, and reads on in the next one', () => {
    const server = new Server()
    const frame = server.peerFrame(BINARY, compressed(new Uint8Array(60_000)), RSV1)
    server.receive(...Array.from({ length: 12 }, () => frame))
    const counts: number[] = [server.takeEvents().length]
    while (server.connection.hasRetained) {
      server.connection.readRetained()
      counts.push(server.takeEvents().length)
    }
    expect(counts).toEqual([5, 5, 2])
  })

  it('answers each of two connections with its own bytes when one handler feeds the other', () => {
    const inner = new Server()
    const seen: string[] = []
    const outer: Server = new Server(
      true,
      {},
      {
        message: (_, bytes, start, end) => {
          inner.receive(inner.peerFrame(TEXT, compressed('inner'), RSV1))
          seen.push(Buffer.from(bytes.subarray(start, end)).toString())
        },
      },
    )
    outer.receive(outer.peerFrame(TEXT, compressed('outer'), RSV1))
    expect(seen).toEqual(['outer'])
    expect(inner.takeEvents()).toEqual(['text "inner"'])
  })

  it('fails with 1013 when there is no memory for an inflater, and negotiates nothing then', () => {
    const { limit } = deflateMemory
    const server = new Server(KEEP)
    try {
      deflateMemory.limit = 0
      deflateMemory.useEngine(null)
      server.receive(server.peerFrame(TEXT, compressed('a'), RSV1))
      expect(server.takeEvents()).toEqual(['failed 6455-10.4-1'])
      expect(server.connection.sentCloseCode).toBe(1013)
    } finally {
      deflateMemory.limit = limit
    }
  })
})
