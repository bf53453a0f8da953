import { describe, expect, it } from 'vitest'
import { ReadyState, TransportIntent } from '../../src/protocol/state.ts'
import { chunkings, concat } from '../support/chunkings.ts'
import { ConnectionPair, Endpoint } from '../support/connection-pair.ts'
import { hex } from '../support/hex.ts'

const ROLES = ['server', 'client'] as const

/** Text messages as the peer sends them. */
const texts = (end: Endpoint, ...all: readonly string[]): Uint8Array =>
  concat(...all.map((text) => end.peerFrame(0x1, text)))

/** Pauses when the listener is told `event`. */
function pauseAt(end: Endpoint, event: string): void {
  end.listener.onEvent = (told) => {
    if (told === event) end.connection.pause()
  }
}

describe('Connection.pause', () => {
  it.each(ROLES)('in a listener keeps the rest of the chunk, and resume reads it in order, on a %s', (role) => {
    const end = new Endpoint(role)
    pauseAt(end, 'text "b"')
    const chunk = texts(end, 'a', 'b', 'c', 'd')
    end.connection.receive(chunk)
    // The chunk belongs to the driver again.
    chunk.fill(0xff)
    expect(end.takeEvents()).toEqual(['text "a"', 'text "b"'])
    expect(end.connection.paused).toBe(true)
    expect(end.connection.wantsBytes).toBe(false)
    expect(end.connection.hasRetained).toBe(false)
    expect(end.connection.bufferedInput).toBeGreaterThan(0)
    end.connection.resume()
    expect(end.takeEvents()).toEqual(['text "c"', 'text "d"'])
    expect(end.connection.paused).toBe(false)
    expect(end.connection.wantsBytes).toBe(true)
    expect(end.connection.bufferedInput).toBe(0)
  })

  it.each(ROLES)('keeps what comes later behind what is kept already, in any cut, on a %s', (role) => {
    const model = new Endpoint(role)
    const stream = concat(
      texts(model, 'a', 'b'),
      model.peerFrame(0x2, hex('01'), { fin: false }),
      model.peerFrame(0x9, hex('02')),
      model.peerFrame(0x0, hex('03')),
      model.peerClose(1000),
    )
    for (const { name, chunks } of chunkings(stream)) {
      const end = new Endpoint(role)
      pauseAt(end, 'text "a"')
      for (const chunk of chunks) {
        end.connection.receive(chunk)
        chunk.fill(0)
      }
      expect(end.takeEvents(), name).toEqual(['text "a"'])
      end.connection.readRetained()
      expect(end.takeEvents(), name).toEqual([])
      end.connection.resume()
      expect(end.takeEvents(), name).toEqual(['text "b"', 'ping 02', 'binary 01 03', 'close 1000 ""'])
      expect(end.takeSent(), name).toEqual(['pong 02', 'close 1000 ""'])
    }
  })

  it('outside a listener keeps everything, from the next byte on', () => {
    const end = new Endpoint('server')
    end.connection.pause()
    for (const byte of texts(end, 'a')) end.receive(Uint8Array.of(byte))
    expect(end.takeEvents()).toEqual([])
    end.connection.resume()
    expect(end.takeEvents()).toEqual(['text "a"'])
  })

  it('inside a frame keeps the rest of the frame', () => {
    const end = new Endpoint('server')
    const message = texts(end, 'Hello')
    end.receive(message.slice(0, 8))
    end.connection.pause()
    end.receive(message.slice(8))
    expect(end.takeEvents()).toEqual([])
    end.connection.resume()
    expect(end.takeEvents()).toEqual(['text "Hello"'])
  })

  it('between fragments keeps the message open, and the Pings between them wait too', () => {
    const end = new Endpoint('server')
    pauseAt(end, 'ping 01')
    end.receive(
      end.peerFrame(0x1, 'a', { fin: false }),
      end.peerFrame(0x9, hex('01')),
      end.peerFrame(0x0, 'b', { fin: false }),
      end.peerFrame(0x9, hex('02')),
      end.peerFrame(0x0, 'c'),
    )
    expect(end.takeEvents()).toEqual(['ping 01'])
    expect(end.takeSent()).toEqual(['pong 01'])
    end.connection.resume()
    expect(end.takeEvents()).toEqual(['ping 02', 'text "abc"'])
    expect(end.takeSent()).toEqual(['pong 02'])
  })

  it('again while the retained bytes are read keeps the rest once more', () => {
    const end = new Endpoint('server')
    end.listener.onEvent = () => end.connection.pause()
    end.receive(texts(end, 'a', 'b', 'c'))
    for (const text of ['a', 'b', 'c']) {
      expect(end.takeEvents()).toEqual([`text "${text}"`])
      end.connection.resume()
    }
    expect(end.takeEvents()).toEqual([])
    expect(end.connection.bufferedInput).toBe(0)
    expect(end.connection.paused).toBe(false)
  })

  it('and resume in the same listener read on at once', () => {
    const end = new Endpoint('server')
    end.listener.onEvent = () => {
      end.connection.pause()
      end.connection.resume()
    }
    end.receive(texts(end, 'a', 'b', 'c'))
    expect(end.takeEvents()).toEqual(['text "a"', 'text "b"', 'text "c"'])
    expect(end.connection.bufferedInput).toBe(0)
  })

  it('does not keep us from sending, nor from closing', () => {
    const end = new Endpoint('server')
    end.connection.pause()
    end.connection.sendMessage('a')
    end.connection.close(1000)
    end.receive(end.peerClose(1000))
    expect(end.takeSent()).toEqual(['text "a"', 'close 1000 ""'])
    expect(end.connection.transportIntent).toBe(TransportIntent.ExpectClose)
    end.connection.resume()
    expect(end.connection.transportIntent).toBe(TransportIntent.HalfClose)
  })

  it('is no reason to hold the memory of a transport that is gone', () => {
    const end = new Endpoint('server')
    end.connection.pause()
    end.receive(texts(end, 'a'))
    end.connection.receiveEnd()
    end.connection.transportClosed()
    expect(end.connection.bufferedInput).toBe(0)
    end.connection.resume()
    expect(end.connection.hasRetained).toBe(false)
    expect(end.takeEvents()).toEqual([])
    expect(end.connection.readyState).toBe(ReadyState.CLOSED)
  })
})

describe('the end of the stream', () => {
  it.each(ROLES)('takes effect behind the bytes that are retained, on a %s (§7.1.5) [6455-7.1.5-1]', (role) => {
    const end = new Endpoint(role)
    pauseAt(end, 'text "a"')
    end.receive(texts(end, 'a', 'b'), end.peerClose(4001))
    end.connection.receiveEnd()
    expect(end.connection.readyState).toBe(ReadyState.OPEN)
    expect(end.connection.transportIntent).toBe(TransportIntent.None)
    end.connection.resume()
    expect(end.takeEvents()).toEqual(['text "a"', 'text "b"', 'close 4001 ""'])
    expect(end.connection.closeCode).toBe(4001)
    expect(end.connection.readyState).toBe(ReadyState.CLOSED)
    expect(end.connection.hasRetained).toBe(false)
  })

  it('waits as long as bytes are retained, over several pauses', () => {
    const end = new Endpoint('server')
    end.listener.onEvent = () => end.connection.pause()
    end.receive(texts(end, 'a', 'b', 'c'))
    end.connection.receiveEnd()
    end.connection.resume()
    expect(end.connection.readyState).toBe(ReadyState.OPEN)
    end.connection.resume()
    // The last message was read; the end is next, whether or not its listener paused.
    expect(end.connection.readyState).toBe(ReadyState.CLOSED)
    expect(end.takeEvents()).toEqual(['text "a"', 'text "b"', 'text "c"'])
  })

  it('takes effect at once when nothing is retained, also while paused', () => {
    const end = new Endpoint('server')
    end.connection.pause()
    end.connection.receiveEnd()
    expect(end.connection.readyState).toBe(ReadyState.CLOSED)
  })

  it('comes behind a message that is cut, which is dropped', () => {
    const end = new Endpoint('server')
    end.connection.pause()
    end.receive(texts(end, 'cut').slice(0, -1))
    end.connection.receiveEnd()
    end.connection.resume()
    expect(end.takeEvents()).toEqual([])
    expect(end.connection.readyState).toBe(ReadyState.CLOSED)
    expect(end.connection.bufferedInput).toBe(0)
  })
})

describe('maxFramesPerTurn', () => {
  it.each(ROLES)('leaves the rest of a flood for readRetained in a later turn, on a %s', (role) => {
    const end = new Endpoint(role, { maxFramesPerTurn: 3 })
    end.receive(texts(end, ...'abcdefgh'))
    expect(end.takeEvents()).toEqual(['text "a"', 'text "b"', 'text "c"'])
    expect(end.connection.hasRetained).toBe(true)
    expect(end.connection.wantsBytes).toBe(false)
    expect(end.connection.paused).toBe(false)
    end.connection.readRetained()
    expect(end.takeEvents()).toEqual(['text "d"', 'text "e"', 'text "f"'])
    end.receive(texts(end, 'i'))
    expect(end.takeEvents()).toEqual([])
    end.connection.readRetained()
    expect(end.takeEvents()).toEqual(['text "g"', 'text "h"', 'text "i"'])
    expect(end.connection.hasRetained).toBe(false)
    expect(end.connection.wantsBytes).toBe(true)
  })

  it('counts control frames, fragments and frames that are cut alike', () => {
    const end = new Endpoint('server', { maxFramesPerTurn: 2 })
    end.receive(end.peerFrame(0x9), end.peerFrame(0xa), end.peerFrame(0xa))
    expect(end.takeEvents()).toEqual(['ping', 'pong'])
    end.connection.readRetained()
    expect(end.takeEvents()).toEqual(['pong'])
    end.receive(end.peerFrame(0x1, '', { fin: false }), end.peerFrame(0x0, '', { fin: false }), end.peerFrame(0x0))
    expect(end.connection.hasRetained).toBe(true)
    end.connection.readRetained()
    expect(end.takeEvents()).toEqual(['text ""'])
    end.receive(texts(end, 'a'), texts(end, 'bc').slice(0, -1))
    expect(end.connection.hasRetained).toBe(false)
    end.receive(texts(end, 'bc').slice(-1), texts(end, 'd', 'e', 'f'))
    expect(end.takeEvents()).toEqual(['text "a"', 'text "bc"', 'text "d"', 'text "e"'])
    expect(end.connection.hasRetained).toBe(true)
  })

  it('is fresh with every call, so that few frames are never held up', () => {
    const end = new Endpoint('server', { maxFramesPerTurn: 1 })
    for (const text of 'abcdef') {
      end.receive(texts(end, text))
      expect(end.takeEvents()).toEqual([`text "${text}"`])
      expect(end.connection.hasRetained).toBe(false)
    }
  })

  it('may be infinite', () => {
    const end = new Endpoint('server', { maxFramesPerTurn: Number.POSITIVE_INFINITY })
    end.receive(...Array<Uint8Array>(5000).fill(texts(end, 'x')))
    expect(end.takeEvents()).toHaveLength(5000)
  })

  it('is 1,000 by default', () => {
    const end = new Endpoint('server')
    end.receive(...Array<Uint8Array>(1001).fill(texts(end, 'x')))
    expect(end.takeEvents()).toHaveLength(1000)
    end.connection.readRetained()
    expect(end.takeEvents()).toHaveLength(1)
  })

  it('lets the end of the stream wait behind the rest', () => {
    const end = new Endpoint('server', { maxFramesPerTurn: 2 })
    end.receive(texts(end, 'a', 'b', 'c'), end.peerClose(1000))
    end.connection.receiveEnd()
    expect(end.connection.readyState).toBe(ReadyState.OPEN)
    expect(end.connection.hasRetained).toBe(true)
    end.connection.readRetained()
    expect(end.takeEvents()).toEqual(['text "a"', 'text "b"', 'text "c"', 'close 1000 ""'])
    expect(end.connection.readyState).toBe(ReadyState.CLOSED)
  })
})

describe('a peer that does not read its Pongs', () => {
  const PING = 125
  /** More Pings than Pongs may wait: 64 KiB, with 127 bytes for each. */
  const MANY = 600
  const pings = (end: Endpoint, count: number): Uint8Array =>
    concat(...Array<Uint8Array>(count).fill(end.peerFrame(0x9, new Uint8Array(PING))))

  it.each(ROLES)(
    'stalls a %s with bounded memory, and gets every Pong in the end (§5.5.2, §5.5.3) [6455-5.5.2-2] [6455-5.5.3-2]',
    (role) => {
      const end = new Endpoint(role)
      end.receive(pings(end, MANY))
      const limit = (64 << 10) + 131
      // Nothing has been taken.
      expect(end.connection.pendingOutput).toBeLessThanOrEqual(limit + 4 * MANY)
      expect(end.connection.wantsBytes).toBe(false)
      expect(end.connection.hasRetained).toBe(false)
      // Taken, but the transport has not sent it: still nothing is read.
      let pongs = concat(...end.connection.takeOutput())
      end.connection.outputWritten(false)
      expect(end.connection.wantsBytes).toBe(false)
      end.connection.readRetained()
      end.connection.resume()
      expect(end.connection.pendingOutput).toBe(0)
      // Sent.
      end.connection.outputDrained()
      expect(end.connection.hasRetained).toBe(true)
      end.connection.readRetained()
      pongs = concat(pongs, end.takeBytes())
      expect(pongs).toHaveLength(MANY * (2 + PING + (role === 'client' ? 4 : 0)))
      expect(end.connection.wantsBytes).toBe(true)
      expect(end.connection.hasRetained).toBe(false)
      expect(end.takeEvents()).toHaveLength(MANY)
    },
  )

  it('is one that never reads, not one that reads slowly: each drain starts the count anew', () => {
    const end = new Endpoint('server')
    for (let i = 0; i < 3; i += 1) {
      end.receive(pings(end, 500))
      expect(end.connection.wantsBytes).toBe(true)
      end.connection.takeOutput()
      end.connection.outputWritten(false)
      end.connection.outputDrained()
    }
    expect(end.takeEvents()).toHaveLength(1500)
  })

  it('is counted over many flushes, as long as nothing drains', () => {
    const end = new Endpoint('server')
    let given = 0
    while (end.connection.wantsBytes && given < 10_000) {
      end.receive(pings(end, 1))
      end.connection.takeOutput()
      end.connection.outputWritten(false)
      given += 1
    }
    expect(given).toBe(Math.floor((64 << 10) / 127) + 1)
  })

  it('may leave just 64 KiB of Pongs unread', () => {
    const end = new Endpoint('server')
    // 516 Pongs of 127 bytes and one of four.
    end.receive(pings(end, 516), end.peerFrame(0x9, hex('01 02')))
    expect(end.connection.pendingOutput).toBe(64 << 10)
    expect(end.connection.wantsBytes).toBe(true)
    end.receive(end.peerFrame(0x9))
    expect(end.connection.wantsBytes).toBe(false)
  })

  it('goes on in the same turn when the transport has sent everything at once', () => {
    const end = new Endpoint('server')
    end.receive(pings(end, MANY))
    expect(end.takeEvents().length).toBeLessThan(MANY)
    end.takeBytes()
    expect(end.connection.hasRetained).toBe(true)
  })

  it('goes on inside one receive when a listener flushes', () => {
    const end = new Endpoint('server')
    end.listener.onEvent = () => {
      end.takeBytes()
    }
    end.receive(pings(end, MANY))
    expect(end.takeEvents()).toHaveLength(MANY)
    expect(end.connection.wantsBytes).toBe(true)
  })

  it('can still be closed and failed', () => {
    const end = new Endpoint('server')
    end.receive(pings(end, MANY))
    expect(end.connection.wantsBytes).toBe(false)
    end.connection.fail({ id: 'app', statusCode: 1008, message: 'x' })
    expect(end.connection.wantsBytes).toBe(true)
    expect(end.connection.bufferedInput).toBe(0)
  })

  it('is not met when autoPong is off', () => {
    const end = new Endpoint('server', { autoPong: false })
    end.receive(pings(end, MANY))
    expect(end.takeEvents()).toHaveLength(MANY)
    expect(end.connection.wantsBytes).toBe(true)
  })

  it('is not met by Pongs in 61 Pings of a peer that reads', () => {
    const pair = new ConnectionPair()
    for (let i = 0; i < 61; i += 1) pair.client.connection.sendPing(Uint8Array.of(i))
    pair.settle()
    expect(pair.client.takeEvents()).toHaveLength(61)
    expect(pair.client.connection.readyState).toBe(ReadyState.OPEN)
  })
})
