import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { RequestHeadReader, ResponseHeadReader } from '../../src/handshake/head-reader.ts'
import { chunkingsWithTrailing } from '../support/chunkings.ts'
import { BROWSER_HEAD, head, latin1, octets, refusal } from './heads.ts'

const REQUEST = head('GET /chat?x=1 HTTP/1.1', [
  'Host: a',
  'X-Empty:',
  'x-Padded: \t b \t c\t ',
  'X-Latin: caf\xe9\x80',
])
const RESPONSE = head('HTTP/1.1 101 Switching \xc9', ['Upgrade: websocket', 'X-Latin: \xff'])
const FRAME = Uint8Array.of(0x81, 0x85, 1, 2, 3, 4, 0, 13, 10, 13, 10)

describe('RequestHeadReader', () => {
  it('reads method, target, version and field lines (§4.2.1) [6455-4.2.1-13]', () => {
    const read = new RequestHeadReader().receive(octets(REQUEST))
    expect(read).toMatchObject({ method: 'GET', target: '/chat?x=1', httpVersion: '1.1' })
    expect([...read!.fields]).toEqual([
      ['Host', 'a'],
      ['X-Empty', ''],
      ['x-Padded', 'b \t c'],
      ['X-Latin', 'caf\xe9\x80'],
    ])
  })

  it('reads the same whatever the pieces, and hands back what follows (§4.1) [6455-4.1-37]', () => {
    const expected = new RequestHeadReader().receive(octets(REQUEST))!
    for (const { name, chunks } of chunkingsWithTrailing(octets(REQUEST), FRAME)) {
      const reader = new RequestHeadReader()
      let read = null
      const rest: number[] = []
      for (const chunk of chunks) {
        if (read === null) {
          read = reader.receive(chunk)
          rest.push(...reader.takeLeftover())
        } else {
          rest.push(...chunk)
        }
      }
      expect(read, name).toEqual(expected)
      expect([...read!.fields], name).toEqual([...expected.fields])
      expect(Uint8Array.from(rest), name).toEqual(FRAME)
    }
  })

  it.each([
    ['X: a\rb', 'follows a CR; only LF may'],
    ['X: a\r\n\rb', 'follows a CR; only LF may'],
    [' X: a\r\n', 'a field line begins with whitespace; line folding is refused'],
    [': a\r\n', 'a field line has an empty name'],
    ['Content-Length: 1\t\r\n', 'a tab follows the value of Content-Length'],
    ['X : a\r\n', 'whitespace between a field name and its colon'],
    ['X\r\n', 'a field line has no colon'],
    ['X\nY: b\r\n', 'a field line has no colon'],
    ['X"Y: b\r\n', 'in a field name; a field name is a token'],
  ])('says of the field lines %j: %s (RFC 9112 §5) [6455-4.2.1-1]', (lines, message) => {
    expect(refusal(() => new RequestHeadReader().receive(octets(`GET / HTTP/1.1\r\n${lines}`))).message).toContain(
      message,
    )
  })

  it('says how many field lines are too many [6455-10.4-1]', () => {
    const reader = new RequestHeadReader({ maxFieldLines: 2 })
    const refused = refusal(() => reader.receive(octets(head('GET / HTTP/1.1', ['A: 1', 'B: 2', 'C: 3']))))
    expect(refused.message).toContain('the head has more than 2 field lines')
  })

  it('skips one empty line before the request-line (RFC 9112 §2.2)', () => {
    expect(new RequestHeadReader().receive(octets(`\r\n${BROWSER_HEAD}`))).toMatchObject({
      method: 'GET',
      target: '/chat?room=1',
    })
  })

  it('takes an empty chunk as nothing, and nothing as the leftover', () => {
    const reader = new RequestHeadReader()
    expect(reader.receive(new Uint8Array(0))).toBeNull()
    expect(reader.receive(octets('G'))).toBeNull()
    expect(reader.receive(new Uint8Array(0))).toBeNull()
    expect(reader.takeLeftover()).toHaveLength(0)
    expect(reader.receive(octets(BROWSER_HEAD.slice(1)))).not.toBeNull()
    expect(reader.takeLeftover()).toHaveLength(0)
  })

  it('gives the leftover once', () => {
    const reader = new RequestHeadReader()
    reader.receive(octets(`${BROWSER_HEAD}abc`))
    expect(latin1(reader.takeLeftover())).toBe('abc')
    expect(reader.takeLeftover()).toHaveLength(0)
  })

  it('does not depend on a chunk it has taken in', () => {
    const reader = new RequestHeadReader()
    const chunk = octets(BROWSER_HEAD.slice(0, 200))
    reader.receive(chunk)
    chunk.fill(0)
    expect(reader.receive(octets(BROWSER_HEAD.slice(200)))?.fields.get('pragma')).toBe('no-cache')
  })

  it('throws UsageError when it is fed after the head', () => {
    const reader = new RequestHeadReader()
    reader.receive(octets(BROWSER_HEAD))
    expect(() => reader.receive(FRAME)).toThrow(UsageError)
  })

  it('throws the same error again when it is fed after a refusal', () => {
    const reader = new RequestHeadReader()
    const error = refusal(() => reader.receive(octets('\0')))
    expect(refusal(() => reader.receive(octets(BROWSER_HEAD)))).toBe(error)
    expect(reader.takeLeftover()).toHaveLength(0)
  })

  it('throws UsageError for a limit that is none', () => {
    expect(() => new RequestHeadReader({ maxHeadBytes: 0 })).toThrow(UsageError)
  })
})

// Each row ends with the octet that shows the fault: not one octet more is needed, and not one less.
const EARLY_FAULTS = [
  { name: 'a TLS ClientHello', bytes: '\x16', requirement: '9112-3.1' },
  { name: 'a NUL', bytes: '\0', requirement: '9112-3.1' },
  { name: 'a leading space', bytes: ' ', requirement: '9112-3.1' },
  { name: 'a bare LF in front', bytes: '\n', requirement: '9112-3.1' },
  { name: 'a bare CR in front', bytes: '\rG', requirement: '9112-2.2' },
  { name: 'two empty lines in front', bytes: '\r\n\r', requirement: '9112-3.1' },
  { name: 'a method with a slash', bytes: 'GE/', requirement: '9112-3.1' },
  { name: 'only a method', bytes: 'GET\r', requirement: '9112-3.1' },
  { name: 'two spaces after the method', bytes: 'GET  ', requirement: '6455-4.2.1-4' },
  { name: 'a tab after the method', bytes: 'GET\t', requirement: '9112-3.1' },
  { name: 'the asterisk form', bytes: 'GET *', requirement: '6455-4.2.1-4' },
  { name: 'an authority form', bytes: 'GET s', requirement: '6455-4.2.1-4' },
  { name: 'an authority form with h', bytes: 'GET host:80 ', requirement: '6455-4.2.1-4' },
  { name: 'another scheme with h', bytes: 'GET hxxp://host/ ', requirement: '6455-4.2.1-4' },
  { name: 'a fragment', bytes: 'GET /a#', requirement: '6455-4.2.1-4' },
  { name: 'obs-text in the target', bytes: 'GET /\xff', requirement: '6455-4.2.1-4' },
  { name: 'a tab in the target', bytes: 'GET /a\t', requirement: '6455-4.2.1-4' },
  { name: 'a NUL in the target', bytes: 'GET /\0', requirement: '6455-4.2.1-4' },
  { name: 'HTTP/0.9', bytes: 'GET /\r', requirement: '6455-4.2.1-3' },
  { name: 'HTTP/0.9 with LF', bytes: 'GET /\n', requirement: '6455-4.2.1-3' },
  { name: 'two spaces before the version', bytes: 'GET /  ', requirement: '6455-4.2.1-3' },
  { name: 'a lower-case version', bytes: 'GET / h', requirement: '6455-4.2.1-3' },
  { name: 'HTTP/1.0', bytes: 'GET / HTTP/1.0', requirement: '6455-4.2.1-3' },
  { name: 'HTTP/1.2', bytes: 'GET / HTTP/1.2', requirement: '6455-4.2.1-3' },
  { name: 'HTTP/2.0', bytes: 'GET / HTTP/2', requirement: '6455-4.2.1-3' },
  { name: 'the HTTP/2 preface', bytes: 'PRI *', requirement: '6455-4.2.1-4' },
  { name: 'HTTP/1.10', bytes: 'GET / HTTP/1.10', requirement: '9112-2.2' },
  { name: 'a space after the version', bytes: 'GET / HTTP/1.1 ', requirement: '9112-2.2' },
  { name: 'LF after the version', bytes: 'GET / HTTP/1.1\n', requirement: '9112-2.2' },
  { name: 'a bare CR after the version', bytes: 'GET / HTTP/1.1\rH', requirement: '9112-2.2' },
  { name: 'a space before the first field', bytes: 'GET / HTTP/1.1\r\n ', requirement: '9112-5.2' },
  { name: 'a bare LF for the empty line', bytes: 'GET / HTTP/1.1\r\n\n', requirement: '9112-5' },
  { name: 'a bare CR for the empty line', bytes: 'GET / HTTP/1.1\r\n\rH', requirement: '9112-2.2' },
  { name: 'an empty field name', bytes: 'GET / HTTP/1.1\r\n:', requirement: '9112-5' },
  { name: 'a NUL before a field name', bytes: 'GET / HTTP/1.1\r\n\0', requirement: '9112-5' },
  { name: 'a field name with a slash', bytes: 'GET / HTTP/1.1\r\nA/', requirement: '9112-5.1' },
  { name: 'a field name with obs-text', bytes: 'GET / HTTP/1.1\r\nA\xe9', requirement: '9112-5.1' },
  { name: 'a space before the colon', bytes: 'GET / HTTP/1.1\r\nA ', requirement: '9112-5.1' },
  { name: 'a tab before the colon', bytes: 'GET / HTTP/1.1\r\nA\t', requirement: '9112-5.1' },
  { name: 'no colon', bytes: 'GET / HTTP/1.1\r\nA\r', requirement: '9112-5' },
  { name: 'no colon, LF', bytes: 'GET / HTTP/1.1\r\nA\n', requirement: '9112-5' },
  { name: 'LF after a value', bytes: 'GET / HTTP/1.1\r\nA: b\n', requirement: '9112-5' },
  { name: 'LF after an empty value', bytes: 'GET / HTTP/1.1\r\nA:\n', requirement: '9112-5' },
  { name: 'a bare CR in a value', bytes: 'GET / HTTP/1.1\r\nA: b\rc', requirement: '9112-2.2' },
  { name: 'two CRs', bytes: 'GET / HTTP/1.1\r\nA: b\r\r', requirement: '9112-2.2' },
  { name: 'a NUL in a value', bytes: 'GET / HTTP/1.1\r\nA: b\0', requirement: '9112-5' },
  { name: 'DEL in a value', bytes: 'GET / HTTP/1.1\r\nA: \x7f', requirement: '9112-5' },
  { name: 'obs-fold', bytes: 'GET / HTTP/1.1\r\nA: b\r\n ', requirement: '9112-5.2' },
  { name: 'obs-fold with a tab', bytes: 'GET / HTTP/1.1\r\nA: b\r\n\t', requirement: '9112-5.2' },
  { name: 'a tab after Content-Length', bytes: 'GET / HTTP/1.1\r\ncontent-LENGTH: 0 \t\r', requirement: '9112-6.3' },
]

describe('RequestHeadReader, faults', () => {
  it.each(EARLY_FAULTS)(
    'refuses $name with 400 at the octet that shows it (S-H25) [6455-4.2.1-1]',
    ({ bytes, requirement }) => {
      const all = octets(bytes)
      for (const { name, chunks } of chunkingsWithTrailing(all, octets(BROWSER_HEAD)).slice(0, all.length + 2)) {
        const reader = new RequestHeadReader()
        const error = refusal(() => chunks.map((chunk) => reader.receive(chunk)))
        expect(error, name).toMatchObject({ httpStatus: 400, requirement })
      }
      const reader = new RequestHeadReader()
      expect(reader.receive(all.subarray(0, -1))).toBeNull()
      expect(refusal(() => reader.receive(all.subarray(-1)))).toMatchObject({ httpStatus: 400, requirement })
    },
  )

  it.each(['Content-Lengtx: 0\t', 'Content: 0\t', 'Content-Length:\t'])('accepts a tab after %j', (line) => {
    expect(new RequestHeadReader().receive(octets(head('GET / HTTP/1.1', [line])))).not.toBeNull()
  })
})

describe('RequestHeadReader, limits', () => {
  const line = (length: number) => `GET /${'a'.repeat(length - 'GET / HTTP/1.1'.length)} HTTP/1.1`
  const lines = (count: number) => Array.from({ length: count }, () => 'X: 1')
  const headOf = (length: number) =>
    `GET / HTTP/1.1\r\nX: ${'a'.repeat(length - 'GET / HTTP/1.1\r\nX: \r\n\r\n'.length)}\r\n\r\n`

  it.each([
    { name: 'a request-line of 8192 octets', bytes: head(line(8192), []) },
    { name: 'an empty line and a request-line of 8192 octets', bytes: `\r\n${head(line(8192), [])}` },
    { name: '100 field lines', bytes: head('GET / HTTP/1.1', lines(100)) },
    { name: 'a head of 16384 octets', bytes: headOf(16_384) },
  ])('accepts $name, in pieces too [6455-10.4-1]', ({ bytes }) => {
    expect(new RequestHeadReader().receive(octets(bytes))).not.toBeNull()
    const reader = new RequestHeadReader()
    const results = Array.from(octets(bytes), (octet) => reader.receive(Uint8Array.of(octet)))
    expect(results.findIndex((result) => result !== null)).toBe(bytes.length - 1)
  })

  it.each([
    { name: 'an endless target', start: 'GET /', endless: 'a', status: 414, at: 8193 },
    { name: 'an endless method', start: '', endless: 'A', status: 414, at: 8193 },
    {
      name: 'an endless absolute target after an empty line',
      start: '\r\nGET http://h/',
      endless: 'a',
      status: 414,
      at: 8195,
    },
    { name: 'an endless value', start: 'GET / HTTP/1.1\r\nX:', endless: 'a', status: 431, at: 16_384 },
    { name: 'endless padding', start: 'GET / HTTP/1.1\r\nX:', endless: ' ', status: 431, at: 16_384 },
    { name: 'an endless name', start: 'GET / HTTP/1.1\r\n', endless: 'a', status: 431, at: 16_384 },
    {
      name: 'one name for ever (S-H08, S-H12)',
      start: 'GET / HTTP/1.1\r\n',
      endless: 'X: 1\r\n',
      status: 431,
      at: 617,
    },
    {
      name: 'long lines for ever',
      start: 'GET / HTTP/1.1\r\n',
      endless: `X: ${'a'.repeat(500)}\r\n`,
      status: 431,
      at: 16_384,
    },
  ])('refuses $name with $status at octet $at [6455-10.4-1] [6455-4.2.1-1]', ({ start, endless, status, at }) => {
    const bytes = octets((start + endless.repeat(1 + 20_000 / endless.length)).slice(0, 20_000))
    const refused = { httpStatus: status, requirement: '6455-10.4-1' }
    expect(refusal(() => new RequestHeadReader().receive(bytes))).toMatchObject(refused)
    const reader = new RequestHeadReader()
    expect(reader.receive(bytes.subarray(0, at - 1))).toBeNull()
    expect(refusal(() => reader.receive(bytes.subarray(at - 1, at)))).toMatchObject(refused)
  })

  it.each([0, 1, 50, 99])('refuses 2000 lines with 431, %i of them before the upgrade fields (S-H06)', (before) => {
    const bytes = octets(
      BROWSER_HEAD.replace('Host:', `${'X: 1\r\n'.repeat(before)}Host:`).replace(
        '\r\n\r\n',
        `\r\n${'X: 1\r\n'.repeat(2000)}\r\n`,
      ),
    )
    expect(refusal(() => new RequestHeadReader().receive(bytes)).httpStatus).toBe(431)
  })

  it('honours the limits it is given', () => {
    const limits = { maxStartLineBytes: 20, maxHeadBytes: 40, maxFieldLines: 2 }
    const status = (text: string) => refusal(() => new RequestHeadReader(limits).receive(octets(text))).httpStatus
    expect(new RequestHeadReader(limits).receive(octets(head('GET /abcdef HTTP/1.1', ['a: b', 'c: d'])))).not.toBeNull()
    expect(status('GET /abcdefg HTTP/1.1\r\n')).toBe(414)
    expect(status(head('GET /abcdef HTTP/1.1', ['a: b', 'c: d', 'e: f']))).toBe(431)
    expect(status(head('GET /abcdef HTTP/1.1', ['a: b', 'c: ddddddd']))).toBe(431)
  })

  it('has no limit where Infinity is given', () => {
    const none = Number.POSITIVE_INFINITY
    const reader = new RequestHeadReader({ maxStartLineBytes: none, maxHeadBytes: none, maxFieldLines: none })
    const bytes = octets(head(line(100_000), lines(10_000)))
    expect(reader.receive(bytes.subarray(0, 70_000))).toBeNull()
    expect(reader.receive(bytes.subarray(70_000))?.fields.size).toBe(10_000)
  })
})

describe('ResponseHeadReader', () => {
  it('reads version, status, reason and field lines whatever the pieces (§4.1) [6455-4.1-2]', () => {
    for (const { name, chunks } of chunkingsWithTrailing(octets(RESPONSE), FRAME)) {
      const reader = new ResponseHeadReader()
      let read = null
      const rest: number[] = []
      for (const chunk of chunks) {
        if (read === null) {
          read = reader.receive(chunk)
          rest.push(...reader.takeLeftover())
        } else {
          rest.push(...chunk)
        }
      }
      expect(read, name).toMatchObject({ httpVersion: '1.1', status: 101, reason: 'Switching \xc9' })
      expect([...read!.fields], name).toEqual([
        ['Upgrade', 'websocket'],
        ['X-Latin', '\xff'],
      ])
      expect(Uint8Array.from(rest), name).toEqual(FRAME)
    }
  })

  it.each([
    { line: 'HTTP/1.1 101 ', read: { status: 101, reason: '' } },
    { line: 'HTTP/1.1 101', read: { status: 101, reason: '' } },
    { line: 'HTTP/1.0 503 \t x', read: { httpVersion: '1.0', status: 503, reason: '\t x' } },
    { line: 'HTTP/1.1 999 Ok', read: { status: 999, reason: 'Ok' } },
  ])('reads $line (RFC 9112 §4)', ({ line, read }) => {
    expect(new ResponseHeadReader().receive(octets(head(line, [])))).toMatchObject(read)
  })

  it.each([
    { name: 'no HTTP', bytes: 'S' },
    { name: 'an empty line in front', bytes: '\r' },
    { name: 'HTTP/2.0', bytes: 'HTTP/2' },
    { name: 'HTTP/1.2', bytes: 'HTTP/1.2' },
    { name: 'no space after the version', bytes: 'HTTP/1.11' },
    { name: 'two spaces', bytes: 'HTTP/1.1  ' },
    { name: 'a status below 100', bytes: 'HTTP/1.1 0' },
    { name: 'a status with a letter', bytes: 'HTTP/1.1 10x' },
    { name: 'a status with a colon', bytes: 'HTTP/1.1 10:' },
    { name: 'a status of four digits', bytes: 'HTTP/1.1 1010' },
    { name: 'LF after the status', bytes: 'HTTP/1.1 101\n' },
    { name: 'a NUL in the reason', bytes: 'HTTP/1.1 101 a\0' },
    { name: 'LF after the reason', bytes: 'HTTP/1.1 101 a\n' },
    { name: 'a bare CR', bytes: 'HTTP/1.1 101 a\rb' },
    { name: 'a bare CR without reason', bytes: 'HTTP/1.1 101\rb' },
    { name: 'obs-fold', bytes: 'HTTP/1.1 101 a\r\nB: c\r\n ' },
  ])('fails with 502 for $name at the octet that shows it [6455-4.1-44]', ({ bytes }) => {
    const all = octets(bytes)
    const reader = new ResponseHeadReader()
    expect(reader.receive(all.subarray(0, -1))).toBeNull()
    expect(refusal(() => reader.receive(all.subarray(-1))).httpStatus).toBe(502)
    expect(refusal(() => new ResponseHeadReader().receive(octets(`${bytes}${RESPONSE}`))).httpStatus).toBe(502)
  })

  it.each([
    { name: 'an endless reason', start: 'HTTP/1.1 101 ', endless: 'a', at: 8193 },
    { name: 'an endless value', start: 'HTTP/1.1 101\r\nX: ', endless: 'a', at: 16_384 },
    { name: 'endless lines', start: 'HTTP/1.1 101\r\n', endless: 'X: 1\r\n', at: 615 },
  ])('fails with 502 for $name at octet $at [6455-10.4-1]', ({ start, endless, at }) => {
    const bytes = octets(start + endless.repeat(20_000))
    const refused = { httpStatus: 502, requirement: '6455-10.4-1' }
    expect(refusal(() => new ResponseHeadReader().receive(bytes))).toMatchObject(refused)
    const reader = new ResponseHeadReader()
    expect(reader.receive(bytes.subarray(0, at - 1))).toBeNull()
    expect(refusal(() => reader.receive(bytes.subarray(at - 1, at)))).toMatchObject(refused)
  })

  it('reads a status-line of exactly the limit', () => {
    const line = `HTTP/1.1 101 ${'a'.repeat(8192 - 'HTTP/1.1 101 '.length)}`
    expect(new ResponseHeadReader().receive(octets(head(line, [])))).toMatchObject({ status: 101 })
  })
})
