import { describe, expect, it } from 'vitest'
import { HandshakeError, UsageError } from '../../src/errors.ts'
import { confirmUpgrade, requestUpgrade, type UpgradeRequestOptions } from '../../src/handshake/client-handshake.ts'
import { type ExtensionProposer, RsvBits } from '../../src/handshake/negotiation.ts'
import { parseRequestHead } from '../../src/handshake/request.ts'
import { parseResponseHead } from '../../src/handshake/response.ts'
import { acceptUpgrade, validateUpgrade } from '../../src/handshake/server-handshake.ts'
import { head, latin1, octets, refusal, SAMPLE_ACCEPT, SAMPLE_KEY } from './heads.ts'

const DEFLATE: ExtensionProposer<number> = {
  name: 'permessage-deflate',
  rsvBits: RsvBits.Rsv1,
  offers: [[['client_max_window_bits', true]], []],
  confirm: ({ params }) => {
    if (params.length > 1) throw new HandshakeError('7692-7-5', 101, 'too many parameters')
    return params.some(([name]) => name === 'bad') ? null : { params, config: 42 }
  },
}

const OPTIONS: UpgradeRequestOptions<number> = {
  host: 'server.example.com',
  key: SAMPLE_KEY,
  subprotocols: ['chat', 'superchat'],
  extensions: [DEFLATE],
}

describe('requestUpgrade', () => {
  it('writes the smallest request (§4.1) [6455-4.1-18] [6455-4.1-19] [6455-4.1-20] [6455-4.1-21] [6455-4.1-24] [6455-4.1-25] [6455-4.1-26] [6455-4.1-31]', () => {
    expect(latin1(requestUpgrade({ host: 'a', key: SAMPLE_KEY }).octets)).toBe(
      head('GET / HTTP/1.1', [
        'Host: a',
        'Upgrade: websocket',
        'Connection: Upgrade',
        `Sec-WebSocket-Key: ${SAMPLE_KEY}`,
        'Sec-WebSocket-Version: 13',
      ]),
    )
  })

  it('writes everything it is given (§4.1) [6455-4.1-22] [6455-4.1-30] [6455-4.1-32] [6455-4.1-35] [6455-4.1-36] [7692-5-1]', () => {
    const { octets: request } = requestUpgrade({
      ...OPTIONS,
      target: '/x?y',
      origin: 'https://o',
      fields: [['Cookie', 'a=b']],
    })
    const parsed = parseRequestHead(request)
    expect(parsed.target).toBe('/x?y')
    expect([...parsed.fields].slice(5)).toEqual([
      ['Origin', 'https://o'],
      ['Sec-WebSocket-Protocol', 'chat, superchat'],
      ['Sec-WebSocket-Extensions', 'permessage-deflate; client_max_window_bits, permessage-deflate'],
      ['Cookie', 'a=b'],
    ])
  })

  it.each([
    { options: {}, host: 'a' },
    { options: { port: 80 }, host: 'a' },
    { options: { port: 443 }, host: 'a:443' },
    { options: { port: 443, secure: true }, host: 'a' },
    { options: { port: 80, secure: true }, host: 'a:80' },
    { options: { port: 65_535 }, host: 'a:65535' },
    { options: { host: '[::1]', port: 8080 }, host: '[::1]:8080' },
  ])('writes Host $host for $options (§4.1) [6455-4.1-23] [6455-3-1]', ({ options, host }) => {
    const request = requestUpgrade({ host: 'a', key: SAMPLE_KEY, ...options })
    expect(parseRequestHead(request.octets).fields.get('host')).toBe(host)
  })

  it.each<{ name: string; options: Partial<UpgradeRequestOptions<number>> }>([
    { name: 'an empty host', options: { host: '' } },
    { name: 'a host with a port', options: { host: 'a:80' } },
    { name: 'a host that is not ASCII', options: { host: 'b\u00fccher' } },
    { name: 'a host with a line break', options: { host: 'a\r\nX: y' } },
    { name: 'port 0', options: { port: 0 } },
    { name: 'port 65536', options: { port: 65_536 } },
    { name: 'half a port', options: { port: 80.5 } },
    { name: 'a target without a slash', options: { target: 'chat' } },
    { name: 'a target with a fragment', options: { target: '/#a' } },
    { name: 'a target with a space', options: { target: '/a b' } },
    { name: 'a key that is none', options: { key: 'abc' } },
    { name: 'an origin with a line break', options: { origin: 'a\r\nX: y' } },
    { name: 'an empty subprotocol', options: { subprotocols: [''] } },
    { name: 'a subprotocol with a comma', options: { subprotocols: ['a,b'] } },
    { name: 'a repeated subprotocol', options: { subprotocols: ['a', 'a'] } },
    { name: 'an extension with a space', options: { extensions: [{ ...DEFLATE, name: 'a b' }] } },
    { name: 'a field with a line break', options: { fields: [['a', 'b\r\nc: d']] } },
  ])(
    'throws UsageError for $name (§4.1) [6455-4.1-3] [6455-4.1-4] [6455-4.1-33] [6455-4.1-34] [6455-3-2]',
    ({ options }) => {
      expect(() => requestUpgrade({ ...OPTIONS, ...options })).toThrow(UsageError)
    },
  )

  it.each([
    'Host',
    'upgrade',
    'Connection',
    'Origin',
    'Sec-WebSocket-Key',
    'sec-websocket-version',
    'Sec-WebSocket-Protocol',
    'Sec-WebSocket-Extensions',
    'Sec-WebSocket-Accept',
    'Content-Length',
    'Transfer-Encoding',
  ])('throws UsageError for an extra field %s', (name) => {
    expect(() => requestUpgrade({ ...OPTIONS, fields: [[name, 'x']] })).toThrow(UsageError)
  })
})

const VALID = {
  status: 'HTTP/1.1 101 Switching Protocols',
  upgrade: 'Upgrade: websocket',
  connection: 'Connection: Upgrade',
  accept: `Sec-WebSocket-Accept: ${SAMPLE_ACCEPT}`,
}

function confirm(changes: Partial<typeof VALID> = {}, ...more: string[]) {
  const { status, ...fieldLines } = { ...VALID, ...changes }
  const lines = [...Object.values(fieldLines), ...more].filter((line) => line !== '')
  return confirmUpgrade(requestUpgrade(OPTIONS), parseResponseHead(octets(head(status, lines))))
}

describe('confirmUpgrade', () => {
  it('accepts the smallest response (§4.1) [6455-4.1-38]', () => {
    expect(confirm()).toMatchObject({ subprotocol: undefined, extensions: [], head: { status: 101 } })
  })

  it.each([
    { name: 'Upgrade in another case', changes: { upgrade: 'upgrade: WebSocket' } },
    { name: 'a Connection list', changes: { connection: 'Connection: keep-alive, UPGRADE' } },
    { name: 'Connection over two lines', changes: { connection: 'Connection: a\r\nConnection: upgrade' } },
    { name: 'another reason', changes: { status: 'HTTP/1.1 101 Web Socket Protocol Handshake' } },
    { name: 'a Content-Length, which a 101 cannot have', changes: { accept: `${VALID.accept}\r\nContent-Length: 0` } },
  ])('accepts $name (§4.1) [6455-4.1-39] [6455-4.1-40]', ({ changes }) => {
    expect(confirm(changes).extensions).toEqual([])
  })

  it('gives what was agreed on, extensions over several lines too (erratum 3433) [6455-11.3.2-2] [6455-9.1-6]', () => {
    const result = confirm({}, 'Sec-WebSocket-Protocol: superchat', 'Sec-WebSocket-Extensions: permessage-deflate; x=1')
    expect(result.subprotocol).toBe('superchat')
    expect(result.extensions).toEqual([
      { name: 'permessage-deflate', rsvBits: RsvBits.Rsv1, params: [['x', '1']], config: 42 },
    ])
  })

  it.each([
    { name: '404', changes: { status: 'HTTP/1.1 404 Not Found' }, status: 404, requirement: '6455-4.1-38' },
    { name: '200', changes: { status: 'HTTP/1.0 200 OK' }, status: 200, requirement: '6455-4.1-38' },
    { name: '100', changes: { status: 'HTTP/1.1 100 Continue' }, status: 100, requirement: '6455-4.1-38' },
    { name: 'HTTP/1.0', changes: { status: 'HTTP/1.0 101 a' }, status: 101, requirement: '6455-4.1-44' },
    { name: 'no Upgrade', changes: { upgrade: '' }, status: 101, requirement: '6455-4.1-39' },
    {
      name: 'an Upgrade list',
      changes: { upgrade: 'Upgrade: websocket, h2c' },
      status: 101,
      requirement: '6455-4.1-39',
    },
    { name: 'no Connection', changes: { connection: '' }, status: 101, requirement: '6455-4.1-40' },
    {
      name: 'Connection: close',
      changes: { connection: 'Connection: close' },
      status: 101,
      requirement: '6455-4.1-40',
    },
    {
      name: 'a malformed Connection',
      changes: { connection: 'Connection: Upgrade;' },
      status: 101,
      requirement: '6455-4.1-40',
    },
    { name: 'no Accept', changes: { accept: '' }, status: 101, requirement: '6455-4.1-41' },
    {
      name: 'Accept in another case',
      changes: { accept: VALID.accept.toLowerCase() },
      status: 101,
      requirement: '6455-4.1-41',
    },
    {
      name: 'the key as Accept',
      changes: { accept: `Sec-WebSocket-Accept: ${SAMPLE_KEY}` },
      status: 101,
      requirement: '6455-4.1-41',
    },
    {
      name: 'Accept twice',
      changes: { accept: `${VALID.accept}\r\n${VALID.accept}` },
      status: 101,
      requirement: '6455-4.1-41',
    },
  ])('fails for $name (§4.1) [$requirement] [6455-11.3.3-1]', ({ changes, status, requirement }) => {
    expect(refusal(() => confirm(changes))).toMatchObject({ httpStatus: status, requirement })
  })

  it.each([
    { line: 'Sec-WebSocket-Extensions: foo', requirement: '6455-4.1-42' },
    { line: 'Sec-WebSocket-Extensions: permessage-deflate, permessage-deflate', requirement: '6455-4.1-44' },
    { line: 'Sec-WebSocket-Extensions: permessage-deflate; bad', requirement: '6455-9-4' },
    { line: 'Sec-WebSocket-Extensions: permessage-deflate; a; b', requirement: '7692-7-5' },
    { line: 'Sec-WebSocket-Extensions: permessage-deflate;', requirement: '6455-9.1-1' },
    { line: 'Sec-WebSocket-Extensions:', requirement: '6455-9.1-1' },
    { line: 'Sec-WebSocket-Protocol: other', requirement: '6455-4.1-43' },
    { line: 'Sec-WebSocket-Protocol: Chat', requirement: '6455-4.1-43' },
    { line: 'Sec-WebSocket-Protocol:', requirement: '6455-4.1-43' },
    { line: 'Sec-WebSocket-Protocol: chat, superchat', requirement: '6455-4.1-43' },
    { line: 'Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat', requirement: '6455-11.3.4-2' },
  ])('fails for $line (§4.1) [$requirement]', ({ line, requirement }) => {
    expect(refusal(() => confirm({}, line))).toMatchObject({ httpStatus: 101, requirement })
  })

  it('understands what the server side of this package answers', () => {
    const request = requestUpgrade(OPTIONS)
    const plan = validateUpgrade(parseRequestHead(request.octets))
    const extension = {
      name: 'permessage-deflate',
      rsvBits: RsvBits.Rsv1,
      params: plan.extensionOffers[0]!.params,
      config: undefined,
    }
    const response = acceptUpgrade(plan, { subprotocol: 'chat', extensions: [extension] })
    expect(confirmUpgrade(request, parseResponseHead(response))).toMatchObject({
      subprotocol: 'chat',
      extensions: [{ params: [['client_max_window_bits', true]], config: 42 }],
    })
  })
})
