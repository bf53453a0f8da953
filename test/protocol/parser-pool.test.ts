import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { violations } from '../../src/frames/violation.ts'
import { Connection } from '../../src/protocol/connection.ts'
import { ParserPool } from '../../src/protocol/parser-pool.ts'
import { concat, cutAt } from '../support/chunkings.ts'
import { clientFrame, clientText } from '../support/client-frames.ts'
import { FC_TIMEOUT_MS, fcOptions } from '../support/fc-options.ts'
import { cutPositions, derailedStream, legalFrames } from '../support/frame-arbitraries.ts'
import { RecordingListener } from '../support/recording-listener.ts'
import { RecordingSink } from '../support/recording-sink.ts'

const server = { role: 'server' } as const

/** One end, and what it was told. */
class End {
  readonly listener = new RecordingListener()
  readonly connection: Connection

  constructor(parserPool: ParserPool, maxPayload: number) {
    this.connection = new Connection(this.listener, { ...server, maxPayload, parserPool })
  }

  receive(bytes: Uint8Array): void {
    this.connection.receive(Uint8Array.from(bytes))
  }
}

describe('ParserPool', () => {
  it('lends a parser that was given back, to another sink and with other options', () => {
    const pool = new ParserPool()
    const [first, second] = [new RecordingSink(), new RecordingSink()]
    const parser = pool.borrow(first, server, false)
    parser.parse(clientText('one'))
    pool.giveBack(parser)
    expect(pool.borrow(second, { role: 'client', maxPayload: 3 }, true)).toBe(parser)
    expect(parser).toMatchObject({ role: 'client', rsv1Owned: true })
    parser.parse(Uint8Array.of(0x82, 4, 1, 2, 3, 4))
    expect(first.frames).toHaveLength(1)
    expect(second.broken).toBe(violations.MessageTooBig)
  })

  it('makes one when all are lent', () => {
    const pool = new ParserPool()
    const sink = new RecordingSink()
    expect(pool.borrow(sink, server, false)).not.toBe(pool.borrow(sink, server, false))
  })

  it('tells nobody of what a parser reads that was given back', () => {
    const pool = new ParserPool()
    const sink = new RecordingSink()
    const parser = pool.borrow(sink, server, false)
    pool.giveBack(parser)
    parser.parse(clientText('late'))
    parser.parse(Uint8Array.of(0xff, 0xff))
    expect(sink.recording).toEqual(new RecordingSink().recording)
  })

  it('keeps 64 parsers for whoever comes next, and no more', () => {
    const pool = new ParserPool()
    const sink = new RecordingSink()
    const lent = Array.from({ length: 65 }, () => pool.borrow(sink, server, false))
    for (const parser of lent) pool.giveBack(parser)
    const again = new Set(Array.from({ length: 65 }, () => pool.borrow(sink, server, false)))
    expect(lent.filter((parser) => again.has(parser))).toHaveLength(64)
  })

  it('does not lend a parser that knows a part of a stream', () => {
    const pool = new ParserPool()
    const sink = new RecordingSink()
    for (const bytes of [
      Uint8Array.of(0x81),
      clientFrame({ opcode: 0x1, fin: false }),
      clientText('cut').subarray(0, 8),
      Uint8Array.of(0xff, 0xff),
    ]) {
      const parser = pool.borrow(sink, server, false)
      parser.parse(Uint8Array.from(bytes))
      expect(() => parser.begin(sink, server)).toThrow('in the middle of a stream')
      sink.partial = null
      sink.broken = null
    }
  })

  it(
    'lets connections share parsers, and each is told what it is told alone, however their bytes come in turns',
    () => {
      const context = { ...server, rsv1Owned: false }
      const bytes = fc.oneof(
        legalFrames(context).map((frames) => concat(...frames)),
        derailedStream(context),
      )
      const stream = fc.tuple(bytes, cutPositions, fc.constantFrom(50, 1000))
      fc.assert(
        fc.property(
          fc.array(stream, { minLength: 2, maxLength: 4 }),
          fc.infiniteStream(fc.nat(3)),
          (streams, turns) => {
            const pool = new ParserPool()
            const runs = streams.map(([bytes, cuts, maxPayload]) => {
              const alone = new End(new ParserPool(), maxPayload)
              const chunks = cutAt(bytes, cuts)
              for (const chunk of chunks) alone.receive(chunk)
              return { alone, shared: new End(pool, maxPayload), chunks: [...chunks] }
            })
            for (const turn of turns) {
              const waiting = runs.filter(({ chunks }) => chunks.length > 0)
              if (waiting.length === 0) break
              const { shared, chunks } = waiting[turn % waiting.length]!
              shared.receive(chunks.shift()!)
            }
            for (const { alone, shared } of runs) {
              expect(shared.listener.events).toEqual(alone.listener.events)
              expect(shared.connection.violation).toBe(alone.connection.violation)
            }
          },
        ),
        fcOptions(500),
      )
    },
    FC_TIMEOUT_MS,
  )
})
