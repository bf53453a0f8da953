import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { ConnectionClosedError, UsageError } from '../../src/errors.ts'
import { prepareMessage } from '../../src/protocol/prepared-message.ts'
import { type Backpressure, SlowConsumerAction } from '../../src/socket/slow-consumer.ts'
import { clientClose, clientFrame } from '../support/client-frames.ts'
import { ConnectionInMemory } from '../support/connection-in-memory.ts'
import { readFrames } from '../support/connection-pair.ts'
import { settle } from '../support/memory-transport.ts'

/** A connection whose transport has taken a first message and is not done with it. */
async function stalled(options: ConstructorParameters<typeof ConnectionInMemory>[0] = {}) {
  const connection = new ConnectionInMemory(options)
  connection.transport.stall()
  connection.ws.send('first')
  await settle()
  connection.transport.takeWritten()
  return connection
}

describe('messages for a transport that is full', () => {
  it('wait unframed and in order, and leave together when it is ready', async () => {
    const connection = await stalled()
    const { ws, transport } = connection
    ws.send('a')
    ws.send(Uint8Array.of(1))
    ws.send(prepareMessage('b'))
    await settle()
    expect(transport.writes).toHaveLength(0)
    transport.finishWrite()
    await settle()
    expect(transport.writes).toHaveLength(1)
    expect(connection.takeFrames()).toEqual(['text "a"', 'binary 01', 'text "b"'])
  })

  it('are overtaken by control frames', async () => {
    const connection = await stalled()
    connection.ws.send('a')
    connection.ws.ping('now')
    await connection.transport.arrive(clientFrame({ opcode: 9, payload: '?' }))
    connection.transport.unstall()
    await settle()
    expect(connection.takeFrames()).toEqual(['ping 6e 6f 77', 'pong 3f', 'text "a"'])
  })

  it('are counted in bufferedAmount with their headers, byte by byte', async () => {
    const { ws, transport } = await stalled()
    expect(ws.bufferedAmount).toBe(7)
    ws.send('grün')
    expect(ws.bufferedAmount).toBe(7 + 2 + 5)
    ws.send(new Uint8Array(200))
    ws.send(prepareMessage(new Uint8Array(70_000)))
    expect(ws.bufferedAmount).toBe(14 + 4 + 200 + 10 + 70_000)
    transport.unstall()
    await settle()
    expect(ws.bufferedAmount).toBe(0)
  })

  it.each([
    ['an array', new Uint8Array(40)],
    ['a Buffer', Buffer.alloc(40)],
  ])('are what they were when they were sent, although the memory of %s was used again', async (_, bytes) => {
    const connection = await stalled()
    bytes.fill(1)
    expect(connection.ws.send(bytes)).toBe(true)
    bytes.fill(2)
    connection.transport.unstall()
    await settle()
    expect(connection.takeFrames()).toEqual([`binary ${Array(40).fill('01').join(' ')}`])
  })

  it('are called back when the transport took them, each at its own time', async () => {
    const { ws, transport } = await stalled()
    const calls: string[] = []
    ws.send(new Uint8Array(70_000), () => calls.push('a'))
    ws.send('b', () => calls.push('b'))
    transport.finishWrite()
    await settle()
    expect(calls).toEqual([])
    transport.finishWrite()
    await settle()
    expect(calls).toEqual(['a'])
    transport.finishWrite()
    await settle()
    expect(calls).toEqual(['a', 'b'])
  })

  it('are refused at once when they are not UTF-8 [6455-5.6-1]', async () => {
    const { ws } = await stalled()
    expect(() => ws.send(Uint8Array.of(0xff), { binary: false })).toThrow(UsageError)
    expect(ws.bufferedAmount).toBe(7)
  })

  it('go before fragments, and before the Close frame', async () => {
    const connection = await stalled()
    const { ws } = connection
    ws.send('a')
    ws.send('b', { fin: false })
    ws.send('c')
    ws.close(1000)
    connection.transport.unstall()
    await settle()
    expect(connection.takeFrames()).toEqual(['text "a"', 'text... 62', 'continuation 63', 'close 1000 ""'])
  })

  it('go before the answer to the Close frame of the peer [6455-5.5.1-9]', async () => {
    const connection = await stalled()
    const { ws } = connection
    ws.send('a')
    ws.send('b')
    connection.transport.arrive(clientClose(1001))
    connection.transport.unstall()
    await settle()
    expect(connection.takeFrames()).toEqual(['text "a"', 'text "b"', 'close 1001 ""'])
  })

  it.each([
    ['the peer breaks a rule', (c: ConnectionInMemory) => c.transport.arrive(clientFrame({ opcode: 3 }))],
    ['the transport breaks', (c: ConnectionInMemory) => c.transport.destroy()],
    ['the application terminates', (c: ConnectionInMemory) => c.ws.terminate()],
  ] as const)('are called back with an error when %s, and freed', async (_, end) => {
    const connection = await stalled()
    const errors: unknown[] = []
    connection.ws.send('a', (error) => errors.push(error))
    const drained = connection.ws.drained()
    connection.ws.send(new Uint8Array(2 << 20), (error) => errors.push(error))
    const refused = expect(connection.ws.drained()).rejects.toThrow()
    await drained
    await end(connection)
    await settle()
    expect(errors).toEqual([expect.any(Error), expect.any(Error)])
    expect(connection.ws.bufferedAmount).toBeLessThan(100)
    await refused
  })
})

describe('a large flood of small messages in one tick', () => {
  it('is offered to the transport before it is gathered', async () => {
    const { ws, transport } = new ConnectionInMemory()
    transport.stall()
    for (let i = 0; i < 1000; i += 1) ws.send(new Uint8Array(1000))
    expect(transport.writes).toHaveLength(1)
    expect(transport.writes[0]?.length).toBeLessThan(150_000)
    expect(ws.bufferedAmount).toBe(1000 * 1004)
  })
})

describe('drained()', () => {
  it('resolves at once while there is room, and below the mark otherwise', async () => {
    const { ws, transport } = await stalled({ highWaterMark: 10 })
    await ws.drained()
    expect(ws.send('0123456789')).toBe(false)
    let isDrained = false
    const drained = ws.drained().then(() => {
      isDrained = true
    })
    await settle()
    expect(isDrained).toBe(false)
    transport.unstall()
    await drained
  })

  it('works with a mark of 0: whenever nothing waits', async () => {
    const { ws, transport } = new ConnectionInMemory({ highWaterMark: 0 })
    expect(ws.send('a')).toBe(false)
    await ws.drained()
    await settle()
    expect(transport.takeWritten()).toHaveLength(3)
    const drain = once(ws, 'drain')
    ws.send('b')
    await drain
  })

  it('ends with the reason of its signal, and with ConnectionClosedError when there is no connection', async () => {
    const { ws } = await stalled({ highWaterMark: 1 })
    const controller = new AbortController()
    const reason = new Error('enough')
    const waiting = expect(ws.drained({ signal: controller.signal })).rejects.toBe(reason)
    controller.abort(reason)
    await waiting
    await expect(ws.drained({ signal: controller.signal })).rejects.toBe(reason)
    ws.terminate()
    await expect(ws.drained()).rejects.toBeInstanceOf(ConnectionClosedError)
  })
})

describe('cork()', () => {
  it('writes what was sent in it in one go, before it returns, and returns what the function did', () => {
    const { ws, transport } = new ConnectionInMemory()
    const result = ws.cork(() => {
      ws.send('a')
      ws.cork(() => ws.send(new Uint8Array(100_000)))
      ws.ping()
      expect(transport.writes).toHaveLength(0)
      return 7
    })
    expect(result).toBe(7)
    expect(transport.writes).toHaveLength(1)
  })

  it('writes when the function throws, too', () => {
    const { ws, transport } = new ConnectionInMemory()
    expect(() =>
      ws.cork(() => {
        ws.send('a')
        throw new Error('boom')
      }),
    ).toThrow('boom')
    expect(transport.writes).toHaveLength(1)
  })
})

describe('cork() and maxBackpressure', () => {
  it('writes now and then when much is sent in it, so that the limit holds in it as elsewhere', async () => {
    const { ws, transport } = new ConnectionInMemory({ maxBackpressure: 300_000, slowConsumer: 'drop-newest' })
    transport.stall()
    let most = 0
    ws.cork(() => {
      for (let i = 0; i < 100; i += 1) {
        ws.send(new Uint8Array(10_000))
        most = Math.max(most, ws.bufferedAmount)
      }
    })
    expect(most).toBeGreaterThan(250_000)
    expect(most).toBeLessThanOrEqual(300_000)
    expect(ws.dropped).toBeGreaterThan(0)
    transport.unstall()
    await settle()
    expect(ws.bufferedAmount).toBe(0)
    expect(readFrames(transport.written)).toHaveLength(100 - ws.dropped)
  })
})

describe('slowConsumer', () => {
  const payload = new Uint8Array(500)
  const COST = 504 + 128
  const room = { maxBackpressure: 7 + 3 * COST }

  it('close: ends the connection with 1013, frees what waits, and terminates when it cannot leave', async () => {
    const connection = await stalled(room)
    const { ws, transport, clock } = connection
    const errors: unknown[] = []
    for (let i = 0; i < 3; i += 1) ws.send(payload, (error) => errors.push(error))
    expect(errors).toEqual([])
    expect(ws.send(payload, (error) => errors.push(error))).toBe(false)
    expect(ws.readyState).toBe(ws.CLOSING)
    expect(ws.bufferedAmount).toBeLessThan(100)
    await settle()
    expect(errors).toHaveLength(4)
    clock.advance(5000)
    await settle()
    expect(connection.ends).toMatchObject([{ cause: 'slow-consumer', sentCode: 1013, initiator: 'local' }])
    expect(transport.destroyed).toBe(true)
  })

  it('close: says 1013 to a peer that reads in the end', async () => {
    const connection = await stalled(room)
    for (let i = 0; i < 4; i += 1) connection.ws.send(payload)
    connection.transport.unstall()
    await settle()
    expect(connection.takeFrames()).toEqual(['close 1013 "the peer reads too slowly"'])
  })

  const text = (letter: string): string => letter.repeat(500)
  const sent = (connection: ConnectionInMemory): string =>
    connection
      .takeFrames()
      .map((frame) => frame[6])
      .join('')

  it('drop-newest: leaves out what finds no room, counts it and calls back with an error', async () => {
    const connection = await stalled({ ...room, slowConsumer: 'drop-newest' })
    const { ws } = connection
    const errors: string[] = []
    for (const letter of 'abcde')
      ws.send(text(letter), (error) => errors.push(`${letter} ${error && 'code' in error ? error.code : 'sent'}`))
    expect(ws.dropped).toBe(2)
    connection.transport.unstall()
    await settle()
    expect(sent(connection)).toBe('abc')
    expect(errors).toEqual(['d ERR_MESSAGE_DROPPED', 'e ERR_MESSAGE_DROPPED', 'a sent', 'b sent', 'c sent'])
  })

  it('drop-oldest: leaves out the oldest that wait, as many as it takes', async () => {
    const connection = await stalled({ ...room, slowConsumer: 'drop-oldest' })
    for (const letter of 'abcde') connection.ws.send(text(letter))
    expect(connection.ws.dropped).toBe(2)
    connection.ws.send(new Uint8Array(1100))
    expect(connection.ws.dropped).toBe(4)
    connection.transport.unstall()
    await settle()
    expect(connection.takeFrames().map((frame) => frame.slice(0, 8))).toEqual(['text "ee', 'binary 0'])
  })

  it('drop-oldest: drops the message itself when nothing older makes room', async () => {
    const connection = await stalled({ ...room, slowConsumer: 'drop-oldest' })
    connection.ws.send('a')
    expect(connection.ws.send(new Uint8Array(5000))).toBe(false)
    expect(connection.ws.dropped).toBe(2)
    expect(connection.ws.bufferedAmount).toBe(7)
  })

  it('keep: sends all the same', async () => {
    const connection = await stalled({ ...room, slowConsumer: 'keep' })
    for (const letter of 'abcde') connection.ws.send(text(letter))
    connection.transport.unstall()
    await settle()
    expect(sent(connection)).toBe('abcde')
  })

  it('a function: is asked for each message with what waits, and chooses', async () => {
    const asked: Backpressure[] = []
    const answers = [SlowConsumerAction.DropNewest, SlowConsumerAction.Keep, SlowConsumerAction.DropOldest]
    const slowConsumer = (backpressure: Backpressure) => answers[asked.push(backpressure) - 1]!
    const connection = await stalled({ ...room, slowConsumer })
    for (const letter of 'abcdef') connection.ws.send(text(letter))
    expect(asked).toEqual([
      { bufferedAmount: 7 + 3 * 504, messageBytes: 504, dropped: 0 },
      { bufferedAmount: 7 + 3 * 504, messageBytes: 504, dropped: 1 },
      { bufferedAmount: 7 + 4 * 504, messageBytes: 504, dropped: 1 },
    ])
    connection.transport.unstall()
    await settle()
    expect(sent(connection)).toBe('cef')
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('boom')
      },
    ],
    ['chooses nothing', () => 'nothing' as never],
  ])('a function that %s ends its connection with 1011', async (_, slowConsumer) => {
    const connection = await stalled({ ...room, slowConsumer })
    for (let i = 0; i < 4; i += 1) connection.ws.send(payload)
    connection.transport.unstall()
    await settle()
    expect(connection.takeFrames()).toEqual([expect.stringMatching(/^close 1011/)])
    expect(connection.errors).toMatchObject([{ isUnseen: true }])
  })

  it('counts 128 bytes for each message, so that small ones do not pile up', async () => {
    const { ws } = await stalled({ maxBackpressure: 10_000, slowConsumer: 'drop-newest' })
    for (let i = 0; i < 1000; i += 1) ws.send('')
    expect(1000 - ws.dropped).toBe(Math.floor((10_000 - 7) / 130))
  })

  it('lets any message go that finds nothing before it', async () => {
    const { ws, transport } = new ConnectionInMemory({ maxBackpressure: 100 })
    ws.send(new Uint8Array(100_000))
    await settle()
    expect(transport.takeWritten()).toHaveLength(100_010)
    expect(ws.readyState).toBe(ws.OPEN)
  })

  it('is refused when it is no policy', () => {
    expect(() => new ConnectionInMemory({ slowConsumer: 'kill' as never })).toThrow("slowConsumer is 'kill'")
  })
})
