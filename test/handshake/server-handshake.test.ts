import { describe, expect, it } from 'vitest'
import { type FieldLines, HandshakeError, UsageError } from '../../src/errors.ts'
import { RsvBits } from '../../src/handshake/negotiation.ts'
import { parseRequestHead, requestHeadFrom } from '../../src/handshake/request.ts'
import { parseResponseHead } from '../../src/handshake/response.ts'
import {
  acceptUpgrade,
  rejectUpgrade,
  type UpgradePlan,
  validateUpgrade,
} from '../../src/handshake/server-handshake.ts'
import { BROWSER_HEAD, head, latin1, MINIMAL_LINES, octets, refusal, SAMPLE_ACCEPT, SAMPLE_KEY } from './heads.ts'

const GET = 'GET /chat?x=1 HTTP/1.1'

/** The minimal field lines with those of one name replaced by others; with none, it is left out. */
function lines(name: string, ...replacements: string[]): string[] {
  return [...MINIMAL_LINES.filter((line) => !line.startsWith(`${name}:`)), ...replacements]
}

function plan(fieldLines: readonly string[] = MINIMAL_LINES, startLine = GET): UpgradePlan {
  return validateUpgrade(parseRequestHead(octets(head(startLine, fieldLines))))
}

describe('validateUpgrade', () => {
  it('plans the minimal handshake (§4.2.1) [6455-4.2.1-10] [6455-4.2.1-11]', () => {
    expect(plan()).toMatchObject({
      key: SAMPLE_KEY,
      target: '/chat?x=1',
      resourceName: '/chat?x=1',
      path: '/chat',
      host: 'server.example.com',
      origin: undefined,
      subprotocols: [],
      extensionOffers: [],
    })
  })

  it('plans what a browser sends (§4.2.1) [6455-4.2.1-14]', () => {
    const parsed = parseRequestHead(octets(BROWSER_HEAD))
    expect(validateUpgrade(parsed)).toMatchObject({
      head: parsed,
      origin: 'http://localhost:8080',
      extensionOffers: [{ name: 'permessage-deflate', params: [['client_max_window_bits', true]] }],
    })
  })

  it.each([
    { name: 'fields in another order', fieldLines: MINIMAL_LINES.toReversed() },
    {
      name: 'lower-case names',
      fieldLines: MINIMAL_LINES.map((line) => line.replace(/^[^:]+/, (n) => n.toLowerCase())),
    },
    {
      name: 'upper-case names',
      fieldLines: MINIMAL_LINES.map((line) => line.replace(/^[^:]+/, (n) => n.toUpperCase())),
    },
    { name: 'no space after the colon', fieldLines: MINIMAL_LINES.map((line) => line.replace(': ', ':')) },
    { name: 'whitespace around values', fieldLines: MINIMAL_LINES.map((line) => `${line.replace(': ', ':\t ')} \t`) },
  ])('accepts $name (§4.2.1) [6455-4.2.1-13]', ({ fieldLines }) => {
    expect(plan(fieldLines).key).toBe(SAMPLE_KEY)
  })

  it('ignores unknown fields, unknown Sec-WebSocket fields and prototype names too (S-H05) [6455-4.2.1-12] [6455-4.1-36]', () => {
    const unknown = ['X-Foo: \xff', 'Sec-WebSocket-Foo: ;;,', '__proto__: x', 'constructor: y', 'Expect: z']
    expect(plan([...unknown, ...MINIMAL_LINES, ...Array.from({ length: 20 }, (_, i) => `X-${i}: ${i}`)]).key).toBe(
      SAMPLE_KEY,
    )
  })

  it.each([
    { startLine: 'GET http://other.example:8080/chat?x=1 HTTP/1.1', host: 'other.example:8080' },
    { startLine: 'GET HTTPS://other.example/chat?x=1 HTTP/1.1', host: 'other.example' },
  ])('takes the host from $startLine (RFC 9112 §3.2.2) [6455-4.2.1-4] [6455-4.1-22]', ({ startLine, host }) => {
    expect(plan(MINIMAL_LINES, startLine)).toMatchObject({ host, resourceName: '/chat?x=1', path: '/chat' })
  })

  it.each([
    { fields: ['Upgrade: WebSocket'] },
    { fields: ['Upgrade: WEBSOCKET'] },
    { fields: ['Upgrade: h2c, websocket'] },
    { fields: ['Upgrade: h2c', 'Upgrade: websocket'] },
    { fields: ['Upgrade: HTTP/2.0, , websocket,'] },
  ])('accepts $fields (§4.2.1) [6455-4.2.1-6]', ({ fields }) => {
    expect(plan(lines('Upgrade', ...fields)).key).toBe(SAMPLE_KEY)
  })

  it.each([
    { fields: ['Connection: keep-alive, Upgrade'] },
    { fields: ['Connection: keep-alive', 'Connection: UPGRADE'] },
    { fields: ['Connection: ,upgrade,'] },
    { fields: ['Connection: upgrade', 'Connection: close'] },
  ])('accepts $fields (§4.2.1) [6455-4.2.1-7]', ({ fields }) => {
    expect(plan(lines('Connection', ...fields)).key).toBe(SAMPLE_KEY)
  })

  it('accepts a key with other pad bits (erratum 3150) [6455-4.2.1-8]', () => {
    expect(plan(lines('Sec-WebSocket-Key', 'Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEC==')).key).toBe(
      'AQIDBAUGBwgJCgsMDQ4PEC==',
    )
  })

  it.each(['0', '00', '000000'])('accepts Content-Length: %s, which is no body', (length) => {
    expect(plan([...MINIMAL_LINES, `Content-Length: ${length}`]).key).toBe(SAMPLE_KEY)
  })

  it.each(['', 'null', 'https://example.org', '\xff'])('hands Origin %j through as it is [6455-4.1-30]', (origin) => {
    expect(plan([...MINIMAL_LINES, `Origin: ${origin}`]).origin).toBe(origin)
  })

  it('joins lists that are split over lines (§9.1, §11.3) [6455-9.1-3] [6455-11.3.2-1] [6455-11.3.4-1] [6455-4.1-35]', () => {
    const split = [
      'Sec-WebSocket-Protocol: a',
      'Sec-WebSocket-Extensions: foo',
      'Sec-WebSocket-Protocol: b, c',
      'Sec-WebSocket-Extensions: bar; baz=2',
    ]
    expect(plan([...split, ...MINIMAL_LINES])).toMatchObject({
      subprotocols: ['a', 'b', 'c'],
      extensionOffers: [
        { name: 'foo', params: [] },
        { name: 'bar', params: [['baz', '2']] },
      ],
    })
  })

  it('compares the path with the one to serve (§4.2.2) [6455-4.2.2-8]', () => {
    const parsed = parseRequestHead(octets(head(GET, MINIMAL_LINES)))
    expect(validateUpgrade(parsed, { path: '/chat' }).path).toBe('/chat')
    expect(validateUpgrade(parsed, { path: undefined }).path).toBe('/chat')
    expect(refusal(() => validateUpgrade(parsed, { path: '/' }))).toMatchObject({
      httpStatus: 404,
      requirement: '6455-4.2.2-8',
    })
  })
})

const VERSION_13 = [
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Version', '13'],
]

describe('validateUpgrade, refusals', () => {
  it.each(['POST', 'PUT', 'HEAD', 'OPTIONS', 'CONNECT', 'get', 'GETS', '__proto__'])(
    'refuses %s with 405 and Allow: GET (§4.2.1) [6455-4.2.1-2]',
    (method) => {
      const error = refusal(() => plan(MINIMAL_LINES, `${method} / HTTP/1.1`))
      expect(error).toMatchObject({ httpStatus: 405, requirement: '6455-4.2.1-2', fields: [['Allow', 'GET']] })
    },
  )

  it.each(['1.0', '0.9', '2.0', '1.2'])(
    'refuses HTTP/%s with 400 when node:http has let it pass (§4.2.1) [6455-4.2.1-3]',
    (httpVersion) => {
      const rawHeaders = MINIMAL_LINES.flatMap((line) => line.split(': '))
      const parsed = requestHeadFrom({ method: 'GET', url: '/', httpVersion, rawHeaders })
      expect(refusal(() => validateUpgrade(parsed))).toMatchObject({ httpStatus: 400, requirement: '6455-4.2.1-3' })
      expect(validateUpgrade({ ...parsed, httpVersion: '1.1' }).key).toBe(SAMPLE_KEY)
    },
  )

  it.each(['*', '/a#b', 'host:80', '/\xff', ''])(
    'refuses the target %j with 400 when node:http has let it pass [6455-4.2.1-4]',
    (url) => {
      const rawHeaders = MINIMAL_LINES.flatMap((line) => line.split(': '))
      const parsed = requestHeadFrom({ method: 'GET', url, httpVersion: '1.1', rawHeaders })
      expect(refusal(() => validateUpgrade(parsed))).toMatchObject({ httpStatus: 400, requirement: '6455-4.2.1-4' })
    },
  )

  it.each<{ name: string; fieldLines: string[]; status: number; requirement: string; fields?: unknown }>([
    { name: 'no Host', fieldLines: lines('Host'), status: 400, requirement: '6455-4.2.1-5' },
    { name: 'an empty Host', fieldLines: lines('Host', 'Host:'), status: 400, requirement: '6455-4.2.1-5' },
    { name: 'two Hosts', fieldLines: lines('Host', 'Host: a', 'Host: a'), status: 400, requirement: '6455-4.2.1-5' },
    {
      name: 'two hosts in one line',
      fieldLines: lines('Host', 'Host: a, a'),
      status: 400,
      requirement: '6455-4.2.1-5',
    },
    { name: 'a Host with a space', fieldLines: lines('Host', 'Host: a b'), status: 400, requirement: '6455-4.2.1-5' },
    { name: 'Content-Length: 1', fieldLines: lines('', 'Content-Length: 1'), status: 400, requirement: '9112-6.3' },
    { name: 'an empty Content-Length', fieldLines: lines('', 'Content-Length:'), status: 400, requirement: '9112-6.3' },
    { name: 'Content-Length: -0', fieldLines: lines('', 'Content-Length: -0'), status: 400, requirement: '9112-6.3' },
    {
      name: 'Content-Length: 0, 0',
      fieldLines: lines('', 'Content-Length: 0, 0'),
      status: 400,
      requirement: '9112-6.3',
    },
    {
      name: 'two Content-Lengths',
      fieldLines: lines('', 'Content-Length: 0', 'Content-Length: 0'),
      status: 400,
      requirement: '9112-6.3',
    },
    {
      name: 'Transfer-Encoding: chunked',
      fieldLines: lines('', 'Transfer-Encoding: chunked'),
      status: 400,
      requirement: '9112-6.1',
    },
    {
      name: 'an empty Transfer-Encoding',
      fieldLines: lines('', 'transfer-encoding:'),
      status: 400,
      requirement: '9112-6.1',
    },
    { name: 'no Upgrade', fieldLines: lines('Upgrade'), status: 426, requirement: '6455-4.2.1-6', fields: VERSION_13 },
    {
      name: 'an empty Upgrade',
      fieldLines: lines('Upgrade', 'Upgrade:'),
      status: 426,
      requirement: '6455-4.2.1-6',
      fields: VERSION_13,
    },
    {
      name: 'another Upgrade',
      fieldLines: lines('Upgrade', 'Upgrade: h2c'),
      status: 426,
      requirement: '6455-4.2.1-6',
      fields: VERSION_13,
    },
    {
      name: 'websocket/13',
      fieldLines: lines('Upgrade', 'Upgrade: websocket/13'),
      status: 426,
      requirement: '6455-4.2.1-6',
    },
    {
      name: 'websockets',
      fieldLines: lines('Upgrade', 'Upgrade: websockets'),
      status: 426,
      requirement: '6455-4.2.1-6',
    },
    {
      name: 'a malformed Upgrade',
      fieldLines: lines('Upgrade', 'Upgrade: web socket'),
      status: 400,
      requirement: '9110-7.8',
    },
    { name: 'no Connection', fieldLines: lines('Connection'), status: 400, requirement: '6455-4.2.1-7' },
    {
      name: 'Connection: close',
      fieldLines: lines('Connection', 'Connection: close'),
      status: 400,
      requirement: '6455-4.2.1-7',
    },
    {
      name: 'a malformed Connection',
      fieldLines: lines('Connection', 'Connection: "Upgrade"'),
      status: 400,
      requirement: '6455-4.2.1-7',
    },
    { name: 'no key', fieldLines: lines('Sec-WebSocket-Key'), status: 400, requirement: '6455-4.2.1-8' },
    {
      name: 'an empty key',
      fieldLines: lines('Sec-WebSocket-Key', 'Sec-WebSocket-Key:'),
      status: 400,
      requirement: '6455-4.2.1-8',
    },
    {
      name: 'a key of 15 octets',
      fieldLines: lines('Sec-WebSocket-Key', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA'),
      status: 400,
      requirement: '6455-4.2.1-8',
    },
    {
      name: 'a key with obs-text',
      fieldLines: lines('Sec-WebSocket-Key', 'Sec-WebSocket-Key: \x80AAAAAAAAAAAAAAAAAAAAA=='),
      status: 400,
      requirement: '6455-4.2.1-8',
    },
    {
      name: 'the same key twice',
      fieldLines: lines('', `sec-websocket-key: ${SAMPLE_KEY}`),
      status: 400,
      requirement: '6455-11.3.1-1',
    },
    {
      name: 'two keys',
      fieldLines: lines('', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='),
      status: 400,
      requirement: '6455-11.3.1-1',
    },
    {
      name: 'two versions',
      fieldLines: lines('', 'Sec-WebSocket-Version: 13'),
      status: 400,
      requirement: '6455-11.3.5-2',
    },
    {
      name: 'two Origins',
      fieldLines: lines('', 'Origin: https://a', 'Origin: https://b'),
      status: 400,
      requirement: '6455-4.2.1-1',
    },
    {
      name: 'a malformed subprotocol',
      fieldLines: lines('', 'Sec-WebSocket-Protocol: \x80\xff'),
      status: 400,
      requirement: '6455-4.1-33',
    },
    {
      name: 'an empty subprotocol line',
      fieldLines: lines('', 'Sec-WebSocket-Protocol:'),
      status: 400,
      requirement: '6455-4.1-33',
    },
    {
      name: 'a repeated subprotocol',
      fieldLines: lines('', 'Sec-WebSocket-Protocol: a', 'Sec-WebSocket-Protocol: a'),
      status: 400,
      requirement: '6455-4.1-34',
    },
    {
      name: 'a malformed extension',
      fieldLines: lines('', 'Sec-WebSocket-Extensions: a;'),
      status: 400,
      requirement: '6455-9.1-1',
    },
  ])(
    'refuses $name with $status (§4.2.1) [6455-4.2.1-1] [$requirement] [6455-10.7-4]',
    ({ fieldLines, status, requirement, fields }) => {
      const error = refusal(() => plan(fieldLines))
      expect(error).toMatchObject({ httpStatus: status, requirement })
      if (fields !== undefined) expect(error.fields).toEqual(fields)
    },
  )

  it.each(['', '7', '8', '12', '14', '013', '13.0', '13, 8', '25', '1 3', 'x', '\xb9\xb3', undefined])(
    'refuses version %j with 426 and the version it has (§4.2.2, §4.4, S-H13) [6455-4.2.1-9] [6455-4.2.2-7] [6455-4.4-1] [6455-4.1-31]',
    (version) => {
      const line = version === undefined ? [] : [`Sec-WebSocket-Version: ${version}`]
      const error = refusal(() => plan(lines('Sec-WebSocket-Version', ...line)))
      expect(error).toMatchObject({ httpStatus: 426, requirement: '6455-4.2.1-9', fields: VERSION_13 })
    },
  )

  it('answers 101 only when method, version, Upgrade, Connection, key and version are all right (S-H13) [6455-4.2.1-1]', () => {
    const startLines = ['GET / HTTP/1.1', 'POST / HTTP/1.1', 'GET / HTTP/1.0']
    const choices = [
      ['Host: a', undefined],
      ['Upgrade: websocket', 'Upgrade: h2c', undefined],
      ['Connection: Upgrade', 'Connection: close', undefined],
      [`Sec-WebSocket-Key: ${SAMPLE_KEY}`, 'Sec-WebSocket-Key: x', undefined],
      ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Version: 8', undefined],
    ]
    const rows = choices.reduce<(string | undefined)[][]>(
      (all, options) => all.flatMap((row) => options.map((option) => [...row, option])),
      [[]],
    )
    let accepted = 0
    for (const startLine of startLines) {
      for (const row of rows) {
        const isRight = startLine === startLines[0] && row.every((line, i) => line === choices[i]![0])
        const attempt = () =>
          plan(
            row.filter((line) => line !== undefined),
            startLine,
          )
        if (isRight) {
          attempt()
          accepted++
        } else {
          expect([400, 405, 426]).toContain(refusal(attempt).httpStatus)
        }
      }
    }
    expect(accepted).toBe(1)
  })
})

const OFFERING = plan([
  ...MINIMAL_LINES,
  'Sec-WebSocket-Protocol: chat, superchat',
  'Sec-WebSocket-Extensions: a; x, a, b, c',
])

function extension(name: string, rsvBits: number, params: [string, string | true][] = []) {
  return { name, rsvBits, params, config: undefined }
}

describe('acceptUpgrade', () => {
  it('writes the response of the RFC, each field once (§4.2.2) [6455-4.2.2-1] [6455-4.2.2-13] [6455-4.2.2-14] [6455-4.2.2-15] [6455-4.2.2-16] [6455-4.2.2-17] [6455-4.2.2-10] [6455-4.2.2-12] [6455-11.3.3-1]', () => {
    expect(latin1(acceptUpgrade(plan()))).toBe(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${SAMPLE_ACCEPT}\r\n\r\n`,
    )
  })

  it('adds the choices and the extra fields (§4.2.2) [6455-4.2.2-9] [6455-4.2.2-11] [6455-4.2.2-18] [6455-9.1-9] [6455-9.1-8]', () => {
    const response = acceptUpgrade(OFFERING, {
      subprotocol: 'superchat',
      extensions: [
        extension('b', RsvBits.Rsv2),
        extension('a', RsvBits.Rsv1, [
          ['x', '1'],
          ['y', true],
        ]),
      ],
      fields: [
        ['Set-Cookie', 'a=b'],
        ['Set-Cookie', 'c=d'],
      ],
    })
    const { fields } = parseResponseHead(response)
    expect([...fields].slice(3)).toEqual([
      ['Sec-WebSocket-Protocol', 'superchat'],
      ['Sec-WebSocket-Extensions', 'b, a; x=1; y'],
      ['Set-Cookie', 'a=b'],
      ['Set-Cookie', 'c=d'],
    ])
  })

  it.each([
    { name: 'one that was not offered', subprotocol: 'other' },
    { name: 'one in another case', subprotocol: 'Chat' },
    { name: 'the empty one', subprotocol: '' },
    { name: 'one with a line break', subprotocol: 'chat\r\nSet-Cookie: a' },
  ])('throws UsageError for $name as subprotocol (S-H20) [6455-4.2.2-9] [6455-4.2.2-10]', ({ subprotocol }) => {
    expect(() => acceptUpgrade(OFFERING, { subprotocol })).toThrow(UsageError)
  })

  it.each([
    { name: 'was not offered', extensions: [extension('z', 0)] },
    { name: 'stands twice', extensions: [extension('a', 0), extension('a', 0)] },
    { name: 'shares an RSV bit', extensions: [extension('a', RsvBits.Rsv1), extension('c', RsvBits.Rsv1)] },
    { name: 'has a parameter with a line break', extensions: [extension('a', 0, [['x\r\ny', true]])] },
  ])('throws UsageError when an extension $name [6455-4.2.2-12] [6455-9-3] [7692-5-9]', ({ extensions }) => {
    expect(() => acceptUpgrade(OFFERING, { extensions })).toThrow(UsageError)
  })

  it.each([
    'Upgrade',
    'connection',
    'Sec-WebSocket-Accept',
    'Sec-WebSocket-Protocol',
    'SEC-WEBSOCKET-EXTENSIONS',
    'Sec-WebSocket-Key',
    'Sec-WebSocket-Version',
    'Content-Length',
    'Transfer-Encoding',
    'a b',
    'a\r\nb',
  ])('throws UsageError for an extra field %j (S-H20) [6455-11.3.3-1] [6455-11.3.4-2]', (name) => {
    expect(() => acceptUpgrade(OFFERING, { fields: [[name, 'x']] })).toThrow(UsageError)
  })
})

describe('rejectUpgrade', () => {
  const text = (status: number, fields: FieldLines = [], message = 'no') =>
    latin1(rejectUpgrade(new HandshakeError('9112-5', status, message, fields)))

  it('writes one line that names the rule and closes (§4.2.1) [6455-4.2.1-1] [6455-10.7-4]', () => {
    expect(text(400)).toBe(
      'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: 12\r\n\r\nno (9112-5)\n',
    )
  })

  it.each([
    {
      name: '405 with Allow',
      startLine: 'POST / HTTP/1.1',
      fieldLines: MINIMAL_LINES,
      expected: ['Allow: GET', 'Connection: close'],
    },
    {
      name: '426 with Upgrade, its option and the version',
      startLine: 'GET / HTTP/1.1',
      fieldLines: ['Host: a'],
      expected: ['Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Connection: Upgrade', 'Connection: close'],
    },
  ])('writes a $name [6455-4.2.1-2] [6455-4.4-1]', ({ startLine, fieldLines, expected }) => {
    const response = latin1(rejectUpgrade(refusal(() => plan(fieldLines, startLine))))
    for (const line of expected) expect(response).toContain(`\r\n${line}\r\n`)
  })

  it.each([
    {
      status: 401,
      fields: [['WWW-Authenticate', 'Basic']] as FieldLines,
      line: 'WWW-Authenticate: Basic',
      row: '6455-4.2.2-3',
    },
    { status: 302, fields: [['Location', '/login']] as FieldLines, line: 'Location: /login', row: '6455-4.2.2-4' },
    {
      status: 403,
      fields: [['content-type', 'application/json']] as FieldLines,
      line: 'content-type: application/json',
      row: '6455-4.2.2-6',
    },
    { status: 503, fields: [['Retry-After', '5']] as FieldLines, line: 'Retry-After: 5', row: '6455-4.2.2-6' },
  ])('writes $status with $line (§4.2.2) [$row]', ({ status, fields, line }) => {
    const response = text(status, fields)
    expect(response).toContain(`\r\n${line}\r\n`)
    expect(response.match(/content-type/gi)).toHaveLength(1)
  })

  it('keeps the body one line and UTF-8, whatever the message', () => {
    const body = text(400, [], 'a\r\nb\0c\x7fd\x85e \u00e9').split('\r\n\r\n')[1]
    expect(body).toBe('a  b c d e \xc3\xa9 (9112-5)\n')
  })

  it('has nothing of the peer unescaped in the body (§10.7)', () => {
    const hostile = plan.bind(null, lines('Host', 'Host: \x80<script>alert("x")</script>'))
    const body = latin1(rejectUpgrade(refusal(hostile))).split('\r\n\r\n')[1]
    expect(body).toBe(
      'Host is "\\u0080<script>alert(\\"x\\")</script>"; that is no host with an optional port (6455-4.2.1-5)\n',
    )
  })

  it.each([101, 200, 299, 600, Number.NaN])('throws UsageError for status %d', (status) => {
    expect(() => text(status)).toThrow(UsageError)
  })

  it.each(['Connection', 'content-length', 'Transfer-Encoding', 'a\nb'])(
    'throws UsageError for a field %j (S-H20)',
    (name) => {
      expect(() => text(400, [[name, 'x']])).toThrow(UsageError)
    },
  )
})
