import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { clientClose, clientFrame, clientText } from '../support/client-frames.ts'
import { ConnectionInMemory } from '../support/connection-in-memory.ts'
import { settle } from '../support/memory-transport.ts'

/** Turns of the event loop until a paused connection reads on and delivers. */
async function settleAll(): Promise<void> {
  for (let i = 0; i < 6; i += 1) await settle()
}

describe('iterating over a WebSocket', () => {
  it('gives the messages in order with their type, and ends when the connection has ended', async () => {
    const { ws, transport } = new ConnectionInMemory()
    const seen: unknown[] = []
    const all = (async () => {
      for await (const { data, isBinary } of ws) seen.push([data, isBinary])
    })()
    await transport.arrive(clientText('a'), clientFrame({ opcode: 2, payload: 'b' }))
    await transport.arrive(clientFrame({ opcode: 1, fin: false, payload: 'c' }))
    await transport.arrive(clientFrame({ opcode: 0, payload: 'd' }), clientClose(1000))
    await transport.arriveEnd()
    await all
    expect(seen).toEqual([
      ['a', false],
      [Buffer.from('b'), true],
      ['cd', false],
    ])
    expect(await ws.closed).toMatchObject({ code: 1000 })
  })

  it('begins with what arrived before, complete or not', async () => {
    const { ws, transport } = new ConnectionInMemory()
    await transport.arrive(clientText('a'), clientFrame({ opcode: 1, fin: false, payload: 'b' }))
    const messages = ws.messages()
    expect((await messages.next()).value).toEqual({ data: 'a', isBinary: false })
    const second = messages.next()
    await settleAll()
    await transport.arrive(clientFrame({ opcode: 0, payload: 'c' }))
    await settleAll()
    expect((await second).value).toEqual({ data: 'bc', isBinary: false })
  })

  it('gives what waits even when it begins after the end', async () => {
    const { ws, transport } = new ConnectionInMemory()
    await transport.arrive(clientText('a'), clientText('b'))
    transport.destroy()
    await settle()
    const seen: unknown[] = []
    for await (const { data } of ws) seen.push(data)
    expect(seen).toEqual(['a', 'b'])
  })

  it('does not give a message of which the end never came', async () => {
    const { ws, transport } = new ConnectionInMemory()
    await transport.arrive(clientFrame({ opcode: 1, fin: false, payload: 'a' }))
    transport.destroy()
    await settle()
    expect(await ws.messages().next()).toEqual({ done: true, value: undefined })
  })

  it('stops the reading when 64 KiB wait beyond highWaterMark, and goes on when half of the mark is left', async () => {
    const { ws, transport } = new ConnectionInMemory()
    const payload = new Uint8Array(400)
    const messages = ws.messages({ highWaterMark: 1000 })
    const first = messages.next()
    await transport.arrive(clientFrame({ opcode: 2, payload }))
    await first
    for (let i = 0; i < 2; i += 1) await transport.arrive(clientFrame({ opcode: 2, payload }))
    expect(transport.isPaused()).toBe(false)
    await transport.arrive(clientFrame({ opcode: 2, payload: new Uint8Array(64 << 10) }))
    expect(transport.isPaused()).toBe(true)
    for (let i = 0; i < 2; i += 1) await messages.next()
    await settle()
    expect(transport.isPaused()).toBe(true)
    await messages.next()
    await settle()
    expect(transport.isPaused()).toBe(false)
  })

  it('holds no more than its mark, 64 KiB and one read, even of empty messages', async () => {
    const { ws, transport } = new ConnectionInMemory()
    const messages = ws.messages({ highWaterMark: 1280 })
    const first = messages.next()
    const empty = Array.from({ length: 100 }, () => clientFrame({ opcode: 2 }))
    let arrived = 0
    for (; !transport.isPaused(); arrived += 100) await transport.arrive(...empty)
    await first
    const each = empty[0]!.length
    expect(arrived * each).toBeLessThanOrEqual((64 << 10) + 2 * 100 * each)
    await transport.arrive(...empty)
    arrived += 100
    for (let count = 1; count < arrived; count += 1) await messages.next()
    const last = messages.next()
    await settleAll()
    await transport.arrive(clientText('last'))
    expect((await last).value).toMatchObject({ data: 'last' })
  })

  it('takes the messages from the listeners while it runs, and leaves the rest to them', async () => {
    const { ws, transport } = new ConnectionInMemory()
    const seen: unknown[] = []
    ws.on('message', (data) => seen.push(data))
    const messages = ws.messages()
    const first = messages.next()
    await transport.arrive(clientText('a'), clientText('b'))
    expect((await first).value).toMatchObject({ data: 'a' })
    expect(seen).toEqual([])
    await messages.return()
    await transport.arrive(clientText('c'))
    await settleAll()
    expect(seen).toEqual(['b', 'c'])
  })

  it('leaves what was not taken to the next iteration', async () => {
    const { ws, transport } = new ConnectionInMemory()
    await transport.arrive(clientText('a'), clientText('b'))
    for await (const { data } of ws) {
      expect(data).toBe('a')
      break
    }
    await transport.arrive(clientText('c'))
    const rest: unknown[] = []
    for await (const { data } of ws) if (rest.push(data) === 2) break
    expect(rest).toEqual(['b', 'c'])
  })

  it('ends with the reason of its signal, before it begins and while it waits', async () => {
    const { ws, transport } = new ConnectionInMemory()
    const reason = new Error('enough')
    await expect(ws.messages({ signal: AbortSignal.abort(reason) }).next()).rejects.toBe(reason)
    const controller = new AbortController()
    const waiting = ws.messages({ signal: controller.signal }).next()
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    // The connection is as it was.
    const next = ws.messages().next()
    await transport.arrive(clientText('a'))
    expect((await next).value).toMatchObject({ data: 'a' })
  })

  it('refuses a second iteration at the same time, and a mark that is none', async () => {
    const { ws } = new ConnectionInMemory()
    const first = ws.messages().next()
    await expect(ws.streams().next()).rejects.toThrow(UsageError)
    ws.terminate()
    expect((await first).done).toBe(true)
    await expect(ws.messages({ highWaterMark: 0 }).next()).rejects.toThrow('highWaterMark')
  })

  it('reads the peer’s Close frame after close(), although nobody took what came before', async () => {
    const { ws, transport, ends } = new ConnectionInMemory()
    await transport.arrive(clientText('a'), clientFrame({ opcode: 2, fin: false, payload: 'b' }))
    ws.close(1000)
    await settleAll()
    await transport.arrive(clientFrame({ opcode: 0, payload: 'c' }), clientText('d'), clientClose(1000))
    await transport.arriveEnd()
    await settleAll()
    expect(ends).toMatchObject([{ code: 1000, wasClean: true }])
  })

  it.each(['whole', 'in fragments'])(
    'reads the peer’s Close frame after close(), although a message came %s that nobody takes',
    async (how) => {
      const { ws, transport, ends } = new ConnectionInMemory()
      ws.close(1000)
      const message =
        how === 'whole'
          ? [clientText('a')]
          : [clientFrame({ opcode: 1, fin: false, payload: 'a' }), clientFrame({ opcode: 0, payload: 'b' })]
      for (const bytes of [...message, clientText('c')]) await transport.arrive(bytes)
      await transport.arrive(clientClose(1000))
      await transport.arriveEnd()
      await settleAll()
      expect(ends).toMatchObject([{ code: 1000, wasClean: true }])
    },
  )
})
