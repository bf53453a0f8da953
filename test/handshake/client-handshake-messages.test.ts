import { describe, expect, it } from 'vitest'
import { confirmUpgrade, requestUpgrade, type UpgradeRequestOptions } from '../../src/handshake/client-handshake.ts'
import { parseResponseHead } from '../../src/handshake/response.ts'
import { head, octets, refusal, SAMPLE_ACCEPT, SAMPLE_KEY } from './heads.ts'

const OPTIONS: UpgradeRequestOptions = { host: 'a', key: SAMPLE_KEY, subprotocols: ['chat'] }

describe('what our caller reads', () => {
  it.each<{ options: Partial<UpgradeRequestOptions>; says: string }>([
    { options: { target: 'x' }, says: 'target "x" does not begin with "/"' },
    { options: { key: 'x' }, says: 'key is not base64 of 16 octets' },
    { options: { port: 0 }, says: 'port is 0; it must be an integer from 1 to 65535' },
    { options: { port: 65_536 }, says: 'port is 65536; it must be an integer from 1 to 65535' },
    { options: { host: 'a b' }, says: 'host "a b" is not a host' },
    { options: { subprotocols: ['a b'] }, says: 'subprotocol "a b" is not a token' },
    { options: { subprotocols: ['a', 'b', 'a'] }, says: 'a subprotocol stands twice' },
    { options: { fields: [['Host', 'x']] }, says: 'Host is written by the handshake; it cannot be added' },
  ])('names what cannot be asked for: $says (§4.1)', ({ options, says }) => {
    expect(() => requestUpgrade({ ...OPTIONS, ...options })).toThrow(says)
  })

  it('may ask for the first and the last port (§4.1) [6455-4.1-3]', () => {
    for (const port of [1, 65_535]) {
      expect(new TextDecoder().decode(requestUpgrade({ ...OPTIONS, port }).octets)).toContain(`Host: a:${port}\r\n`)
    }
  })

  it('gets the subprotocols and extensions back as they were asked for, none when there were none', () => {
    expect(requestUpgrade(OPTIONS)).toMatchObject({ key: SAMPLE_KEY, subprotocols: ['chat'], extensions: [] })
    expect(requestUpgrade({ host: 'a', key: SAMPLE_KEY })).toMatchObject({ subprotocols: [], extensions: [] })
  })
})

describe('what the reader of a refused answer reads', () => {
  const STATUS = 'HTTP/1.1 101 x'
  const UPGRADE = 'Upgrade: websocket'
  const CONNECTION = 'Connection: Upgrade'
  const ACCEPT = `Sec-WebSocket-Accept: ${SAMPLE_ACCEPT}`

  it.each([
    { start: 'HTTP/1.1 404 x', lines: [], says: 'the server answered with 404; it did not accept the upgrade' },
    { start: 'HTTP/1.0 101 x', lines: [], says: 'the response is HTTP/1.0, which cannot be upgraded' },
    { start: STATUS, lines: [], says: 'Upgrade is missing; it must be "websocket"' },
    { start: STATUS, lines: ['Upgrade: x'], says: 'Upgrade is "x"; it must be "websocket"' },
    {
      start: STATUS,
      lines: [UPGRADE],
      says: 'Connection is missing; it must be a list with the token "Upgrade"',
    },
    {
      start: STATUS,
      lines: [UPGRADE, 'Connection: x'],
      says: 'Connection is "x"; it must be a list with the token "Upgrade"',
    },
    {
      start: STATUS,
      lines: [UPGRADE, CONNECTION],
      says: `Sec-WebSocket-Accept is missing; it must be "${SAMPLE_ACCEPT}"`,
    },
    {
      start: STATUS,
      lines: [UPGRADE, CONNECTION, ACCEPT, 'Sec-WebSocket-Protocol: x'],
      says: 'Sec-WebSocket-Protocol is "x"; it must be one that was offered',
    },
    {
      start: STATUS,
      lines: [UPGRADE, CONNECTION, ACCEPT, 'Sec-WebSocket-Protocol: chat', 'Sec-WebSocket-Protocol: chat'],
      says: 'the response has more than one Sec-WebSocket-Protocol field',
    },
  ])('names what the server sent: $says (§4.1) [6455-4.1-38]', ({ start, lines, says }) => {
    const answer = parseResponseHead(octets(head(start, lines)))
    expect(refusal(() => confirmUpgrade(requestUpgrade(OPTIONS), answer)).message).toContain(says)
  })
})
