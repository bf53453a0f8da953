import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HandshakeError } from '../../src/errors.ts'
import { formatExtensions, parseExtensions, parseSubprotocols, parseTokenList } from '../../src/handshake/grammar.ts'
import { FC_TIMEOUT_MS, fcOptions } from '../support/fc-options.ts'

const TCHARS = [..."!#$%&'*+-.^_`|~0189AZaz"]
const token = fc.oneof(
  fc.array(fc.constantFrom(...TCHARS), { minLength: 1, maxLength: 8 }).map((chars) => chars.join('')),
  fc.constantFrom('__proto__', 'constructor', 'permessage-deflate'),
)
const param = fc.tuple(token, fc.oneof(token, fc.constant(true as const)))
const extensions = fc.array(fc.record({ name: token, params: fc.array(param, { maxLength: 4 }) }), {
  minLength: 1,
  maxLength: 4,
})
const soup = fc
  .array(fc.oneof(token, fc.constantFrom(',', ';', '=', '"', '\\', ' ', '\t', '/', '\0', '\x80', '\u0161')), {
    maxLength: 16,
  })
  .map((parts) => parts.join(''))
const space = fc.constantFrom('', ' ', '\t', ' \t ')

describe('parseExtensions', () => {
  it('reads what formatExtensions writes (§9.1) [6455-9.1-9]', { timeout: FC_TIMEOUT_MS }, () => {
    fc.assert(
      fc.property(extensions, (list) => {
        expect(parseExtensions(formatExtensions(list))).toEqual(list)
      }),
      fcOptions(1000),
    )
  })

  it('reads the same with whitespace between tokens and values quoted and escaped (§4.3) [6455-4.3-1]', {
    timeout: FC_TIMEOUT_MS,
  }, () => {
    fc.assert(
      fc.property(extensions, space, fc.boolean(), (list, gap, escaped) => {
        const quoted = (value: string) => `"${escaped ? value.replace(/./g, '\\$&') : value}"`
        const value = list
          .map(({ name, params }) =>
            [name, ...params.map(([key, val]) => (val === true ? key : `${key}${gap}=${gap}${quoted(val)}`))].join(
              `${gap};${gap}`,
            ),
          )
          .join(`${gap},${gap}`)
        expect(parseExtensions(gap + value + gap)).toEqual(list)
      }),
      fcOptions(1000),
    )
  })

  it('accepts exactly the grammar and throws nothing but HandshakeError (§9.1) [6455-9.1-1]', {
    timeout: FC_TIMEOUT_MS,
  }, () => {
    const t = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]"
    const ows = '[ \\t]*'
    const value = `(?:${t}+|"(?:\\\\?${t})+")`
    const member = `${t}+${ows}(?:;${ows}${t}+${ows}(?:=${ows}${value}${ows})?)*`
    const grammar = new RegExp(`^${ows}${member}(?:,${ows}${member})*$`)
    fc.assert(
      fc.property(soup, (text) => {
        let isAccepted = true
        try {
          parseExtensions(text)
        } catch (error) {
          expect(error).toBeInstanceOf(HandshakeError)
          isAccepted = false
        }
        expect(isAccepted).toBe(grammar.test(text))
      }),
      fcOptions(5000),
    )
  })
})

describe('parseSubprotocols and parseTokenList', () => {
  it('throw nothing but HandshakeError, and agree on lists without empty or repeated members', {
    timeout: FC_TIMEOUT_MS,
  }, () => {
    fc.assert(
      fc.property(
        fc.oneof(
          soup,
          fc.array(token).map((list) => list.join(', ')),
        ),
        (text) => {
          const members = parseTokenList(text, false)
          try {
            const subprotocols = parseSubprotocols(text)
            expect(members).toEqual(subprotocols.map((name) => name.toLowerCase()))
          } catch (error) {
            expect(error).toBeInstanceOf(HandshakeError)
          }
        },
      ),
      fcOptions(2000),
    )
  })
})
