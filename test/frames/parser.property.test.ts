import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameParser, type FrameParserOptions } from '../../src/frames/parser.ts'
import { serializeFrame } from '../../src/frames/serializer.ts'
import { violations } from '../../src/frames/violation.ts'
import { violationCases } from '../fixtures/frame-cases.ts'
import { concat, cutAt } from '../support/chunkings.ts'
import { FC_TIMEOUT_MS, fcOptions } from '../support/fc-options.ts'
import {
  cutPositions,
  derailedStream,
  legalFrames,
  mutatedStream,
  type StreamContext,
  streamContext,
} from '../support/frame-arbitraries.ts'
import { hex } from '../support/hex.ts'
import { type Recording, RecordingSink, record } from '../support/recording-sink.ts'
import { referenceParse } from '../support/reference-parser.ts'

/** The reference's answer in the form of a recording. */
function expectedFrom(bytes: Uint8Array, options: FrameParserOptions): Recording {
  const { frames, violation, partial } = referenceParse(bytes, options)
  return { frames, partial, violation: violation === null ? null : violations[violation as keyof typeof violations] }
}

const limits = fc.record(
  { maxPayload: fc.oneof(fc.nat(60), fc.nat(400)), maxFragments: fc.integer({ min: 1, max: 5 }) },
  { requiredKeys: [] },
)

/** A context, options for a parser in it, and a stream. */
function streams(
  stream: (context: StreamContext) => fc.Arbitrary<Uint8Array>,
): fc.Arbitrary<{ bytes: Uint8Array; options: FrameParserOptions }> {
  return fc.tuple(streamContext, limits).chain(([context, limits]) => {
    return fc.record({ bytes: stream(context), options: fc.constant({ ...context, ...limits }) })
  })
}

const legalStream = (context: StreamContext) => legalFrames(context).map((frames) => concat(...frames))

describe('FrameParser', () => {
  it.each([
    ['legal', legalStream, 400],
    ['mutated', mutatedStream, 1000],
    ['derailed', derailedStream, 700],
  ])(
    'reads any %s stream, in any cut and under any limits, as the reference does (§5.4) [6455-6.2-1] [6455-5.4-13]',
    {
      timeout: FC_TIMEOUT_MS,
    },
    (_, stream, runs) => {
      fc.assert(
        fc.property(streams(stream), cutPositions, ({ bytes, options }, cuts) => {
          expect(record(cutAt(bytes, cuts), options)).toEqual(expectedFrom(bytes, options))
        }),
        fcOptions(runs),
      )
    },
  )

  it('takes every legal stream without a violation and ends idle', { timeout: FC_TIMEOUT_MS }, () => {
    const input = streamContext.chain((context) => fc.tuple(fc.constant(context), legalFrames(context)))
    fc.assert(
      fc.property(input, cutPositions, ([context, frames], cuts) => {
        const sink = new RecordingSink()
        const parser = new FrameParser(sink, context)
        for (const chunk of cutAt(concat(...frames), cuts)) parser.parse(chunk)
        expect(sink.broken).toBeNull()
        expect(sink.frames).toHaveLength(frames.length)
        expect(parser.isIdle).toBe(true)
        expect(parser.messageOpen).toBe(false)
      }),
      fcOptions(300),
    )
  })

  it('reads back what serializeFrame writes, masked or not, in any cut (§5.2) [6455-6.1-4]', {
    timeout: FC_TIMEOUT_MS,
  }, () => {
    const input = streamContext.chain((context) => fc.tuple(fc.constant(context), legalFrames(context)))
    fc.assert(
      fc.property(input, cutPositions, ([context, frames], cuts) => {
        const { frames: expected } = referenceParse(concat(...frames), context)
        const maskingKey = context.role === 'server' ? hex('80 01 fe 7f') : null
        const bytes = expected.map((frame) => serializeFrame({ ...frame, payload: hex(frame.payload), maskingKey }))
        expect(record(cutAt(concat(...bytes), cuts), context)).toEqual({
          frames: expected,
          violation: null,
          partial: null,
        })
      }),
      fcOptions(300),
    )
  })

  it('never throws on garbage and reads all of it; what comes of it does not depend on the cut', {
    timeout: FC_TIMEOUT_MS,
  }, () => {
    const octet = fc.oneof(fc.nat(255), fc.constantFrom(0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0xfe, 0xff))
    const input = fc.array(octet, { maxLength: 60 }).map((octets) => Uint8Array.from(octets))
    fc.assert(
      fc.property(input, streamContext, cutPositions, (bytes, options, cuts) => {
        // `record` fails when `parse` returns early; the sink when its contract is broken.
        const whole = record([bytes.slice()], options)
        expect(record(cutAt(bytes, cuts), options)).toEqual(whole)
        expect(whole).toEqual(expectedFrom(bytes, options))
      }),
      fcOptions(1000),
    )
  })

  it('delivers exactly the frames before a violation and nothing after it (§7.1.7) [6455-7.1.7-7]', {
    timeout: FC_TIMEOUT_MS,
  }, () => {
    const input = fc.constantFrom(...violationCases).chain((row) => {
      const context = { role: row.options.role, rsv1Owned: row.options.rsv1Owned === true }
      // A limit of the row must not fail the frames before it.
      const before = row.options.maxPayload !== undefined || row.options.maxFragments !== undefined
      return fc.record({
        row: fc.constant(row),
        before: before ? fc.constant([]) : legalFrames(context),
        after: legalFrames(context),
      })
    })
    fc.assert(
      fc.property(input, cutPositions, ({ row, before, after }, cuts) => {
        const { frames } = referenceParse(concat(...before), row.options)
        expect(frames).toHaveLength(before.length)
        const sink = new RecordingSink()
        const parser = new FrameParser(sink, row.options)
        for (const chunk of cutAt(concat(...before, row.bytes, ...after), cuts)) {
          expect(parser.parse(chunk)).toBe(chunk.length)
        }
        expect(sink.frames).toEqual([...frames, ...row.frames])
        expect(sink.broken).toBe(violations[row.violation])
      }),
      fcOptions(500),
    )
  })

  it('given ranges of one buffer reads nothing and writes nothing outside each', { timeout: FC_TIMEOUT_MS }, () => {
    fc.assert(
      fc.property(streams(mutatedStream), cutPositions, fc.nat(9), ({ bytes, options }, cuts, margin) => {
        const memory = new Uint8Array(bytes.length + 2 * margin).fill(0xaa)
        memory.set(bytes, margin)
        const sink = new RecordingSink()
        const parser = new FrameParser(sink, options)
        let start = margin
        for (const { length } of cutAt(bytes, cuts)) {
          const beyond = memory.slice(start + length)
          expect(parser.parse(memory, start, start + length)).toBe(start + length)
          expect(Buffer.compare(memory.subarray(start + length), beyond)).toBe(0)
          start += length
        }
        expect(sink.recording).toEqual(expectedFrom(bytes, options))
        expect(memory.subarray(0, margin)).toEqual(new Uint8Array(margin).fill(0xaa))
      }),
      fcOptions(300),
    )
  })

  describe('halt()', () => {
    it('after every frame gives the position behind that frame, and resuming loses nothing', {
      timeout: FC_TIMEOUT_MS,
    }, () => {
      fc.assert(
        fc.property(streams(mutatedStream), cutPositions, ({ bytes, options }, cuts) => {
          const sink = new RecordingSink()
          const parser = new FrameParser(sink, options)
          sink.onFrame = () => parser.halt()
          const stops: number[] = []
          let base = 0
          for (const chunk of cutAt(bytes, cuts)) {
            for (let at = 0; at < chunk.length; ) {
              const before = sink.frames.length
              const next = parser.parse(chunk, at)
              expect(next).toBeGreaterThan(at)
              if (sink.frames.length > before) stops.push(base + next)
              expect(sink.frames.length - before).toBeLessThanOrEqual(1)
              at = next
            }
            base += chunk.length
          }
          expect(sink.recording).toEqual(expectedFrom(bytes, options))
          expect(stops).toEqual(referenceParse(bytes, options).ends)
        }),
        fcOptions(400),
      )
    })

    it('at any time gives a position from which the rest may come in another chunk', { timeout: FC_TIMEOUT_MS }, () => {
      const pattern = fc.array(fc.boolean(), { minLength: 1, maxLength: 8 })
      fc.assert(
        fc.property(
          streams(mutatedStream),
          fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
          pattern,
          ({ bytes, options }, sizes, halts) => {
            const sink = new RecordingSink()
            const parser = new FrameParser(sink, options)
            let frames = 0
            sink.onFrame = () => {
              if (halts[frames++ % halts.length]) parser.halt()
            }
            // The bytes that were not read come again, at the head of the next chunk.
            for (let at = 0, turn = 0; at < bytes.length; turn++) {
              const chunk = bytes.slice(at, at + sizes[turn % sizes.length]!)
              at += parser.parse(chunk)
            }
            expect(sink.recording).toEqual(expectedFrom(bytes, options))
          },
        ),
        fcOptions(400),
      )
    })
  })

  describe('memory', () => {
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc') as () => void

    function buffersAfterGc(): number {
      gc()
      gc()
      return process.memoryUsage().arrayBuffers
    }

    class SilentSink {
      dataFrame(): void {}
      dataFrameStart(): void {}
      dataFramePayload(): void {}
      dataFrameEnd(): void {}
      controlFrame(): void {}
      violation(): void {}
    }

    /** As from a socket: a piece of a larger read, which a parser that kept a view would pin. */
    function parseInSlab(parser: FrameParser, bytes: Uint8Array): void {
      const slab = new Uint8Array(4096)
      slab.set(bytes, 100)
      parser.parse(slab, 100, 100 + bytes.length)
    }

    /** Room for what the runtime itself does meanwhile. */
    const SLACK = 64 * 1024
    const PARSERS = 4000

    it.each([
      ['in a header', '82 ff 00 00 00 00', 0],
      ['in a control payload of 125 bytes', `89 fd 00 00 00 00 ${'61'.repeat(124)}`, 0],
      ['in a payload of 2^53 - 1 bytes, all of the message so far', '82 ff 00 1f ff ff ff ff ff ff 00 00 00 00', 1000],
      ['in text of 2^53 - 1 bytes', '81 ff 00 1f ff ff ff ff ff ff 00 00 00 00', 1000],
      ['between fragments', '01 82 00 00 00 00 c3 a9', 0],
      ['behind a violation', '83 80 00 00 00 00', 1000],
    ])('a parser that stops %s retains at most 125 bytes (§10.4) [6455-10.4-1]', (_, digits, more) => {
      const start = hex(digits)
      const parsers: FrameParser[] = []
      const before = buffersAfterGc()
      for (let i = 0; i < PARSERS; i++) {
        const parser = new FrameParser(new SilentSink(), { role: 'server' })
        parseInSlab(parser, start.subarray(0, 5))
        parseInSlab(parser, start.subarray(5))
        if (more > 0) parseInSlab(parser, new Uint8Array(more))
        parsers.push(parser)
      }
      const retained = buffersAfterGc() - before
      expect(retained).toBeLessThanOrEqual(PARSERS * 125 + SLACK)
      expect(parsers).toHaveLength(PARSERS)
    })

    it('a parser that never saw a cut frame retains nothing', () => {
      const bytes = hex('81 82 00 00 00 00 68 69')
      const parsers: FrameParser[] = []
      const before = buffersAfterGc()
      for (let i = 0; i < PARSERS; i++) {
        const parser = new FrameParser(new SilentSink(), { role: 'server' })
        parseInSlab(parser, bytes)
        parsers.push(parser)
      }
      expect(buffersAfterGc() - before).toBeLessThanOrEqual(SLACK)
      expect(parsers).toHaveLength(PARSERS)
    })
  })
})
