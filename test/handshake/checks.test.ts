import { describe, expect, it } from 'vitest'
import { HandshakeError } from '../../src/errors.ts'
import { parseRequestHead } from '../../src/handshake/request.ts'
import { REQUEST_CHECKS } from '../../src/handshake/request-checks.ts'
import { parseResponseHead } from '../../src/handshake/response.ts'
import { RESPONSE_CHECKS } from '../../src/handshake/response-checks.ts'

const REQUEST = {
  '': 'GET /chat HTTP/1.1',
  host: 'Host: example.org',
  upgrade: 'Upgrade: websocket',
  connection: 'Connection: Upgrade',
  'sec-websocket-key': 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-version': 'Sec-WebSocket-Version: 13',
}
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
const RESPONSE = {
  '': 'HTTP/1.1 101 Switching Protocols',
  upgrade: 'Upgrade: websocket',
  connection: 'Connection: Upgrade',
  'sec-websocket-accept': `Sec-WebSocket-Accept: ${ACCEPT}`,
}

const octets = (lines: Readonly<Record<string, string>>): Uint8Array =>
  Buffer.from(`${Object.values(lines).join('\r\n')}\r\n\r\n`, 'latin1')

/** The fields whose checks fail. */
function faults(checks: ReadonlyArray<{ readonly field: string }>, run: (index: number) => void): string[] {
  return checks.flatMap(({ field }, i) => {
    try {
      run(i)
      return []
    } catch (error) {
      if (!(error instanceof HandshakeError)) throw error
      return [field]
    }
  })
}

function faultsOfRequest(lines: Readonly<Record<string, string>>): string[] {
  const head = parseRequestHead(octets({ ...REQUEST, ...lines }))
  return faults(REQUEST_CHECKS, (i) => REQUEST_CHECKS[i]!.check(head))
}

function faultsOfResponse(lines: Readonly<Record<string, string>>, accept?: string): string[] {
  const head = parseResponseHead(octets({ ...RESPONSE, ...lines }))
  const expected = { accept, subprotocols: ['chat'], extensions: [] }
  return faults(RESPONSE_CHECKS, (i) => RESPONSE_CHECKS[i]!.check(head, expected))
}

describe('REQUEST_CHECKS', () => {
  it('find nothing in a good request', () => {
    expect(faultsOfRequest({})).toEqual([])
  })

  it.each([
    ['', 'POST /chat HTTP/1.1'],
    ['host', 'Host: a b'],
    ['content-length', 'Content-Length: 5'],
    ['upgrade', 'Upgrade: h2c'],
    ['connection', 'Connection: close'],
    ['sec-websocket-key', 'Sec-WebSocket-Key: short'],
    ['sec-websocket-version', 'Sec-WebSocket-Version: 8'],
    ['origin', 'Origin: a\r\nOrigin: b'],
    ['sec-websocket-protocol', 'Sec-WebSocket-Protocol: a, a'],
    ['sec-websocket-extensions', 'Sec-WebSocket-Extensions: a;'],
  ])('find the one thing that is wrong, in the field "%s"', (field, line) => {
    expect(faultsOfRequest({ [field]: line })).toEqual([field])
  })

  it('cover every field that a request is judged by', () => {
    expect(REQUEST_CHECKS).toHaveLength(10)
  })

  it('find several things at once', () => {
    const wrong = { upgrade: 'Upgrade: h2c', 'sec-websocket-key': 'Sec-WebSocket-Key: short' }
    expect(faultsOfRequest(wrong)).toEqual(['upgrade', 'sec-websocket-key'])
  })
})

describe('RESPONSE_CHECKS', () => {
  it('find nothing in a good response', () => {
    expect(faultsOfResponse({}, ACCEPT)).toEqual([])
  })

  it('want some accept value when the key is not known', () => {
    expect(faultsOfResponse({ 'sec-websocket-accept': 'Sec-WebSocket-Accept: any' })).toEqual([])
    expect(faultsOfResponse({ 'sec-websocket-accept': 'X-Other: any' })).toEqual(['sec-websocket-accept'])
  })

  it.each([
    ['', 'HTTP/1.1 200 OK'],
    ['', 'HTTP/1.0 101 Switching Protocols'],
    ['upgrade', 'Upgrade: h2c'],
    ['connection', 'Connection: close'],
    ['sec-websocket-accept', 'Sec-WebSocket-Accept: no'],
    ['sec-websocket-extensions', 'Sec-WebSocket-Extensions: permessage-deflate'],
    ['sec-websocket-protocol', 'Sec-WebSocket-Protocol: other'],
  ])('find the one thing that is wrong, in the field "%s": %s', (field, line) => {
    expect(faultsOfResponse({ [field]: line }, ACCEPT)).toEqual([field])
  })
})
