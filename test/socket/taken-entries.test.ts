import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { PieceQueue } from '../../src/socket/piece-queue.ts'
import { createWebSocketStream } from '../../src/socket/websocket-stream.ts'
import { clientFrame } from '../support/client-frames.ts'
import { ConnectionInMemory } from '../support/connection-in-memory.ts'
import { within } from '../support/deadline.ts'
import { countReachable } from '../support/garbage.ts'
import { settle } from '../support/memory-transport.ts'

const OWNER = {
  held: () => {},
  keep: (bytes: Uint8Array, start: number, end: number) => Buffer.from(bytes.slice(start, end)),
  collected: () => {},
  endError: () => new Error('over'),
}

describe('what a consumer took is not kept while more waits behind it', () => {
  it('by a queue of pieces that is never empty', async () => {
    const queue = new PieceQueue(true, OWNER)
    const taken: Array<WeakRef<object>> = []
    const piece = new Uint8Array(1000)
    queue.piece(piece, 0, 1000)
    for (let i = 0; i < 50; i += 1) {
      queue.piece(piece, 0, 1000)
      taken.push(new WeakRef(queue.take()!))
    }
    // The last one may still stand in a variable or on the stack.
    expect(await countReachable(taken)).toBeLessThanOrEqual(1)
    queue.end()
  })

  it('by streams(), whose reader is always behind its peer', async () => {
    const { ws, transport } = new ConnectionInMemory({ maxPayload: Number.POSITIVE_INFINITY })
    const frame = clientFrame({ opcode: 2, payload: new Uint8Array(1 << 20) })
    const streams = ws.streams()
    const first = streams.next()
    await transport.arrive(frame.slice(0, 4096))
    const pieces = (await within(first, 'a stream')).value![Symbol.asyncIterator]()
    const taken: Array<WeakRef<object>> = []
    for (let i = 1; i <= 50; i += 1) {
      await transport.arrive(frame.slice(4096 * i, 4096 * (i + 1)))
      taken.push(new WeakRef((await within(pieces.next(), 'a piece')).value!))
    }
    expect(await countReachable(taken)).toBeLessThanOrEqual(1)
    ws.terminate()
  })

  it('by createWebSocketStream(), whose reader is always behind its peer', async () => {
    const { ws, transport } = new ConnectionInMemory({ maxPayload: Number.POSITIVE_INFINITY })
    const stream = createWebSocketStream(ws, { readableHighWaterMark: 1 })
    stream.on('error', () => {})
    const frame = clientFrame({ opcode: 2, payload: new Uint8Array(1 << 20) })
    const taken: Array<WeakRef<object>> = []
    for (let i = 0; i < 4; i += 1) await transport.arrive(frame.slice(4096 * i, 4096 * (i + 1)))
    for (let i = 4; i <= 50; i += 1) {
      await transport.arrive(frame.slice(4096 * i, 4096 * (i + 1)))
      while (stream.readableLength === 0) await within(once(stream, 'readable'), 'a chunk')
      taken.push(new WeakRef(stream.read() as Buffer))
      await settle()
    }
    expect(await countReachable(taken)).toBeLessThanOrEqual(1)
    stream.destroy()
  })

  it('by messages that wait for a slow peer', async () => {
    const { ws, transport } = new ConnectionInMemory()
    transport.stall()
    ws.send('first')
    await settle()
    const sent: Array<WeakRef<object>> = []
    const send = (): void => {
      const bytes = new Uint8Array(100_000)
      sent.push(new WeakRef(bytes))
      ws.send(bytes)
    }
    for (let i = 0; i < 100; i += 1) send()
    // Forty of them leave, one by one; sixty still wait.
    for (let i = 0; i < 41; i += 1) {
      transport.finishWrite()
      transport.takeWritten()
      await settle()
    }
    const gone = sent.slice(0, 39)
    expect(ws.bufferedAmount).toBeGreaterThan(55 * 100_000)
    expect(await countReachable(gone)).toBe(0)
    ws.terminate()
  })
})
