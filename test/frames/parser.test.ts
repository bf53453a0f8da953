import { describe, expect, it } from 'vitest'
import { FrameParser, type FrameParserOptions } from '../../src/frames/parser.ts'
import { violations } from '../../src/frames/violation.ts'
import {
  type FrameCase,
  frameCases,
  legalCases,
  rfcCases,
  titleOf,
  vectorIds,
  violationCases,
} from '../fixtures/frame-cases.ts'
import { bits } from '../support/bits.ts'
import { chunkings, chunkingsWithTrailing, concat } from '../support/chunkings.ts'
import { hex } from '../support/hex.ts'
import { RecordingSink, record } from '../support/recording-sink.ts'
import { referenceParse } from '../support/reference-parser.ts'
import { sweepStep } from '../support/sweep.ts'

/** With the title as a value of its own: vitest cuts `$name`, but not `%s`. */
const titled = (cases: readonly FrameCase[]) => cases.map((row) => [titleOf(row), row] as const)

/** An empty Ping is legal behind any frame, inside a message or not. */
const PING = {
  server: concat(bits('1 000 1001  1 0000000'), hex('37 fa 21 3d')),
  client: bits('1 000 1001  0 0000000'),
}
const PING_FRAME = { opcode: 9, fin: true, rsv1: false, payload: '' }

function parserWith(options: FrameParserOptions): { sink: RecordingSink; parser: FrameParser } {
  const sink = new RecordingSink()
  return { sink, parser: new FrameParser(sink, options) }
}

describe('FrameParser', () => {
  describe('whatever the cut: whole, byte by byte, in two at every place', () => {
    it.each(titled(frameCases))('%s', (_, { bytes, options, frames, violation }) => {
      for (const { name, chunks } of chunkings(bytes)) {
        const recording = record(chunks, options)
        expect(recording.frames, name).toEqual(frames)
        expect(recording.violation, name).toBe(violation === null ? null : violations[violation])
      }
    })
  })

  describe('with a frame glued to the end', () => {
    // Behind a header that waits for its payload the frame would be payload.
    const complete = [...rfcCases, ...legalCases].filter(({ bytes, options }) => {
      return referenceParse(bytes, options).ends.at(-1) === bytes.length
    })

    it.each(titled(complete))('%s', (_, { bytes, options, frames }) => {
      for (const { name, chunks } of chunkingsWithTrailing(bytes, PING[options.role])) {
        const recording = record(chunks, options)
        expect(recording.frames, name).toEqual([...frames, PING_FRAME])
        expect(recording.violation, name).toBeNull()
      }
    })

    it.each(titled(violationCases))(
      '%s, and delivers nothing that follows (§7.1.7) [6455-7.1.7-7]',
      (_, { bytes, options, frames, violation }) => {
        for (const { name, chunks } of chunkingsWithTrailing(bytes, PING[options.role])) {
          const recording = record(chunks, options)
          expect(recording.frames, name).toEqual(frames)
          expect(recording.violation, name).toBe(violations[violation!])
        }
      },
    )
  })

  it('is tried with every example of the RFCs', () => {
    expect(rfcCases.map(({ vector }) => vector)).toEqual(vectorIds)
  })

  /** What is wrong inside a compressed message is judged by the extension, see test/extensions. */
  const parserRules = Object.entries(violations).filter(
    ([name]) => name !== 'CorruptMessage' && name !== 'DeflateMemoryExhausted',
  )

  it.each(parserRules)('has a case that breaks %s', (name, { statusCode }) => {
    const cases = violationCases.filter(({ violation }) => violation === name)
    expect(cases.length).toBeGreaterThan(0)
    for (const { name: title } of cases) expect(title).toContain(`fails with ${statusCode} `)
  })

  describe('when a payload comes in pieces', () => {
    it('delivers each piece at once, unmasked in place, and keeps none (§5.3) [6455-5.3-5]', () => {
      const calls: unknown[][] = []
      const log =
        (name: string) =>
        (...args: unknown[]): void => {
          calls.push([name, ...args])
        }
      const parser = new FrameParser(
        {
          dataFrame: log('dataFrame'),
          dataFrameStart: log('dataFrameStart'),
          dataFramePayload: log('dataFramePayload'),
          dataFrameEnd: log('dataFrameEnd'),
          controlFrame: log('controlFrame'),
          violation: log('violation'),
        },
        { role: 'server' },
      )
      const [first, second, third] = [hex('81 85 37 fa 21 3d 7f'), hex('9f 4d'), hex('51 58')]
      expect(parser.parse(first)).toBe(7)
      expect(parser.parse(second)).toBe(2)
      expect(parser.parse(third)).toBe(2)
      expect(calls).toEqual([
        ['dataFrameStart', 1, true, false, 5],
        ['dataFramePayload', first, 6, 7],
        ['dataFramePayload', second, 0, 2],
        ['dataFramePayload', third, 0, 2],
        ['dataFrameEnd', true],
      ])
      expect(calls.slice(1, 4).map(([, bytes]) => bytes)).toEqual([first, second, third])
      expect(concat(first.subarray(6), second, third)).toEqual(hex('48 65 6c 6c 6f'))
    })

    it('opens the frame when the header is complete and not a byte of payload is there', () => {
      const { sink, parser } = parserWith({ role: 'client' })
      parser.parse(hex('82 02'))
      expect(sink.partial).toEqual({ opcode: 2, fin: true, rsv1: false, payloadLength: 2, payload: '' })
      parser.parse(new Uint8Array(0))
      parser.parse(hex('01 02'))
      expect(sink.frames).toEqual([{ opcode: 2, fin: true, rsv1: false, payload: '0102' }])
    })

    it('does not deliver the piece that holds bad UTF-8 (§8.1) [6455-8.1-1]', () => {
      const { sink, parser } = parserWith({ role: 'client' })
      parser.parse(hex('81 05 61 62'))
      parser.parse(hex('63 ff'))
      expect(sink.partial?.payload).toBe('6162')
      expect(sink.broken).toBe(violations.InvalidUtf8)
    })
  })

  describe('parse(chunk, start, end)', () => {
    it('reads the range alone and touches nothing outside it', () => {
      const chunk = concat(hex('aa aa aa'), hex('818537fa213d7f9f4d5158'), hex('bb bb bb bb'))
      const { sink, parser } = parserWith({ role: 'server' })
      expect(parser.parse(chunk, 3, chunk.length - 4)).toBe(chunk.length - 4)
      expect(sink.frames).toEqual([{ opcode: 1, fin: true, rsv1: false, payload: '48656c6c6f' }])
      expect(chunk).toEqual(concat(hex('aa aa aa'), hex('818537fa213d48656c6c6f'), hex('bb bb bb bb')))
    })

    it('reads the ranges of one buffer as it reads chunks, wherever they meet', () => {
      for (const { bytes, options, frames, violation, name } of frameCases) {
        for (const chunking of chunkings(bytes)) {
          const buffer = bytes.slice()
          const { sink, parser } = parserWith(options)
          let start = 0
          for (const { length } of chunking.chunks) {
            expect(parser.parse(buffer, start, start + length)).toBe(start + length)
            start += length
          }
          expect(sink.frames, `${name}, ${chunking.name}`).toEqual(frames)
          expect(sink.broken, `${name}, ${chunking.name}`).toBe(violation === null ? null : violations[violation])
        }
      }
    })

    it('leaves the chunk of a client as it is: its frames are not masked', () => {
      const chunk = hex('89 02 01 02 82 02 03 04')
      const { parser } = parserWith({ role: 'client' })
      parser.parse(chunk)
      expect(chunk).toEqual(hex('89 02 01 02 82 02 03 04'))
    })
  })

  describe('after a violation', () => {
    it.each([
      ['a bad header', '83 00'],
      ['a bad Close body', '88 01 03'],
      ['bad text', '81 01 ff'],
    ])('swallows bytes and stays silent behind %s (§7.1.7) [6455-7.1.7-7]', (_, bad) => {
      const { sink, parser } = parserWith({ role: 'client' })
      const chunk = concat(hex(bad), hex('81 02 68 69'))
      expect(parser.parse(chunk)).toBe(chunk.length)
      expect(parser.parse(hex('81 02 68 69'))).toBe(4)
      expect(parser.parse(hex('00 83 00 81 02 68 69'), 1, 5)).toBe(5)
      expect(sink.frames).toEqual([])
      expect(parser.isIdle).toBe(false)
    })

    it('swallows the rest even when the sink halts it at the violation', () => {
      const { sink, parser } = parserWith({ role: 'client' })
      sink.violation = () => parser.halt()
      expect(parser.parse(hex('88 01 03 81 02 68 69'))).toBe(7)
      expect(sink.frames).toEqual([])
    })
  })

  describe('halt()', () => {
    const TWO_PINGS = hex('89 01 61  89 01 62')
    const [FIRST, SECOND] = [
      { opcode: 9, fin: true, rsv1: false, payload: '61' },
      { opcode: 9, fin: true, rsv1: false, payload: '62' },
    ]

    it('makes parse return the position behind the frame in hand; from there it can go on', () => {
      const { sink, parser } = parserWith({ role: 'client' })
      sink.onFrame = () => parser.halt()
      expect(parser.parse(TWO_PINGS)).toBe(3)
      expect(sink.frames).toEqual([FIRST])
      expect(parser.parse(TWO_PINGS, 3)).toBe(6)
      expect(sink.frames).toEqual([FIRST, SECOND])
    })

    it.each([1, 2])('does so too when the frame in hand was cut at %d', (cut) => {
      const { sink, parser } = parserWith({ role: 'client' })
      sink.onFrame = () => parser.halt()
      expect(parser.parse(TWO_PINGS, 0, cut)).toBe(cut)
      expect(parser.parse(TWO_PINGS, cut)).toBe(3)
      expect(sink.frames).toEqual([FIRST])
    })

    it('does so too at the end of a data frame that came in pieces', () => {
      const { sink, parser } = parserWith({ role: 'client' })
      const bytes = hex('82 02 01 02  82 00')
      sink.onFrame = () => parser.halt()
      expect(parser.parse(bytes, 0, 3)).toBe(3)
      expect(parser.parse(bytes, 3)).toBe(4)
      expect(sink.frames).toHaveLength(1)
    })

    it('lasts for one call of parse', () => {
      const { sink, parser } = parserWith({ role: 'client' })
      parser.halt()
      expect(parser.parse(TWO_PINGS)).toBe(6)
      expect(sink.frames).toEqual([FIRST, SECOND])
    })
  })

  describe('allow()', () => {
    const THREE = hex('82 01 61  89 01 62  82 01 63')

    it('makes parse stop behind so many frames, control frames too, until more are allowed', () => {
      const { sink, parser } = parserWith({ role: 'client' })
      parser.allow(2)
      expect(parser.parse(THREE)).toBe(6)
      expect(parser.isSpent).toBe(true)
      expect(parser.parse(THREE, 6)).toBe(6)
      expect(sink.frames).toHaveLength(2)
      parser.allow(2)
      expect(parser.parse(THREE, 6)).toBe(9)
      expect(parser.isSpent).toBe(false)
      expect(sink.frames).toHaveLength(3)
    })

    it.each([4, 5])('counts a frame that is cut at %d once, and reads it to its end', (cut) => {
      const { sink, parser } = parserWith({ role: 'client' })
      parser.allow(2)
      expect(parser.parse(THREE, 0, cut)).toBe(cut)
      expect(parser.parse(THREE, cut)).toBe(6)
      expect(sink.frames).toHaveLength(2)
    })

    it('sets no limit with Infinity', () => {
      const { sink, parser } = parserWith({ role: 'client' })
      parser.allow(1)
      parser.allow(Number.POSITIVE_INFINITY)
      expect(parser.parse(THREE)).toBe(9)
      expect(parser.isSpent).toBe(false)
      expect(sink.frames).toHaveLength(3)
    })
  })

  describe('isIdle and messageOpen', () => {
    it.each([
      ['before anything', '', true, false],
      ['inside a header', '89', false, false],
      ['inside a longer header', '82 7e 01', false, false],
      ['inside a control payload', '89 02 61', false, false],
      ['between messages', '81 01 61', true, false],
      ['behind a control frame', '89 00', true, false],
      ['between fragments', '01 01 61', false, true],
      ['behind a control frame between fragments', '01 01 61 89 00', false, true],
      ['inside a continuation frame', '01 01 61 80 02 61', false, true],
      ['behind the last fragment', '01 01 61 80 01 62', true, false],
      ['behind an empty last fragment', '02 00 80 00', true, false],
    ])('%s', (_, bytes, isIdle, messageOpen) => {
      for (const { name, chunks } of chunkings(hex(bytes))) {
        const { parser } = parserWith({ role: 'client' })
        for (const chunk of chunks) parser.parse(chunk)
        expect([parser.isIdle, parser.messageOpen], name).toEqual([isIdle, messageOpen])
      }
    })

    it('says to the sink that the message is closed when it gets the last frame of it', () => {
      const { sink, parser } = parserWith({ role: 'client' })
      const open: boolean[] = []
      sink.onFrame = () => open.push(parser.messageOpen)
      parser.parse(hex('01 01 61 80 01 62'))
      parser.parse(hex('01 02 61'))
      parser.parse(hex('61 80 02 62'))
      parser.parse(hex('62'))
      expect(open).toEqual([true, false, true, false])
    })
  })

  describe('limits (§10.4)', () => {
    const BOUNDARIES = [0, 1, 125, 126, 127, 65535, 65536, 70_000]

    /** A frame of zeros as a server sends it, as the RFC has it: §5.2. */
    function binaryFrame(opcode: number, fin: boolean, length: number): Uint8Array {
      const header = [(fin ? 0x80 : 0) | opcode]
      if (length < 126) header.push(length)
      else if (length < 65536) header.push(126, length >> 8, length & 0xff)
      else header.push(127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 0xff, length & 0xff)
      return concat(Uint8Array.from(header), new Uint8Array(length))
    }

    it.each(BOUNDARIES)(
      'takes %d bytes in one frame under a maxPayload of as many, and not of one less [6455-10.4-2]',
      (length) => {
        const bytes = binaryFrame(2, true, length)
        for (const maxPayload of [length, length + 1]) {
          const { frames, violation } = record([bytes.slice()], { role: 'client', maxPayload })
          expect(frames).toEqual([{ opcode: 2, fin: true, rsv1: false, payload: '00'.repeat(length) }])
          expect(violation).toBeNull()
        }
        if (length > 0) {
          const { frames, violation } = record([bytes.slice()], { role: 'client', maxPayload: length - 1 })
          expect(frames).toEqual([])
          expect(violation).toBe(violations.MessageTooBig)
        }
      },
    )

    it.each(BOUNDARIES.filter((length) => length >= 3))(
      'takes %d bytes in three frames under a maxPayload of as many, and not of one less [6455-10.4-2]',
      (length) => {
        const third = Math.floor(length / 3)
        const parts = [
          binaryFrame(2, false, third),
          binaryFrame(0, false, third),
          binaryFrame(0, true, length - 2 * third),
        ]
        expect(record(parts, { role: 'client', maxPayload: length }).frames).toHaveLength(3)
        expect(record(parts, { role: 'client', maxPayload: length }).violation).toBeNull()
        expect(record(parts, { role: 'client', maxPayload: length - 1 }).frames).toHaveLength(2)
        expect(record(parts, { role: 'client', maxPayload: length - 1 }).violation).toBe(violations.MessageTooBig)
      },
    )

    it('counts the bytes of each message anew', () => {
      const message = concat(binaryFrame(2, false, 2), binaryFrame(0, true, 1))
      const { frames, violation } = record([concat(message, message, binaryFrame(1, true, 3))], {
        role: 'client',
        maxPayload: 3,
      })
      expect(frames).toHaveLength(5)
      expect(violation).toBeNull()
    })

    it.each([1, 2, 3, 1000])(
      'takes a message of %d frames under a maxFragments of as many, and not of one less [6455-10.4-1]',
      (count) => {
        const message = concat(
          binaryFrame(2, count === 1, 0),
          ...Array.from({ length: count - 1 }, (_, i) => binaryFrame(0, i === count - 2, 0)),
        )
        // Twice: the count starts anew with each message.
        const twice = record([message.slice(), message.slice()], { role: 'client', maxFragments: count })
        expect(twice.frames).toHaveLength(2 * count)
        expect(twice.violation).toBeNull()
        if (count > 1) {
          const { frames, violation } = record([message.slice()], { role: 'client', maxFragments: count - 1 })
          expect(frames).toHaveLength(count - 1)
          expect(violation).toBe(violations.TooManyFragments)
        }
      },
    )

    it('fails at the length, before the masking-key has come [6455-10.4-1]', () => {
      const { sink, parser } = parserWith({ role: 'server', maxPayload: 125 })
      parser.parse(hex('82 fe 00'))
      expect(sink.broken).toBeNull()
      parser.parse(hex('7e'))
      expect(sink.broken).toBe(violations.MessageTooBig)
    })

    it('gives a compressed message a sixteenth and 1 KiB more than maxPayload, and a plain one nothing', () => {
      const compressed = (length: number) => {
        const bytes = binaryFrame(2, true, length)
        bytes[0]! |= 0x40
        return bytes
      }
      const options = { role: 'client', maxPayload: 32_000, rsv1Owned: true } as const
      expect(record([compressed(35_024)], options).violation).toBeNull()
      expect(record([compressed(35_025)], options).violation).toBe(violations.MessageTooBig)
      expect(record([binaryFrame(2, true, 32_001)], options).violation).toBe(violations.MessageTooBig)
    })
  })

  describe('64-bit lengths (§5.2)', () => {
    const [K16, K31, K32, K53, K63] = [2n ** 16n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n]
    const takenUpTo53 = [K16, K31 - 1n, K31, K31 + 1n, K32 - 1n, K32, K32 + 1n, K53 - 1n]
    const all = [K16 - 1n, ...takenUpTo53, K53, K53 + 1n, K63 - 1n, K63, K63 + 1n, 2n * K63 - 1n]

    const header = (opcode: number, length: bigint) => {
      return concat(Uint8Array.of(0x80 | opcode, 127), hex(length.toString(16).padStart(16, '0')))
    }

    it.each(takenUpTo53.map((length) => [length.toString(), length] as const))(
      'announces %s bytes exactly and allocates none of them [6455-5.2-9]',
      (_, length) => {
        const { sink, parser } = parserWith({ role: 'client' })
        parser.parse(concat(header(2, length), hex('01 02 03')))
        expect(sink.partial?.payloadLength).toBe(Number(length))
        expect(sink.partial?.payload).toBe('010203')
      },
    )

    it.each(all.map((length) => [length.toString(), length] as const))(
      'judges %s as the reference does, under limits around it, alone and as a second fragment',
      (_, length) => {
        const limits = [0n, K16, K31, K32, length - 1n, length, length + 1n]
          .filter((n) => n >= 0n && n < K53)
          .map(Number)
        for (const maxPayload of [...limits, undefined]) {
          const options = { role: 'client', ...(maxPayload === undefined ? {} : { maxPayload }) } as const
          for (const bytes of [header(2, length), concat(hex('02 01 61'), header(0, length))]) {
            const expected = referenceParse(bytes, options)
            for (const { name, chunks } of chunkings(bytes)) {
              const { frames, violation, partial } = record(chunks, options)
              expect({ frames, partial }, name).toEqual({ frames: expected.frames, partial: expected.partial })
              expect(violation, name).toBe(violations[expected.violation as keyof typeof violations] ?? null)
            }
          }
        }
      },
    )
  })

  describe('a million empty frames in one buffer', () => {
    const COUNT = 1_000_000 / sweepStep(50)

    it.each([
      ['Pongs', hex('8a 80 00 00 00 00')],
      ['continuation frames', hex('00 80 00 00 00 00')],
      ['text messages', hex('81 80 00 00 00 00')],
    ])('of %s are read in a loop, not by recursion', (kind, one) => {
      const start = kind === 'continuation frames' ? hex('01 80 00 00 00 00') : new Uint8Array(0)
      const bytes = new Uint8Array(start.length + COUNT * one.length)
      bytes.set(start)
      for (let at = start.length; at < bytes.length; at += one.length) bytes.set(one, at)
      let count = 0
      const tally = (): void => {
        count++
      }
      const parser = new FrameParser(
        {
          dataFrame: tally,
          controlFrame: tally,
          dataFrameStart: () => {},
          dataFramePayload: () => {},
          dataFrameEnd: () => {},
          violation: ({ message }) => {
            throw new Error(message)
          },
        },
        { role: 'server' },
      )
      expect(parser.parse(bytes)).toBe(bytes.length)
      expect(count).toBe(COUNT + start.length / 6)
    })
  })

  it('says what it was told about the connection', () => {
    expect(parserWith({ role: 'server' }).parser).toMatchObject({ role: 'server', rsv1Owned: false })
    expect(parserWith({ role: 'client', rsv1Owned: true }).parser).toMatchObject({ role: 'client', rsv1Owned: true })
  })
})
