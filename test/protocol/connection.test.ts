import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { Connection } from '../../src/protocol/connection.ts'
import { SlabPool } from '../../src/protocol/output.ts'
import { ReadyState, TransportIntent } from '../../src/protocol/state.ts'
import { chunkings, concat } from '../support/chunkings.ts'
import { ConnectionPair, Endpoint, readFrames } from '../support/connection-pair.ts'
import { hex, toHex } from '../support/hex.ts'
import { RecordingListener } from '../support/recording-listener.ts'

const ROLES = ['server', 'client'] as const
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('new Connection', () => {
  it.each(ROLES)('begins OPEN on a %s, with nothing said, read or held', (role) => {
    const { connection } = new Endpoint(role)
    expect(connection.role).toBe(role)
    expect(connection.readyState).toBe(ReadyState.OPEN)
    expect(connection.transportIntent).toBe(TransportIntent.None)
    expect(connection.closeCode).toBe(1006)
    expect(connection.closeReason).toBe('')
    expect(connection.sentCloseCode).toBe(0)
    expect(connection.closeReceived).toBe(false)
    expect(connection.violation).toBeNull()
    expect(connection.pendingOutput).toBe(0)
    expect(connection.hasBorrowedOutput).toBe(false)
    expect(connection.bufferedInput).toBe(0)
    expect(connection.isSendingFragments).toBe(false)
    expect(connection.paused).toBe(false)
    expect(connection.hasRetained).toBe(false)
    expect(connection.wantsBytes).toBe(true)
    expect(connection.takeOutput()).toEqual([])
  })

  it.each(ROLES)('lets nothing wait on a %s without an extension, however much was sent', (role) => {
    const { connection } = new Endpoint(role)
    connection.sendMessage(new Uint8Array(1 << 20))
    connection.rest(0)
    expect(connection.waitingOutput).toBe(0)
    expect(connection.waitingFrames).toBe(0)
    expect(connection.releasedFrames).toBe(0)
    expect(connection.isDecoding).toBe(false)
    expect(connection.pendingOutput).toBeGreaterThan(1 << 20)
  })

  it('refuses a client without a source of masking-keys (§5.3) [6455-5.3-3]', () => {
    expect(() => new Connection(new RecordingListener(), { role: 'client' })).toThrow(UsageError)
    expect(() => new Connection(new RecordingListener(), { role: 'client' })).toThrow('6455-5.3-3')
    expect(new Connection(new RecordingListener(), { role: 'server' }).role).toBe('server')
  })

  it.each([
    { name: 'maxPayload', value: '1mb' },
    { name: 'maxFragments', value: Number.NaN },
    { name: 'maxFramesPerTurn', value: 0 },
  ])('refuses $name of $value, which would be no limit', ({ name, value }) => {
    expect(() => new Endpoint('server', { [name]: value })).toThrow(`option ${name} is ${value}`)
  })

  it('shares the slab pool it is given', () => {
    const slabPool = new SlabPool()
    const [a, b] = [new Endpoint('server', { slabPool }), new Endpoint('server', { slabPool })]
    a.connection.sendMessage('a')
    b.connection.sendMessage('b')
    expect(slabPool.current.users).toBe(2)
    expect([a.takeSent(), b.takeSent()]).toEqual([['text "a"'], ['text "b"']])
  })
})

describe('sending', () => {
  it.each(ROLES)(
    'sends messages, fragments, Pings and Pongs of a %s in the order of the calls (§6.1) [6455-6.1-1]',
    (role) => {
      const end = new Endpoint(role)
      end.connection.sendMessage('text')
      end.connection.sendMessage(hex('01 02'))
      end.connection.sendMessage(ascii('more text'), false)
      end.connection.sendMessage('bytes', true)
      end.connection.sendFragment('a', false, false)
      expect(end.connection.isSendingFragments).toBe(true)
      end.connection.sendPing()
      end.connection.sendPing(hex('03'))
      end.connection.sendPong(hex('04'))
      end.connection.sendPong()
      end.connection.sendFragment('b', false, true)
      expect(end.connection.isSendingFragments).toBe(false)
      expect(end.connection.pendingOutput).toBeGreaterThan(0)
      expect(end.takeSent()).toEqual([
        'text "text"',
        'binary 01 02',
        'text "more text"',
        'binary 62 79 74 65 73',
        'text... 61',
        'ping',
        'ping 03',
        'pong 04',
        'pong',
        'continuation 62',
      ])
      expect(end.connection.pendingOutput).toBe(0)
    },
  )

  it('masks every frame of a client, control frames and the Close too (§5.3, §5.5.1) [6455-5.5.1-5] [6455-6.1-8]', () => {
    const client = new Endpoint('client')
    client.connection.sendMessage('a')
    client.connection.sendPing(hex('01'))
    client.connection.sendFragment('b', false, false)
    client.receive(client.peerFrame(0x9, hex('02')))
    client.connection.close(1000)
    const frames = readFrames(client.takeBytes())
    expect(frames).toHaveLength(5)
    expect(frames.map(({ maskingKey }) => maskingKey)).toEqual(
      client.keys.map((key) => [key >>> 24, (key >>> 16) & 255, (key >>> 8) & 255, key & 255]),
    )
    expect(new Set(client.keys).size).toBe(5)
  })

  it('masks no frame of a server (§5.1) [6455-5.1-4]', () => {
    const server = new Endpoint('server')
    server.connection.sendMessage('a')
    server.connection.sendPing(hex('01'))
    server.connection.close(1000)
    expect(readFrames(server.takeBytes()).map(({ maskingKey }) => maskingKey)).toEqual([null, null, null])
    expect(server.keys).toEqual([])
  })

  it.each(ROLES)('refuses to send on a %s that is not OPEN (§6.1) [6455-6.1-2] [6455-6.1-3] [6455-5.5.1-6]', (role) => {
    const ends: Array<[string, (end: Endpoint) => void]> = [
      ['our Close', (end) => end.connection.close()],
      ["the peer's Close", (end) => end.receive(end.peerClose())],
      ['a violation', (end) => end.receive(end.peerFrame(0x3))],
      ["the end of the peer's direction", (end) => end.connection.receiveEnd()],
      ['the end of the transport', (end) => end.connection.transportClosed()],
    ]
    for (const [why, finish] of ends) {
      const end = new Endpoint(role)
      const { connection } = end
      connection.sendFragment('begun', false, false)
      finish(end)
      end.takeBytes()
      for (const [what, call] of [
        ['sendMessage', () => connection.sendMessage('x')],
        ['sendFragment', () => connection.sendFragment('x', false, true)],
        ['sendPing', () => connection.sendPing()],
      ] as const) {
        expect(call, `${what} after ${why}`).toThrow(UsageError)
        expect(call).toThrow(`${what}: the connection is not OPEN (6455-6.1-2)`)
      }
      expect(connection.pendingOutput).toBe(0)
    }
  })

  it('says whether a payload was not copied, so that the driver flushes before the caller goes on', () => {
    const { connection } = new Endpoint('server')
    connection.sendMessage(new Uint8Array(16_384))
    expect(connection.hasBorrowedOutput).toBe(false)
    connection.sendMessage(new Uint8Array(16_385))
    expect(connection.hasBorrowedOutput).toBe(true)
    connection.takeOutput()
    expect(connection.hasBorrowedOutput).toBe(false)
  })

  it('keeps a frame that was sent between takeOutput and outputWritten', () => {
    for (const consumed of [true, false]) {
      const { connection } = new Endpoint('server')
      connection.sendMessage('a')
      connection.takeOutput()
      connection.sendMessage('b')
      connection.outputWritten(consumed)
      connection.sendMessage('c')
      expect(toHex(concat(...connection.takeOutput()))).toBe('81 01 62 81 01 63')
    }
  })
})

describe('receiving', () => {
  it('reads the frames of §5.7 on both sides (§5.7) [6455-6.2-1] [6455-6.2-7]', () => {
    const server = new Endpoint('server')
    server.receive(hex('81 85 37 fa 21 3d 7f 9f 4d 51 58'))
    expect(server.takeEvents()).toEqual(['text "Hello"'])
    const client = new Endpoint('client')
    client.receive(hex('81 05 48 65 6c 6c 6f  01 03 48 65 6c 80 02 6c 6f  89 05 48 65 6c 6c 6f'))
    expect(client.takeEvents()).toEqual(['text "Hello"', 'text "Hello"', 'ping 48 65 6c 6c 6f'])
    expect(client.takeSent()).toEqual(['pong 48 65 6c 6c 6f'])
  })

  it.each(ROLES)(
    'reads the same from every cut of the stream, on a %s (§5.4, §6.2) [6455-5.4-13] [6455-6.2-1]',
    (role) => {
      const { peerFrame, peerClose } = bound(new Endpoint(role))
      const stream = concat(
        peerFrame(0x1, 'Hé'),
        peerFrame(0x2, '', { fin: false }),
        peerFrame(0x9, hex('01')),
        peerFrame(0x0, hex('02 03'), { fin: false }),
        peerFrame(0xa, ''),
        peerFrame(0x0, hex('04')),
        peerFrame(0x1, hex('61 e2'), { fin: false }),
        peerFrame(0x0, hex('82 ac')),
        peerFrame(0x2, new Uint8Array(130)),
        peerFrame(0x9, ''),
        peerClose(4001, 'é'),
      )
      const events = [
        'text "Hé"',
        'ping 01',
        'pong',
        'binary 02 03 04',
        'text "a€"',
        `binary ${toHex(new Uint8Array(130))}`,
        'ping',
        'close 4001 "é"',
      ]
      for (const { name, chunks } of chunkings(stream)) {
        const end = new Endpoint(role)
        for (const chunk of chunks) end.connection.receive(chunk)
        expect(end.takeEvents(), name).toEqual(events)
        expect(end.takeSent(), name).toEqual(['pong 01', 'pong', 'close 4001 ""'])
      }
    },
  )

  it.each(ROLES)('does the same whatever stands in front of and behind the range it is given, on a %s', (role) => {
    const end = new Endpoint(role)
    const message = end.peerFrame(0x1, 'Hello')
    const chunk = concat(hex('ff ff ff'), message, hex('ff ff'))
    end.connection.receive(chunk, 3, 3 + message.length)
    end.connection.receive(chunk, 3, 3)
    expect(end.takeEvents()).toEqual(['text "Hello"'])
    expect(toHex(chunk.subarray(0, 3))).toBe('ff ff ff')
    expect(toHex(chunk.subarray(3 + message.length))).toBe('ff ff')
  })

  it('joins 100 fragments of one byte in order (§5.4) [6455-5.4-3] [6455-5.4-7] [6455-6.2-3] [6455-6.2-4]', () => {
    for (const role of ROLES) {
      const end = new Endpoint(role)
      for (let i = 0; i < 100; i += 1) {
        end.receive(end.peerFrame(i === 0 ? 0x2 : 0x0, Uint8Array.of(i), { fin: i === 99 }))
      }
      end.receive(end.peerFrame(0x1, 'next'))
      const all = Array.from({ length: 100 }, (_, i) => i)
      expect(end.takeEvents()).toEqual([`binary ${toHex(Uint8Array.from(all))}`, 'text "next"'])
    }
  })

  it('keeps the types of two fragmented messages apart (§5.4) [6455-5.4-12]', () => {
    const end = new Endpoint('server')
    end.receive(end.peerFrame(0x1, 'a', { fin: false }), end.peerFrame(0x0, 'b'))
    end.receive(end.peerFrame(0x2, 'c', { fin: false }), end.peerFrame(0x0, 'd'))
    expect(end.takeEvents()).toEqual(['text "ab"', 'binary 63 64'])
  })

  it('takes empty fragments and messages (§5.4) [6455-5.4-6]', () => {
    const end = new Endpoint('server')
    end.receive(end.peerFrame(0x1, '', { fin: false }), end.peerFrame(0x0, '', { fin: false }), end.peerFrame(0x0, ''))
    end.receive(end.peerFrame(0x2, ''))
    expect(end.takeEvents()).toEqual(['text ""', 'binary'])
  })

  it('lets a text character be cut between fragments and chunks (§5.6) [6455-5.6-1]', () => {
    for (const role of ROLES) {
      const end = new Endpoint(role)
      const octets = new TextEncoder().encode('κ€🌍')
      octets.forEach((octet, i) => {
        const fin = i === octets.length - 1
        for (const byte of end.peerFrame(i === 0 ? 0x1 : 0x0, Uint8Array.of(octet), { fin })) {
          end.receive(Uint8Array.of(byte))
        }
      })
      expect(end.takeEvents()).toEqual(['text "κ€🌍"'])
    }
  })

  it('counts what it holds for an open message, and forgets it with the end of the message', () => {
    const end = new Endpoint('server')
    end.receive(end.peerFrame(0x2, new Uint8Array(1000), { fin: false }))
    expect(end.connection.bufferedInput).toBeGreaterThanOrEqual(1000)
    expect(end.connection.bufferedInput).toBeLessThanOrEqual(2000)
    end.receive(end.peerFrame(0x0, ''))
    expect(end.connection.bufferedInput).toBe(0)
  })

  it('holds nothing for a length that is only announced', () => {
    const end = new Endpoint('server')
    end.receive(end.peerFrame(0x2, new Uint8Array(1 << 20)).subarray(0, 14))
    expect(end.connection.bufferedInput).toBe(0)
  })
})

describe('limits', () => {
  it.each([
    { limit: 0, payload: 0, ok: true },
    { limit: 0, payload: 1, ok: false },
    { limit: 5, payload: 5, ok: true },
    { limit: 5, payload: 6, ok: false },
    { limit: Number.POSITIVE_INFINITY, payload: (1 << 20) + 1, ok: true },
    { limit: undefined, payload: 1 << 20, ok: true },
    { limit: undefined, payload: (1 << 20) + 1, ok: false },
  ])(
    'maxPayload $limit and a message of $payload bytes: taken is $ok (§10.4) [6455-10.4-2]',
    ({ limit, payload, ok }) => {
      const taken: number[] = []
      const end = new Endpoint('server', limit === undefined ? {} : { maxPayload: limit }, (listener) =>
        Object.assign(listener, {
          message: (_isBinary: boolean, _bytes: Uint8Array, start: number, stop: number) => taken.push(stop - start),
        }),
      )
      end.receive(end.peerFrame(0x2, new Uint8Array(payload)))
      expect(taken).toEqual(ok ? [payload] : [])
      expect(end.takeEvents()).toEqual(ok ? [] : ['failed 6455-10.4-2'])
      expect(end.connection.sentCloseCode).toBe(ok ? 0 : 1009)
    },
  )

  it('counts the fragments of a message together (§10.4) [6455-10.4-1] [6455-10.4-2]', () => {
    const end = new Endpoint('server', { maxPayload: 10, maxFragments: 3 })
    const fragment = (opcode: number, length: number, fin = false): void =>
      end.receive(end.peerFrame(opcode, new Uint8Array(length), { fin }))
    fragment(0x2, 4)
    fragment(0x0, 4)
    fragment(0x0, 2, true)
    fragment(0x2, 1)
    fragment(0x0, 1)
    fragment(0x0, 1)
    expect(end.takeSent()).toEqual([])
    fragment(0x0, 1)
    expect(end.takeEvents().at(-1)).toBe('failed 6455-10.4-1')
    expect(end.takeSent()[0]).toMatch(/^close 1008 "6455-10\.4-1 /)
  })
})

describe('control frames', () => {
  it.each(ROLES)(
    'answers every Ping with its own data, in order, on a %s (§5.5.2, §5.5.3) [6455-5.5.2-1] [6455-5.5.2-2] [6455-5.5.3-1] [6455-5.5.3-2]',
    (role) => {
      const end = new Endpoint(role)
      const longest = Uint8Array.from({ length: 125 }, (_, i) => i * 2)
      end.receive(end.peerFrame(0x9, ''), end.peerFrame(0x9, hex('00 ff')), end.peerFrame(0x9, longest))
      expect(end.takeSent()).toEqual(['pong', 'pong 00 ff', `pong ${toHex(longest)}`])
      expect(end.takeEvents()).toEqual(['ping', 'ping 00 ff', `ping ${toHex(longest)}`])
    },
  )

  it.each(ROLES)(
    'answers a Ping inside a fragmented message before the message is complete, on a %s (§5.4, §5.5.2) [6455-5.4-1] [6455-5.4-5] [6455-5.5.2-3] [6455-6.2-2]',
    (role) => {
      const end = new Endpoint(role)
      end.listener.onEvent = (event) => {
        if (event.startsWith('text')) end.connection.sendMessage('echo')
      }
      end.receive(end.peerFrame(0x1, 'a', { fin: false }), end.peerFrame(0x9, hex('01')))
      expect(end.connection.pendingOutput).toBeGreaterThan(0)
      end.receive(end.peerFrame(0xa, hex('02')), end.peerFrame(0x0, 'b'))
      expect(end.takeEvents()).toEqual(['ping 01', 'pong 02', 'text "ab"'])
      expect(end.takeSent()).toEqual(['pong 01', 'text "echo"'])
    },
  )

  it('answers before the listener hears of the Ping, so that its own reply comes after the Pong', () => {
    const end = new Endpoint('server')
    end.listener.onEvent = () => end.connection.sendMessage('reply')
    end.receive(end.peerFrame(0x9, hex('01')))
    expect(end.takeSent()).toEqual(['pong 01', 'text "reply"'])
  })

  it.each(ROLES)('does not answer Pongs, asked for or not, on a %s (§5.5.3) [6455-5.5.3-3]', (role) => {
    const end = new Endpoint(role)
    end.receive(end.peerFrame(0xa, hex('01')), end.peerFrame(0xa, ''))
    expect(end.takeEvents()).toEqual(['pong 01', 'pong'])
    expect(end.connection.pendingOutput).toBe(0)
    expect(end.connection.readyState).toBe(ReadyState.OPEN)
  })

  it('takes a Close inside a fragmented message, which is never delivered (§5.4) [6455-5.4-5]', () => {
    for (const role of ROLES) {
      const end = new Endpoint(role)
      end.receive(end.peerFrame(0x1, 'a', { fin: false }), end.peerClose(1000))
      expect(end.takeEvents()).toEqual(['close 1000 ""'])
      expect(end.connection.bufferedInput).toBe(0)
    }
  })

  it.each(ROLES)('leaves Pings to the listener when autoPong is off, on a %s (§5.5.2) [6455-5.5.2-2]', (role) => {
    const end = new Endpoint(role, { autoPong: false })
    end.receive(end.peerFrame(0x9, hex('01')))
    expect(end.takeEvents()).toEqual(['ping 01'])
    expect(end.takeSent()).toEqual([])
    end.connection.sendPong(hex('01'))
    end.connection.close(1000)
    end.receive(end.peerFrame(0x9, hex('02')))
    expect(end.takeEvents()).toEqual(['ping 02'])
    end.connection.sendPong(hex('02'))
    expect(end.takeSent()).toEqual(['pong 01', 'close 1000 ""', 'pong 02'])
    end.receive(end.peerClose(1000))
    expect(() => end.connection.sendPong()).toThrow(UsageError)
    expect(() => end.connection.sendPong()).toThrow('sendPong: the connection is not OPEN')
  })

  it('refuses Pings and Pongs of more than 125 bytes (§5.5) [6455-5.5-1]', () => {
    const { connection } = new Endpoint('server')
    connection.sendPing(new Uint8Array(125))
    expect(() => connection.sendPing(new Uint8Array(126))).toThrow(UsageError)
    expect(() => connection.sendPong(new Uint8Array(126))).toThrow('pong frame of 126 bytes')
    expect(connection.pendingOutput).toBe(127)
  })

  it('may Ping at any time while the connection is OPEN (§5.5.2) [6455-5.5.2-4]', () => {
    const pair = new ConnectionPair()
    for (const end of pair.ends) end.connection.sendPing(hex('01'))
    pair.settle()
    for (const end of pair.ends) expect(end.takeEvents()).toEqual(['ping 01', 'pong 01'])
  })
})

/** The frame builders of an endpoint as functions. */
function bound(end: Endpoint): Pick<Endpoint, 'peerFrame' | 'peerClose'> {
  return { peerFrame: end.peerFrame.bind(end), peerClose: end.peerClose.bind(end) }
}
