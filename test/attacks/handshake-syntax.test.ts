import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { SAMPLE_KEY } from '../support/raw-socket.ts'
import { row } from './support/row.ts'
import {
  expectAcceptedEveryWay,
  expectRefused,
  expectRefusedEveryWay,
  expectRefusedTwoWays,
  head,
  pooled,
  request,
} from './support/wire.ts'

const KIB = 1 << 10

/** Node's own parser, which is strict: what it refuses nobody should accept. */
const strict = createServer()
strict.on('upgrade', (_request, socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'))
beforeAll(() => new Promise<void>((resolve) => strict.listen(0, '127.0.0.1', resolve)))
afterAll(() => void strict.close())

async function expectStrictParserTakes(text: string, name: string): Promise<void> {
  const { status } = await request((strict.address() as AddressInfo).port, text)
  expect(status, `what Node's parser answers to ${name}`).toBe(101)
}

describe('field values', () => {
  const hosts = [
    'a b',
    'a/b',
    'a?b',
    'a#b',
    'a@b',
    'u:p@h',
    'a\\b',
    '[::',
    '[::1',
    '::1',
    '[]',
    '[::1]x',
    '[::1]:x',
    '[g::1]',
    ']::1[',
    'a:b',
    'a:1:2',
    'a:65536x',
    'a:-1',
    'a:+1',
    'a: 1',
    '<a>',
    '"a"',
    'a|b',
    'a^b',
    '{a}',
    '`a`',
    'a, b',
    '\xff',
    'ä',
    '\x80',
    'a%zz',
    'a%',
    'a%0',
    ':80',
    'a\tb',
    'a\x01',
    'a\x7f',
    'http://a',
    '//a',
  ]

  row({ ids: ['S-H09'], title: 'a Host that is none is refused with 400' }, async (attack) => {
    await pooled(hosts, (host) => expectRefusedEveryWay(attack, head({ Host: host }), `Host: ${host}`))
    await expectRefusedEveryWay(attack, head({ Host: ['a', 'a'] }), 'two Hosts')
    await expectRefusedEveryWay(attack, head({ Host: null }), 'no Host')
  })

  row({ ids: ['S-H10'], title: 'an octet that does not belong into a field is refused with 400' }, async (attack) => {
    const tokens = ['Sec-WebSocket-Protocol', 'Sec-WebSocket-Extensions', 'Sec-WebSocket-Key']
    const opaque = ['Origin', 'User-Agent', 'X-Anything']
    const cases: Array<{ name: string; text: string; status: number; isAtEdge: boolean }> = []
    for (let octet = 0; octet < 256; octet++) {
      const isControl = (octet < 0x20 && octet !== 0x09) || octet === 0x7f
      for (const field of [...tokens, ...opaque]) {
        const isRefused = isControl || (octet > 0x7f && tokens.includes(field))
        // What is neither a control nor above ASCII is judged by the grammar of each field.
        if (!isRefused && octet <= 0x7f) continue
        const char = String.fromCharCode(octet)
        const text = head({ [field]: field === 'Sec-WebSocket-Key' ? SAMPLE_KEY + char : `a${char}b` })
        const isAtEdge = [0, 10, 13, 31, 127, 128, 255].includes(octet)
        cases.push({ name: `${field}: octet ${octet}`, text, status: isRefused ? 400 : 101, isAtEdge })
      }
    }
    await pooled(cases, async ({ name, text, status, isAtEdge }) => {
      if (status === 101) expect((await request(attack.port, text)).status, name).toBe(101)
      else if (isAtEdge) await expectRefusedEveryWay(attack, text, name)
      else await expectRefusedTwoWays(attack.port, text, name)
    })
  })
})

describe('request lines', () => {
  row({ ids: ['S-H11'], title: 'a request-target of any form is answered, and harms nobody' }, async (attack) => {
    const odd = ['/a#b', '*', 'h:80', 'x', '?', '/\x00', '/\x7f', '/ä', '/a b', '', '/x/../y', '//h/p', '/%zz', '/%00']
    for (const target of [...odd, 'http://localhost/p', '/?a=b']) {
      const text = head({ '': `GET ${target} HTTP/1.1` })
      const { status } = await request(attack.port, text)
      if (status === 101) await expectAcceptedEveryWay(attack, text, target)
      else await expectRefusedEveryWay(attack, text, target)
    }
  })

  row({ ids: ['S-H11', 'D02'], title: 'a request line beyond its limit is refused with 414' }, async ({ port }) => {
    const long = (length: number): string => head({ '': `GET /${'a'.repeat(length - 14)} HTTP/1.1` })
    expect((await request(port, long(8 * KIB))).status).toBe(101)
    await expectRefused(port, long(8 * KIB + 1), 'one octet too many', [414])
    await expectRefused(port, long(15 * KIB), '15 KiB', [414])
  })
})

describe('what is no opening handshake', () => {
  row({ ids: ['S-H13', 'S-F07'], title: 'only a request that is right in everything is upgraded' }, async (attack) => {
    const wrong: Array<Record<string, string | string[] | null>> = [
      { '': 'POST / HTTP/1.1', 'Content-Length': '0' },
      { '': 'get / HTTP/1.1' },
      { '': 'GET / HTTP/1.0' },
      { '': 'GET / HTTP/2.0' },
      { Upgrade: null },
      { Upgrade: 'h2c' },
      { Upgrade: 'websocket2' },
      { Connection: null },
      { Connection: 'keep-alive' },
      { Connection: 'close' },
      { 'Sec-WebSocket-Key': null },
      { 'Sec-WebSocket-Key': '' },
      { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZ' },
      { 'Sec-WebSocket-Key': [SAMPLE_KEY, SAMPLE_KEY] },
      { 'Sec-WebSocket-Version': null },
      { 'Sec-WebSocket-Version': '0' },
      { 'Sec-WebSocket-Version': '13, 8' },
      { 'Sec-WebSocket-Version': '013' },
      {
        'Sec-WebSocket-Key': null,
        'Sec-WebSocket-Version': null,
        'Sec-WebSocket-Key1': '1 2',
        'Sec-WebSocket-Key2': '3 4',
      },
    ]
    for (const changes of wrong) {
      await expectRefusedEveryWay(attack, head(changes), JSON.stringify(changes), [400, 405, 426])
    }
    for (const version of ['7', '8']) {
      const text = head({ 'Sec-WebSocket-Version': version, Upgrade: 'websocket' })
      await expectRefusedEveryWay(attack, text, `version ${version}`, [426])
      expect((await request(attack.port, text)).head).toMatch(/^sec-websocket-version: .*13/im)
    }
  })

  row(
    { ids: ['S-H13'], title: '101 is the answer to everything right together, and to nothing else' },
    async ({ port }) => {
      let all: Array<{ isRight: boolean; changes: Record<string, string | string[] | null> }> = [
        { isRight: true, changes: {} },
      ]
      const cross = (name: string, right: readonly string[], wrong: ReadonlyArray<string | string[] | null>): void => {
        all = all.flatMap(({ isRight, changes }) => [
          ...right.map((value) => ({ isRight, changes: { ...changes, [name]: value } })),
          ...wrong.map((value) => ({ isRight: false, changes: { ...changes, [name]: value } })),
        ])
      }
      const lines = ['POST / HTTP/1.1', 'HEAD / HTTP/1.1', 'GET / HTTP/1.0', 'GET / HTTP/2.0', 'POST / HTTP/1.0']
      cross('', ['GET / HTTP/1.1'], lines)
      cross('Upgrade', ['websocket', 'WebSocket'], ['h2c', null])
      cross('Connection', ['Upgrade', 'keep-alive, upgrade'], ['keep-alive', null])
      cross('Sec-WebSocket-Key', [SAMPLE_KEY], ['short', [SAMPLE_KEY, SAMPLE_KEY], null])
      cross('Sec-WebSocket-Version', ['13'], ['7', '8', null])
      await pooled(all, async ({ isRight, changes }) => {
        const name = JSON.stringify(changes)
        if (isRight) expect((await request(port, head(changes))).status, name).toBe(101)
        else await expectRefused(port, head(changes), name, [400, 405, 426])
      })
    },
  )

  row(
    { ids: ['S-H14'], title: 'a request with a body is refused with 400, and the body is no request' },
    async (attack) => {
      const smuggled = 'GET /admin HTTP/1.1\r\nHost: localhost\r\n\r\n'
      const bodies: Array<Record<string, string | string[]>> = [
        { 'Content-Length': '30' },
        { 'Content-Length': String(smuggled.length) },
        { 'Transfer-Encoding': 'chunked' },
        { 'Transfer-Encoding': 'identity' },
        { 'Transfer-Encoding': 'gzip, chunked' },
        { 'Content-Length': ['0', '5'] },
        { 'Content-Length': ['5', '5'] },
        { 'Content-Length': '5', 'Transfer-Encoding': 'chunked' },
        { 'Content-Length': '0', 'Transfer-Encoding': 'chunked' },
        { 'Content-Length': '+5' },
        { 'Content-Length': '-5' },
        { 'Content-Length': '0x5' },
        { 'Content-Length': '5, 5' },
      ]
      for (const fields of bodies) await expectRefusedEveryWay(attack, head(fields) + smuggled, JSON.stringify(fields))
    },
  )

  row({ ids: ['S-H15'], title: 'a refusal ends the stream: a second request is never answered' }, async (attack) => {
    const refusals: Array<Record<string, string | null>> = [
      { 'Sec-WebSocket-Version': '12' },
      { Upgrade: null, Connection: null },
      { 'Sec-WebSocket-Key': 'short' },
      { '': 'POST / HTTP/1.1', 'Content-Length': '0' },
      { Host: 'a b' },
    ]
    const internal = 'GET /internal HTTP/1.1\r\nHost: localhost\r\n\r\n'
    for (const changes of refusals) {
      for (const second of [internal, head()]) {
        const name = `${JSON.stringify(changes)} with ${second.slice(0, 13)} behind it`
        await expectRefusedEveryWay(attack, head(changes) + second, name, [400, 405, 426])
      }
      const { head: answer } = await request(attack.port, head(changes))
      expect(answer, JSON.stringify(changes)).toMatch(/^connection: close\r$/im)
    }
  })
})

describe('malformed requests', () => {
  const good = head()
  const isToken = (char: string): boolean => /[!#$%&'*+.^_`|~0-9A-Za-z-]/.test(char)
  const octets = (from: number, to: number): string[] =>
    Array.from({ length: to - from + 1 }, (_, i) => String.fromCharCode(from + i))
  const code = (char: string): number => char.charCodeAt(0)
  const lineEnds = [...good.matchAll(/\r\n/g)].map(({ index }) => index).slice(0, -1)
  const withAt = (at: number, end: string): string => good.slice(0, at) + end + good.slice(at + 2)

  const structural: Array<[string, string]> = [
    ['bare LF', good.replaceAll('\r\n', '\n')],
    ['bare CR', good.replaceAll('\r\n', '\r')],
    ...lineEnds.flatMap(
      (at, line): Array<[string, string]> => [
        [`bare LF behind line ${line}`, withAt(at, '\n')],
        [`bare CR behind line ${line}`, withAt(at, '\r')],
        [`two CR behind line ${line}`, withAt(at, '\r\r\n')],
        [`a fold behind line ${line}`, withAt(at, '\r\n x\r\n')],
        [`a fold with a tab behind line ${line}`, withAt(at, '\r\n\tx\r\n')],
        [`a line without a colon behind line ${line}`, withAt(at, '\r\nNonsense\r\n')],
        [`an empty name behind line ${line}`, withAt(at, '\r\n: x\r\n')],
      ],
    ),
    ['space before the colon', good.replace('Host:', 'Host :')],
    ['tab before the colon', good.replace('Host:', 'Host\t:')],
    ['two spaces', good.replace('GET /', 'GET  /')],
    ['two spaces before the version', good.replace(' HTTP', '  HTTP')],
    ['a leading space', ` ${good}`],
    ['a leading tab', `\t${good}`],
    ['a leading LF', `\n${good}`],
    ['a leading CR', `\r${good}`],
    ['two empty lines in front', `\r\n\r\n${good}`],
    ['a tab', good.replace('GET /', 'GET\t/')],
    ['a trailing space', good.replace('HTTP/1.1', 'HTTP/1.1 ')],
    ['no method', good.replace('GET ', '')],
    ['no target', good.replace(' / ', ' ')],
    ...[
      '',
      'HTTP',
      'HTTP/',
      'HTTP/1',
      'HTTP/1.',
      'HTTP/.1',
      'HTTP/11',
      'HTTP/1,1',
      'HTTP 1.1',
      'http/1.1',
      'HTTPS/1.1',
    ].map((version): [string, string] => [`the version ${version}`, good.replace('HTTP/1.1', version)]),
    ...['0.9', '1.0', '1.2', '1.10', '01.1', '1.01', '2.0', '3.0', '9.9', '1.1.1', '1.x', '-1.1'].map(
      (version): [string, string] => [`HTTP/${version}`, good.replace('HTTP/1.1', `HTTP/${version}`)],
    ),
  ]

  const withOneOctet: Array<[string, string]> = [
    ...[...octets(0, 8), ...octets(10, 31), '\x7f'].map((char): [string, string] => [
      `octet ${code(char)} in a value`,
      head({ 'X-A': `a${char}b` }),
    ]),
    ...[...octets(0, 127), '\x80', '\xa0', '\xff']
      .filter((char) => char !== ':' && !isToken(char))
      .flatMap(
        (char): Array<[string, string]> => [
          [`octet ${code(char)} in a name`, head({ [`X${char}Y`]: '1' })],
          [`octet ${code(char)} in the method`, head({ '': `G${char}T / HTTP/1.1` })],
        ],
      ),
    ...[...octets(0, 32), '\x7f'].map((char): [string, string] => [
      `octet ${code(char)} in the target`,
      head({ '': `GET /a${char}b HTTP/1.1` }),
    ]),
  ]

  row({ ids: ['S-H25'], title: 'what a strict HTTP parser refuses is refused with 400' }, async (attack) => {
    expect(structural.length + withOneOctet.length).toBeGreaterThan(200)
    await pooled(structural, ([name, text]) => expectRefusedEveryWay(attack, text, name))
    // Where an octet is what is wrong, every seventh is also split at every octet.
    await pooled([...withOneOctet.entries()], ([i, [name, text]]) =>
      i % 7 === 0 ? expectRefusedEveryWay(attack, text, name) : expectRefusedTwoWays(attack.port, text, name),
    )
  })

  row({ ids: ['S-H25'], title: 'nothing is accepted that a strict HTTP parser refuses' }, async (attack) => {
    const legal: Array<[string, string]> = [
      ['a request', good],
      ['an empty line in front', `\r\n${good}`],
      ['names in lower case', good.replace(/^[\w-]+(?=:)/gm, (name) => name.toLowerCase())],
      ['no space behind the colon', good.replaceAll(': ', ':')],
      ['tabs around a value', good.replace('Host: localhost', 'Host:\t localhost \t')],
      ['an empty value', head({ 'X-A': '' })],
      ['a value above ASCII', head({ 'X-A': '\xe4\xff' })],
      ['a colon in a value', head({ 'X-A': ':a:b' })],
      ['every octet of a token in a name', head({ "!#$%&'*+.^_`|~-09AZaz": '1' })],
    ]
    for (const [name, text] of legal) await expectAcceptedEveryWay(attack, text, name)
    const accepted: Array<[string, string]> = []
    for (const [name, text] of [...legal, ...structural, ...withOneOctet]) {
      if ((await request(attack.port, text)).status === 101) accepted.push([name, text])
    }
    expect(accepted.length).toBeGreaterThanOrEqual(legal.length)
    for (const [name, text] of accepted) await expectStrictParserTakes(text, name)
  })
})
