import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { checkHeader, type HeaderContext } from '../../src/frames/header.ts'
import { violations } from '../../src/frames/violation.ts'
import { headerFaults } from '../../src/inspector/annotate/header-faults.ts'
import {
  type AnnotateContext,
  type Annotation,
  Annotator,
  annotate,
  annotateBoth,
  type FrameUnit,
  frameTitle,
  type HeadUnit,
  inflate,
  meaning,
  type NoiseUnit,
  prose,
  sectionLabel,
  sectionLink,
  sha1,
} from '../../src/inspector/index.ts'
import { chunkings, concat } from '../support/chunkings.ts'
import { type ClientFrame, clientFrame } from '../support/client-frames.ts'
import { compressed } from '../support/deflate.ts'
import { hex, toHex } from '../support/hex.ts'
import { expectTiled, plainly, spanLine } from './tiling.ts'

const HELLO = hex('81 85 37 fa 21 3d 7f 9f 4d 51 58')
const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

const REQUEST = lines(
  'GET /chat?room=1 HTTP/1.1',
  'Host: localhost:8080',
  'Upgrade: websocket',
  'Connection: keep-alive, Upgrade',
  'Pragma:no-cache ',
  `Sec-WebSocket-Key: ${KEY}`,
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Protocol: chat, news',
  'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
)

function lines(...of: string[]): Uint8Array {
  return new TextEncoder().encode(`${of.join('\r\n')}\r\n\r\n`)
}

function response(...more: string[]): Uint8Array {
  return lines(
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
    ...more,
  )
}

function frames(...of: ClientFrame[]): Uint8Array {
  return concat(...of.map(clientFrame))
}

/** Annotates frames from a client. */
function annotated(bytes: Uint8Array, context: AnnotateContext = {}): Annotation {
  return annotate(bytes, { direction: 'c2s', start: 'frames', extensions: '', inflate, ...context })
}

function rules({ units }: Annotation): string[] {
  return units.flatMap(({ verdicts }) => verdicts.map(({ rule }) => rule))
}

describe('annotate of a frame', () => {
  it('names every bit and byte of it (§5.2)', () => {
    const { units } = annotated(HELLO)
    expect(units[0]!.spans.map(spanLine)).toEqual([
      '0-1.0-0 FIN 1',
      '0-1.1-1 RSV1 0',
      '0-1.2-2 RSV2 0',
      '0-1.3-3 RSV3 0',
      '0-1.4-7 opcode 0001',
      '1-2.0-0 MASK 1',
      '1-2.1-7 payload length 0000101',
      '2-6 masking-key 37 fa 21 3d',
      '6-11 payload 7f 9f 4d 51 58',
    ])
    expect(units[0]!.spans.map(({ value }) => value)).toEqual([1, 0, 0, 0, 1, 1, 5, '37 fa 21 3d', 'Hello'])
    expect(units[0]!.spans.map(({ ref }) => sectionLabel(ref))).toEqual([...Array(7).fill('§5.2'), '§5.3', '§5.6'])
    expect(frameTitle(units[0] as FrameUnit)).toBe('text · FIN · masked · 5 B')
  })

  it('shows the payload as it came and unmasked (§5.3)', () => {
    const [unit] = annotated(HELLO).units as FrameUnit[]
    expect([toHex(unit!.wire.subarray(unit!.headerLength)), toHex(unit!.plain)]).toEqual([
      '7f 9f 4d 51 58',
      '48 65 6c 6c 6f',
    ])
    expect(unit!.maskingKey).toEqual(hex('37 fa 21 3d'))
  })

  it('starts counting where it is told to', () => {
    expect(annotated(HELLO, { at: 1000 }).units[0]).toMatchObject({ at: 1000, end: 1011 })
  })

  it.each([
    ['a 16-bit length', new Uint8Array(300), '2-4 extended payload length 01 2c'],
    ['a 64-bit length', new Uint8Array(65_536), '2-10 extended payload length 00 00 00 00 00 01 00 00'],
  ])('names %s', (_name, payload, line) => {
    const { units } = annotated(frames({ opcode: 2, payload }))
    expect(units[0]!.spans.map(spanLine)).toContain(line)
    expectTiled(annotated(frames({ opcode: 2, payload })), 0, units[0]!.end)
  })

  it('takes a Close body apart (§5.5.1)', () => {
    const { units, stop } = annotated(frames({ opcode: 8, payload: concat(hex('03 e8'), hex('62 79 65')) }))
    expect(units[0]!.spans.slice(-2).map((span) => [span.value, meaning(span)])).toEqual([
      [1000, 'why the connection ends: 1000, Normal closure'],
      ['bye', 'the reason in words: bye'],
    ])
    expect(stop).toEqual({ reason: 'close', unit: 0, at: 11, verdict: null })
  })

  it('says where the input is cut', () => {
    for (let length = 1; length < HELLO.length; length++) {
      const { units, stop } = annotated(HELLO.subarray(0, length))
      expect(units).toMatchObject([{ isCut: true, end: length }])
      expect(stop).toBeNull()
    }
  })

  it('guesses the direction by the first mask bit, and says so', () => {
    expect(annotate(HELLO)).toMatchObject({ direction: 'c2s', role: 'server', isDirectionGuessed: true })
    expect(annotate(hex('81 01 61'))).toMatchObject({ direction: 's2c', role: 'client', isDirectionGuessed: true })
    expect(annotate(HELLO, { role: 'client' })).toMatchObject({ direction: 's2c', isDirectionGuessed: false })
    expect(annotate(new Uint8Array(0)).units).toEqual([])
  })

  it.each<[AnnotateContext, string]>([
    [{ direction: 'up' as never }, 'direction is "up"; it is "c2s" or "s2c"'],
    [{ direction: 'c2s', role: 'client' }, 'leave one of them out'],
    [{ start: 'head' }, 'start "head" needs a direction'],
    [{ extensions: ';' }, 'that is no extension-list'],
  ])('refuses the context %j', (context, message) => {
    expect(() => annotate(HELLO, context)).toThrow(UsageError)
    expect(() => annotate(HELLO, context)).toThrow(message)
  })
})

describe('annotate of faults', () => {
  it('reports all of a frame, the one first that the codec names, and goes on behind it', () => {
    const bytes = frames(
      { opcode: 11, fin: false, rsv: 7, maskingKey: null, payload: new Uint8Array(126) },
      { opcode: 1 },
    )
    const annotation = annotated(bytes)
    expect(rules(annotation)).toEqual([
      'ReservedBit',
      'ReservedBit',
      'ReservedBit',
      'ReservedOpcode',
      'FragmentedControl',
      'LongControl',
      'UnmaskedClientFrame',
    ])
    expect(annotation.units.map(({ isUnread }) => isUnread)).toEqual([false, true])
    expect(annotation.stop).toMatchObject({ reason: 'violation', unit: 0, at: 0, verdict: { bit: 1 } })
  })

  it('names the bit, what the receiver must do and may do, and what mends it', () => {
    const [unmasked] = annotated(hex('81 05 48 65 6c 6c 6f')).units[0]!.verdicts
    expect(unmasked).toEqual({
      ...violations.UnmaskedClientFrame,
      rule: 'UnmaskedClientFrame',
      at: 1,
      end: 2,
      bit: 0,
      bits: [0, 0],
      httpStatus: null,
      level: 'MUST',
      duty: {
        action: 'fail',
        level: 'MUST',
        id: '6455-5.1-2',
        close: { statusCode: 1002, level: 'MAY', id: '6455-5.1-3' },
      },
      mend: {
        at: 1,
        from: '05',
        to: '85',
        text: 'sets the mask bit; a masking-key and the payload masked with it follow',
      },
    })
  })

  it('mends a length to its shortest form, and a close code on the wire', () => {
    const mend = (frame: ClientFrame) => annotated(frames(frame)).units[0]!.verdicts[0]!.mend
    expect(mend({ opcode: 1, payload: 'Hello', lengthBits: 16 })).toMatchObject({ from: 'fe 00 05', to: '85' })
    expect(mend({ opcode: 2, payload: new Uint8Array(200), lengthBits: 64 })).toMatchObject({ to: 'fe 00 c8' })
    const close = { opcode: 8, payload: hex('03 ed'), maskingKey: [1, 2, 3, 4] }
    expect(mend(close)).toMatchObject({ at: 6, from: '02 ef', to: '02 ea', text: 'is 1000, Normal closure' })
  })

  it('has for each header that breaks a rule the same first one as the codec, and mends that keep it', () => {
    for (const role of ['server', 'client'] as const) {
      for (const flags of [0, 1, 2, 3]) {
        const context: HeaderContext = { role, rsv1Owned: (flags & 1) !== 0, messageOpen: (flags & 2) !== 0 }
        for (let header = 0; header < 0x1_0000; header++) {
          const [byte0, byte1] = [header >> 8, header & 0xff]
          // Of the lengths those around the limit of control frames.
          if ((byte1 & 0x7f) > 0 && (byte1 & 0x7f) < 0x7d) continue
          const faults = headerFaults(byte0, byte1, context)
          if ((faults[0]?.violation ?? null) !== checkHeader(byte0, byte1, context)) expect.unreachable(`${header}`)
          const mended = [byte0, byte1]
          for (const { at, mend, bits } of faults) {
            const mask = (0xff >> bits![0]) & (0xff << (7 - bits![1]))
            mended[at] = (mended[at]! & ~mask) | ((mend!.to?.[0] ?? 125) & mask)
          }
          if (checkHeader(mended[0]!, mended[1]!, context) !== null) expect.unreachable(`${header} is not mended`)
        }
      }
    }
  })

  it('finds the octet at which a text goes wrong, across fragments (§8.1) [6455-8.1-1]', () => {
    const bytes = frames(
      { opcode: 1, fin: false, payload: hex('61 e2 82') },
      { opcode: 9, payload: 'ping' },
      { opcode: 0, payload: hex('28 61') },
    )
    const annotation = annotated(bytes)
    expect(annotation.stop).toMatchObject({ unit: 2, at: bytes.length - 2, verdict: { rule: 'InvalidUtf8' } })
    expect(annotation.messages).toMatchObject([{ isBroken: true, isComplete: true, frames: [0, 2] }])
  })

  it('blames the frame in which a compressed message goes wrong', () => {
    const bytes = frames(
      { opcode: 2, rsv: 4, fin: false },
      { opcode: 0, fin: false, payload: hex('ff ff') },
      { opcode: 0, payload: '' },
      { opcode: 3 },
    )
    const annotation = annotated(bytes, { extensions: 'permessage-deflate' })
    expect(annotation.stop).toMatchObject({ unit: 1, verdict: { rule: 'CorruptMessage' } })
    expect(annotation.units.map(({ isUnread }) => isUnread)).toEqual([false, false, true, true])
    const unfinished = annotated(bytes.subarray(0, 14), { extensions: 'permessage-deflate' })
    expect(unfinished.stop).toMatchObject({ unit: 1, verdict: { rule: 'CorruptMessage' } })
  })

  it('takes notice of data behind a Close frame, and only of data (§5.5.1) [6455-5.5.1-6]', () => {
    const bytes = frames({ opcode: 8 }, { opcode: 9 }, { opcode: 1, payload: 'late' })
    const annotation = annotated(bytes)
    expect(rules(annotation)).toEqual(['DataAfterClose'])
    expect(annotation.units[2]!.verdicts[0]).toMatchObject({ statusCode: null, duty: { action: 'ignore' } })
    expect(annotation.stop).toMatchObject({ reason: 'close', unit: 0 })
  })
})

describe('annotate of messages', () => {
  it('joins fragments, with control frames between them (§5.4)', () => {
    const bytes = frames(
      { opcode: 1, fin: false, payload: 'One ' },
      { opcode: 9, payload: 'now?' },
      { opcode: 0, payload: 'message' },
      { opcode: 2, payload: hex('00 ff') },
    )
    const { messages, units } = annotated(bytes)
    expect(messages).toMatchObject([
      { index: 0, frames: [0, 2], opcode: 1, text: 'One message', isComplete: true, wireLength: 11 },
      { index: 1, frames: [3], opcode: 2, text: null, bytes: hex('00 ff') },
    ])
    expect((units as FrameUnit[]).map(({ message, part }) => [message, part])).toEqual([
      [0, 0],
      [null, 0],
      [0, 1],
      [1, 0],
    ])
  })

  it('inflates with and without context takeover (7692 §7.2.2)', () => {
    const text = 'hello hello hello hello'
    const first = compressed(text)
    const second = compressed(text, new TextEncoder().encode(text))
    expect(second.length).toBeLessThan(first.length)
    const bytes = frames({ opcode: 1, rsv: 4, payload: first }, { opcode: 1, rsv: 4, payload: second })
    const kept = annotated(bytes, { extensions: 'permessage-deflate' })
    expect(kept.messages.map((message) => message.text)).toEqual([text, text])
    const forgotten = annotated(bytes, { extensions: 'permessage-deflate; client_no_context_takeover' })
    expect(rules(forgotten)).toEqual(['CorruptMessage'])
  })

  it('leaves compressed messages as they are when nobody can inflate them, or not yet', () => {
    const bytes = frames({ opcode: 1, rsv: 4, payload: compressed('Hello') })
    for (const inflate of [undefined, () => undefined]) {
      const { messages, stop } = annotated(bytes, { extensions: 'permessage-deflate', inflate })
      expect([messages[0]!.bytes, messages[0]!.text, stop]).toEqual([null, null, null])
      expect(messages[0]!.joined).toEqual(compressed('Hello'))
    }
  })
})

describe('annotate of heads', () => {
  it('reads a request, its fields and the accept value step by step (§4.2.2) [6455-4.2.2-17]', () => {
    const annotation = annotate(concat(REQUEST, HELLO), { sha1 })
    const head = annotation.units[0] as HeadUnit
    expect(head).toMatchObject({ kind: 'head', direction: 'c2s', startLine: 'GET /chat?room=1 HTTP/1.1', missing: [] })
    expect(head.fields.map(({ name, value, isRequired, state }) => [name, value, isRequired, state])).toContainEqual([
      'Pragma',
      'no-cache',
      false,
      'ignored',
    ])
    expect(head.fields.filter(({ isRequired }) => isRequired)).toHaveLength(5)
    expect(head.accept).toEqual({
      key: KEY,
      guid: '258EAFA5-E914-47DA-95CA-C5AB0DC85B11',
      joined: `${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`,
      sha1: 'b3 7a 4f 2c c0 62 4f 16 90 f6 46 06 cf 38 59 45 b2 be c4 ea',
      accept: 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
    })
    expect(annotation.messages[0]?.text).toBe('Hello')
    expect([annotation.extensions, annotation.extensionsFrom]).toEqual([
      'permessage-deflate; client_max_window_bits',
      'offered',
    ])
    expectTiled(annotation, 0, REQUEST.length + HELLO.length)
  })

  it('says the same of a head however it is cut', () => {
    const whole = plainly(annotate(REQUEST, { sha1 }))
    for (const { chunks } of chunkings(REQUEST)) {
      const annotator = new Annotator({ sha1 })
      for (const chunk of chunks) annotator.push(chunk)
      annotator.end()
      expect(plainly(annotator.annotation())).toEqual(whole)
    }
  })

  it('reports every fault of a request, each at its line or where the head ends', () => {
    const { units, stop } = annotate(lines('POST /chat HTTP/1.1', 'Host: a b', 'Sec-WebSocket-Version: 8'))
    expect(units[0]!.verdicts.map(({ id, httpStatus }) => [id, httpStatus])).toEqual([
      ['6455-4.2.1-2', 405],
      ['6455-4.2.1-5', 400],
      ['6455-4.2.1-6', 426],
      ['6455-4.2.1-7', 400],
      ['6455-4.2.1-8', 400],
      ['6455-4.2.1-9', 426],
    ])
    expect((units[0] as HeadUnit).missing).toEqual(['upgrade', 'connection', 'sec-websocket-key'])
    expect(stop).toMatchObject({ reason: 'handshake', unit: 0, at: 0 })
  })

  it('goes on behind a head with a fault, when its end can be found', () => {
    const bytes = concat(
      new TextEncoder().encode('GET / HTTP/1.1\r\nHost: a\r\nbad name: x\r\nUpgrade: b\r\n\r\n'),
      HELLO,
    )
    const annotation = annotate(bytes)
    expect(annotation.units.map(({ kind }) => kind)).toEqual(['head', 'frame'])
    expect(annotation.stop!.verdict).toMatchObject({ id: '9112-5.1', at: 28 })
    expectTiled(annotation, 0, bytes.length)
  })

  it('holds a response against its request, and takes what it agrees on for the frames of both', () => {
    const agreed = response('Sec-WebSocket-Extensions: permessage-deflate', 'Sec-WebSocket-Protocol: news')
    const message = compressed('Hello')
    const bytes = {
      c2s: concat(REQUEST, frames({ opcode: 1, rsv: 4, payload: message })),
      s2c: concat(agreed, frames({ opcode: 1, rsv: 4, payload: message, maskingKey: null })),
    }
    const { c2s, s2c } = annotateBoth(bytes, { sha1, inflate })
    expect([rules(c2s), rules(s2c)]).toEqual([[], []])
    expect([c2s.messages[0]?.text, s2c.messages[0]?.text]).toEqual(['Hello', 'Hello'])
    expect([c2s.extensionsFrom, s2c.extensionsFrom]).toEqual(['told', 'response'])
    const none = annotateBoth({ ...bytes, s2c: response('Sec-WebSocket-Protocol: other') }, { sha1, inflate })
    expect(none.s2c.stop!.verdict!.id).toBe('6455-4.1-43')
    expect(none.c2s.stop!.verdict!.rule).toBe('ReservedBit')
  })

  it('judges the accept value only where the key is known', () => {
    const wrong = lines('HTTP/1.1 101 ', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Accept: x')
    expect(annotate(wrong).stop).toBeNull()
    const request = { key: KEY, subprotocols: [], offers: '' }
    expect(annotate(wrong, { request, sha1 }).stop!.verdict!.id).toBe('6455-4.1-41')
  })

  it('takes what follows a refusal for its body', () => {
    const bytes = concat(lines('HTTP/1.1 404 Not Found'), new TextEncoder().encode('nothing here'))
    const annotation = annotate(bytes)
    expect(annotation.units).toMatchObject([{ kind: 'head' }, { kind: 'noise', what: 'http-body', isUnread: true }])
    expectTiled(annotation, 0, bytes.length)
  })

  it('gives up a head without an end', () => {
    const bytes = new TextEncoder().encode(`GET / HTTP/1.1\r\n${'x: y\r\n'.repeat(20_000)}`)
    const annotation = annotate(bytes)
    expect(annotation.units.map(({ kind }) => kind)).toEqual(['head', 'noise'])
    expect(annotation.stop).toMatchObject({ reason: 'handshake', verdict: { httpStatus: 431 } })
    expectTiled(annotation, 0, bytes.length)
  })
})

describe('annotate of what is no WebSocket', () => {
  it.each([
    ['an HTTP response behind frames', concat(HELLO, lines('HTTP/1.1 500 Oops')), 'http-response', 1],
    ['an HTTP request behind frames', concat(HELLO, lines('POST / HTTP/1.1')), 'http-request', 1],
    ['a TLS record', hex('16 03 01 02 00 01 00'), 'tls', 0],
    ['the preface of HTTP/2', lines('PRI * HTTP/2.0'), 'http2', 0],
  ])('recognises %s', (_name, bytes, what, unit) => {
    const annotation = annotate(bytes, { direction: 'c2s' })
    const noise = annotation.units[unit] as NoiseUnit
    expect(noise).toMatchObject({ kind: 'noise', what, end: bytes.length })
    expect(annotation.stop).toMatchObject({ reason: 'not-websocket', unit, verdict: { statusCode: 1002 } })
    expect(meaning(noise)).not.toBe('')
    expectTiled(annotation, 0, bytes.length)
  })

  it('keeps the first bytes of it only', () => {
    const bytes = concat(lines('HTTP/1.1 400 Bad Request'), new Uint8Array(10_000))
    expect((annotate(bytes).units[1] as NoiseUnit).wire).toHaveLength(256)
  })
})

describe('Annotator', () => {
  it('hands out what was gathered, and goes on with the numbers', () => {
    const annotator = new Annotator({ direction: 'c2s' })
    annotator.push(HELLO)
    expect(annotator.take()).toMatchObject({ units: [{ index: 0 }], messages: [{ index: 0, text: 'Hello' }] })
    annotator.push(HELLO.subarray(0, 4))
    expect([annotator.take().units, annotator.pendingLength]).toEqual([[], 4])
    annotator.push(HELLO.subarray(4))
    expect(annotator.take()).toMatchObject({ units: [{ index: 1, at: 11 }], messages: [{ index: 1, frames: [1] }] })
    annotator.end()
    annotator.end()
    expect(() => annotator.push(HELLO)).toThrow(UsageError)
  })

  it('knows the direction and the end of reading as soon as they can be known', () => {
    const annotator = new Annotator()
    expect([annotator.direction, annotator.stop]).toEqual([null, null])
    annotator.push(Uint8Array.of(0x83))
    annotator.push(Uint8Array.of(0x80, 1, 2, 3, 4))
    expect([annotator.direction, annotator.stop?.verdict?.rule]).toEqual(['c2s', 'ReservedOpcode'])
  })

  it('takes 100,000 frames, and a head octet by octet', () => {
    const many = new Uint8Array(600_000)
    for (let at = 0; at < many.length; at += 6) many.set([0x81, 0x80, 1, 2, 3, 4], at)
    expect(annotated(many).units).toHaveLength(100_000)
    const annotator = new Annotator()
    const long = new TextEncoder().encode(`GET / HTTP/1.1\r\n${'\n'.repeat(3)}${'a'.repeat(100_000)}`)
    for (const octet of long) annotator.push(Uint8Array.of(octet))
    annotator.end()
    expect(annotator.annotation().units[0]).toMatchObject({ kind: 'head' })
  })
})

describe('prose', () => {
  it('has a text for every key that annotations carry', () => {
    const streams = [
      concat(REQUEST, HELLO, frames({ opcode: 0 }, { opcode: 3, payload: 'x' }, { opcode: 10, fin: false })),
      concat(response(), new TextEncoder().encode('GET / x')),
      lines('HTTP/1.1 404 Not Found'),
      new TextEncoder().encode('GET / HTTP/1.1\nx'),
    ]
    for (const stream of streams) {
      for (const unit of annotate(stream).units) {
        for (const span of unit.spans) expect([span.textKey, meaning(span)]).not.toEqual([span.textKey, ''])
        if (unit.kind === 'head') for (const field of unit.fields) expect(prose[field.textKey]).toBeDefined()
      }
    }
  })

  it('names sections and links to them', () => {
    expect([sectionLabel('6455-5.2'), sectionLabel('7692-6'), sectionLabel('')]).toEqual(['§5.2', 'RFC 7692 §6', ''])
    expect(sectionLink('6455-5.2-3')).toBe('https://www.rfc-editor.org/rfc/rfc6455#section-5.2')
    expect(sectionLink('')).toBe('')
  })
})
