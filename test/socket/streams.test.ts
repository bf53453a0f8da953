import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConnectionClosedError, ProtocolError, UsageError } from '../../src/errors.ts'
import type { MessageStream } from '../../src/socket/message-stream.ts'
import { clientClose, clientFrame, clientText } from '../support/client-frames.ts'
import { ConnectionInMemory } from '../support/connection-in-memory.ts'
import { FC_TIMEOUT_MS, fcOptions } from '../support/fc-options.ts'
import { settle } from '../support/memory-transport.ts'

async function settleAll(): Promise<void> {
  for (let i = 0; i < 6; i += 1) await settle()
}

/** A connection of which the first message has begun, and the stream of it. */
async function begun(payload: Uint8Array | string, cut: number, opcode = 2) {
  const connection = new ConnectionInMemory({ maxPayload: Number.POSITIVE_INFINITY })
  const streams = connection.ws.streams()
  const first = streams.next()
  const frame = clientFrame({ opcode, payload })
  await connection.transport.arrive(frame.slice(0, cut))
  const stream = (await first).value as MessageStream
  return { ...connection, streams, stream, rest: frame.slice(cut) }
}

describe('ws.streams()', () => {
  it('gives a message while it arrives, inside a frame', async () => {
    const { stream, transport, rest } = await begun('Hello', 8)
    expect(stream.isBinary).toBe(true)
    const pieces = stream[Symbol.asyncIterator]()
    expect(await pieces.next()).toEqual({ done: false, value: Buffer.from('He') })
    const next = pieces.next()
    await transport.arrive(rest)
    expect(await next).toEqual({ done: false, value: Buffer.from('llo') })
    expect((await pieces.next()).done).toBe(true)
  })

  it('gives pieces that the reader may keep', async () => {
    const { stream, transport, rest } = await begun('Hello', 8)
    await transport.arrive(rest)
    const pieces: Buffer[] = []
    for await (const piece of stream) pieces.push(piece)
    await transport.arrive(clientText('something else'))
    expect(Buffer.concat(pieces).toString()).toBe('Hello')
  })

  it('stops the reading while a message is not read, however long it is, and counts what it holds', async () => {
    const length = 4 << 20
    const connection = new ConnectionInMemory({ maxPayload: Number.POSITIVE_INFINITY })
    const streams = connection.ws.streams({ highWaterMark: 100_000 })
    const first = streams.next()
    const frame = clientFrame({ opcode: 2, payload: new Uint8Array(length) })
    let at = 0
    const feed = async (): Promise<void> => {
      while (at < frame.length && !connection.transport.isPaused()) {
        await connection.transport.arrive(frame.slice(at, at + 16_384))
        at += 16_384
      }
    }
    await feed()
    const most = 100_000 + (64 << 10)
    expect(at).toBeLessThan(most + 2 * 16_384)
    let received = 0
    for await (const piece of (await first).value as MessageStream) {
      received += piece.length
      await settle()
      await feed()
      expect(at - received).toBeLessThan(most + 3 * 16_384)
    }
    expect(received).toBe(length)
  })

  it('gives a message that came in one chunk, text or binary, empty or not', async () => {
    const { ws, transport } = new ConnectionInMemory()
    await transport.arrive(clientText('grüße'), clientFrame({ opcode: 2 }))
    const seen: unknown[] = []
    const all = (async () => {
      for await (const stream of ws.streams()) seen.push([await stream.text(), stream.isBinary])
    })()
    await settleAll()
    await transport.arrive(clientText('more'), clientFrame({ opcode: 1 }), clientClose(1000))
    await transport.arriveEnd()
    await all
    expect(seen).toEqual([
      ['grüße', false],
      ['', true],
      ['more', false],
      ['', false],
    ])
  })

  it('gives a message that began before anybody was there, without having collected it', async () => {
    const connection = new ConnectionInMemory()
    const frame = clientFrame({ opcode: 2, payload: new Uint8Array(300_000) })
    await connection.transport.arrive(frame.slice(0, 1000))
    await connection.transport.arrive(frame.slice(1000, 80_000))
    expect(connection.transport.isPaused()).toBe(true)
    const all = (async (): Promise<number | undefined> => {
      for await (const stream of connection.ws.streams()) return (await stream.bytes()).length
    })()
    await settleAll()
    await connection.transport.arrive(frame.slice(80_000))
    expect(await all).toBe(300_000)
  })

  it('gives what an iteration over whole messages had begun to put together', async () => {
    const { ws, transport } = new ConnectionInMemory()
    await transport.arrive(clientFrame({ opcode: 1, fin: false, payload: 'a' }))
    const controller = new AbortController()
    const whole = ws.messages({ signal: controller.signal }).next()
    await settleAll()
    await transport.arrive(clientFrame({ opcode: 0, fin: false, payload: 'b' }))
    controller.abort()
    await expect(whole).rejects.toThrow()
    const stream = (await ws.streams().next()).value as MessageStream
    await settleAll()
    await transport.arrive(clientFrame({ opcode: 0, payload: 'c' }))
    expect(await stream.text()).toBe('abc')
  })

  it('discards a stream that was not begun when the next is asked for', async () => {
    const { streams, stream, transport, rest } = await begun('Hello', 8)
    const next = streams.next()
    await transport.arrive(rest, clientText('next'))
    expect(await ((await next).value as MessageStream).text()).toBe('next')
    await expect(stream.text()).rejects.toThrow(UsageError)
  })

  it('lets a stream go on that is being read when the next is asked for', async () => {
    const { streams, stream, transport, rest } = await begun('Hello', 8)
    const text = stream.text()
    const next = streams.next()
    await transport.arrive(rest, clientText('next'))
    expect(await text).toBe('Hello')
    expect(await ((await next).value as MessageStream).text()).toBe('next')
  })

  it.each([
    [
      'the loop over its pieces is left',
      async (stream: MessageStream) => {
        for await (const _ of stream) break
      },
    ],
    ['it is discarded', async (stream: MessageStream) => stream.discard()],
    ['its Web stream is cancelled', (stream: MessageStream) => stream.readable.cancel()],
  ])('drops the rest of a message when %s, and the connection goes on', async (_, abandon) => {
    const { ws, streams, stream, transport, rest } = await begun(new Uint8Array(1_000_000), 20_000)
    await abandon(stream)
    await transport.arrive(rest, clientText('next'))
    expect(await ((await streams.next()).value as MessageStream).text()).toBe('next')
    expect(transport.isPaused()).toBe(false)
    expect(ws.readyState).toBe(ws.OPEN)
  })

  it('drops the rest of a message when the iteration is left, and what follows waits for the next one', async () => {
    const { ws, streams, transport, rest } = await begun('Hello', 8)
    await streams.return()
    await transport.arrive(rest, clientText('next'))
    expect((await ws.messages().next()).value).toEqual({ data: 'next', isBinary: false })
  })

  it.each([
    ['the transport breaks', ConnectionClosedError, (c: ConnectionInMemory) => c.transport.destroy()],
    ['a Close frame comes', ConnectionClosedError, (c: ConnectionInMemory) => c.transport.arrive(clientClose(1001))],
    ['the application terminates', ConnectionClosedError, (c: ConnectionInMemory) => c.ws.terminate()],
    [
      'the peer breaks a rule',
      ProtocolError,
      (c: ConnectionInMemory) => c.transport.arrive(clientFrame({ opcode: 3 })),
    ],
  ] as const)('throws when %s inside the message, and the iteration ends', async (_, errorClass, end) => {
    const connection = new ConnectionInMemory()
    const streams = connection.ws.streams()
    const first = streams.next()
    await connection.transport.arrive(clientFrame({ opcode: 2, fin: false, payload: 'a' }))
    const text = ((await first).value as MessageStream).text()
    await Promise.all([expect(text).rejects.toBeInstanceOf(errorClass), end(connection)])
    connection.transport.destroy()
    expect((await streams.next()).done).toBe(true)
  })

  it('fails with 1007 at the octet that cannot be right, long before the message ends [6455-8.1-1]', async () => {
    const connection = new ConnectionInMemory({ maxPayload: Number.POSITIVE_INFINITY })
    const first = connection.ws.streams().next()
    const frame = clientFrame({ opcode: 1, payload: Uint8Array.of(0x61, 0xff, ...new Uint8Array(1000)) })
    await connection.transport.arrive(frame.slice(0, 9))
    const text = ((await first).value as MessageStream).text()
    await Promise.all([
      expect(text).rejects.toBeInstanceOf(ProtocolError),
      connection.transport.arrive(frame.slice(9, 11)),
    ])
    expect(connection.takeFrames()).toEqual([expect.stringMatching(/^close 1007/)])
  })

  it('fails with 1009 for what is longer than maxPayload [6455-10.4-2]', async () => {
    const connection = new ConnectionInMemory({ maxPayload: 10 })
    const first = connection.ws.streams().next()
    await connection.transport.arrive(clientFrame({ opcode: 2, fin: false, payload: 'a' }))
    const bytes = ((await first).value as MessageStream).bytes()
    await Promise.all([
      expect(bytes).rejects.toMatchObject({ statusCode: 1009 }),
      connection.transport.arrive(clientFrame({ opcode: 0, payload: new Uint8Array(10) })),
    ])
  })

  it('ends a wait with the reason of its signal, or of the call’s own', async () => {
    const reason = new Error('enough')
    const connection = new ConnectionInMemory()
    const all = new AbortController()
    const own = new AbortController()
    const streams = connection.ws.streams({ signal: all.signal })
    const first = streams.next()
    await connection.transport.arrive(clientFrame({ opcode: 2, fin: false, payload: 'a' }))
    const bytes = ((await first).value as MessageStream).bytes({ signal: own.signal })
    await settle()
    own.abort(reason)
    await expect(bytes).rejects.toBe(reason)
    const next = streams.next()
    await connection.transport.arrive(clientFrame({ opcode: 0, payload: 'b' }), clientText('{'))
    const pieces = (await next).value as MessageStream
    await expect(pieces.json()).rejects.toThrow(SyntaxError)
    const last = streams.next()
    all.abort(reason)
    await expect(last).rejects.toBe(reason)
  })

  it('reads JSON, and a Web stream that reads nothing ahead', async () => {
    const { streams, stream, transport, rest } = await begun('{"a":[1]}', 9, 1)
    const json = stream.json()
    await transport.arrive(rest, clientFrame({ opcode: 2, fin: false, payload: 'web' }))
    expect(await json).toEqual({ a: [1] })
    const second = (await streams.next()).value as MessageStream
    const { readable } = second
    expect(second.readable).toBe(readable)
    await transport.arrive(clientFrame({ opcode: 0, payload: 'stream' }))
    const chunks: Uint8Array[] = []
    for await (const chunk of readable) chunks.push(chunk)
    expect(chunks.map((chunk) => Buffer.from(chunk).toString())).toEqual(['web', 'stream'])
    await expect(second.bytes()).rejects.toThrow(UsageError)
  })

  it('puts characters together that are cut between pieces, wherever they are cut', {
    timeout: FC_TIMEOUT_MS,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
        fc.array(fc.nat(), { maxLength: 6 }),
        fc.boolean(),
        async (text, cuts, inFragments) => {
          const bytes = Buffer.from(text)
          const { ws, transport } = new ConnectionInMemory()
          const received = (async () => {
            for await (const stream of ws.streams()) return stream.text()
          })()
          const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
          const pieces = places.slice(1).map((end, i) => bytes.subarray(places[i], end))
          const header = clientFrame({ opcode: 1, payload: bytes }).length - bytes.length
          let at = 0
          for (const [i, payload] of pieces.entries()) {
            const whole = clientFrame({ opcode: 1, payload: bytes })
            const end = header + places[i + 1]!
            const fragment = clientFrame({ opcode: i === 0 ? 1 : 0, fin: i === pieces.length - 1, payload })
            if (inFragments || end > at) await transport.arrive(inFragments ? fragment : whole.slice(at, end))
            at = end
          }
          expect(await received).toBe(text)
        },
      ),
      fcOptions(60),
    )
  })
})
