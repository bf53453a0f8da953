import { readFileSync } from 'node:fs'
import Ajv2020 from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import {
  annotateSession,
  parseSession,
  type Session,
  serializeSession,
  sessionBytes,
  sessionHeaderLine,
  sessionLine,
} from '../../src/inspector/session.ts'
import { ROOT } from '../support/child.ts'
import { hex } from '../support/hex.ts'

const session: Session = {
  header: {
    format: 'framewright-session',
    v: 1,
    startedAt: '2026-11-28T12:00:00Z',
    start: 'frames',
    extensions: 'permessage-deflate',
    note: 'grüße',
  },
  events: [
    { kind: 'bytes', atMs: 0, direction: 'c2s', bytes: hex('81 85 37 fa 21') },
    { kind: 'bytes', atMs: 0.25, direction: 's2c', bytes: hex('81 02 68 69') },
    { kind: 'bytes', atMs: 3, direction: 'c2s', bytes: hex('3d 7f 9f 4d 51 58') },
    { kind: 'bytes', atMs: 3, direction: 'c2s', bytes: hex('') },
    { kind: 'end', atMs: 4, direction: 'c2s' },
    { kind: 'reset', atMs: 5, direction: 's2c' },
    { kind: 'close', atMs: 6, side: 'server', code: 1002, reason: 'why', requirement: '6455-5.1-2' },
    { kind: 'close', atMs: 6, side: 'client', code: 1006, reason: '' },
  ],
}

const first = sessionHeaderLine(session.header)

describe('a session file', () => {
  it('comes back as it was written', () => {
    expect(parseSession(serializeSession(session))).toEqual(session)
    expect(parseSession(sessionHeaderLine({ format: 'framewright-session', v: 1, start: 'head' }))).toEqual({
      header: { format: 'framewright-session', v: 1, start: 'head' },
      events: [],
    })
  })

  it('is lines that its schema describes', () => {
    const schema = JSON.parse(readFileSync(`${ROOT}src/inspector/schema/session.schema.json`, 'utf8'))
    const validate = new Ajv2020.default({ formats: { 'date-time': true } }).compile(schema)
    for (const line of serializeSession(session).trimEnd().split('\n')) {
      expect([validate(JSON.parse(line)), validate.errors, line]).toEqual([true, null, line])
    }
    expect(validate({ kind: 'bytes', atMs: 0, direction: 'c2s', hex: '8' })).toBe(false)
  })

  it('can be read while it is written: a last line that is cut is left out, one without a line feed is not', () => {
    const [event] = session.events
    expect(parseSession(`${first}${sessionLine(event!).slice(0, 20)}`).events).toEqual([])
    expect(parseSession(`${first}${sessionLine(event!).trimEnd()}`).events).toEqual([event])
  })

  it('may have empty lines, and kinds that a later version adds', () => {
    expect(parseSession(`${first}\n{"kind":"weather","atMs":1}\n`).events).toEqual([])
  })

  it('gives the bytes of a direction, joined', () => {
    expect(sessionBytes(session, 'c2s')).toEqual(hex('81 85 37 fa 21 3d 7f 9f 4d 51 58'))
    expect(sessionBytes(session, 's2c')).toEqual(hex('81 02 68 69'))
  })

  it('is explained in both directions, with the extensions it says', () => {
    const { c2s, s2c } = annotateSession(session)
    expect([c2s.messages[0]?.text, s2c.messages[0]?.text]).toEqual(['Hello', 'hi'])
    expect([c2s.extensions, c2s.extensionsFrom]).toEqual(['permessage-deflate', 'told'])
    const plain = { ...session, header: { format: 'framewright-session', v: 1, start: 'frames' } as const }
    expect(annotateSession(plain).c2s.extensions).toBe('')
  })

  it.each([
    ['', 'line 1 of the session: "" is no JSON'],
    ['[]\n', 'line 1 of the session: "[]" is no JSON object'],
    ['{}\n', 'line 1 of the session: format is missing'],
    ['{"format":"framewright-session","v":2}\n', 'v is "2"; this program reads version 1'],
    ['{"format":"framewright-session","v":1}\n', 'start is missing; it is "head" or "frames"'],
    ['{"format":"framewright-session","v":1,"start":"head","note":7}\n', 'note is "7"; it is text'],
    [
      '{"format":"framewright-session","v":1,"start":"head","extensions":";"}\n',
      'extensions: Sec-WebSocket-Extensions',
    ],
    [`${first}{"atMs":1}\n`, 'line 2 of the session: kind is missing'],
    [`${first}{"kind":"end","direction":"c2s"}\n`, 'atMs is missing'],
    [`${first}{"kind":"end","atMs":-1,"direction":"c2s"}\n`, 'atMs is "-1"'],
    [`${first}{"kind":"end","atMs":1,"direction":"up"}\n`, 'it is "c2s" or "s2c"'],
    [`${first}{"kind":"bytes","atMs":1,"direction":"c2s","hex":"8"}\n`, 'hex is "\\"8\\""; it is two hex digits'],
    [`${first}{"kind":"close","atMs":1,"side":"server","reason":""}\n`, 'code is missing'],
    [
      `${first}{"kind":"end","atMs":2,"direction":"c2s"}\n{"kind":"end","atMs":1,"direction":"s2c"}\n`,
      'line 3 of the session: atMs is 1 after 2',
    ],
    [`${first}x\n{}\n`, 'line 2 of the session: "x" is no JSON'],
  ])('is refused with the line and the reason: %j', (text, message) => {
    expect(() => parseSession(text)).toThrow(UsageError)
    expect(() => parseSession(text)).toThrow(message)
  })
})
