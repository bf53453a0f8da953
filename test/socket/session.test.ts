import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../../src/errors.ts'
import { clientClose, clientFrame, clientText } from '../support/client-frames.ts'
import { ConnectionInMemory } from '../support/connection-in-memory.ts'
import { type MemoryTransport, settle } from '../support/memory-transport.ts'

const boom = new Error('boom')
const throwIt = (): never => {
  throw boom
}
const rejectIt = () => Promise.reject(boom)

describe('a handler that fails', () => {
  const events = [
    ['message', clientText('hi')],
    ['ping', clientFrame({ opcode: 0x9 })],
    ['pong', clientFrame({ opcode: 0xa })],
  ] as const
  for (const [event, frame] of events) {
    for (const [how, handler] of [
      ['throws', throwIt],
      ['rejects', rejectIt],
    ] as const) {
      it(`ends its connection with 1011 and is reported: ${event} ${how} [6455-7.4.1-8]`, async () => {
        const connection = new ConnectionInMemory()
        connection.ws.on(event, handler)
        await connection.transport.arrive(frame)
        expect(connection.takeFrames().at(-1)).toMatch(/^close 1011 /)
        expect(connection.errors).toEqual([{ error: boom, isUnseen: true }])
        await connection.transport.arriveEnd()
        expect(connection.ends).toMatchObject([{ cause: 'handler-error', initiator: 'local', sentCode: 1011 }])
      })
    }
  }

  it('does not tell the peer what went wrong', async () => {
    const connection = new ConnectionInMemory()
    connection.ws.on('message', () => {
      throw new Error('password hunter2')
    })
    await connection.transport.arrive(clientText('hi'))
    expect(connection.takeFrames().join()).not.toContain('hunter2')
  })

  it('gets no further message of the same read', async () => {
    const { ws, transport } = new ConnectionInMemory()
    let calls = 0
    ws.on('message', () => {
      calls += 1
      throw boom
    })
    await transport.arrive(clientText('a'), clientText('b'), clientText('c'))
    expect(calls).toBe(1)
  })

  it('is reported to the connection’s own error listener, and then is not unseen', async () => {
    const { ws, transport, errors } = new ConnectionInMemory()
    const seen: unknown[] = []
    ws.on('error', (error) => seen.push(error))
    ws.on('message', throwIt)
    await transport.arrive(clientText('hi'))
    expect(seen).toEqual([boom])
    expect(errors).toEqual([{ error: boom, isUnseen: false }])
  })

  it('is made an Error when it throws something else', async () => {
    const { ws, transport, errors } = new ConnectionInMemory()
    ws.on('message', () => {
      throw 'a string'
    })
    await transport.arrive(clientText('hi'))
    expect(errors).toMatchObject([{ error: { message: "'a string' was thrown" } }])
  })

  it('of close is reported; the promise of the end resolves all the same', async () => {
    const { ws, transport, errors } = new ConnectionInMemory()
    ws.on('close', throwIt)
    const { closed } = ws
    await transport.arrive(clientClose(1000))
    await transport.arriveEnd()
    expect(await closed).toMatchObject({ code: 1000 })
    expect(errors).toEqual([{ error: boom, isUnseen: true }])
  })

  it('of drain ends its connection with 1011', async () => {
    const connection = new ConnectionInMemory({ highWaterMark: 1 })
    connection.ws.on('drain', throwIt)
    connection.ws.send('hello')
    await settle()
    expect(connection.takeFrames().at(-1)).toMatch(/^close 1011 /)
    expect(connection.errors).toEqual([{ error: boom, isUnseen: true }])
  })

  it('of error is reported besides the error, and asked once', async () => {
    const { ws, transport, errors } = new ConnectionInMemory()
    let calls = 0
    ws.on('error', () => {
      calls += 1
      throw boom
    })
    await transport.arrive(clientFrame({ opcode: 0x3 }))
    expect(calls).toBe(1)
    expect(errors).toMatchObject([{ error: { name: 'ProtocolError' } }, { error: boom, isUnseen: true }])
  })

  it('of error that rejects is reported besides the error, and asked once', async () => {
    const { ws, transport, errors } = new ConnectionInMemory()
    let calls = 0
    ws.on('error', () => {
      calls += 1
      return calls < 10 ? rejectIt() : undefined
    })
    await transport.arrive(clientFrame({ opcode: 0x3 }))
    await settle()
    expect(calls).toBe(1)
    expect(errors).toMatchObject([{ error: { name: 'ProtocolError' } }, { error: boom, isUnseen: true }])
  })

  for (const [when, fail] of [
    ['after the write', false],
    ['when the transport is gone', true],
  ] as const) {
    it(`of a send is reported, and the others are called: ${when}`, async () => {
      const { ws, transport, errors, ends } = new ConnectionInMemory()
      const calls: string[] = []
      transport.stall()
      ws.send('a', throwIt)
      ws.send('b', () => calls.push('b'))
      await settle()
      if (fail) transport.destroy()
      else transport.unstall()
      await settle()
      expect(calls).toEqual(['b'])
      expect(errors).toEqual([{ error: boom, isUnseen: true }])
      expect(ends).toHaveLength(fail ? 1 : 0)
    })
  }

  it('of a send after the end is reported', async () => {
    const { ws, errors } = new ConnectionInMemory()
    ws.terminate()
    await settle()
    ws.send('late', throwIt)
    await settle()
    expect(errors).toEqual([{ error: boom, isUnseen: true }])
  })

  it('is the cause of the end also behind our own Close frame: the peer broke no rule', async () => {
    const connection = new ConnectionInMemory()
    connection.ws.on('message', () => {
      throw new Error('the handler fails')
    })
    connection.ws.close(1000)
    await settle()
    await connection.transport.arrive(clientText('late'))
    await connection.transport.arriveEnd()
    expect(connection.ends).toMatchObject([{ cause: 'handler-error', initiator: 'local' }])
  })
})

describe('an error that nobody listens to', () => {
  it('crashes nothing and goes to the server only', async () => {
    const { transport, errors } = new ConnectionInMemory()
    await transport.arrive(clientFrame({ opcode: 0x3 }))
    expect(errors).toEqual([{ error: expect.any(ProtocolError), isUnseen: false }])
  })
})

describe('messages before their listener', () => {
  it('are held, and delivered when it comes', async () => {
    const { ws, transport } = new ConnectionInMemory()
    await transport.arrive(clientText('a'), clientText('b'))
    await transport.arrive(clientText('c'))
    const seen: unknown[] = []
    ws.on('message', (data) => seen.push(data))
    expect(seen).toEqual([])
    await settle()
    await settle()
    expect(seen).toEqual(['a', 'b', 'c'])
  })

  it('are delivered one by one to listeners that listen once', async () => {
    const { ws, transport } = new ConnectionInMemory()
    await transport.arrive(clientText('a'), clientText('b'), clientText('c'))
    const seen: unknown[] = []
    for (let i = 0; i < 3; i += 1) {
      ws.once('message', (data) => seen.push(data))
      await settle()
      await settle()
    }
    expect(seen).toEqual(['a', 'b', 'c'])
  })

  it('are delivered whole and in order when the listener comes after the end', async () => {
    const { ws, transport } = new ConnectionInMemory()
    await transport.arrive(
      clientText('a'),
      clientText('b'),
      clientFrame({ opcode: 0x2, payload: 'c' }),
      clientText('d'),
    )
    transport.destroy()
    await settle()
    expect(ws.readyState).toBe(ws.CLOSED)
    const seen: unknown[] = []
    ws.once('message', (data, isBinary) => seen.push([data, isBinary]))
    await settle()
    expect(seen).toEqual([['a', false]])
    ws.on('message', (data, isBinary) => seen.push([data, isBinary]))
    await settle()
    expect(seen).toEqual([
      ['a', false],
      ['b', false],
      [Buffer.from('c'), true],
      ['d', false],
    ])
  })

  it('wait for resume when the application has paused', async () => {
    const { ws, transport } = new ConnectionInMemory()
    await transport.arrive(clientText('a'), clientText('b'))
    const seen: unknown[] = []
    ws.pause()
    ws.on('message', (data) => seen.push(data))
    await settle()
    expect(seen).toEqual([])
    ws.resume()
    await settle()
    await settle()
    expect(seen).toEqual(['a', 'b'])
  })

  it('are held again when resume finds no listener', async () => {
    const { ws, transport } = new ConnectionInMemory()
    await transport.arrive(clientText('a'))
    ws.pause()
    ws.resume()
    await settle()
    const seen: unknown[] = []
    ws.prependListener('message', (data) => seen.push(data))
    await settle()
    expect(seen).toEqual(['a'])
  })

  it('end their connection with 1011 when the late listener throws', async () => {
    const connection = new ConnectionInMemory()
    await connection.transport.arrive(clientText('a'))
    connection.ws.on('message', throwIt)
    await settle()
    expect(connection.takeFrames()).toEqual([expect.stringMatching(/^close 1011 /)])
  })

  it('stop the reading, with 64 KiB behind them, until they are delivered', async () => {
    const { ws, transport } = new ConnectionInMemory()
    await transport.arrive(clientText('a'))
    const payload = new Uint8Array(10_000)
    let arrived = 0
    for (; !transport.isPaused(); arrived += 1) await transport.arrive(clientFrame({ opcode: 2, payload }))
    expect(arrived).toBe(7)
    await transport.arrive(clientText('z'))
    const seen: number[] = []
    ws.on('message', (data) => seen.push((data as string | Buffer).length))
    for (let i = 0; i < 3; i += 1) await settle()
    expect(seen).toEqual([1, ...Array.from({ length: 7 }, () => 10_000), 1])
    expect(transport.isPaused()).toBe(false)
  })

  it('give a listener that throws no more of them', async () => {
    const { ws, transport } = new ConnectionInMemory()
    const seen: unknown[] = []
    ws.on('error', () => {})
    ws.on('message', (data) => {
      seen.push(data)
      throw new Error('a mistake')
    })
    ws.pause()
    await transport.arrive(clientText('a'), clientText('b'))
    ws.resume()
    await settle()
    transport.destroy()
    await settle()
    expect(seen).toEqual(['a'])
  })

  it('do not hold the Close frame back', async () => {
    const connection = new ConnectionInMemory()
    const { ws, transport, ends } = connection
    const seen: unknown[] = []
    ws.on('close', (code) => seen.push(code))
    await transport.arrive(clientText('a'), clientClose(4001))
    expect(connection.takeFrames()).toEqual(['close 4001 ""'])
    await transport.arriveEnd()
    expect(ends).toMatchObject([{ code: 4001, cause: 'closed-by-peer', wasClean: true }])
    ws.on('message', (data) => seen.push(data))
    for (let i = 0; i < 4; i += 1) await settle()
    expect(seen).toEqual([4001, 'a'])
  })
})

describe('pause and resume', () => {
  it('deliver no message after the one in hand until resume', async () => {
    const { ws, transport } = new ConnectionInMemory()
    const seen: unknown[] = []
    ws.on('message', (data) => {
      seen.push(data)
      ws.pause()
    })
    await transport.arrive(clientText('a'), clientText('b'), clientText('c'))
    expect([seen, ws.isPaused]).toEqual([['a'], true])
    ws.resume()
    await settle()
    expect(seen).toEqual(['a', 'b'])
    ws.resume()
    await settle()
    expect(seen).toEqual(['a', 'b', 'c'])
  })

  it.each([
    ['a Close frame', (transport: MemoryTransport) => transport.arrive(clientClose(4001)), 4001],
    ['the end of the stream', (transport: MemoryTransport) => transport.arriveEnd(), 1006],
    [
      'an error of the transport',
      async (transport: MemoryTransport) => void transport.destroy(new Error('reset')),
      1006,
    ],
  ])('let %s through, and what was held before it comes first', async (_, end, code) => {
    const { ws, transport } = new ConnectionInMemory({ heartbeat: false })
    const seen: unknown[] = []
    ws.on('error', () => {})
    ws.on('message', (data) => seen.push(data))
    ws.on('close', (closeCode) => seen.push(closeCode))
    ws.pause()
    await transport.arrive(clientText('a'), clientText('b'))
    expect(seen).toEqual([])
    await end(transport)
    transport.destroy()
    for (let i = 0; i < 3; i += 1) await settle()
    expect(seen).toEqual(['a', 'b', code])
  })

  it('drop messages for which nobody listens where nobody shall be waited for', async () => {
    const { ws, transport } = new ConnectionInMemory({ withoutListener: 'discard' })
    ws.pause()
    await transport.arrive(clientText('a'))
    ws.resume()
    await settle()
    const seen: unknown[] = []
    ws.on('message', (data) => seen.push(data))
    await transport.arrive(clientText('b'))
    await settle()
    expect(seen).toEqual(['b'])
  })

  it('give nothing more after terminate', async () => {
    const { ws, transport } = new ConnectionInMemory()
    const seen: unknown[] = []
    ws.on('message', (data) => seen.push(data))
    ws.on('close', (code) => seen.push(code))
    ws.pause()
    await transport.arrive(clientText('a'))
    ws.terminate()
    await settle()
    expect(seen).toEqual([1006])
  })

  it('undo each other in one tick', async () => {
    const { ws, transport } = new ConnectionInMemory()
    const seen: unknown[] = []
    ws.on('message', (data) => seen.push(data))
    ws.pause()
    ws.resume()
    ws.pause()
    await settle()
    await transport.arrive(clientText('a'))
    expect([seen, ws.isPaused]).toEqual([[], true])
    ws.resume()
    await settle()
    await settle()
    expect([seen, ws.isPaused]).toEqual([['a'], false])
  })
})

describe('the end', () => {
  it('resolves closed whether asked before or after', async () => {
    const { ws, transport } = new ConnectionInMemory()
    const before = ws.closed
    await transport.arrive(clientClose(4000, 'bye'))
    await transport.arriveEnd()
    expect(await before).toEqual(await ws.closed)
    expect(await before).toMatchObject({ code: 4000, reason: 'bye' })
  })

  it('emits close once with the code and the reason as a Buffer', async () => {
    const { ws, transport } = new ConnectionInMemory()
    const seen: unknown[] = []
    ws.on('close', (...args) => seen.push(args))
    await transport.arrive(clientClose(4000, 'bye'))
    await transport.arriveEnd()
    transport.destroy(new Error('late'))
    await settle()
    expect(seen).toEqual([[4000, Buffer.from('bye')]])
  })

  it('is told to the server before it is told to the application', async () => {
    const connection = new ConnectionInMemory()
    const endsAtClose: number[] = []
    connection.ws.on('close', () => endsAtClose.push(connection.ends.length))
    connection.transport.destroy()
    await settle()
    expect(endsAtClose).toEqual([1])
  })

  it('comes without further messages after terminate', async () => {
    const { ws, transport, ends } = new ConnectionInMemory()
    const seen: unknown[] = []
    ws.on('message', (data) => {
      seen.push(data)
      ws.terminate()
      seen.push(ws.readyState)
    })
    await transport.arrive(clientText('a'), clientText('b'))
    expect(seen).toEqual(['a', ws.CLOSING])
    expect(ends).toMatchObject([{ code: 1006, cause: 'terminated', initiator: 'local', wasClean: false }])
  })
})

describe('textFormat and binaryType', () => {
  it('deliver text as a string or as a Buffer of its own', async () => {
    for (const [textFormat, expected] of [
      ['string', 'é'],
      ['buffer', Buffer.from('é')],
    ] as const) {
      const { ws, transport } = new ConnectionInMemory({ textFormat })
      const seen: unknown[] = []
      ws.on('message', (data, isBinary) => seen.push(data, isBinary))
      await transport.arrive(clientText('é'))
      expect(seen).toEqual([expected, false])
    }
  })

  it('deliver binary as a Buffer or as an ArrayBuffer with exactly the bytes', async () => {
    const { ws, transport } = new ConnectionInMemory()
    const seen: unknown[] = []
    ws.on('message', (data) => seen.push(data))
    await transport.arrive(clientFrame({ opcode: 0x2, payload: 'abc' }))
    ws.binaryType = 'arraybuffer'
    const split = clientFrame({ opcode: 0x2, payload: 'defg' })
    await transport.arrive(clientFrame({ opcode: 0x2, payload: 'xyz' }))
    await transport.arrive(split.subarray(0, 8))
    await transport.arrive(split.subarray(8))
    expect(seen[0]).toEqual(Buffer.from('abc'))
    expect(seen.slice(1).map((data) => Buffer.from(data as ArrayBuffer).toString())).toEqual(['xyz', 'defg'])
  })

  it('deliver bytes that the application may keep', async () => {
    const { ws, transport } = new ConnectionInMemory()
    const seen: Buffer[] = []
    ws.on('message', (data) => seen.push(data as Buffer))
    const bytes = Buffer.from(clientFrame({ opcode: 0x2, payload: 'keep me' }))
    transport.push(bytes)
    await settle()
    bytes.fill(0)
    expect(seen[0]?.toString()).toBe('keep me')
  })
})
