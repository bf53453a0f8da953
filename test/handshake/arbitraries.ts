import fc from 'fast-check'
import { BROWSER_HEAD, octets } from './heads.ts'

const SEEDS = [
  BROWSER_HEAD,
  BROWSER_HEAD.replace('GET /chat', 'GET http://host:80/chat'),
  BROWSER_HEAD.replace('Pragma: no-cache', 'Content-Length: 0'),
  BROWSER_HEAD.replace('Connection: Upgrade', 'Connection: keep-alive\r\nconnection: Upgrade'),
  `\r\n${BROWSER_HEAD}`,
]

/** What makes parsers disagree. */
const SPICES = [
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '\0',
  ' ',
  '  ',
  '\t',
  ':',
  ',',
  ';',
  '#',
  '*',
  '%',
  '/',
  '"',
  '\\',
  '\x7f',
  '\x80',
  '\xff',
  '0',
  '1',
  'X:\r\n',
  ' X: y\r\n',
  'X: y\r\n z\r\n',
  'X : y\r\n',
  'HTTP/1.0',
  'HTTP/2.0',
  'GET ',
  'POST ',
  'Content-Length: 0\r\n',
  'Content-Length: 0\t\r\n',
  'Content-Length: 00 \r\n',
  'Content-Length: +0\r\n',
  'Content-Length: 5\r\n',
  'Content-Length:\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding\r\n',
  'Host: b\r\n',
  'Upgrade: h2c\r\n',
  'Connection: close, ,\r\n',
  'Proxy-Connection: x\r\n',
  'Expect: 100-continue\r\n',
  '__proto__: x\r\n',
]

interface Mutation {
  readonly at: number
  readonly remove: number
  readonly insert: string
}

const spice = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...SPICES) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }).map((octet) => String.fromCharCode(octet)) },
)

const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.oneof(fc.nat(BROWSER_HEAD.length), fc.constantFrom(...lineStarts()), fc.nat(30)),
  remove: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(3) }),
  insert: fc.oneof({ weight: 4, arbitrary: spice }, { weight: 1, arbitrary: fc.constant('') }),
})

function lineStarts(): number[] {
  return [...BROWSER_HEAD.matchAll(/\r\n/g)].flatMap(({ index }) => [index, index + 2])
}

/** A good opening handshake with a few wounds, as one character per octet. */
export const mutatedHead: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom(...SEEDS), fc.array(mutation, { maxLength: 3 }))
  .map(([seed, mutations]) =>
    mutations.reduce((text, { at, remove, insert }) => text.slice(0, at) + insert + text.slice(at + remove), seed),
  )

/** Octets of all kinds: noise, heads, wounded heads. */
export const stream: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  mutatedHead.map(octets),
  fc
    .array(fc.oneof(spice, fc.constantFrom('GET ', '/x', ' HTTP/1.1\r\n', 'A: b\r\n')), { maxLength: 20 })
    .map((parts) => octets(parts.join(''))),
)

export const cuts: fc.Arbitrary<number[]> = fc.array(fc.nat(700), { maxLength: 8 })
