import { describe, expect, it } from 'vitest'
import { Connection } from '../../src/protocol/connection.ts'
import type { ConnectionListener } from '../../src/protocol/listener.ts'
import { ReadyState } from '../../src/protocol/state.ts'
import { concat } from '../support/chunkings.ts'
import { Endpoint } from '../support/connection-pair.ts'
import { hex } from '../support/hex.ts'

const ROLES = ['server', 'client'] as const
const texts = (end: Endpoint, ...all: readonly string[]): Uint8Array =>
  concat(...all.map((text) => end.peerFrame(0x1, text)))

interface Given {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  readonly owned: boolean
}

/** A client connection that remembers the ranges of messages as they were given. */
function remembering(onMessage: (range: Given) => void = () => {}): { connection: Connection; given: Given[] } {
  const given: Given[] = []
  const nothing = (): void => {}
  const listener: ConnectionListener = {
    message: (_, bytes, start, end, owned) => {
      given.push({ bytes, start, end, owned })
      onMessage({ bytes, start, end, owned })
    },
    ping: nothing,
    pong: nothing,
    closeReceived: nothing,
    failed: nothing,
  }
  return { connection: new Connection(listener, { role: 'client', maskingKey: () => 0 }), given }
}

describe('the bytes that a listener is given', () => {
  it('lie in the chunk when the message does, and belong to the driver', () => {
    const { connection, given } = remembering()
    const chunk = hex('82 02 01 02')
    connection.receive(chunk)
    expect(given).toEqual([{ bytes: chunk, start: 2, end: 4, owned: false }])
    expect(given[0]?.bytes).toBe(chunk)
  })

  it('belong to the listener when a long message had to be joined, and are never written again', () => {
    const { connection, given } = remembering()
    const payload = new Uint8Array(20_000)
    for (const byte of [1, 2]) {
      connection.receive(concat(hex('82 7e 4e 20'), payload.fill(byte).slice(0, 15_000)))
      connection.receive(payload.slice(15_000))
    }
    expect(given.map(({ owned, start, end }) => [owned, start, end])).toEqual([
      [true, 0, 20_000],
      [true, 0, 20_000],
    ])
    expect(given.map(({ bytes }) => [bytes.buffer.byteLength, new Set(bytes)])).toEqual([
      [20_000, new Set([1])],
      [20_000, new Set([2])],
    ])
  })

  it('do not belong to it when a short one was joined; what it keeps of one read lies side by side', () => {
    const kept: Uint8Array[] = []
    const { connection } = remembering((range) => kept.push(connection.keep(range.bytes, range.start, range.end)))
    const frame = (first: number, byte: number): Uint8Array =>
      concat(Uint8Array.of(first, 100), new Uint8Array(100).fill(byte))
    connection.receive(frame(0x02, 1))
    connection.receive(concat(frame(0x80, 2), frame(0x82, 3), frame(0x82, 4)))
    connection.receive(concat(frame(0x82, 5), frame(0x82, 6)))
    expect(kept.map((bytes) => [bytes.length, new Set(bytes)])).toEqual([
      [200, new Set([1, 2])],
      ...[3, 4, 5, 6].map((byte) => [100, new Set([byte])]),
    ])
    const [, a, b, c, d] = kept.map(({ buffer }) => buffer)
    expect([a === b, c === d]).toEqual([true, true])
    expect(a).not.toBe(c)
  })

  it('may be kept outside of a read too', () => {
    const { connection } = remembering()
    const kept = connection.keep(Uint8Array.of(1, 2, 3, 4), 1, 3)
    expect([[...kept], kept.buffer.byteLength]).toEqual([[2, 3], 2])
  })

  it('are valid UTF-8 when the message is text (§5.6) [6455-5.6-1]', () => {
    const end = new Endpoint('server')
    // The recorder decodes strictly, and would throw.
    end.receive(texts(end, 'κόσμε'), end.peerFrame(0x1, hex('ed a0 80')))
    expect(end.takeEvents()).toEqual(['text "κόσμε"', 'failed 6455-8.1-1'])
  })
})

describe.each(ROLES)('a listener of a %s', (role) => {
  it('is told everything in the order of the wire, during the call that brought it', () => {
    const end = new Endpoint(role)
    end.receive(texts(end, 'a'), end.peerFrame(0x9), texts(end, 'b'), end.peerFrame(0xa), end.peerClose(1000, 'bye'))
    expect(end.takeEvents()).toEqual(['text "a"', 'ping', 'text "b"', 'pong', 'close 1000 "bye"'])
  })

  it('may reply: what it sends leaves in the same write, behind what was sent before', () => {
    const end = new Endpoint(role)
    end.listener.onEvent = (event) => {
      if (event.startsWith('text')) end.connection.sendMessage(event)
    }
    end.receive(texts(end, 'a', 'b'), end.peerFrame(0x9), texts(end, 'c'))
    expect(end.connection.takeOutput()).toHaveLength(1)
  })

  it('may close: what came in the same chunk is still delivered, and the Close answered', () => {
    const end = new Endpoint(role)
    end.listener.onEvent = (event) => {
      if (event === 'text "a"') end.connection.close(1001)
    }
    end.receive(texts(end, 'a', 'b'), end.peerClose(1000))
    expect(end.takeEvents()).toEqual(['text "a"', 'text "b"', 'close 1000 ""'])
    expect(end.takeSent()).toEqual(['close 1001 ""'])
  })

  it('finds the Close answered and the state changed when it is told of it', () => {
    const end = new Endpoint(role)
    const seen: unknown[] = []
    end.listener.onEvent = () => {
      const { readyState, closeCode, closeReason, sentCloseCode, pendingOutput } = end.connection
      seen.push([readyState, closeCode, closeReason, sentCloseCode, pendingOutput > 0])
    }
    end.receive(end.peerClose(4000, 'bye'))
    expect(seen).toEqual([[ReadyState.CLOSING, 4000, 'bye', 4000, true]])
  })

  it('hears nothing more of a transport that it gave up', () => {
    for (const event of ['text "a"', 'ping', 'pong']) {
      const end = new Endpoint(role)
      end.listener.onEvent = (told) => {
        if (told === event) end.connection.transportClosed()
      }
      end.receive(texts(end, 'a'), end.peerFrame(0x9), end.peerFrame(0xa), texts(end, 'b'), end.peerClose(1000))
      expect(end.takeEvents().at(-1)).toBe(event)
      expect(end.connection.readyState).toBe(ReadyState.CLOSED)
      expect(end.connection.closeCode).toBe(1006)
      expect(end.takeSent()).toEqual([])
      expect(end.connection.bufferedInput).toBe(0)
    }
  })

  it('hears of bytes that a transport brings while it is being told, in order behind those in hand', () => {
    for (const pauses of [false, true]) {
      const end = new Endpoint(role)
      end.listener.onEvent = (event) => {
        if (event !== 'text "a"') return
        end.receive(texts(end, 'c'))
        end.receive(texts(end, 'd'))
        if (pauses) end.connection.pause()
      }
      end.receive(texts(end, 'a', 'b'))
      if (pauses) {
        expect(end.takeEvents()).toEqual(['text "a"'])
        end.connection.resume()
      } else {
        expect(end.takeEvents()).toEqual(['text "a"', 'text "b"'])
        expect(end.connection.hasRetained).toBe(true)
        end.connection.readRetained()
      }
      expect(end.takeEvents().at(-1)).toBe('text "d"')
      expect(end.connection.hasRetained).toBe(false)
    }
  })

  it('hears of bytes that come while retained ones are read, in order behind those', () => {
    const end = new Endpoint(role, { maxFramesPerTurn: 1 })
    end.receive(texts(end, 'a', 'b', 'c'))
    end.listener.onEvent = (event) => {
      if (event === 'text "b"') end.receive(texts(end, 'd'))
    }
    for (let turn = 0; turn < 3; turn += 1) end.connection.readRetained()
    expect(end.connection.hasRetained).toBe(false)
    expect(end.takeEvents()).toEqual(['text "a"', 'text "b"', 'text "c"', 'text "d"'])
  })

  it('hears nothing of bytes that came while it was told, when a Close stands in front of them', () => {
    const end = new Endpoint(role)
    end.listener.onEvent = (event) => {
      if (event === 'text "a"') end.receive(texts(end, 'behind'))
    }
    end.receive(texts(end, 'a'), end.peerClose(1000))
    expect(end.connection.hasRetained).toBe(false)
    expect(end.connection.bufferedInput).toBe(0)
    end.connection.readRetained()
    expect(end.takeEvents()).toEqual(['text "a"', 'close 1000 ""'])
  })

  it('may be told of the end while it is being told of a message: the end waits for the bytes in hand', () => {
    const end = new Endpoint(role)
    end.listener.onEvent = (event) => {
      if (event === 'text "a"') end.connection.receiveEnd()
    }
    end.receive(texts(end, 'a', 'b'))
    expect(end.takeEvents()).toEqual(['text "a"', 'text "b"'])
    expect(end.connection.readyState).toBe(ReadyState.OPEN)
    expect(end.connection.hasRetained).toBe(true)
    end.connection.readRetained()
    expect(end.connection.readyState).toBe(ReadyState.CLOSED)
    expect(end.connection.hasRetained).toBe(false)
  })

  it('does not read on by itself: readRetained inside a listener does nothing', () => {
    const end = new Endpoint(role)
    const depth = { now: 0, most: 0 }
    end.listener.onEvent = () => {
      depth.now += 1
      depth.most = Math.max(depth.most, depth.now)
      end.connection.readRetained()
      end.connection.resume()
      depth.now -= 1
    }
    end.receive(texts(end, ...'x'.repeat(500)))
    expect(end.takeEvents()).toHaveLength(500)
    expect(depth.most).toBe(1)
  })
})

describe('a listener that takes pieces', () => {
  const ENDS = {
    fail: (end: Endpoint) => end.connection.fail({ id: 'app', statusCode: 1011, message: 'x' }),
    transportClosed: (end: Endpoint) => end.connection.transportClosed(),
  }
  /** Ways to bring a message that is cut; the last chunk brings its last piece. */
  const STREAMS = {
    'a frame in two chunks': (end: Endpoint) => [
      end.peerFrame(0x1, 'ab').slice(0, -1),
      end.peerFrame(0x1, 'ab').slice(-1),
    ],
    'two frames': (end: Endpoint) => [end.peerFrame(0x1, 'a', { fin: false }), end.peerFrame(0x0, 'b')],
    'a last frame in two chunks': (end: Endpoint) => [
      concat(end.peerFrame(0x1, 'a', { fin: false }), end.peerFrame(0x0, 'bc').slice(0, -1)),
      end.peerFrame(0x0, 'bc').slice(-1),
    ],
  }

  it.each(
    Object.entries(STREAMS).flatMap(([stream, chunksOf]) =>
      (['messageStart', 'first piece', 'last piece'] as const).flatMap((where) =>
        (['fail', 'transportClosed'] as const).map((how) => ({ stream, chunksOf, where, how })),
      ),
    ),
  )('may end the connection by $how at its $where, in $stream: the sink is aborted and nothing follows', (row) => {
    const end = new Endpoint('server', {}, (listener) => {
      const told: string[] = []
      const tell = (event: string): void => {
        told.push(event)
        const isLast = told.filter((name) => name === 'piece').length === (row.stream.startsWith('a last') ? 3 : 2)
        const place = event === 'piece' ? (isLast ? 'last piece' : 'first piece') : event
        if (place === row.where && !told.includes('abort')) ENDS[row.how](end)
      }
      return Object.assign(listener, {
        told,
        messageStart: () => {
          tell('messageStart')
          return { piece: () => tell('piece'), end: () => told.push('end'), abort: () => told.push('abort') }
        },
      })
    })
    for (const chunk of row.chunksOf(end)) end.connection.receive(chunk)
    end.receive(end.peerFrame(0x1, 'behind'))
    const { told } = end.listener as unknown as { told: string[] }
    expect(told.at(-1)).toBe('abort')
    expect(told.filter((event) => event === 'abort')).toHaveLength(1)
    expect(told).not.toContain('end')
    expect(end.takeEvents()).toEqual(row.how === 'fail' ? ['failed app'] : [])
    expect(end.connection.bufferedInput).toBe(0)
  })

  it.each([
    { how: 'the Close of the peer', finish: (end: Endpoint) => end.peerClose(1000), sent: 'close 1000 ""' },
    { how: 'a fault of the peer', finish: (end: Endpoint) => end.peerFrame(0x3), sent: 'close 1002 "6455-5.2-4' },
  ])('can send nothing any more when its sink is aborted by $how (§6.1) [6455-6.1-2]', ({ finish, sent }) => {
    const refused: unknown[] = []
    const end: Endpoint = new Endpoint('server', {}, (listener) =>
      Object.assign(listener, {
        messageStart: () => {
          const nothing = (): void => {}
          return { piece: nothing, end: nothing, abort: () => refused.push(errorOf(() => end.connection.sendPing())) }
        },
      }),
    )
    end.receive(end.peerFrame(0x1, 'a', { fin: false }))
    end.receive(finish(end))
    expect(refused).toEqual(['sendPing: the connection is not OPEN (6455-6.1-2)'])
    expect(end.takeSent().map((frame) => frame.slice(0, sent.length))).toEqual([sent])
  })
})

function errorOf(call: () => void): unknown {
  try {
    call()
    return null
  } catch (error) {
    return (error as Error).message
  }
}
