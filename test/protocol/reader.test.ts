import { beforeEach, describe, expect, it } from 'vitest'
import { ReadyState } from '../../src/protocol/state.ts'
import { concat } from '../support/chunkings.ts'
import { Endpoint } from '../support/connection-pair.ts'
import { type ScriptedDecoder, ScriptedExtension } from '../support/scripted-extension.ts'

const TEXT = 0x1
const RSV1 = { rsv: 0b100 }

let end: Endpoint
let decoder: ScriptedDecoder
let wakes: number

beforeEach(() => {
  const extension = new ScriptedExtension()
  wakes = 0
  end = new Endpoint('server', { extension, maxPayload: 1000 }, (listener) =>
    Object.assign(listener, {
      woken: () => {
        wakes += 1
      },
    }),
  )
  decoder = extension.decoders[0]!
})

/** A message that is decoded elsewhere. */
const slow = (text: string): Uint8Array => end.peerFrame(TEXT, text, RSV1)
const quick = (...all: readonly string[]): Uint8Array => concat(...all.map((text) => end.peerFrame(TEXT, text)))

/** What the driver may do: bytes wait for it, it should read from the transport, a frame is decoded elsewhere. */
function state(): Record<string, boolean> {
  const { hasRetained, wantsBytes, isDecoding } = end.connection
  return { hasRetained, wantsBytes, isDecoding }
}

const IDLE = { hasRetained: false, wantsBytes: true, isDecoding: false }
const BUSY = { hasRetained: false, wantsBytes: false, isDecoding: true }
const MORE = { hasRetained: true, wantsBytes: false, isDecoding: false }

describe('a decoder', () => {
  it('is told how long a message may be, and owns RSV1 (§5.2) [6455-5.2-3]', () => {
    expect(decoder.maxPayload).toBe(1000)
    end.receive(slow('a'))
    expect(end.connection.violation).toBeNull()
  })

  it('is closed once more for each way to end, and holds nothing up then', () => {
    for (const finish of [
      (one: Endpoint) => one.receive(one.peerClose(1000)),
      (one: Endpoint) => one.receive(one.peerFrame(0x3)),
      (one: Endpoint) => one.connection.receiveEnd(),
      (one: Endpoint) => one.connection.transportClosed(),
    ]) {
      const extension = new ScriptedExtension()
      const one = new Endpoint('client', { extension })
      finish(one)
      expect(extension.decoders[0]?.closed).toBe(1)
      expect(one.connection.wantsBytes).toBe(true)
    }
  })
})

describe('a frame that is decoded elsewhere', () => {
  it('keeps what follows it, in the same chunk and in later ones, until it is there', () => {
    const chunk = concat(slow('a'), quick('b'))
    end.connection.receive(chunk)
    chunk.fill(0)
    expect(state()).toEqual(BUSY)
    end.receive(quick('c'))
    end.connection.readRetained()
    end.connection.resume()
    expect(end.takeEvents()).toEqual([])
    decoder.finish()
    expect(wakes).toBe(1)
    expect(end.takeEvents()).toEqual(['text "a"'])
    expect(state()).toEqual(MORE)
    end.connection.readRetained()
    expect(end.takeEvents()).toEqual(['text "b"', 'text "c"'])
    expect(state()).toEqual(IDLE)
    expect(wakes).toBe(1)
  })

  it('keeps what comes later, when nothing followed it', () => {
    end.receive(slow('a'))
    expect(state()).toEqual(BUSY)
    end.receive(quick('b'))
    decoder.finish()
    end.connection.readRetained()
    expect(end.takeEvents()).toEqual(['text "a"', 'text "b"'])
  })

  it('leaves nothing to read when nothing came meanwhile', () => {
    end.receive(slow('a'))
    decoder.finish()
    expect(state()).toEqual(IDLE)
    end.connection.readRetained()
    end.connection.resume()
    end.receive(quick('b'))
    expect(end.takeEvents()).toEqual(['text "a"', 'text "b"'])
  })

  it('may be followed by another one, which waits for its turn', () => {
    end.receive(slow('a'), slow('b'), quick('c'))
    decoder.finish()
    end.connection.readRetained()
    expect(end.takeEvents()).toEqual(['text "a"'])
    expect(state()).toEqual(BUSY)
    decoder.finish()
    end.connection.readRetained()
    expect(end.takeEvents()).toEqual(['text "b"', 'text "c"'])
    expect(state()).toEqual(IDLE)
  })

  it('comes before the end of the stream', () => {
    end.receive(slow('a'))
    end.connection.receiveEnd()
    expect(end.connection.readyState).toBe(ReadyState.OPEN)
    decoder.finish()
    expect(end.connection.readyState).toBe(ReadyState.OPEN)
    expect(end.connection.hasRetained).toBe(true)
    end.connection.readRetained()
    expect(end.takeEvents()).toEqual(['text "a"'])
    expect(end.connection.readyState).toBe(ReadyState.CLOSED)
    expect(end.connection.hasRetained).toBe(false)
  })

  it('is not delivered after the connection was failed, nor what followed it', () => {
    end.receive(slow('a'), quick('b'))
    end.connection.fail({ id: 'app', statusCode: 1008, message: 'x' })
    expect(state()).toEqual(IDLE)
    expect(end.connection.bufferedInput).toBe(0)
    end.connection.readRetained()
    expect(end.takeEvents()).toEqual(['failed app'])
  })
})

describe('a frame that is decoded elsewhere while the application pauses', () => {
  beforeEach(() => {
    end.receive(slow('a'), quick('b'))
    end.connection.pause()
    decoder.finish()
  })

  it('waits for resume, which delivers it and what follows, and wakes nobody', () => {
    expect(end.takeEvents()).toEqual([])
    expect(state()).toEqual(BUSY)
    end.connection.readRetained()
    expect(end.takeEvents()).toEqual([])
    end.connection.resume()
    expect(end.takeEvents()).toEqual(['text "a"', 'text "b"'])
    expect(state()).toEqual(IDLE)
    expect(wakes).toBe(0)
  })

  it('leaves nothing behind when nothing follows it', () => {
    end.connection.resume()
    end.receive(slow('c'))
    end.connection.pause()
    decoder.finish()
    end.connection.resume()
    expect(end.takeEvents()).toEqual(['text "a"', 'text "b"', 'text "c"'])
    end.receive(quick('d'))
    expect(end.takeEvents()).toEqual(['text "d"'])
    expect(state()).toEqual(IDLE)
  })

  it('is read on when nothing ever waited behind it', () => {
    const extension = new ScriptedExtension()
    const one = new Endpoint('server', { extension })
    one.receive(one.peerFrame(TEXT, 'a', RSV1))
    one.connection.pause()
    extension.decoders[0]?.finish()
    one.connection.resume()
    one.receive(one.peerFrame(TEXT, 'b'))
    expect(one.takeEvents()).toEqual(['text "a"', 'text "b"'])
  })

  it('may pause anew when it is delivered', () => {
    end.listener.onEvent = () => end.connection.pause()
    end.connection.resume()
    expect(end.takeEvents()).toEqual(['text "a"'])
    end.connection.resume()
    expect(end.takeEvents()).toEqual(['text "b"'])
  })

  it('comes before what a transport brings while it is delivered', () => {
    end.listener.onEvent = (event) => {
      if (event !== 'text "a"') return
      end.receive(quick('c'))
      end.connection.readRetained()
      expect(end.takeEvents()).toEqual(['text "a"'])
    }
    end.connection.resume()
    expect(end.takeEvents()).toEqual(['text "b"', 'text "c"'])
  })

  it('comes before an end of the stream that a transport brings while it is delivered', () => {
    end.listener.onEvent = (event) => {
      if (event === 'text "a"') end.connection.receiveEnd()
    }
    end.connection.resume()
    expect(end.takeEvents()).toEqual(['text "a"', 'text "b"'])
    expect(end.connection.readyState).toBe(ReadyState.CLOSED)
  })
})

describe('decoded bytes', () => {
  it('count as work: a turn ends behind the frame with which they come to 256 KiB', () => {
    for (const [cost, perTurn] of [
      [128 << 10, 2],
      [(128 << 10) - 1, 3],
      [256 << 10, 1],
      [1 << 20, 1],
    ] as const) {
      decoder.cost = cost
      end.receive(quick('a', 'b', 'c', 'd', 'e', 'f', 'g'))
      const counts = [end.takeEvents().length]
      for (let turn = 0; turn < 7 && end.connection.hasRetained; turn += 1) {
        end.connection.readRetained()
        counts.push(end.takeEvents().length)
      }
      expect(counts.slice(0, 2)).toEqual([perTurn, perTurn])
      expect(counts.reduce((sum, count) => sum + count)).toBe(7)
      expect(state()).toEqual(IDLE)
    }
  })
})

describe('a connection without an extension', () => {
  it('decodes nothing elsewhere, and fails for RSV1 (§5.2) [6455-5.2-3]', () => {
    const plain = new Endpoint('server')
    plain.receive(plain.peerFrame(TEXT, 'a', RSV1))
    expect(plain.connection.isDecoding).toBe(false)
    expect(plain.takeEvents()).toEqual(['failed 6455-5.2-3'])
  })
})
