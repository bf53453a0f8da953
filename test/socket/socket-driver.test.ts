import { describe, expect, it } from 'vitest'
import { ConnectionClosedError } from '../../src/errors.ts'
import { concat } from '../support/chunkings.ts'
import { clientClose, clientFrame, clientText, readServerFrame } from '../support/client-frames.ts'
import { ConnectionInMemory } from '../support/connection-in-memory.ts'
import { readFrames } from '../support/connection-pair.ts'
import { turn } from '../support/deferred.ts'
import { settle } from '../support/memory-transport.ts'
import { TestServer } from '../support/test-server.ts'

const ping = (payload: Uint8Array | string) => clientFrame({ opcode: 0x9, payload })

function echo(connection: ConnectionInMemory): ConnectionInMemory {
  connection.ws.on('message', (data, isBinary) => connection.ws.send(data, { binary: isBinary }))
  return connection
}

describe('output', () => {
  it('answers everything of one read in one write, in order', async () => {
    const { transport } = echo(new ConnectionInMemory())
    await transport.arrive(clientText('a'), ping('1'), clientText('b'), ping('2'), clientText('c'))
    expect(transport.writes).toHaveLength(1)
  })

  it('writes messages that are sent in one tick at once', async () => {
    const connection = new ConnectionInMemory()
    for (let i = 0; i < 5; i += 1) connection.ws.send(String(i))
    connection.ws.ping('p')
    expect(connection.transport.writes).toHaveLength(0)
    await settle()
    expect(connection.transport.writes).toHaveLength(1)
    expect(connection.takeFrames()).toEqual(['text "0"', 'text "1"', 'text "2"', 'text "3"', 'text "4"', 'ping 70'])
  })

  it('writes a large message before send returns, so that its memory may be used again', () => {
    const connection = new ConnectionInMemory()
    const bytes = Buffer.alloc(100_000, 1)
    connection.ws.send(bytes)
    expect(connection.transport.written.subarray(-100_000)).toEqual(new Uint8Array(bytes))
    expect(connection.transport.writes).toHaveLength(1)
  })

  it('keeps the order of small and large messages', async () => {
    const connection = new ConnectionInMemory()
    connection.ws.send('before')
    connection.ws.send(Buffer.alloc(20_000, 1))
    connection.ws.send('after')
    await settle()
    const frames = connection.takeFrames()
    expect(frames.map((frame) => frame.slice(0, 12))).toEqual(['text "before', 'binary 01 01', 'text "after"'])
  })

  it('calls back when the transport has taken the message, not before', async () => {
    const { ws, transport } = new ConnectionInMemory()
    const calls: string[] = []
    transport.stall()
    ws.send('a', () => calls.push('a'))
    ws.send('b', () => calls.push('b'))
    await settle()
    expect(calls).toEqual([])
    transport.finishWrite()
    await settle()
    expect(calls).toEqual(['a', 'b'])
  })

  it('calls back with an error when the transport goes before it took the message', async () => {
    const { ws, transport } = new ConnectionInMemory()
    const errors: unknown[] = []
    transport.stall()
    ws.send('a', (error) => errors.push(error))
    await settle()
    transport.destroy()
    await settle()
    expect(errors).toHaveLength(1)
    expect(errors[0]).toBeInstanceOf(Error)
  })

  it('calls back with an error when the transport is gone in the same tick', async () => {
    const { ws } = new ConnectionInMemory()
    const errors: unknown[] = []
    ws.send('a', (error) => errors.push(error))
    ws.terminate()
    await settle()
    expect(errors).toEqual([expect.any(ConnectionClosedError)])
  })

  it('counts what the transport has not taken as buffered, headers included', async () => {
    const { ws, transport } = new ConnectionInMemory()
    transport.stall()
    ws.send('hello')
    expect(ws.bufferedAmount).toBe(7)
    await settle()
    ws.send('hello')
    expect(ws.bufferedAmount).toBe(14)
    await settle()
    transport.unstall()
    await settle()
    expect(ws.bufferedAmount).toBe(0)
  })

  it('does not lose or change frames when the transport keeps what it was given', async () => {
    const connection = new ConnectionInMemory({}, { transport: { writableHighWaterMark: 1 } })
    connection.transport.stall()
    const expected: string[] = []
    for (let i = 0; i < 50; i += 1) {
      connection.ws.send(`message ${i}`)
      expected.push(`text "message ${i}"`)
      await settle()
    }
    connection.transport.unstall()
    await settle()
    expect(connection.takeFrames()).toEqual(expected)
  })
})

describe('a transport whose writing half was ended by somebody else', () => {
  it.each([true, false])(
    'still gets what waited, unchanged by what comes too late (copied: %s)',
    async (writesAreCopied) => {
      const { transport, ws } = new ConnectionInMemory({}, { writesAreCopied })
      transport.stall()
      for (const payload of ['in hand', 'waits', 'waits too']) {
        ws.ping(payload)
        await settle()
      }
      transport.end()
      for (const payload of ['too late', 'overwrites']) {
        ws.ping(payload)
        await settle()
      }
      transport.unstall()
      await settle()
      expect(readFrames(transport.written).map(({ payload }) => Buffer.from(payload).toString())).toEqual([
        'in hand',
        'waits',
        'waits too',
      ])
    },
  )

  it('does not keep Pings from being read', async () => {
    const { transport, ws } = new ConnectionInMemory()
    const pings: string[] = []
    ws.on('ping', (data) => pings.push(data.toString()))
    transport.end()
    for (let i = 0; i < 1000; i += 1) await transport.arrive(ping(`${i}`.padEnd(125)))
    expect(pings).toHaveLength(1000)
  })
})

describe('drain', () => {
  for (const [name, transport, payload] of [
    ['above the transport’s own mark', { writableHighWaterMark: 100 }, 'x'.repeat(2000)],
    ['below the transport’s own mark', { writableHighWaterMark: 1 << 20 }, 'x'.repeat(2000)],
    ['below it, with bytes that are not copied', { writableHighWaterMark: 1 << 20 }, Buffer.alloc(20_000)],
  ] as const) {
    it(`follows a send that said false: ${name}`, async () => {
      const { ws, transport: memory } = new ConnectionInMemory({ highWaterMark: 1000 }, { transport })
      let drains = 0
      ws.on('drain', () => {
        drains += 1
      })
      memory.stall()
      expect(ws.send(payload)).toBe(false)
      await settle()
      expect(drains).toBe(0)
      memory.unstall()
      await settle()
      expect(drains).toBe(1)
      expect(ws.send('small')).toBe(true)
      await settle()
      expect(drains).toBe(1)
    })
  }

  it('follows when the transport takes everything at once', async () => {
    const { ws } = new ConnectionInMemory({ highWaterMark: 1 })
    const drained = new Promise<void>((resolve) => {
      ws.on('drain', resolve)
    })
    expect(ws.send('hello')).toBe(false)
    await drained
  })

  it('does not come while more than the mark waits', async () => {
    const { ws, transport } = new ConnectionInMemory(
      { highWaterMark: 1000 },
      { transport: { writableHighWaterMark: 1 } },
    )
    let drains = 0
    ws.on('drain', () => {
      drains += 1
    })
    transport.stall()
    for (let i = 0; i < 3; i += 1) {
      ws.send('x'.repeat(600))
      await settle()
    }
    transport.finishWrite()
    await settle()
    expect(ws.bufferedAmount).toBeGreaterThanOrEqual(1000)
    expect(drains).toBe(0)
    transport.unstall()
    await settle()
    expect(drains).toBe(1)
  })
})

describe('Pings of a peer that does not read', () => {
  it('stop the reading, and are all answered in order once the peer reads', async () => {
    const connection = new ConnectionInMemory()
    const { transport, ws } = connection
    transport.stall()
    const expected: string[] = []
    for (let batch = 0; batch < 30; batch += 1) {
      const frames = Array.from({ length: 40 }, (_, i) => ping(`${batch}:${i}`.padEnd(125, '.')))
      expected.push(...frames.map((_, i) => `pong ${batch}:${i}`))
      await transport.arrive(...frames)
    }
    expect(transport.isPaused()).toBe(true)
    expect(ws.bufferedAmount).toBeLessThan(140_000)
    transport.unstall()
    for (let i = 0; i < 10; i += 1) await settle()
    const pongs = connection
      .takeFrames()
      .map((line) => Buffer.from(line.slice(5).replaceAll(' ', ''), 'hex').toString())
    expect(pongs.map((pong) => `pong ${pong.replace(/\.+$/, '')}`)).toEqual(expected)
    expect(transport.isPaused()).toBe(false)
  })

  it('never stop the reading for good when every write is taken, on a transport that keeps what it writes', async () => {
    const connection = new ConnectionInMemory({}, { transport: { writableHighWaterMark: 1 << 20 } })
    for (let i = 0; i < 600; i += 1) connection.transport.push(Buffer.from(ping('x'.repeat(125))))
    for (let i = 0; i < 10; i += 1) await settle()
    await connection.transport.arrive(ping('last'))
    const frames = connection.takeFrames()
    expect(frames).toHaveLength(601)
    expect(frames.at(-1)).toBe('pong 6c 61 73 74')
  })
})

describe('work budget', () => {
  it('reads at most maxFramesPerTurn frames in a turn of the event loop', async () => {
    const connection = echo(new ConnectionInMemory({ maxFramesPerTurn: 10 }))
    const { transport } = connection
    transport.push(Buffer.concat(Array.from({ length: 35 }, (_, i) => clientText(String(i)))))
    for (let i = 0; i < 10; i += 1) await settle()
    expect(transport.writes.length).toBe(4)
    expect(connection.takeFrames()).toEqual(Array.from({ length: 35 }, (_, i) => `text "${i}"`))
  })
})

describe('maxBytesPerTurn', () => {
  const binary = (length: number) => clientFrame({ opcode: 0x2, payload: new Uint8Array(length) })

  it('stops the reading once so many bytes came, until the next turn of the event loop', async () => {
    const { ws, transport } = new ConnectionInMemory({ maxBytesPerTurn: 1000 })
    let received = 0
    ws.on('message', () => {
      received += 1
    })
    for (let i = 0; i < 6; i += 1) transport.push(Buffer.from(binary(500)))
    const perTurn: number[] = []
    while (received < 6) {
      const before = received
      await turn()
      perTurn.push(received - before)
    }
    // The second read of 500 bytes takes the connection past the limit.
    expect(Math.max(...perTurn)).toBe(2)
  })

  it('loses and reorders nothing, also over TCP, where the rest waits in the system', async () => {
    await using server = await TestServer.start({ maxBytesPerTurn: 1, maxPayload: 1 << 20 })
    const { raw } = await server.open()
    const lengths = [0, 1, 70_000, 125, 300_000, 5]
    void raw.write(concat(...lengths.map((length) => binary(length))))
    for (const length of lengths) expect((await readServerFrame(raw)).payload).toHaveLength(length)
    raw.destroy()
  })

  it('lets the end of the peer’s half through', async () => {
    const connection = new ConnectionInMemory({ maxBytesPerTurn: 1 })
    connection.transport.push(Buffer.from(clientText('last')))
    await connection.transport.arriveEnd()
    await settle()
    expect(connection.ends).toMatchObject([{ code: 1006 }])
  })

  it('is read on from what came behind the opening handshake', async () => {
    const connection = new ConnectionInMemory({ maxBytesPerTurn: 10 }, { start: false })
    const texts: unknown[] = []
    connection.ws.on('message', (data) => texts.push(data))
    connection.start(clientText('longer than that'))
    await connection.transport.arrive(clientText('next'))
    await settle()
    expect(texts).toEqual(['longer than that', 'next'])
  })
})

describe('end of the transport', () => {
  it('answers a Close frame, ends our half, and is over when the peer ends its own [6455-5.5.1-7]', async () => {
    const connection = new ConnectionInMemory()
    await connection.transport.arrive(clientClose(4000, 'bye'))
    expect(connection.takeFrames()).toHaveLength(1)
    expect(connection.transport.hasEnded).toBe(true)
    expect(connection.ends).toEqual([])
    expect(connection.ws.readyState).toBe(connection.ws.CLOSING)
    await connection.transport.arriveEnd()
    expect(connection.ends).toMatchObject([
      { code: 4000, reason: 'bye', sentCode: 4000, initiator: 'remote', cause: 'closed-by-peer', wasClean: true },
    ])
    expect(connection.clock.pending).toBe(0)
  })

  it('writes what was sent before the end of our half', async () => {
    const connection = new ConnectionInMemory()
    connection.ws.send('last words')
    connection.ws.close(1000)
    await settle()
    expect(connection.takeFrames()).toEqual(['text "last words"', 'close 1000 ""'])
    expect(connection.transport.hasEnded).toBe(false)
    await connection.transport.arrive(clientClose(1000))
    expect(connection.transport.hasEnded).toBe(true)
    await connection.transport.arriveEnd()
    expect(connection.ends).toMatchObject([{ code: 1000, initiator: 'local', cause: 'closed-by-us', wasClean: true }])
  })

  it('destroys the transport of a peer that does not answer our Close frame within closeTimeout', async () => {
    const connection = new ConnectionInMemory({ closeTimeout: 5000, heartbeat: false })
    connection.ws.close(1001)
    await settle()
    connection.clock.advance(4999)
    await settle()
    expect(connection.ends).toEqual([])
    connection.clock.advance(1)
    await settle()
    expect(connection.ends).toMatchObject([
      { code: 1006, sentCode: 1001, initiator: 'local', cause: 'close-timeout', wasClean: false },
    ])
  })

  it('destroys the transport of a peer that answered our Close frame and does not end its half', async () => {
    const connection = new ConnectionInMemory({ closeTimeout: 5000, heartbeat: false })
    await connection.transport.arrive(clientClose(1000))
    connection.clock.advance(5000)
    await settle()
    expect(connection.ends).toMatchObject([{ code: 1000, cause: 'close-timeout', wasClean: true }])
  })

  it('answers the end of the peer’s half with the end of ours: 1006 without a Close frame', async () => {
    const connection = new ConnectionInMemory()
    await connection.transport.arrive(clientText('half').subarray(0, 5))
    await connection.transport.arriveEnd()
    expect(connection.transport.hasEnded).toBe(true)
    expect(connection.ends).toMatchObject([
      { code: 1006, sentCode: 0, initiator: 'none', cause: 'transport-ended', wasClean: false },
    ])
  })

  it('delivers what came before the end of the peer’s half, and answers it', async () => {
    const connection = echo(new ConnectionInMemory({ maxFramesPerTurn: 1 }))
    connection.transport.push(Buffer.concat([clientText('a'), clientText('b'), clientText('c')]))
    await connection.transport.arriveEnd()
    for (let i = 0; i < 5; i += 1) await settle()
    expect(connection.takeFrames()).toEqual(['text "a"', 'text "b"', 'text "c"'])
    expect(connection.ends).toHaveLength(1)
  })

  it('tells of an error of the transport once, and of the end once', async () => {
    const { transport, ws, errors, ends } = new ConnectionInMemory()
    const seen: string[] = []
    ws.on('error', (error) => seen.push(error.message))
    ws.on('close', (code) => seen.push(`close ${code}`))
    transport.destroy(new Error('reset'))
    await settle()
    expect(seen).toEqual(['reset', 'close 1006'])
    expect(errors).toHaveLength(1)
    expect(ends).toMatchObject([{ cause: 'transport-error', initiator: 'none' }])
  })

  it('does not make an error of a reset after both Close frames', async () => {
    const { transport, errors, ends } = new ConnectionInMemory()
    await transport.arrive(clientClose(1000))
    transport.destroy(new Error('reset'))
    await settle()
    expect(errors).toEqual([])
    expect(ends).toMatchObject([{ code: 1000, cause: 'closed-by-peer', wasClean: true }])
  })

  it('is reported once when the transport was gone before reading began', async () => {
    const connection = new ConnectionInMemory({}, { start: false })
    connection.transport.destroy()
    await settle()
    connection.start()
    await settle()
    expect(connection.ends).toMatchObject([{ code: 1006, cause: 'transport-ended' }])
    expect(connection.clock.pending).toBe(0)
  })

  it('reads what was held back, takes nothing more for the peer and starts no timer', async () => {
    const connection = new ConnectionInMemory()
    const seen: unknown[] = []
    connection.ws.on('message', (data) => {
      seen.push(data)
      if (data === 'a') connection.ws.pause()
      else connection.ws.send('reply', (error) => seen.push(error))
    })
    await connection.transport.arrive(clientText('a'), clientText('b'), clientClose(4000))
    connection.transport.destroy()
    await settle()
    expect(seen).toEqual(['a', 'b', expect.any(ConnectionClosedError)])
    expect(connection.ends).toMatchObject([{ code: 4000 }])
    expect([connection.takeFrames(), connection.clock.pending]).toEqual([['close 4000 ""'], 0])
  })

  it('does not call it a close of ours when close() comes after the transport has gone', async () => {
    const { transport, ws, ends } = new ConnectionInMemory()
    ws.on('message', () => ws.pause())
    await transport.arrive(clientText('a'), clientText('b'), clientClose(4000))
    transport.destroy()
    expect(ws.readyState).toBe(ws.CLOSING)
    ws.close(1000)
    await settle()
    expect(ends).toMatchObject([{ code: 4000, sentCode: 4000, cause: 'closed-by-peer', initiator: 'remote' }])
  })

  it('reads bytes that came behind the opening handshake first', async () => {
    const connection = new ConnectionInMemory({}, { start: false })
    const seen: unknown[] = []
    connection.ws.on('message', (data) => seen.push(data))
    connection.start(Buffer.concat([clientText('first'), clientText('second').subarray(0, 4)]))
    await connection.transport.arrive(clientText('second').subarray(4))
    expect(seen).toEqual(['first', 'second'])
  })

  it('discards what follows a Close frame', async () => {
    const connection = echo(new ConnectionInMemory())
    await connection.transport.arrive(clientClose(1000), clientText('too late'))
    await connection.transport.arrive(clientText('much too late'))
    expect(connection.takeFrames()).toEqual(['close 1000 ""'])
  })

  it('fails the connection for a fault of the peer: Close frame, end, and the fault is reported [6455-5.1-2]', async () => {
    const connection = new ConnectionInMemory()
    await connection.transport.arrive(clientFrame({ opcode: 0x1, payload: 'hi', maskingKey: null }))
    expect(connection.takeFrames()).toEqual([expect.stringMatching(/^close 1002 /)])
    expect(connection.transport.hasEnded).toBe(true)
    await connection.transport.arriveEnd()
    expect(connection.ends).toMatchObject([
      { code: 1006, sentCode: 1002, cause: 'protocol-violation', initiator: 'local' },
    ])
    expect(connection.ends[0]?.requirement).toBe('6455-5.1-2')
    expect(connection.errors).toMatchObject([{ error: { name: 'ProtocolError', statusCode: 1002 }, isUnseen: false }])
  })

  it('calls the breach of a limit by its name', async () => {
    const connection = new ConnectionInMemory({ maxPayload: 3 })
    await connection.transport.arrive(clientText('four'))
    await connection.transport.arriveEnd()
    expect(connection.ends).toMatchObject([{ sentCode: 1009, cause: 'limit-exceeded' }])
  })
})

describe('heartbeat of a connection', () => {
  it('sends a Ping after 20 s of silence and ends with 1006 after 20 s more', async () => {
    const connection = new ConnectionInMemory()
    connection.clock.advance(20_000)
    expect(connection.takeFrames()).toEqual(['ping'])
    connection.clock.advance(20_000)
    await settle()
    expect(connection.ends).toMatchObject([{ code: 1006, cause: 'heartbeat-timeout', initiator: 'local' }])
    expect(connection.clock.pending).toBe(0)
  })

  it('measures the round trip with the Pong', async () => {
    const connection = new ConnectionInMemory()
    expect(connection.ws.rttMs).toBe(-1)
    connection.clock.advance(20_000)
    connection.clock.advance(30)
    await connection.transport.arrive(clientFrame({ opcode: 0xa }))
    expect(connection.ws.rttMs).toBe(30)
  })

  it('takes any byte as a sign of life', async () => {
    const connection = new ConnectionInMemory()
    connection.ws.on('message', () => {})
    const frame = clientText('slow')
    for (const byte of frame) {
      connection.clock.advance(15_000)
      await connection.transport.arrive(Uint8Array.of(byte))
    }
    expect(connection.takeFrames()).toEqual([])
    expect(connection.ends).toEqual([])
  })

  it('does not give up a peer that is not read any more, since the application has paused', async () => {
    const connection = new ConnectionInMemory()
    connection.ws.pause()
    await connection.transport.arrive(clientFrame({ opcode: 2, payload: new Uint8Array(64 << 10) }))
    connection.clock.advance(600_000)
    await settle()
    expect(connection.ends).toEqual([])
  })

  it('gives up a peer that is silent while the application has paused, as long as it would be heard', async () => {
    const connection = new ConnectionInMemory()
    connection.ws.pause()
    connection.clock.advance(20_000)
    await connection.transport.arrive(clientFrame({ opcode: 10 }))
    connection.clock.advance(39_000)
    await settle()
    expect(connection.ends).toEqual([])
    connection.clock.advance(2000)
    await settle()
    expect(connection.ends).toMatchObject([{ cause: 'heartbeat-timeout' }])
  })

  it('finds out that the transport broke while the application has paused', async () => {
    const connection = new ConnectionInMemory()
    connection.ws.pause()
    connection.transport.breakWrites(new Error('EPIPE'))
    connection.clock.advance(20_000)
    await settle()
    expect(connection.ends).toMatchObject([{ code: 1006, cause: 'transport-error' }])
  })
})

describe('write stall', () => {
  const options = { heartbeat: false, writeStallTimeout: 30_000 } as const

  it('ends a connection whose peer takes nothing for writeStallTimeout', async () => {
    const { clock, transport, ws, ends } = new ConnectionInMemory(options)
    transport.stall()
    ws.send('hello')
    await settle()
    clock.advance(30_000)
    await settle()
    expect(ends).toEqual([])
    clock.advance(1000)
    await settle()
    expect(ends).toMatchObject([{ code: 1006, cause: 'write-stall', initiator: 'local' }])
  })

  it('does not take more output for progress', async () => {
    const { clock, transport, ws, ends } = new ConnectionInMemory(options)
    transport.stall()
    for (let i = 0; i < 40; i += 1) {
      ws.send('more')
      await settle()
      clock.advance(1000)
    }
    await settle()
    expect(ends).toMatchObject([{ cause: 'write-stall' }])
  })

  it('does not end a slow peer that takes a little now and then', async () => {
    const { clock, transport, ws, ends } = new ConnectionInMemory(options)
    transport.stall()
    for (let i = 0; i < 20; i += 1) {
      ws.send('more')
      await settle()
      clock.advance(20_000)
      transport.finishWrite()
      await settle()
    }
    expect(ends).toEqual([])
  })

  it('does not count the time in which nothing waited', async () => {
    const { clock, transport, ws, ends } = new ConnectionInMemory(options)
    ws.send('taken at once')
    await settle()
    clock.advance(600_000)
    transport.stall()
    ws.send('waits')
    await settle()
    clock.advance(29_000)
    await settle()
    expect(ends).toEqual([])
  })
})
