import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressFinder } from '../../src/server/client-address.ts'
import { FC_TIMEOUT_MS, fcOptions } from '../support/fc-options.ts'

/** Characters that a client would like to get out of the quotes with, and others. */
const hostile = fc.string({ unit: fc.constantFrom(...'",;=\\ []:for.6%\t', '6.6.6.6', 'for=', ', ', 'é') })

/** quoted-string, RFC 9110 §5.6.4, as a proxy writes it. */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, (char) => `\\${char}`)}"`
}

const port = fc.constantFrom('', ':80', ':_hidden')
const node = fc.oneof(
  fc.tuple(fc.ipV4(), port).map(([address, at]) => ({ address, text: at === '' ? address : `"${address}${at}"` })),
  fc.tuple(fc.ipV6(), port).map(([address, at]) => ({ address, text: `"[${address}]${at}"` })),
)
const separator = fc.constantFrom(',', ', ', ' ,', ' , ')
const element = fc
  .tuple(node, fc.constantFrom('for', 'For', 'FOR'), fc.array(hostile, { maxLength: 2 }), fc.boolean())
  .map(([{ address, text }, name, values, isFirst]) => {
    const others = values.map((value, i) => `${i === 0 ? 'host' : 'ext'}=${quoted(value)}`)
    const pairs = isFirst ? [`${name}=${text}`, ...others] : [...others, `${name}=${text}`]
    return { address, text: pairs.join(';') }
  })

function find(header: 'forwarded' | 'x-forwarded-for', proxies: number, value: string): string | undefined {
  return addressFinder({ proxies, header })('192.0.2.1', (name) => (name === header ? value : undefined))
}

describe('Forwarded', () => {
  it('gives what the first trusted proxy said, whatever the client wrote in front, and quotes', {
    timeout: FC_TIMEOUT_MS,
  }, () => {
    fc.assert(
      fc.property(hostile, fc.array(element, { minLength: 1, maxLength: 3 }), separator, (client, elements, comma) => {
        const value = [client, ...elements.map(({ text }) => text)].join(comma)
        expect(find('forwarded', elements.length, value)).toBe(elements[0]!.address)
      }),
      fcOptions(2000),
    )
  })

  it('gives an address, or the peer’s own, for any value', { timeout: FC_TIMEOUT_MS }, () => {
    fc.assert(
      fc.property(hostile, fc.nat(5), (value, proxies) => {
        const address = find('forwarded', proxies, value)
        expect(address === '192.0.2.1' || value.includes(address!)).toBe(true)
      }),
      fcOptions(2000),
    )
  })

  it.each([
    ['a comma and a second for inside quotes', 'for=203.0.113.9;host="a,for=6.6.6.6;x="', '203.0.113.9'],
    ['an escaped quote', 'for=203.0.113.9;host="a\\",for=6.6.6.6;x=\\""', '203.0.113.9'],
    ['a quote that the client never closed', 'for=6.6.6.6;x=", for=203.0.113.9', '203.0.113.9'],
    ['escapes inside the value of for', 'for="203\\.0.113.9"', '203.0.113.9'],
    ['spaces around semicolons', 'proto=https ; for=203.0.113.9 ;by=_x', '203.0.113.9'],
    ['an address with a port, not quoted', 'for=203.0.113.9:80', '203.0.113.9'],
    ['for twice in an element: unknown', 'for=6.6.6.6;for=203.0.113.9', '192.0.2.1'],
    ['an empty element', 'for=6.6.6.6,', '192.0.2.1'],
    ['obfuscated', 'for=_hidden', '192.0.2.1'],
    ['a name that only ends with for', 'xfor=6.6.6.6', '192.0.2.1'],
    ['text behind a quoted string', 'for="203.0.113.9"6.6.6.6', '192.0.2.1'],
    ['a bracket that is never closed', 'for="[6.6.6.6x"', '192.0.2.1'],
  ])('%s', (_, value, address) => {
    expect(find('forwarded', 1, value)).toBe(address)
  })
})

describe('X-Forwarded-For', () => {
  it.each([
    ['an IPv6 address in brackets with a port', '[2001:db8::1]:80', '2001:db8::1'],
    ['an IPv6 address as it is', '2001:db8::1', '2001:db8::1'],
    ['a bracket that is never closed', '[6.6.6.6x', '192.0.2.1'],
    ['text behind a bracket', '[::6]x', '192.0.2.1'],
    ['quotes are no part of it', '"6.6.6.6"', '192.0.2.1'],
    ['a comma inside quotes separates', 'a", 203.0.113.9', '203.0.113.9'],
  ])('%s', (_, value, address) => {
    expect(find('x-forwarded-for', 1, value)).toBe(address)
  })
})
