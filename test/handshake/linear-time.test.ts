import { describe, expect, it } from 'vitest'
import { parseExtensions, parseSubprotocols, parseTokenList } from '../../src/handshake/grammar.ts'
import { RequestHeadReader } from '../../src/handshake/head-reader.ts'
import { octets, outcome } from './heads.ts'

const NO_LIMITS = {
  maxStartLineBytes: Number.POSITIVE_INFINITY,
  maxHeadBytes: Number.POSITIVE_INFINITY,
  maxFieldLines: Number.POSITIVE_INFINITY,
}

/** Linear work takes twice as long for twice the input, quadratic work four times; half way lies 3. */
const MAX_RATIO = 3
const ATTEMPTS = 8

function inPieces(text: string, size: number): () => void {
  const bytes = octets(text)
  return () => {
    const reader = new RequestHeadReader(NO_LIMITS)
    for (let at = 0; at < bytes.length; at += size) reader.receive(bytes.subarray(at, at + size))
  }
}

const HOSTILE: { name: string; n: number; work: (n: number) => () => unknown }[] = [
  {
    name: 'spaces in Sec-WebSocket-Protocol (S-H01)',
    n: 100_000,
    work: (n) => () => parseSubprotocols(`b${' '.repeat(n)}x`),
  },
  {
    name: 'spaces before a comma in Sec-WebSocket-Protocol (S-H01)',
    n: 20_000,
    work: (n) => () => parseSubprotocols(`${'a ,'.repeat(n)}`),
  },
  {
    name: 'escapes in an unclosed quoted-string (S-H02)',
    n: 50_000,
    work: (n) => () => parseExtensions(`a; b="${'\\c'.repeat(n)}`),
  },
  { name: 'many parameters (S-H02)', n: 20_000, work: (n) => () => parseExtensions(`a${';b="c"'.repeat(n)};`) },
  {
    name: 'spaces in Connection (S-H03)',
    n: 100_000,
    work: (n) => () => parseTokenList(`a${' '.repeat(n)}x,y`, false),
  },
  { name: 'empty members in Upgrade (S-H03)', n: 50_000, work: (n) => () => parseTokenList(' ,\t'.repeat(n), true) },
  {
    name: 'a value in pieces of 7 octets (S-H07)',
    n: 100_000,
    work: (n) => inPieces(`GET / HTTP/1.1\r\nX: ${'a'.repeat(n)}`, 7),
  },
  {
    name: 'padding in pieces of 7 octets (S-H07)',
    n: 100_000,
    work: (n) => inPieces(`GET / HTTP/1.1\r\nX: a${' '.repeat(n)}`, 7),
  },
  { name: 'a target in single octets (S-H07)', n: 30_000, work: (n) => inPieces(`GET /${'a'.repeat(n)}`, 1) },
  {
    name: 'field lines in pieces of 5 octets (S-H07)',
    n: 20_000,
    work: (n) => inPieces(`GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(n)}`, 5),
  },
]

/** The shortest of three runs: what the work costs when nothing else is in the way. */
function timeOf(work: () => unknown): number {
  let shortest = Number.POSITIVE_INFINITY
  for (let run = 0; run < 3; run++) {
    const start = performance.now()
    outcome(work)
    shortest = Math.min(shortest, performance.now() - start)
  }
  return shortest
}

describe('hostile heads', () => {
  it.each(HOSTILE)('cost linear time: $name [6455-10.4-1]', ({ n, work }) => {
    const once = work(n)
    const twice = work(2 * n)
    timeOf(once)
    const ratios: number[] = []
    do ratios.push(timeOf(twice) / timeOf(once))
    while (ratios.at(-1)! >= MAX_RATIO && ratios.length < ATTEMPTS)
    expect(ratios.at(-1), `ratios ${ratios.join(', ')}`).toBeLessThan(MAX_RATIO)
  })
})
