import { describe, expect, it } from 'vitest'
import type { ConnectionRates } from '../../src/socket/rate-limiter.ts'
import { concat } from '../support/chunkings.ts'
import { clientClose, clientFrame, clientText } from '../support/client-frames.ts'
import { ConnectionInMemory } from '../support/connection-in-memory.ts'
import { settle } from '../support/memory-transport.ts'

const NO_RATES: ConnectionRates = { messages: null, bytes: null, controlFrames: null, onExceeded: 'close' }
const ping = clientFrame({ opcode: 0x9, payload: 'p' })
const emptyContinuation = clientFrame({ opcode: 0x0, fin: false })

function open(rates: Partial<ConnectionRates>): { connection: ConnectionInMemory; texts: unknown[] } {
  const connection = new ConnectionInMemory({ heartbeat: false }, { rates: { ...NO_RATES, ...rates } })
  const texts: unknown[] = []
  connection.ws.on('message', (data) => texts.push(data))
  return { connection, texts }
}

/** Gives bytes to the connection, and lets everything happen that is due. */
async function give({ transport }: ConnectionInMemory, ...bytes: Uint8Array[]): Promise<void> {
  transport.push(concat(...bytes))
  await settle()
}

const messagesOf = (count: number): Uint8Array[] => Array.from({ length: count }, (_, i) => clientText(`${i}`))

describe("onExceeded 'close'", () => {
  for (const [name, rates, allowed, last] of [
    ['messages', { messages: { perSecond: 1, burst: 3 } }, messagesOf(3), clientText('x')],
    [
      'empty fragments',
      { messages: { perSecond: 1, burst: 3 } },
      [clientFrame({ opcode: 1, fin: false }), emptyContinuation, emptyContinuation],
      emptyContinuation,
    ],
    ['bytes, with the headers', { bytes: { perSecond: 1, burst: 21 } }, messagesOf(3), clientFrame({ opcode: 1 })],
    ['control frames', { controlFrames: { perSecond: 1, burst: 2 } }, [ping, ping], ping],
  ] as const) {
    it(`ends with 1008 when there are too many ${name}, and not before (§10.4) [6455-10.4-1]`, async () => {
      const { connection } = open(rates)
      await give(connection, ...allowed)
      expect(connection.ws.readyState).toBe(1)
      connection.takeFrames()
      await give(connection, last)
      expect(connection.takeFrames()).toEqual([expect.stringMatching(/1008|03f0/)])
      connection.transport.push(null)
      await settle()
      expect(connection.ends).toMatchObject([
        { cause: 'rate-limit', sentCode: 1008, initiator: 'local', requirement: '6455-10.4-1' },
      ])
      expect(connection.errors.map(({ error }) => error.message)).toEqual([expect.stringContaining('rateLimit')])
    })
  }

  it('delivers nothing of what is too much', async () => {
    const { connection, texts } = open({ messages: { perSecond: 1, burst: 2 } })
    await give(connection, ...messagesOf(5))
    expect(texts).toEqual(['0', '1'])
  })

  it('counts the bytes of a message while it arrives, not those that its header announces', async () => {
    const { connection, texts } = open({ bytes: { perSecond: 1000, burst: 1000 } })
    const frame = clientFrame({ opcode: 1, payload: 'x'.repeat(3000) })
    for (let at = 0; at < frame.length; at += 500) {
      await give(connection, frame.subarray(at, at + 500))
      connection.clock.advance(500)
    }
    expect(texts).toEqual(['x'.repeat(3000)])
    await give(connection, frame.subarray(0, 900))
    expect(connection.ws.readyState).toBe(1)
    await give(connection, frame.subarray(900, 1800))
    expect(connection.ws.readyState).toBe(2)
  })

  it('lets a peer send for ever at the rate', async () => {
    const { connection, texts } = open({ messages: { perSecond: 4, burst: 1 } })
    for (let i = 0; i < 50; i++) {
      await give(connection, clientText('x'))
      connection.clock.advance(250)
    }
    expect(texts).toHaveLength(50)
  })

  it('always hears a Close frame', async () => {
    const { connection } = open({
      messages: { perSecond: 1, burst: 1 },
      controlFrames: { perSecond: 1, burst: 1 },
    })
    await give(connection, clientText('a'), ping, clientClose(1000))
    connection.transport.push(null)
    await settle()
    expect(connection.ends).toMatchObject([{ code: 1000, cause: 'closed-by-peer', wasClean: true }])
  })

  it('needs no timer', async () => {
    const { connection } = open({ messages: { perSecond: 1, burst: 5 } })
    const before = connection.clock.pending
    await give(connection, ...messagesOf(3))
    expect(connection.clock.pending).toBe(before)
  })
})

describe("onExceeded 'pause'", () => {
  const onExceeded = 'pause'

  it('reads burst messages at once, the others as the tokens come back, and loses none', async () => {
    const { connection, texts } = open({ messages: { perSecond: 10, burst: 3 }, onExceeded })
    await give(connection, ...messagesOf(8))
    const seen = [texts.length]
    for (let i = 0; i < 5; i++) {
      connection.clock.advance(100)
      await settle()
      seen.push(texts.length)
    }
    expect(seen).toEqual([3, 4, 5, 6, 7, 8])
    expect(texts).toEqual(['0', '1', '2', '3', '4', '5', '6', '7'])
    expect(connection.errors).toEqual([])
  })

  it('waits longer for what a frame owes, and reads on then', async () => {
    const { connection, texts } = open({ bytes: { perSecond: 100, burst: 50 }, onExceeded })
    // 206 bytes with the header of 8 and 6: 156 are owed, and one token more is waited for.
    await give(connection, clientText('x'.repeat(198)), clientText('next'))
    expect(texts).toHaveLength(1)
    connection.clock.advance(1569)
    await settle()
    expect(texts).toHaveLength(1)
    connection.clock.advance(1)
    await settle()
    expect(texts).toHaveLength(2)
  })

  it('stops for control frames too', async () => {
    const { connection } = open({ controlFrames: { perSecond: 1, burst: 2 }, onExceeded })
    await give(connection, ping, ping, ping, ping)
    expect(connection.takeFrames()).toHaveLength(2)
    connection.clock.advance(1000)
    await settle()
    expect(connection.takeFrames()).toHaveLength(1)
  })

  it('stays paused while the application pauses, and the other way round', async () => {
    const { connection, texts } = open({ messages: { perSecond: 1, burst: 1 }, onExceeded })
    await give(connection, ...messagesOf(3))
    connection.ws.pause()
    connection.clock.advance(1000)
    await settle()
    expect(texts).toEqual(['0'])
    connection.ws.resume()
    await settle()
    expect(texts).toEqual(['0', '1'])
    connection.ws.pause()
    connection.ws.resume()
    await settle()
    expect(texts).toEqual(['0', '1'])
  })

  it('delivers what was read when the transport goes, and leaves no timer', async () => {
    const { connection, texts } = open({ messages: { perSecond: 1, burst: 1 }, onExceeded })
    await give(connection, ...messagesOf(3))
    connection.transport.destroy()
    await settle()
    expect(texts).toEqual(['0', '1', '2'])
    expect(connection.ends).toMatchObject([{ cause: 'transport-ended' }])
    expect(connection.clock.pending).toBe(0)
  })

  it('waits for days when the rate wants it', async () => {
    const day = 86_400_000
    const { connection, texts } = open({ messages: { perSecond: 1000 / (3 * day), burst: 1 }, onExceeded })
    await give(connection, ...messagesOf(2))
    connection.clock.advance(3 * day - 1000)
    await settle()
    expect(texts).toEqual(['0'])
    connection.clock.advance(1001)
    await settle()
    expect(texts).toEqual(['0', '1'])
  })
})
