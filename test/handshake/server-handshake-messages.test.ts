import { describe, expect, it } from 'vitest'
import type { FieldLines } from '../../src/errors.ts'
import { HandshakeError } from '../../src/errors.ts'
import { FieldList } from '../../src/handshake/field-list.ts'
import { parseRequestHead } from '../../src/handshake/request.ts'
import { acceptUpgrade, rejectUpgrade, validateUpgrade } from '../../src/handshake/server-handshake.ts'
import { head, MINIMAL_LINES, octets, refusal, SAMPLE_KEY } from './heads.ts'

const GET = 'GET / HTTP/1.1'

/** The minimal lines without those of a name, and with others in their place. */
function instead(name: string, ...lines: readonly string[]): string[] {
  return [...MINIMAL_LINES.filter((line) => !line.startsWith(`${name}:`)), ...lines]
}

describe('what a refused client reads', () => {
  it.each([
    { lines: instead('Host'), says: 'the request has 0 Host fields; it must have one' },
    { lines: instead('Host', 'Host: a', 'Host: b'), says: 'the request has 2 Host fields; it must have one' },
    { lines: instead('Host', 'Host: a b'), says: 'Host is "a b"; that is no host with an optional port' },
    { lines: instead('-', 'Transfer-Encoding: x'), says: 'Transfer-Encoding on an opening handshake; it has no body' },
    {
      lines: instead('-', 'Content-Length: 0', 'Content-Length: 0'),
      says: 'the request has 2 Content-Length fields',
    },
    { lines: instead('-', 'Content-Length: 1'), says: 'Content-Length is "1"; an opening handshake has no body' },
    {
      lines: instead('Upgrade'),
      says: 'the request has no Upgrade field; this resource is for WebSocket only',
    },
    { lines: instead('Upgrade', 'Upgrade: a b'), says: 'Upgrade is "a b"; that is no list of protocols' },
    { lines: instead('Upgrade', 'Upgrade: h2c'), says: 'Upgrade is "h2c"; it must contain "websocket"' },
    { lines: instead('Connection'), says: 'the request has no Connection field' },
    {
      lines: instead('Connection', 'Connection: close'),
      says: 'Connection is "close"; it must be a list with the token "Upgrade"',
    },
    { lines: instead('Sec-WebSocket-Key'), says: 'the request has no Sec-WebSocket-Key field' },
    {
      lines: instead('-', `Sec-WebSocket-Key: ${SAMPLE_KEY}`),
      says: 'the request has 2 Sec-WebSocket-Key fields; it must have one',
    },
    {
      lines: instead('Sec-WebSocket-Key', 'Sec-WebSocket-Key: abc'),
      says: 'Sec-WebSocket-Key is "abc"; it must be base64 of 16 octets',
    },
    {
      lines: instead('-', 'Sec-WebSocket-Version: 13'),
      says: 'the request has 2 Sec-WebSocket-Version fields; it must have one',
    },
    { lines: instead('Sec-WebSocket-Version'), says: 'Sec-WebSocket-Version is missing; it must be 13' },
    {
      lines: instead('Sec-WebSocket-Version', 'Sec-WebSocket-Version: 8'),
      says: 'Sec-WebSocket-Version is "8"; it must be 13',
    },
    { lines: instead('-', 'Origin: a', 'Origin: b'), says: 'the request has more than one Origin field' },
    {
      lines: instead('-', 'Sec-WebSocket-Extensions: a;'),
      says: 'Sec-WebSocket-Extensions is "a;"; that is no extension-list',
    },
    {
      lines: instead('-', 'Sec-WebSocket-Protocol: a b'),
      says: 'Sec-WebSocket-Protocol is "a b"; that is no list of tokens',
    },
    {
      lines: instead('-', 'Sec-WebSocket-Protocol: a, a'),
      says: 'Sec-WebSocket-Protocol is "a, a"; each may be listed once',
    },
  ])('names what it sent: $says (§4.2.1) [6455-4.2.1-14]', ({ lines, says }) => {
    expect(refusal(() => validateUpgrade(parseRequestHead(octets(head(GET, lines))))).message).toContain(says)
  })

  it('names the method and the version that it used, and the path where nothing is (§4.2.2) [6455-4.2.2-8]', () => {
    const parsed = parseRequestHead(octets(head(GET, MINIMAL_LINES)))
    const says = (change: Partial<typeof parsed>, path?: string): string =>
      refusal(() => validateUpgrade({ ...parsed, ...change }, { path })).message
    expect(says({ method: 'PUT' })).toContain('the method is "PUT"; it must be GET')
    expect(says({ httpVersion: '1.0' })).toContain('the HTTP version is "1.0"; it must be 1.1')
    expect(says({ target: '/a?b' }, '/b')).toContain('nothing is served at "/a"')
    expect(says({ target: 'a' })).toContain(
      'the request-target is "a"; it is a path or an absolute http(s) URI, without a fragment',
    )
  })
})

describe('what our caller reads', () => {
  const plan = validateUpgrade(
    parseRequestHead(octets(head(GET, [...MINIMAL_LINES, 'Sec-WebSocket-Extensions: a, b, c']))),
  )
  const extension = (name: string, rsvBits: number) => ({ name, rsvBits, params: [], config: undefined })

  it('names the subprotocol, the extension or the line that cannot be accepted (§4.2.2) [6455-4.2.2-9]', () => {
    expect(() => acceptUpgrade(plan, { subprotocol: 'x' })).toThrow('the client did not offer the subprotocol "x"')
    expect(() => acceptUpgrade(plan, { extensions: [extension('x', 0)] })).toThrow(
      'the client did not offer the extension "x"',
    )
    for (const extensions of [
      [extension('a', 4), extension('b', 6)],
      [extension('a', 0), extension('a', 0)],
    ]) {
      expect(() => acceptUpgrade(plan, { extensions })).toThrow('stands twice or shares an RSV bit with another one')
    }
    const fields: FieldLines = [['Upgrade', 'x']]
    expect(() => acceptUpgrade(plan, { fields })).toThrow('Upgrade is written by the handshake; it cannot be added')
  })

  it('names the bit that a third extension shares with the first one, and lets others be', () => {
    const [a, b] = [extension('a', 4), extension('b', 2)]
    expect(() => acceptUpgrade(plan, { extensions: [a, b, extension('c', 4)] })).toThrow('"c" stands twice or shares')
    expect(acceptUpgrade(plan, { extensions: [a, b, extension('c', 1)] }).length).toBeGreaterThan(0)
  })

  it('names the status that refuses nothing, and takes the first and the last that do', () => {
    const refuse = (status: number) => rejectUpgrade(new HandshakeError('9112-5', status, 'x'))
    for (const status of [299, 600]) {
      expect(() => refuse(status)).toThrow(`${status} does not refuse a request; a status from 300 to 599 does`)
    }
    for (const status of [300, 599]) expect(new TextDecoder().decode(refuse(status))).toMatch(`HTTP/1.1 ${status} `)
  })

  it('is told of a name without a value', () => {
    expect(() => FieldList.fromRaw(['a'])).toThrow('rawHeaders ends with a name that has no value')
  })
})
