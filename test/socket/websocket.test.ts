import { once } from 'node:events'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConnectionClosedError, UsageError } from '../../src/errors.ts'
import { WebSocket } from '../../src/socket/websocket.ts'
import { clientClose, clientFrame, clientText } from '../support/client-frames.ts'
import { ConnectionInMemory } from '../support/connection-in-memory.ts'
import { readFrames } from '../support/connection-pair.ts'
import { FC_TIMEOUT_MS, fcOptions } from '../support/fc-options.ts'
import { settle } from '../support/memory-transport.ts'

describe('readyState', () => {
  it('has the constants of the browsers, on the class and on the object', () => {
    const ws = new WebSocket(null)
    for (const holder of [WebSocket, ws]) {
      expect([holder.CONNECTING, holder.OPEN, holder.CLOSING, holder.CLOSED]).toEqual([0, 1, 2, 3])
    }
  })

  it('goes CONNECTING, OPEN, CLOSING, CLOSED; CLOSED not before the close event', async () => {
    expect(new WebSocket(null).readyState).toBe(WebSocket.CONNECTING)
    const { ws, transport } = new ConnectionInMemory()
    const atClose: number[] = []
    ws.on('close', () => atClose.push(ws.readyState))
    expect(ws.readyState).toBe(WebSocket.OPEN)
    ws.close(1000)
    expect(ws.readyState).toBe(WebSocket.CLOSING)
    await transport.arrive(clientClose(1000))
    expect(ws.readyState).toBe(WebSocket.CLOSING)
    transport.push(null)
    expect(ws.readyState).toBe(WebSocket.CLOSING)
    await settle()
    expect([atClose, ws.readyState]).toEqual([[WebSocket.CLOSED], WebSocket.CLOSED])
  })
})

describe('what the opening handshake settled', () => {
  it('is there: protocol, extensions, data', () => {
    const { ws } = new ConnectionInMemory()
    expect([ws.protocol, ws.extensions, ws.data, ws.remoteAddress]).toEqual(['chat', '', { user: 'ada' }, undefined])
  })

  it('is empty before it', () => {
    const ws = new WebSocket(null)
    expect([ws.protocol, ws.extensions, ws.bufferedAmount, ws.isPaused, ws.rttMs]).toEqual(['', '', 0, false, -1])
    expect([ws.binaryType, ws.remoteAddress]).toEqual(['nodebuffer', undefined])
  })
})

describe('before the connection is open', () => {
  for (const [name, call] of Object.entries({
    send: (ws: WebSocket) => ws.send('x'),
    ping: (ws: WebSocket) => ws.ping(),
    pong: (ws: WebSocket) => ws.pong(),
    close: (ws: WebSocket) => ws.close(),
    closed: (ws: WebSocket) => ws.closed,
  })) {
    it(`${name} says that it is too early`, () => {
      expect(() => call(new WebSocket(null))).toThrow(UsageError)
      expect(() => call(new WebSocket(null))).toThrow('CONNECTING')
    })
  }

  it('terminate, pause and resume do nothing', () => {
    const ws = new WebSocket(null)
    ws.terminate()
    ws.pause()
    ws.resume()
    expect(ws.readyState).toBe(WebSocket.CONNECTING)
  })
})

describe('binaryType', () => {
  it('refuses what it does not know', () => {
    const { ws } = new ConnectionInMemory()
    for (const type of ['Buffer', '', undefined]) {
      expect(() => {
        ws.binaryType = type as 'nodebuffer'
      }).toThrow(UsageError)
    }
    expect(ws.binaryType).toBe('nodebuffer')
  })
})

/** Every kind of view of `memory` over `[offset, offset + length)`, lengths cut to what the kind can do. */
function viewsOf(memory: ArrayBuffer | SharedArrayBuffer, offset: number, length: number): ArrayBufferView[] {
  const views: ArrayBufferView[] = [
    new Uint8Array(memory, offset, length),
    new Int8Array(memory, offset, length),
    new Uint8ClampedArray(memory, offset, length),
    new DataView(memory, offset, length),
    Buffer.from(memory as ArrayBuffer, offset, length),
  ]
  for (const Kind of [
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
  ]) {
    const size = Kind.BYTES_PER_ELEMENT
    views.push(new Kind(memory as ArrayBuffer, Math.ceil(offset / size) * size, Math.floor(length / size)))
  }
  return views
}

describe('send', () => {
  it(
    'puts exactly the bytes of any view on the wire',
    async () => {
      const sizes = fc.oneof(fc.nat(300), fc.constantFrom(125, 126, 16_384, 16_385, 65_535, 65_536, 70_000))
      await fc.assert(
        fc.asyncProperty(sizes, fc.nat(17), fc.boolean(), async (length, offset, shared) => {
          const size = length + offset + 8
          const memory = shared ? new SharedArrayBuffer(size) : new ArrayBuffer(size)
          const all = new Uint8Array(memory)
          for (let i = 0; i < size; i += 1) all[i] = (i * 31) % 251
          const connection = new ConnectionInMemory()
          const expected: Uint8Array[] = []
          for (const view of viewsOf(memory, offset, length)) {
            connection.ws.send(view)
            expected.push(new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice())
          }
          connection.ws.send(memory as ArrayBuffer)
          expected.push(all.slice())
          await settle()
          const frames = readFrames(connection.transport.written)
          expect(frames.every(({ fin, opcode }) => fin && opcode === 0x2)).toBe(true)
          expect(frames.length).toBe(expected.length)
          for (const [i, frame] of frames.entries()) {
            expect(Buffer.compare(frame.payload, expected[i]!)).toBe(0)
          }
        }),
        fcOptions(30),
      )
    },
    FC_TIMEOUT_MS,
  )

  it('sends what the bytes were when it was called, whatever happens to them afterwards', async () => {
    for (const length of [5, 200, 20_000]) {
      const connection = new ConnectionInMemory()
      const bytes = Buffer.alloc(length, 7)
      expect(connection.ws.send(bytes)).toBe(true)
      bytes.fill(9)
      await settle()
      expect(readFrames(connection.transport.written)[0]?.payload.every((byte) => byte === 7)).toBe(true)
    }
  })

  it('sends a string as text and bytes as binary, unless binary says otherwise', async () => {
    const connection = new ConnectionInMemory()
    connection.ws.send('a')
    connection.ws.send(Buffer.from('b'))
    connection.ws.send('c', { binary: true })
    connection.ws.send(Buffer.from('d'), { binary: false })
    connection.ws.send('e', { binary: undefined })
    connection.ws.send(42)
    connection.ws.send('')
    await settle()
    expect(connection.takeFrames()).toEqual([
      'text "a"',
      'binary 62',
      'binary 63',
      'text "d"',
      'text "e"',
      'text "42"',
      'text ""',
    ])
  })

  it('sends fragments with fin: false; the first says what the message is [6455-5.4-3]', async () => {
    const connection = new ConnectionInMemory()
    connection.ws.send('a', { fin: false })
    connection.ws.ping('p')
    connection.ws.send('b', { fin: false, binary: true })
    connection.ws.send('c', { fin: true })
    connection.ws.send('whole')
    await settle()
    const frames = readFrames(connection.transport.written).map(({ fin, opcode }) => [fin, opcode])
    expect(frames).toEqual([
      [false, 0x1],
      [true, 0x9],
      [false, 0x0],
      [true, 0x0],
      [true, 0x1],
    ])
  })

  it('calls back, with or without options', async () => {
    const { ws } = new ConnectionInMemory()
    const calls: string[] = []
    ws.send('a', () => calls.push('a'))
    ws.send('b', { binary: true }, () => calls.push('b'))
    ws.send('c', undefined, (error) => calls.push(`c ${error}`))
    await settle()
    expect(calls.map((call) => call[0])).toEqual(['a', 'b', 'c'])
    expect(calls[2]).toMatch(/^c (undefined|null)$/)
  })

  it('says false from highWaterMark on', () => {
    const { ws, transport } = new ConnectionInMemory({ highWaterMark: 100 })
    transport.stall()
    expect(ws.send('x'.repeat(97))).toBe(true)
    expect(ws.send('x')).toBe(false)
  })

  it('refuses what cannot be sent, and sends nothing of it', async () => {
    const connection = new ConnectionInMemory()
    for (const value of [null, undefined, {}, true]) {
      expect(() => connection.ws.send(value as unknown as string)).toThrow(UsageError)
    }
    expect(() => connection.ws.send(Buffer.from([0xff]), { binary: false })).toThrow(UsageError)
    await settle()
    expect(connection.transport.writes).toEqual([])
  })
})

describe('after close', () => {
  it('send says false and calls back with an error; ping and pong call back too', async () => {
    const { ws } = new ConnectionInMemory()
    ws.close(1000)
    const errors: unknown[] = []
    const note = (error: unknown): unknown => errors.push(error)
    expect(ws.send('late', note)).toBe(false)
    expect(ws.send('late')).toBe(false)
    ws.ping('late', true, note)
    ws.pong(note)
    expect(errors).toEqual([])
    await settle()
    expect(errors).toEqual([
      expect.any(ConnectionClosedError),
      expect.any(ConnectionClosedError),
      expect.any(ConnectionClosedError),
    ])
  })

  it('nothing but the Close frame goes out', async () => {
    const connection = new ConnectionInMemory()
    connection.ws.close(1000)
    connection.ws.send('late')
    connection.ws.ping()
    connection.ws.close(4000)
    await settle()
    expect(connection.takeFrames()).toEqual(['close 1000 ""'])
  })

  it('the error carries how the connection ended', async () => {
    const { ws, transport } = new ConnectionInMemory()
    await transport.arrive(clientClose(4000, 'bye'))
    const error = await new Promise((resolve) => {
      ws.send('late', resolve)
    })
    expect(error).toMatchObject({ code: 'ERR_CONNECTION_CLOSED', closeCode: 4000, closeReason: 'bye' })
  })

  it('everything may still be called when the connection is over', async () => {
    const { ws, transport, clock } = new ConnectionInMemory()
    transport.destroy()
    await settle()
    ws.close()
    ws.close(1000, 'again')
    ws.terminate()
    ws.pause()
    ws.resume()
    expect(ws.send('late')).toBe(false)
    ws.ping()
    await settle()
    expect([ws.readyState, clock.pending]).toEqual([WebSocket.CLOSED, 0])
  })
})

describe('ping and pong', () => {
  it('take the arguments in every way that ws takes them', async () => {
    for (const [what, name] of [
      ['ping', 'ping'],
      ['pong', 'pong'],
    ] as const) {
      const connection = new ConnectionInMemory()
      const { ws } = connection
      let calls = 0
      const done = (): void => {
        calls += 1
      }
      ws[what]()
      ws[what]('hi')
      ws[what](Buffer.from('hi'))
      ws[what](80)
      ws[what]('hi', false)
      ws[what](done)
      ws[what]('hi', done)
      ws[what]('hi', true, done)
      ws[what](undefined, undefined, done)
      await settle()
      expect(connection.takeFrames()).toEqual(
        ['', ' 68 69', ' 68 69', ' 38 30', ' 68 69', '', ' 68 69', ' 68 69', ''].map((payload) => name + payload),
      )
      expect(calls).toBe(4)
    }
  })

  it('refuse more than 125 bytes [6455-5.5-1]', () => {
    const { ws } = new ConnectionInMemory()
    expect(() => ws.ping('x'.repeat(126))).toThrow(UsageError)
    expect(() => ws.pong(new Uint8Array(126))).toThrow(UsageError)
    ws.ping('x'.repeat(125))
  })

  it('events carry the payload; a Ping is answered by itself unless autoPong is off [6455-5.5.2-2]', async () => {
    for (const autoPong of [true, false]) {
      const connection = new ConnectionInMemory({ autoPong })
      const seen: unknown[] = []
      connection.ws.on('ping', (data) => seen.push(['ping', data.toString()]))
      connection.ws.on('pong', (data) => seen.push(['pong', data.toString()]))
      await connection.transport.arrive(
        clientFrame({ opcode: 0x9, payload: 'a' }),
        clientFrame({ opcode: 0xa, payload: 'b' }),
      )
      expect(seen).toEqual([
        ['ping', 'a'],
        ['pong', 'b'],
      ])
      expect(connection.takeFrames()).toEqual(autoPong ? ['pong 61'] : [])
    }
  })
})

describe('close', () => {
  const allowed = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
  for (const code of allowed) {
    it(`sends ${code}`, async () => {
      const connection = new ConnectionInMemory()
      connection.ws.close(code, 'why')
      await settle()
      expect(connection.takeFrames()).toEqual([`close ${code} "why"`])
    })
  }

  for (const code of [0, 999, 1004, 1005, 1006, 1010, 1015, 1016, 2999, 5000, 65_536, -1, 1000.5, Number.NaN]) {
    it(`refuses ${code} and leaves the connection open [6455-7.4.1-3]`, async () => {
      const connection = new ConnectionInMemory()
      expect(() => connection.ws.close(code)).toThrow(UsageError)
      await settle()
      expect(connection.takeFrames()).toEqual([])
      expect(connection.ws.readyState).toBe(WebSocket.OPEN)
    })
  }

  it('sends no body without a code, and takes the reason as text or as bytes', async () => {
    for (const [args, frame] of [
      [[], 'close'],
      [[1000], 'close 1000 ""'],
      [[1000, 'é'], 'close 1000 "é"'],
      [[1000, Buffer.from('é')], 'close 1000 "é"'],
    ] as const) {
      const connection = new ConnectionInMemory()
      connection.ws.close(args[0], args[1])
      await settle()
      expect(connection.takeFrames()).toEqual([frame])
    }
  })

  it('refuses a reason that does not fit, is not UTF-8 or has no code', () => {
    const { ws } = new ConnectionInMemory()
    expect(() => ws.close(1000, 'x'.repeat(124))).toThrow(UsageError)
    expect(() => ws.close(1000, '€'.repeat(42))).toThrow(UsageError)
    expect(() => ws.close(1000, Buffer.from([0xff]))).toThrow(UsageError)
    expect(() => ws.close(undefined, 'why')).toThrow(UsageError)
    expect(() => ws.close(1000, 5 as unknown as string)).toThrow(UsageError)
    expect(() => ws.close(1000, new Float32Array(20) as unknown as Uint8Array)).toThrow(UsageError)
    expect(ws.readyState).toBe(WebSocket.OPEN)
    ws.close(1000, 'x'.repeat(123))
  })
})

describe('as an EventEmitter', () => {
  it('works with events.once', async () => {
    const { ws, transport } = new ConnectionInMemory()
    await transport.arrive(clientText('early'))
    expect(await once(ws, 'message')).toEqual(['early', false])
  })

  it('takes listeners by every name of on', async () => {
    const { ws, transport } = new ConnectionInMemory()
    const seen: string[] = []
    ws.on('message', () => seen.push('on'))
    ws.addListener('message', () => seen.push('addListener'))
    ws.prependListener('message', () => seen.push('prependListener'))
    ws.once('message', () => seen.push('once'))
    ws.prependOnceListener('message', () => seen.push('prependOnceListener'))
    await transport.arrive(clientText('a'), clientText('b'))
    expect(seen).toEqual([
      'prependOnceListener',
      'prependListener',
      'on',
      'addListener',
      'once',
      'prependListener',
      'on',
      'addListener',
    ])
  })
})
