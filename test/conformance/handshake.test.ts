import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HandshakeError } from '../../src/errors.ts'
import { parseRequestHead } from '../../src/handshake/request.ts'
import { validateUpgrade } from '../../src/handshake/server-handshake.ts'
import { concat } from '../support/chunkings.ts'
import { clientClose, clientText } from '../support/client-frames.ts'
import { deliveriesOf, inParallel, inWords, talk, WireServer } from './wire.ts'

/*
 * The cross-product of everything that RFC 6455 §4.2.1 looks at in a request. Each part has values that are fine and values
 * that break a rule; the answer is that of the first part, in the order of the table, whose value breaks one.
 */

interface Value {
  /** What stands in the request: the request-line's word, or whole field lines. */
  readonly text: string
  /** Status of the refusal; none: the value is fine. */
  readonly status?: number
  /** The rule that it breaks. */
  readonly id?: string
}

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

const bad = (text: string, status: number, id: string): Value => ({ text, status, id })

const PARTS = {
  version: [
    { text: 'HTTP/1.1' },
    bad('HTTP/1.0', 400, '6455-4.2.1-3'),
    bad('HTTP/2.0', 400, '6455-4.2.1-3'),
    bad('HTTP/0.9', 400, '6455-4.2.1-3'),
  ],
  method: [{ text: 'GET' }, ...['POST', 'HEAD', 'OPTIONS', 'PUT', 'get'].map((text) => bad(text, 405, '6455-4.2.1-2'))],
  host: [
    { text: 'Host: example.org' },
    { text: 'HOST:example.org:8080' },
    bad('', 400, '6455-4.2.1-5'),
    bad('Host: a\r\nHost: a', 400, '6455-4.2.1-5'),
    bad('Host: a b', 400, '6455-4.2.1-5'),
    bad('Host: user@example.org', 400, '6455-4.2.1-5'),
  ],
  upgrade: [
    { text: 'Upgrade: websocket' },
    { text: 'upgrade: WebSocket' },
    { text: 'Upgrade: h2c, websocket' },
    { text: 'Upgrade: h2c\r\nUpgrade: WEBSOCKET' },
    bad('', 426, '6455-4.2.1-6'),
    bad('Upgrade: h2c', 426, '6455-4.2.1-6'),
    bad('Upgrade: websockets', 426, '6455-4.2.1-6'),
    bad('Upgrade: web socket', 400, '9110-7.8'),
  ],
  connection: [
    { text: 'Connection: Upgrade' },
    { text: 'Connection: keep-alive, UPGRADE' },
    { text: 'connection: keep-alive\r\nConnection: upgrade' },
    bad('', 400, '6455-4.2.1-7'),
    bad('Connection: keep-alive', 400, '6455-4.2.1-7'),
    bad('Connection: upgraded', 400, '6455-4.2.1-7'),
    bad('Connection: Upgrade;', 400, '6455-4.2.1-7'),
  ],
  key: [
    { text: `Sec-WebSocket-Key: ${KEY}` },
    // Erratum 3150: pad bits that are not zero.
    { text: 'sec-websocket-key:AQIDBAUGBwgJCgsMDQ4PEC==' },
    bad('', 400, '6455-4.2.1-8'),
    bad('Sec-WebSocket-Key: ', 400, '6455-4.2.1-8'),
    bad('Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4P', 400, '6455-4.2.1-8'),
    bad('Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEBE=', 400, '6455-4.2.1-8'),
    bad('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ', 400, '6455-4.2.1-8'),
    bad('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j!Q==', 400, '6455-4.2.1-8'),
    bad(`Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Key: ${KEY}`, 400, '6455-11.3.1-1'),
  ],
  webSocketVersion: [
    { text: 'Sec-WebSocket-Version: 13' },
    { text: 'SEC-WEBSOCKET-VERSION:   13  ' },
    bad('', 426, '6455-4.2.1-9'),
    ...['8', '12', '14', '013', '13.0', '+13', '13, 8', '25', '-1', 'x'].map((version) =>
      bad(`Sec-WebSocket-Version: ${version}`, 426, '6455-4.2.1-9'),
    ),
    bad('Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13', 400, '6455-11.3.5-2'),
  ],
} as const satisfies Record<string, readonly Value[]>

type Part = keyof typeof PARTS
const NAMES = Object.keys(PARTS) as Part[]
type Request = Readonly<Record<Part, Value>>

const GOOD: Request = Object.fromEntries(NAMES.map((name) => [name, PARTS[name][0]])) as Request

function textOf(request: Request): string {
  const { method, version, ...fields } = request
  const lines = Object.values(fields).map(({ text }) => text)
  return [`${method.text} /chat ${version.text}`, ...lines.filter((line) => line !== ''), '', ''].join('\r\n')
}

/** The first part whose value breaks a rule. */
function faultOf(request: Request): Value | undefined {
  return NAMES.map((name) => request[name]).find(({ status }) => status !== undefined)
}

/** Every request in which any two parts have any of their values and the rest is good. */
function pairs(): Request[] {
  const all = new Map<string, Request>()
  for (const [i, first] of NAMES.entries()) {
    for (const second of NAMES.slice(i + 1)) {
      for (const a of PARTS[first]) {
        for (const b of PARTS[second]) {
          const request = { ...GOOD, [first]: a, [second]: b }
          all.set(textOf(request), request)
        }
      }
    }
  }
  return [...all.values()]
}

/** The cross-product of two good and three bad values of every part. */
function* product(names: readonly Part[] = NAMES, request: Request = GOOD): Generator<Request> {
  const [name, ...rest] = names
  if (name === undefined) yield request
  else for (const value of sampleOf(PARTS[name])) yield* product(rest, { ...request, [name]: value })
}

function sampleOf(values: readonly Value[]): Value[] {
  const isBad = ({ status }: Value): boolean => status !== undefined
  return [...values.filter((value) => !isBad(value)).slice(0, 2), ...values.filter(isBad).slice(0, 3)]
}

const IDS =
  '[6455-4.2.1-1] [6455-4.2.1-2] [6455-4.2.1-3] [6455-4.2.1-5] [6455-4.2.1-6] [6455-4.2.1-7] [6455-4.2.1-8] [6455-4.2.1-9] [6455-10.7-4]'

let server: WireServer

beforeAll(async () => {
  server = await WireServer.start({
    path: '/chat',
    subprotocols: ['chat', 'superchat'],
    origins: ['https://good.example'],
    handshakeTimeout: 60_000,
  })
})

afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
})

interface Response {
  readonly status: number
  readonly fields: ReadonlyArray<readonly [name: string, value: string]>
  readonly rest: Uint8Array
}

/** A response as RFC 9112 §4 writes it, and nothing else. */
function readResponse(bytes: Uint8Array): Response {
  const text = Buffer.from(bytes).toString('latin1')
  const end = text.indexOf('\r\n\r\n')
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n')
  const [, status] = /^HTTP\/1\.1 (\d{3}) [\t -~]*$/.exec(statusLine) ?? []
  if (status === undefined) throw new Error(`no response: ${JSON.stringify(text.slice(0, 200))}`)
  const fields = lines.map((line) => {
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([!-~](?:[\t -~]*[!-~])?)$/.exec(line) ?? []
    if (name === undefined || value === undefined) throw new Error(`no field line: ${JSON.stringify(line)}`)
    return [name.toLowerCase(), value] as const
  })
  return { status: Number(status), fields, rest: bytes.subarray(end + 4) }
}

const valuesOf = ({ fields }: Response, name: string): string[] =>
  fields.filter(([other]) => other === name).map(([, value]) => value)

/** A message and a Close behind a request, so that an accepted connection shows itself and ends. */
const FRAMES = concat(clientText('hello'), clientClose(1000))

async function ask(request: string, chunks?: readonly Uint8Array[]): Promise<Response> {
  const { bytes, ended } = await talk(server.port, chunks ?? [concat(Buffer.from(request, 'latin1'), FRAMES)])
  expect(ended).toBe('end')
  return readResponse(bytes)
}

function expectAccepted(response: Response, request: string): void {
  const [, key] = /^sec-websocket-key:[ \t]*(\S+)/im.exec(request) ?? []
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  expect({
    request,
    status: response.status,
    upgrade: valuesOf(response, 'upgrade'),
    connection: valuesOf(response, 'connection').map((value) => value.toLowerCase()),
    accept: valuesOf(response, 'sec-websocket-accept'),
    extensions: valuesOf(response, 'sec-websocket-extensions'),
    answer: inWords(response.rest),
  }).toEqual({
    request,
    status: 101,
    upgrade: ['websocket'],
    connection: ['upgrade'],
    accept: [accept],
    extensions: [],
    answer: ['text "hello"', 'close 1000 ""'],
  })
}

function expectRefused(response: Response, request: string, { status, id }: Value): void {
  const body = Buffer.from(response.rest).toString('latin1')
  expect({ request, status: response.status, id: /\(([\d.-]+)\)\n$/.exec(body)?.[1] }).toEqual({ request, status, id })
  expect(valuesOf(response, 'content-length')).toEqual([String(response.rest.length)])
  expect(valuesOf(response, 'connection').join(', ').toLowerCase()).toContain('close')
  expect(valuesOf(response, 'sec-websocket-accept')).toEqual([])
  if (status === 426) expect(valuesOf(response, 'sec-websocket-version')).toEqual(['13'])
  if (status === 405) expect(valuesOf(response, 'allow')).toEqual(['GET'])
}

describe('the opening handshake over TCP', () => {
  it(`answers every request with any two parts of any value, ${pairs().length} of them ${IDS} [6455-4.2.2-7] [6455-4.4-1] [6455-4.2.2-13] [6455-4.2.2-14] [6455-4.2.2-15] [6455-4.2.2-16] [6455-4.2.2-17] [6455-11.3.1-1] [6455-11.3.5-2] [6455-11.3.3-1]`, async () => {
    await inParallel(pairs(), async (request) => {
      const text = textOf(request)
      const fault = faultOf(request)
      const response = await ask(text)
      if (fault === undefined) expectAccepted(response, text)
      else if (request.method.text === 'HEAD' && request.version.status === undefined) expect(response.status).toBe(405)
      else expectRefused(response, text, fault)
    })
  })

  it(`decides the cross-product so, ${[...product()].length} requests ${IDS}`, () => {
    for (const request of product()) {
      const text = textOf(request)
      const fault = faultOf(request)
      let found: Value | undefined
      try {
        validateUpgrade(parseRequestHead(Buffer.from(text, 'latin1')))
      } catch (error) {
        if (!(error instanceof HandshakeError)) throw error
        found = bad(fault?.text ?? '', error.httpStatus, error.requirement)
      }
      // `expect` for each of so many requests would take longer than all the rest.
      if (found?.status !== fault?.status || found?.id !== fault?.id)
        expect({ text, found }).toEqual({ text, found: fault })
    }
  })

  it('accepts a request in any cut and one byte per write [6455-4.2.1-1] [6455-4.2.2-1] [6455-5.4-13]', async () => {
    const request = textOf(GOOD)
    const stream = concat(Buffer.from(request), FRAMES)
    const cuts = Array.from({ length: stream.length - 1 }, (_, i) => [
      stream.subarray(0, i + 1),
      stream.subarray(i + 1),
    ])
    await inParallel([...cuts, ...deliveriesOf(stream).map(({ chunks }) => chunks)], async (chunks) => {
      expectAccepted(await ask(request, chunks), request)
    })
  })

  it('takes the fields in any order, and ignores fields it does not know [6455-4.2.1-12] [6455-4.2.1-13] [6455-4.1-36] [6455-4.2.1-11]', async () => {
    const { method, version, ...fields } = GOOD
    const lines = [
      ...Object.values(fields).map(({ text }) => text),
      'X-Foo: 1',
      'Sec-WebSocket-Foo: bar',
      '__proto__: x',
    ]
    const rotations = lines.map((_, i) => [...lines.slice(i), ...lines.slice(0, i)])
    await inParallel([...rotations, [...lines].reverse()], async (order) => {
      const request = [`${method.text} /chat ${version.text}`, ...order, '', ''].join('\r\n')
      expectAccepted(await ask(request), request)
    })
  })

  const GOOD_LINES = textOf(GOOD).split('\r\n').slice(1, -2)
  const requestOf = (target: string, ...lines: string[]): string =>
    [`GET ${target} HTTP/1.1`, ...GOOD_LINES, ...lines, '', ''].join('\r\n')

  it.each([
    { target: '/chat', status: 101 },
    { target: '/chat?room=1&x=%20', status: 101 },
    { target: 'http://example.org/chat', status: 101 },
    { target: 'https://example.org/chat?x', status: 101 },
    { target: '/nope', status: 404 },
    { target: '/chat/', status: 404 },
    { target: '/CHAT', status: 404 },
    { target: '*', status: 400 },
    { target: 'example.org:80', status: 400 },
    { target: 'chat', status: 400 },
    { target: '/chat#x', status: 400 },
    { target: 'ftp://example.org/chat', status: 400 },
    { target: '/chat x', status: 400 },
  ])(
    'answers the request-target $target with $status [6455-4.2.1-4] [6455-4.2.2-8] [6455-4.1-22] [6455-4.1-19]',
    async ({ target, status }) => {
      expect((await ask(requestOf(target))).status).toBe(status)
    },
  )

  it.each([
    { name: 'none offered', lines: [], chosen: [] },
    { name: 'one in common', lines: ['Sec-WebSocket-Protocol: x, chat'], chosen: ['chat'] },
    { name: 'two in common', lines: ['Sec-WebSocket-Protocol: superchat, chat'], chosen: ['chat'] },
    {
      name: 'two lines',
      lines: ['Sec-WebSocket-Protocol: x', 'Sec-WebSocket-Protocol: superchat'],
      chosen: ['superchat'],
    },
    { name: 'none in common', lines: ['Sec-WebSocket-Protocol: x, y'], chosen: [] },
    { name: 'another case', lines: ['Sec-WebSocket-Protocol: Chat'], chosen: [] },
  ])(
    'chooses a subprotocol with $name [6455-4.2.2-9] [6455-4.2.2-10] [6455-11.3.4-1] [6455-11.3.4-2] [6455-4.1-32] [6455-4.2.2-18]',
    async ({ lines, chosen }) => {
      const response = await ask(requestOf('/chat', ...lines))
      expect([response.status, valuesOf(response, 'sec-websocket-protocol')]).toEqual([101, chosen])
    },
  )

  it.each([
    { name: 'a subprotocol that is no token', line: 'Sec-WebSocket-Protocol: a b', ids: '[6455-4.1-33]' },
    { name: 'an empty subprotocol list', line: 'Sec-WebSocket-Protocol: ,', ids: '[6455-4.1-33]' },
    { name: 'a subprotocol twice', line: 'Sec-WebSocket-Protocol: chat, chat', ids: '[6455-4.1-34]' },
    { name: 'an extension without a name', line: 'Sec-WebSocket-Extensions: ;a', ids: '[6455-9.1-1]' },
    { name: 'an extension with an empty parameter', line: 'Sec-WebSocket-Extensions: foo;', ids: '[6455-9.1-1]' },
    { name: 'a parameter without a name', line: 'Sec-WebSocket-Extensions: foo; =1', ids: '[6455-9.1-1]' },
    { name: 'an open quotation mark', line: 'Sec-WebSocket-Extensions: foo; a="1', ids: '[6455-9.1-1]' },
    {
      name: 'a quoted value that is no token',
      line: 'Sec-WebSocket-Extensions: foo; a="1 2"',
      ids: '[6455-4.3-1] [6455-9.1-2]',
    },
    { name: 'a body', line: 'Content-Length: 5', ids: '[6455-4.2.1-1]' },
    { name: 'a chunked body', line: 'Transfer-Encoding: chunked', ids: '[6455-4.2.1-1]' },
    { name: 'a space before a colon', line: 'X-Foo : 1', ids: '[6455-4.2.1-1]' },
    { name: 'a folded line', line: 'X-Foo: 1\r\n 2', ids: '[6455-4.2.1-1]' },
    { name: 'a bare CR', line: 'X-Foo: 1\r2', ids: '[6455-4.2.1-1]' },
    { name: 'a bare LF', line: 'X-Foo: 1\nX-Bar: 2', ids: '[6455-4.2.1-1]' },
    { name: 'a NUL', line: 'X-Foo: 1\x002', ids: '[6455-4.2.1-1]' },
    { name: 'a field line without a colon', line: 'X-Foo', ids: '[6455-4.2.1-1]' },
    { name: 'a field without a name', line: ': 1', ids: '[6455-4.2.1-1]' },
    {
      name: 'two origins',
      line: 'Origin: https://good.example\r\nOrigin: https://good.example',
      ids: '[6455-4.2.1-1]',
    },
  ])('refuses $name with 400 $ids [6455-10.7-1]', async ({ line }) => {
    expect((await ask(requestOf('/chat', line))).status).toBe(400)
  })

  it.each([
    { name: 'none', line: 'X-Foo: 1', status: 101 },
    { name: 'one on the list', line: 'Origin: https://good.example', status: 101 },
    { name: 'one not on the list', line: 'Origin: https://evil.example', status: 403 },
    { name: 'one in another case', line: 'Origin: https://GOOD.example', status: 403 },
    { name: 'null', line: 'Origin: null', status: 403 },
  ])(
    'answers the origin $name with $status [6455-4.2.2-5] [6455-4.2.2-6] [6455-10.2-1] [6455-10.2-2] [6455-4.2.1-10] [6455-10.1-1] [6455-4.1-30]',
    async ({ line, status }) => {
      expect((await ask(requestOf('/chat', line))).status).toBe(status)
    },
  )

  it.each(['foo', 'foo, bar; x=1; y="2"', '__proto__; constructor', 'permessage-deflate2'])(
    'accepts without extensions when only unknown ones are offered: %s [6455-4.2.2-12] [6455-9-3] [6455-9-1] [6455-4.1-35]',
    async (offer) => {
      const request = requestOf('/chat', `Sec-WebSocket-Extensions: ${offer}`)
      expectAccepted(await ask(request), request)
    },
  )
})
