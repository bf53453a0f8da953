import { describe, expect, it } from 'vitest'
import type { SocketOptions } from '../../src/socket/options.ts'
import type { Backpressure, SlowConsumerAction } from '../../src/socket/slow-consumer.ts'
import { ConnectionInMemory } from '../support/connection-in-memory.ts'
import { settle } from '../support/memory-transport.ts'

const SOFT = 10_000
const MS = 10_000

/** A connection whose transport has taken a first message and is not done with it. */
async function stalled(options: SocketOptions = {}, first = 'first') {
  const limits = {
    softBackpressure: SOFT,
    maxBackpressure: 40_000,
    heartbeat: false,
    writeStallTimeout: 3_600_000,
  } as const
  const connection = new ConnectionInMemory({ ...limits, ...options })
  connection.transport.stall()
  connection.ws.send(first)
  await settle()
  connection.transport.takeWritten()
  return connection
}

const KB = '.'.repeat(1000)

function send(connection: ConnectionInMemory, count: number): void {
  for (let i = 0; i < count; i += 1) connection.ws.send(KB)
}

/** What the transport was given: the first characters of each message, or the kind of another frame. */
function left(connection: ConnectionInMemory): string[] {
  return connection.takeFrames().map((frame) => frame.slice(0, 12))
}

describe('more than softBackpressure', () => {
  it('ends the connection with 1013 when it waits for softBackpressureMs', async () => {
    const connection = await stalled()
    send(connection, 12)
    expect(connection.ws.readyState).toBe(connection.ws.OPEN)
    connection.clock.advance(MS - 1)
    expect(connection.ws.readyState).toBe(connection.ws.OPEN)
    connection.clock.advance(1)
    expect(connection.ws.readyState).toBe(connection.ws.CLOSING)
    connection.transport.unstall()
    await settle()
    expect(left(connection)).toEqual(['close 1013 "'])
    connection.transport.destroy()
    await settle()
    expect(connection.ends).toMatchObject([{ cause: 'slow-consumer', sentCode: 1013 }])
    expect(connection.clock.pending).toBe(0)
  })

  it('may wait as often as it likes when it becomes fewer in between', async () => {
    const connection = await stalled()
    for (let round = 0; round < 5; round += 1) {
      send(connection, 12)
      connection.clock.advance(MS - 1)
      connection.transport.finishWrite()
      await settle()
      connection.transport.finishWrite()
      await settle()
    }
    connection.clock.advance(MS)
    expect(connection.ends).toEqual([])
    expect(connection.ws.readyState).toBe(connection.ws.OPEN)
  })

  it('is not what waits exactly, and no timer runs below', async () => {
    const connection = await stalled()
    const { pending } = connection.clock
    send(connection, 8)
    expect(connection.clock.pending).toBe(pending)
    send(connection, 1)
    expect(connection.clock.pending).toBe(pending + 1)
  })

  it('does not count a message on its way that alone is more', async () => {
    const connection = await stalled({}, '.'.repeat(3 * SOFT))
    send(connection, 5)
    connection.clock.advance(10 * MS)
    expect(connection.ws.readyState).toBe(connection.ws.OPEN)
    send(connection, 5)
    connection.clock.advance(MS)
    expect(connection.ws.readyState).toBe(connection.ws.CLOSING)
  })

  it.each<[SlowConsumerAction, sent: number, dropped: number]>([
    ['drop-newest', 13, 3],
    ['drop-oldest', 8 + 3, 5],
    ['keep', 16, 0],
  ])('%s: does so when it has waited for so long, and until it is fewer', async (slowConsumer, sent, dropped) => {
    const connection = await stalled({ slowConsumer })
    send(connection, 13)
    expect(connection.ws.dropped).toBe(0)
    connection.clock.advance(MS)
    send(connection, 3)
    expect(connection.ws.dropped).toBe(dropped)
    connection.transport.unstall()
    await settle()
    expect(left(connection)).toHaveLength(sent)
    send(connection, 13)
    expect(connection.ws.dropped).toBe(dropped)
  })

  it('asks a function, with no message, and then for each message', async () => {
    const asked: Backpressure[] = []
    const connection = await stalled({
      slowConsumer: (backpressure) => {
        asked.push(backpressure)
        return asked.length < 3 ? 'drop-newest' : 'close'
      },
    })
    send(connection, 12)
    const { bufferedAmount } = connection.ws
    connection.clock.advance(MS)
    expect(asked).toEqual([{ bufferedAmount, messageBytes: 0, dropped: 0 }])
    send(connection, 1)
    expect(asked.at(-1)).toEqual({ bufferedAmount, messageBytes: 1004, dropped: 0 })
    send(connection, 1)
    expect(connection.ws.readyState).toBe(connection.ws.CLOSING)
  })

  it('ends a connection with 1011 whose function throws', async () => {
    const connection = await stalled({
      slowConsumer: () => {
        throw new Error('a mistake')
      },
    })
    send(connection, 12)
    connection.clock.advance(MS)
    expect(connection.ws.readyState).toBe(connection.ws.CLOSING)
    expect(connection.errors).toMatchObject([{ error: { message: 'a mistake' }, isUnseen: true }])
  })

  it('gives a peer back what it lost because the process was stopped', async () => {
    const connection = await stalled()
    send(connection, 12)
    connection.clock.advance(MS / 2)
    connection.clock.jump(MS)
    await settle()
    connection.clock.advance(MS / 2 - 1)
    expect(connection.ws.readyState).toBe(connection.ws.OPEN)
    connection.clock.advance(1)
    expect(connection.ws.readyState).toBe(connection.ws.CLOSING)
  })

  it('is never judged when the time is Infinity', async () => {
    const connection = await stalled({ softBackpressureMs: Number.POSITIVE_INFINITY })
    send(connection, 12)
    connection.clock.advance(100 * MS)
    expect(connection.ws.readyState).toBe(connection.ws.OPEN)
  })
})

describe('maxBackpressure', () => {
  it('acts at once, whatever softBackpressure says', async () => {
    const connection = await stalled({ maxBackpressure: 5000 })
    send(connection, 4)
    expect(connection.ws.readyState).toBe(connection.ws.OPEN)
    send(connection, 1)
    expect(connection.ws.readyState).toBe(connection.ws.CLOSING)
  })
})

describe('fragments (fin: false)', () => {
  const fragments = (connection: ConnectionInMemory, count: number): unknown[] => {
    const told: unknown[] = []
    for (let i = 0; i < count; i += 1) {
      connection.ws.send(KB, { fin: false }, (error) => told.push((error as { code?: string } | null)?.code))
    }
    return told
  }

  it.each(['close', 'drop-newest', 'drop-oldest'] as const)(
    'end the connection at maxBackpressure with %s, as a part of a message cannot be left out',
    async (slowConsumer) => {
      const connection = await stalled({ slowConsumer })
      const told = fragments(connection, 50)
      expect(connection.ws.readyState).toBe(connection.ws.CLOSING)
      expect(connection.ws.bufferedAmount).toBeLessThan(40_000 + 200)
      connection.transport.destroy()
      await settle()
      expect(connection.ends).toMatchObject([{ cause: 'slow-consumer', sentCode: 1013 }])
      expect(told).toHaveLength(50)
    },
  )

  it('wait without end with keep', async () => {
    const connection = await stalled({ slowConsumer: 'keep' })
    fragments(connection, 50)
    expect(connection.ws.readyState).toBe(connection.ws.OPEN)
    expect(connection.ws.bufferedAmount).toBeGreaterThan(50_000)
    connection.transport.destroy()
  })

  it('may not wait beyond softBackpressure for softBackpressureMs', async () => {
    const connection = await stalled()
    fragments(connection, 12)
    connection.clock.advance(MS - 1)
    expect(connection.ws.readyState).toBe(connection.ws.OPEN)
    connection.clock.advance(1)
    expect(connection.ws.readyState).toBe(connection.ws.CLOSING)
    connection.transport.destroy()
    await settle()
    expect(connection.ends).toMatchObject([{ cause: 'slow-consumer', sentCode: 1013 }])
    expect(connection.clock.pending).toBe(0)
  })

  it('may wait as often as they like when they have left in between', async () => {
    const connection = await stalled()
    for (let round = 0; round < 4; round += 1) {
      fragments(connection, 12)
      connection.clock.advance(MS - 1)
      for (let i = 0; i < 20; i += 1) {
        connection.transport.finishWrite()
        await settle()
      }
    }
    expect(connection.ws.readyState).toBe(connection.ws.OPEN)
    expect(connection.ws.bufferedAmount).toBe(0)
    connection.transport.destroy()
  })
})
