import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HandshakeError } from '../../src/errors.ts'
import { confirmUpgrade, requestUpgrade } from '../../src/handshake/client-handshake.ts'
import { RequestHeadReader } from '../../src/handshake/head-reader.ts'
import { REQUEST_CHECKS } from '../../src/handshake/request-checks.ts'
import { parseResponseHead } from '../../src/handshake/response.ts'
import { RESPONSE_CHECKS } from '../../src/handshake/response-checks.ts'
import { validateUpgrade } from '../../src/handshake/server-handshake.ts'
import { FC_TIMEOUT_MS, fcOptions } from '../support/fc-options.ts'
import { mutatedHead } from './arbitraries.ts'
import { head, octets, outcome, SAMPLE_ACCEPT, SAMPLE_KEY } from './heads.ts'

/** What a function says when it fails; null when it does not. */
function fault(action: () => unknown): unknown {
  try {
    action()
    return null
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error
    return outcome(() => {
      throw error
    })
  }
}

/** What the first of some checks that fails says; null when none does. */
function firstFault(checks: ReadonlyArray<() => void>): unknown {
  for (const check of checks) {
    const said = fault(check)
    if (said !== null) return said
  }
  return null
}

describe('the list of checks', () => {
  it('fails for a request as validateUpgrade does, first fault first', { timeout: FC_TIMEOUT_MS }, () => {
    fc.assert(
      fc.property(mutatedHead, (text) => {
        const request = outcome(() => new RequestHeadReader().receive(octets(text)))
        if (request === null || 'requirement' in request) return
        const checks = REQUEST_CHECKS.map(
          ({ check }) =>
            () =>
              check(request),
        )
        expect(firstFault(checks)).toEqual(fault(() => validateUpgrade(request)))
      }),
      fcOptions(20_000),
    )
  })

  const lines = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${SAMPLE_ACCEPT}`]

  it.each([
    head('HTTP/1.1 101 x', lines),
    head('HTTP/1.1 200 OK', lines),
    head('HTTP/1.0 101 x', lines),
    ...lines.map((_, left) =>
      head(
        'HTTP/1.1 101 x',
        lines.filter((_, i) => i !== left),
      ),
    ),
    ...[
      'Sec-WebSocket-Protocol: b',
      'Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: a',
      'Sec-WebSocket-Extensions: x',
      'Sec-WebSocket-Extensions: ;',
      'Sec-WebSocket-Protocol: a',
    ].map((line) => head('HTTP/1.1 101 x', [...lines, line])),
  ])('fails for the response %j as confirmUpgrade does', (text) => {
    const response = parseResponseHead(octets(text))
    const request = requestUpgrade({ host: 'a', key: SAMPLE_KEY, subprotocols: ['a'] })
    const expected = { accept: SAMPLE_ACCEPT, subprotocols: ['a'], extensions: [] }
    const checks = RESPONSE_CHECKS.map(
      ({ check }) =>
        () =>
          check(response, expected),
    )
    expect(firstFault(checks)).toEqual(fault(() => confirmUpgrade(request, response)))
  })
})
