import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AnnotateContext, Annotator, annotate } from '../../src/inspector/annotate/index.ts'
import fixtures from '../fixtures/rfc-vectors.json' with { type: 'json' }
import { cutAt } from '../support/chunkings.ts'
import { FC_TIMEOUT_MS, fcOptions } from '../support/fc-options.ts'
import { hex } from '../support/hex.ts'
import { expectTiled, plainly } from './tiling.ts'

const encoder = new TextEncoder()

/** What streams begin with, so that random bytes behind it get somewhere. */
const beginnings = [
  '',
  'GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n',
  'GET /chat HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET / HTTP/1.1\nHost: a\n\n',
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n',
  'HTTP/1.1 400 Bad Request\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
].map((text) => encoder.encode(text))

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200, size: 'max' }),
  // Short lengths and legal opcodes: streams of many frames.
  fc
    .array(fc.tuple(fc.nat(255), fc.nat(255), fc.uint8Array({ maxLength: 12 })), { maxLength: 12 })
    .map((frames) => Uint8Array.from(frames.flatMap(([a, b, rest]) => [a & 0x8f, (b & 0x80) | (b % 9), ...rest]))),
  fc
    .tuple(fc.constantFrom(...beginnings), fc.uint8Array({ maxLength: 60, size: 'max' }))
    .map(([head, rest]) => Uint8Array.of(...head, ...rest)),
)

const context: fc.Arbitrary<AnnotateContext> = fc.record(
  {
    direction: fc.constantFrom('c2s' as const, 's2c' as const),
    extensions: fc.constantFrom('', 'permessage-deflate'),
    at: fc.nat(1000),
    maxPayload: fc.constantFrom(4, 1000),
    maxFragments: fc.constantFrom(1, 3),
    sha1: fc.constant((data: Uint8Array) => data.slice(0, 20)),
    inflate: fc.constant((data: Uint8Array) => (data[0]! % 3 === 0 ? ('corrupt' as const) : data)),
  },
  { requiredKeys: [] },
)

function annotatedIn(chunks: readonly Uint8Array[], options: AnnotateContext) {
  const annotator = new Annotator(options)
  for (const chunk of chunks) annotator.push(chunk)
  annotator.end()
  return annotator.annotation()
}

/** 50,000 streams take a minute or two where there is nothing else to do. */
const LONG_MS = Math.max(FC_TIMEOUT_MS, 1_200_000)

describe('annotate', () => {
  it('tiles any bytes with spans, and their bits', { timeout: LONG_MS }, () => {
    fc.assert(
      fc.property(bytes, context, (stream, options) => {
        const at = options.at ?? 0
        expectTiled(annotate(stream, options), at, at + stream.length)
      }),
      fcOptions(100_000),
    )
  })

  it('says the same however the bytes are cut', { timeout: LONG_MS }, () => {
    fc.assert(
      fc.property(bytes, context, fc.array(fc.nat(200), { maxLength: 6 }), (stream, options, cuts) => {
        const whole = plainly(annotate(stream, options))
        expect(plainly(annotatedIn(cutAt(stream, cuts), options))).toEqual(whole)
        const single = Array.from(stream, (byte) => Uint8Array.of(byte))
        expect(plainly(annotatedIn(single, options))).toEqual(whole)
      }),
      fcOptions(10_000),
    )
  })

  it.each(fixtures.frames)('tiles the vector $id, and finds nothing wrong with it', (vector) => {
    const direction = vector.dir === 'c2s' ? 'c2s' : 's2c'
    const stream = hex(vector.hex)
    const extensions = vector.source.includes('7692') ? 'permessage-deflate' : ''
    const annotation = annotate(stream, { direction, start: 'frames', extensions })
    expectTiled(annotation, 0, stream.length)
    expect(annotation.units.flatMap(({ verdicts }) => verdicts)).toEqual([])
  })
})
