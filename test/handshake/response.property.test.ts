import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HandshakeError, UsageError } from '../../src/errors.ts'
import { formatExtensions } from '../../src/handshake/grammar.ts'
import { RsvBits } from '../../src/handshake/negotiation.ts'
import { parseRequestHead } from '../../src/handshake/request.ts'
import { parseResponseHead, serializeResponse } from '../../src/handshake/response.ts'
import { acceptUpgrade, rejectUpgrade, validateUpgrade } from '../../src/handshake/server-handshake.ts'
import { FC_TIMEOUT_MS, fcOptions } from '../support/fc-options.ts'
import { head, latin1, MINIMAL_LINES, octets, SAMPLE_ACCEPT } from './heads.ts'

const nasty = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.constantFrom('a', 'X', ':', ' ', '\t', '\r', '\n', '\r\n', '\0', '\x7f', '\xff', '\u010a', '-'), {
      maxLength: 8,
    })
    .map((parts) => parts.join('')),
)
const fieldLines = fc.array(fc.tuple(nasty, nasty), { maxLength: 3 })

/** What `action` gives, or undefined when it throws UsageError. */
function attempt(action: () => Uint8Array): Uint8Array | undefined {
  try {
    return action()
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError)
    return undefined
  }
}

describe('responses', () => {
  it('have exactly the field lines that were asked for, or are not written at all (S-H20)', {
    timeout: FC_TIMEOUT_MS,
  }, () => {
    fc.assert(
      fc.property(fieldLines, nasty, (lines, body) => {
        const response = attempt(() => serializeResponse(400, lines, body))
        if (response === undefined) return
        const length = new TextEncoder().encode(body).length
        expect([...parseResponseHead(response).fields]).toEqual([...lines, ['Content-Length', String(length)]])
        expect(latin1(response).indexOf('\r\n\r\n')).toBe(response.length - length - 4)
      }),
      fcOptions(5000),
    )
  })

  it('accept with exactly the choices made, or are not written at all (S-H20) [6455-4.2.2-9] [6455-4.2.2-12]', {
    timeout: FC_TIMEOUT_MS,
  }, () => {
    const offered = ['Sec-WebSocket-Protocol: chat', 'Sec-WebSocket-Extensions: x']
    const plan = validateUpgrade(parseRequestHead(octets(head('GET / HTTP/1.1', [...MINIMAL_LINES, ...offered]))))
    const subprotocols = fc.oneof(fc.constant('chat'), fc.constant('chat\r\nSet-Cookie: a'), nasty)
    const params = fc.array(fc.tuple(nasty, fc.oneof(nasty, fc.constant(true as const))), { maxLength: 2 })
    fc.assert(
      fc.property(fieldLines, subprotocols, params, (fields, subprotocol, extensionParams) => {
        const extension = { name: 'x', rsvBits: RsvBits.None, params: extensionParams, config: undefined }
        const response = attempt(() => acceptUpgrade(plan, { subprotocol, extensions: [extension], fields }))
        if (response === undefined) return
        expect([...parseResponseHead(response).fields]).toEqual([
          ['Upgrade', 'websocket'],
          ['Connection', 'Upgrade'],
          ['Sec-WebSocket-Accept', SAMPLE_ACCEPT],
          ['Sec-WebSocket-Protocol', 'chat'],
          ['Sec-WebSocket-Extensions', formatExtensions([extension])],
          ...fields,
        ])
        expect(latin1(response).endsWith('\r\n\r\n')).toBe(true)
      }),
      fcOptions(3000),
    )
  })

  it('refuse with one line of body, whatever the message (§4.2.1) [6455-4.2.1-1]', { timeout: FC_TIMEOUT_MS }, () => {
    fc.assert(
      fc.property(nasty, (message) => {
        const response = rejectUpgrade(new HandshakeError('9112-5', 400, message))
        const { fields } = parseResponseHead(response)
        const body = new TextDecoder().decode(response.subarray(response.length - Number(fields.get('content-length'))))
        expect(fields.get('connection')).toBe('close')
        expect(body).toMatch(/^\P{Cc}* \(9112-5\)\n$/u)
      }),
      fcOptions(2000),
    )
  })
})
