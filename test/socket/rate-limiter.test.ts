import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { connectionRates } from '../../src/socket/rate-limiter.ts'
import { clientClose, clientFrame, clientText } from '../support/client-frames.ts'
import { ConnectionInMemory } from '../support/connection-in-memory.ts'
import { settle } from '../support/memory-transport.ts'

const ping = clientFrame({ opcode: 0x9, payload: 'p' })
const continuation = (fin: boolean, payload = '') => clientFrame({ opcode: 0x0, fin, payload })

function collecting(connection: ConnectionInMemory): string[] {
  const texts: string[] = []
  connection.ws.on('message', (data) => texts.push(String(data)))
  return texts
}

describe('rateLimit, a connection that is closed', () => {
  it.each([
    ['messages', { messages: { perSecond: 10, burst: 3 } }, (n: number) => clientText(String(n)), 3],
    ['control frames', { controlFrames: { perSecond: 10, burst: 3 } }, () => ping, 0],
    ['bytes', { bytes: { perSecond: 10, burst: 24 } }, (n: number) => clientText(String(n)), 3],
  ] as const)('gets 1008 for too many %s, and its cause says so', async (_, rateLimit, frame, delivered) => {
    const connection = new ConnectionInMemory({ rateLimit })
    const texts = collecting(connection)
    for (let i = 0; i < 5; i += 1) await connection.transport.arrive(frame(i))
    expect(texts).toEqual(['0', '1', '2'].slice(0, delivered))
    expect(connection.takeFrames().at(-1)).toMatch(
      /^close 1008 "6455-10.4-1 more than \d+ .* at once, or 10 a second"$/,
    )
    await connection.transport.arriveEnd()
    expect(connection.ends).toMatchObject([
      { sentCode: 1008, initiator: 'local', cause: 'rate-limit', requirement: '6455-10.4-1' },
    ])
    expect(connection.clock.pending).toBe(0)
  })

  it('may go on for ever at the rate', async () => {
    const connection = new ConnectionInMemory({
      rateLimit: { messages: { perSecond: 10, burst: 1 } },
      heartbeat: false,
    })
    const texts = collecting(connection)
    for (let i = 0; i < 50; i += 1) {
      await connection.transport.arrive(clientText(String(i)))
      connection.clock.advance(100)
    }
    expect(texts).toHaveLength(50)
  })

  it('counts a message in fragments once, and its empty fragments by their bytes', async () => {
    const rateLimit = { messages: { perSecond: 1, burst: 2 }, bytes: { perSecond: 1, burst: 60 } }
    const connection = new ConnectionInMemory({ rateLimit })
    const texts = collecting(connection)
    await connection.transport.arrive(clientFrame({ opcode: 0x1, fin: false, payload: 'a' }), continuation(true, 'b'))
    expect(texts).toEqual(['ab'])
    await connection.transport.arrive(clientFrame({ opcode: 0x1, fin: false, payload: '' }))
    for (let i = 0; i < 10; i += 1) await connection.transport.arrive(continuation(false))
    expect(connection.takeFrames().at(-1)).toMatch(/^close 1008 .*bytes/)
  })

  it('is not the neighbour’s business', async () => {
    const rateLimit = { messages: { perSecond: 1, burst: 1 } }
    const [flooder, other] = [new ConnectionInMemory({ rateLimit }), new ConnectionInMemory({ rateLimit })]
    const texts = collecting(other)
    collecting(flooder)
    await flooder.transport.arrive(clientText('1'), clientText('2'))
    await other.transport.arrive(clientText('mine'))
    expect(flooder.ws.readyState).toBe(flooder.ws.CLOSING)
    expect(texts).toEqual(['mine'])
    expect(other.ws.readyState).toBe(other.ws.OPEN)
  })
})

describe('rateLimit, a connection that is paused', () => {
  it('loses nothing: reading goes on when its time has come', async () => {
    const rateLimit = { messages: { perSecond: 10, burst: 2 }, onExceeded: 'pause' } as const
    const connection = new ConnectionInMemory({ rateLimit, heartbeat: false })
    const texts = collecting(connection)
    const all = Array.from({ length: 20 }, (_, i) => String(i))
    await connection.transport.arrive(...all.map(clientText))
    // The burst, and the one that shows that there are more.
    expect(texts).toEqual(['0', '1', '2'])
    for (let i = 0; i < 100 && texts.length < all.length; i += 1) {
      const before = texts.length
      connection.clock.advance(100)
      await settle()
      expect(texts.length - before).toBeLessThanOrEqual(2)
    }
    expect(texts).toEqual(all)
    expect(connection.ws.readyState).toBe(connection.ws.OPEN)
  })

  it('does not go on while the application has paused, nor the other way round', async () => {
    const rateLimit = { messages: { perSecond: 10, burst: 1 }, onExceeded: 'pause' } as const
    const connection = new ConnectionInMemory({ rateLimit, heartbeat: false })
    const texts = collecting(connection)
    await connection.transport.arrive(clientText('1'), clientText('2'), clientText('3'))
    expect(texts).toEqual(['1', '2'])
    connection.ws.pause()
    connection.clock.advance(1000)
    await settle()
    expect(texts).toEqual(['1', '2'])
    connection.ws.resume()
    await settle()
    expect(texts).toEqual(['1', '2', '3'])
  })

  it('waits for months when the rate wants it, with timers that a clock has', async () => {
    const dayMs = 86_400_000
    const monthMs = 30 * dayMs
    const rateLimit = { messages: { perSecond: 1000 / monthMs, burst: 1 }, onExceeded: 'pause' } as const
    const connection = new ConnectionInMemory({ rateLimit, heartbeat: false })
    const delays: number[] = []
    const { setTimeout } = connection.clock
    connection.clock.setTimeout = (callback, ms) => {
      delays.push(ms)
      return setTimeout.call(connection.clock, callback, ms)
    }
    const texts = collecting(connection)
    await connection.transport.arrive(clientText('1'), clientText('2'), clientText('3'))
    expect(texts).toEqual(['1', '2'])
    for (let day = 1; day < 30; day += 1) connection.clock.jump(dayMs)
    await settle()
    expect(texts).toEqual(['1', '2'])
    // Rounding may ask for another millisecond.
    connection.clock.jump(dayMs)
    connection.clock.jump(1)
    await settle()
    expect(texts).toEqual(['1', '2', '3'])
    expect(Math.max(...delays)).toBeLessThan(2 ** 31)
  })

  it('is not taken for dead while nothing is read from it', async () => {
    const rateLimit = { messages: { perSecond: 0.001, burst: 1 }, onExceeded: 'pause' } as const
    const connection = new ConnectionInMemory({ rateLimit, heartbeat: true })
    const texts = collecting(connection)
    await connection.transport.arrive(clientText('1'), clientText('2'), clientText('3'))
    for (let second = 0; second < 900; second += 10) {
      connection.clock.advance(10_000)
      await settle()
    }
    expect(connection.ends).toEqual([])
    connection.clock.advance(200_000)
    await settle()
    expect(texts).toEqual(['1', '2', '3'])
  })

  it('delivers what was read when the transport goes', async () => {
    const rateLimit = { messages: { perSecond: 1, burst: 1 }, onExceeded: 'pause' } as const
    const connection = new ConnectionInMemory({ rateLimit, heartbeat: false })
    const texts = collecting(connection)
    await connection.transport.arrive(clientText('1'), clientText('2'), clientText('3'))
    connection.transport.destroy()
    await settle()
    expect(texts).toEqual(['1', '2', '3'])
    expect(connection.clock.pending).toBe(0)
  })

  it('leaves no timer behind when it ends', async () => {
    const rateLimit = { bytes: { perSecond: 1, burst: 1 }, onExceeded: 'pause' } as const
    const connection = new ConnectionInMemory({ rateLimit, heartbeat: false })
    collecting(connection)
    await connection.transport.arrive(clientText('1'), clientClose(1000))
    connection.transport.destroy()
    await settle()
    expect(connection.ends).toHaveLength(1)
    expect(connection.clock.pending).toBe(0)
  })
})

describe('connectionRates', () => {
  it('is null when nothing is limited', () => {
    expect(connectionRates(undefined)).toBeNull()
    expect(connectionRates({})).toBeNull()
    expect(connectionRates({ messages: { perSecond: Number.POSITIVE_INFINITY } })).toBeNull()
    expect(connectionRates({ messages: { perSecond: 1, burst: Number.POSITIVE_INFINITY } })).toBeNull()
  })

  it.each([null, 5, { onExceeded: 'drop' }, { messages: 5 }, { message: { perSecond: 1 } }])(
    'refuses %j',
    (options) => {
      expect(() => connectionRates(options as never)).toThrow(UsageError)
    },
  )
})

describe('rateLimit with close, after the process was stopped', () => {
  const rateLimit = { messages: { perSecond: 10, burst: 5 } }
  const texts = (count: number): Uint8Array[] => Array.from({ length: count }, (_, i) => clientText(String(i)))

  it('takes what may have piled up meanwhile', async () => {
    const connection = new ConnectionInMemory({ rateLimit, heartbeat: false })
    const taken = collecting(connection)
    await connection.transport.arrive(...texts(5))
    connection.clock.jump(10_000)
    await connection.transport.arrive(...texts(80))
    expect(taken).toHaveLength(85)
    expect(connection.ws.readyState).toBe(connection.ws.OPEN)
    // Only that, and not for ever.
    connection.clock.advance(10_000)
    await settle()
    await connection.transport.arrive(...texts(6))
    expect(taken).toHaveLength(90)
    expect(connection.ws.readyState).toBe(connection.ws.CLOSING)
  })

  it('takes no more than that', async () => {
    const connection = new ConnectionInMemory({ rateLimit, heartbeat: false })
    const taken = collecting(connection)
    connection.clock.jump(10_000)
    await connection.transport.arrive(...texts(200))
    expect(taken.length).toBeLessThanOrEqual(105)
    expect(connection.ws.readyState).toBe(connection.ws.CLOSING)
  })

  it('gives nothing to who was only silent', async () => {
    const connection = new ConnectionInMemory({ rateLimit, heartbeat: false })
    const taken = collecting(connection)
    for (let second = 0; second < 10; second += 1) {
      connection.clock.advance(1000)
      await settle()
    }
    await connection.transport.arrive(...texts(6))
    expect(taken).toHaveLength(5)
    expect(connection.ws.readyState).toBe(connection.ws.CLOSING)
  })
})
