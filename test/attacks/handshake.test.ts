import { describe, expect } from 'vitest'
import { chunkings } from '../support/chunkings.ts'
import { clientText, readServerFrame } from '../support/client-frames.ts'
import { openRawWebSocket, RawSocket, SAMPLE_KEY } from '../support/raw-socket.ts'
import { grown, row } from './support/row.ts'
import type { Target } from './support/target.ts'
import { answerOn, expectRefused, head, request } from './support/wire.ts'

const KIB = 1 << 10
const MIB = 1 << 20

/** Sends a request and waits for the head of the answer, whether or not the stream ends then. */
async function answered(port: number, ...chunks: ReadonlyArray<string | Uint8Array>): Promise<void> {
  using raw = await RawSocket.connect(port)
  for (const chunk of chunks) await raw.write(chunk)
  await raw.readUntil('\r\n\r\n')
}

/** Fails when twice the length costs much more than twice the CPU of the target, however often it is measured. */
async function expectLinear(target: Target, attack: (n: number) => Promise<unknown>, n: number): Promise<void> {
  const cost = async (length: number): Promise<number> => {
    const { cpu } = await target.measure(false)
    for (let i = 0; i < 15; i++) await attack(length)
    return (await target.measure(false)).cpu - cpu
  }
  const ratios: number[] = []
  await cost(n)
  while (ratios.length < 5) {
    const once = await cost(n)
    const ratio = (await cost(2 * n)) / once
    if (ratio < 2.5) return
    ratios.push(ratio)
  }
  expect.fail(`twice the length costs ${ratios.map((ratio) => ratio.toFixed(1)).join(', ')} times as much`)
}

describe('field values that make a parser search', () => {
  row(
    { ids: ['S-H01', 'S-H03'], title: 'a long run of spaces in a list is read in linear time' },
    async ({ target, port }) => {
      for (const name of ['Sec-WebSocket-Protocol', 'Connection', 'Upgrade']) {
        await expectLinear(target, (n) => answered(port, head({ [name]: `b${' '.repeat(n)},x` })), 7500)
      }
    },
  )

  row({ ids: ['S-H02'], title: 'an unclosed quoted string is read in linear time' }, async ({ target, port }) => {
    const offer = (n: number): string => head({ 'Sec-WebSocket-Extensions': `a; b="${'\\c'.repeat(n)}` })
    await expectLinear(target, (n) => answered(port, offer(n)), 3500)
  })
})

describe('names from the wire', () => {
  const names = Object.getOwnPropertyNames(Object.prototype)

  row(
    { ids: ['S-H04'], title: 'names of Object.prototype are unknown extensions and parameters' },
    async ({ port }) => {
      for (const name of names) {
        const answer = await request(port, head({ 'Sec-WebSocket-Extensions': `${name}, x; ${name}, x; ${name}=1` }))
        expect(answer.status, name).toBe(101)
        expect(answer.head, name).not.toMatch(/sec-websocket-extensions/i)
      }
    },
  )

  row(
    { ids: ['S-H05'], title: 'names of Object.prototype are ordinary field names, subprotocols and Pong payloads' },
    async ({ port }) => {
      for (const name of names) {
        const answer = await request(port, head({ [name]: 'x', 'Sec-WebSocket-Protocol': name }))
        expect(answer.status, name).toBe(101)
        const { raw } = await openRawWebSocket(port)
        await raw.write(Buffer.concat([Buffer.from([0x8a, 0x80 | name.length, 0, 0, 0, 0]), Buffer.from(name)]))
        await raw.write(clientText('after'))
        expect((await readServerFrame(raw)).opcode).toBe(1)
        raw.reset()
      }
    },
  )
})

describe('heads without end', () => {
  const many = (count: number, name = (i: number): string => `X-${i}`): string =>
    Array.from({ length: count }, (_, i) => `${name(i)}: 1\r\n`).join('')

  row(
    { ids: ['S-H06', 'S-H12'], title: 'fields are counted, the same name each time, and too many are refused' },
    async ({ port }) => {
      const good = head()
      const first = good.indexOf('\r\n') + 2
      for (const count of [2001, 5000]) {
        for (const name of [(i: number) => `X-${i}`, () => 'X']) {
          await expectRefused(port, good.slice(0, first) + many(count, name) + good.slice(first), `${count} in front`)
          await expectRefused(port, good.slice(0, -2) + many(count, name) + good.slice(-2), `${count} behind`)
        }
      }
    },
  )

  row({ ids: ['S-H07'], title: 'a head that comes in small pieces is scanned once' }, async ({ target, port }) => {
    // A reader that starts over at each piece pays four times as much for twice the length.
    const pieces = (n: number): Uint8Array[] => {
      const text = Buffer.from(head({ 'X-Long': 'a'.repeat(n) }))
      return Array.from({ length: Math.ceil(text.length / 32) }, (_, i) => text.subarray(32 * i, 32 * i + 32))
    }
    await expectLinear(target, (n) => answered(port, ...pieces(n)), 7 * KIB)
  })

  row(
    { ids: ['S-H08', 'D03'], title: 'a head that never ends is refused within its limit and one read' },
    async ({ target, port, before }) => {
      const raw = await RawSocket.connect(port)
      const line = Buffer.from('X: 1\r\n'.repeat(1000))
      await raw.write(head().slice(0, -2))
      let sent = 0
      // A server that goes on reading takes all of it.
      while (raw.ended === undefined && sent < 20 * MIB) {
        await raw.write(line).catch(() => {})
        sent += line.length
      }
      const answer = await answerOn(raw)
      // A reset may have overtaken the answer.
      if (answer.status !== 0) expect(answer.status).toBe(431)
      expect(answer.ended).toBeDefined()
      expect(grown(before, await target.measure())).toBeLessThan(MIB)
      raw.destroy()
    },
  )

  row({ ids: ['D02', 'S-H11'], title: 'a request line or a field beyond its limit is refused' }, async ({ port }) => {
    const long = await expectRefused(
      port,
      head({ '': `GET /${'a'.repeat(9 * KIB)} HTTP/1.1`, 'X-More': 'a'.repeat(8 * KIB) }),
    )
    expect([414, 431]).toContain(long.status)
    expect((await expectRefused(port, head({ 'X-Long': 'a'.repeat(17 * KIB) }))).status).toBe(431)
  })

  row({ ids: ['S-H17'], title: 'requests behind the first are not read' }, async ({ target, port, before }) => {
    const raw = await RawSocket.connect(port)
    const written = raw.write(head({ 'Sec-WebSocket-Version': '12' }) + head().repeat(10_000)).catch(() => {})
    const answer = await answerOn(raw)
    await written
    expect(answer.responses).toBeLessThanOrEqual(1)
    expect(answer.ended).toBeDefined()
    expect(grown(before, await target.measure())).toBeLessThan(512 * KIB)
    raw.destroy()
  })
})

describe('malformed requests', () => {
  row({ ids: ['S-H09'], title: 'a Host that is none is refused' }, async ({ port }) => {
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
      '[]',
      'a:b',
      'a:1:2',
      'a:65536x',
      '<a>',
      '"a"',
      'a|b',
      'a^b',
      '{a}',
      '`a`',
      '\xff',
      'ä',
      'a%zz',
      ':80',
      'a\tb',
    ]
    for (const host of hosts) await expectRefused(port, head({ Host: host }), `Host: ${host}`)
    await expectRefused(port, head({ Host: ['a', 'a'] }), 'two Hosts')
    await expectRefused(port, head({ Host: null }), 'no Host')
  })

  row(
    { ids: ['S-H10'], title: 'an octet that does not belong into a field of tokens is refused' },
    async ({ port }) => {
      const isBad = (octet: number): boolean => (octet < 0x20 && ![0x09, 0x0a, 0x0d].includes(octet)) || octet > 0x7e
      for (const octet of [...Array(256).keys()].filter(isBad)) {
        const char = String.fromCharCode(octet)
        for (const name of ['Sec-WebSocket-Protocol', 'Sec-WebSocket-Extensions', 'Sec-WebSocket-Key']) {
          const value = name === 'Sec-WebSocket-Key' ? `${SAMPLE_KEY}${char}` : `a${char}b`
          await expectRefused(port, head({ [name]: value }), `${name}: octet ${octet}`)
        }
      }
    },
  )

  row({ ids: ['S-H11'], title: 'a request-target of any form is answered, and harms nobody' }, async ({ port }) => {
    const odd = ['/a#b', '*', 'h:80', 'x', '?', '/\x00', '/\x7f', '/ä', '/a b', '', '/x/../y', '//h/p', '/%zz', '/%00']
    for (const target of [...odd, 'http://localhost/p', '/?a=b']) {
      const { status } = await request(port, head({ '': `GET ${target} HTTP/1.1` }))
      expect(status === 101 || (status >= 400 && status < 500), `${status} for ${target}`).toBe(true)
    }
  })

  row(
    { ids: ['S-H13', 'S-F07'], title: 'only a request that is right in everything is upgraded' },
    async ({ port }) => {
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
        { 'Sec-WebSocket-Version': '7' },
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
      for (const changes of wrong) await expectRefused(port, head(changes), JSON.stringify(changes))
      const other = await request(port, head({ 'Sec-WebSocket-Version': '7' }))
      expect(other.status).toBe(426)
      expect(other.head).toMatch(/^sec-websocket-version: .*13/im)
    },
  )

  row({ ids: ['S-H14'], title: 'a request with a body is refused, and the body is no request' }, async ({ port }) => {
    const smuggled = 'GET /admin HTTP/1.1\r\nHost: localhost\r\n\r\n'
    const bodies: Array<Record<string, string | string[]>> = [
      { 'Content-Length': String(smuggled.length) },
      { 'Transfer-Encoding': 'chunked' },
      { 'Content-Length': ['0', '5'] },
      { 'Content-Length': '5', 'Transfer-Encoding': 'chunked' },
      { 'Content-Length': '+5' },
      { 'Content-Length': '0x5' },
      { 'Transfer-Encoding': 'identity' },
    ]
    for (const fields of bodies) await expectRefused(port, head(fields) + smuggled, JSON.stringify(fields))
  })

  row({ ids: ['S-H15'], title: 'a refusal ends the stream: a second request is never answered' }, async ({ port }) => {
    const refusals: Array<Record<string, string | null>> = [
      { 'Sec-WebSocket-Version': '12' },
      { Upgrade: null, Connection: null },
      { 'Sec-WebSocket-Key': 'short' },
      { '': 'POST / HTTP/1.1', 'Content-Length': '0' },
    ]
    for (const changes of refusals) {
      const answer = await request(port, [Buffer.from(head(changes)), Buffer.from(head())])
      expect(answer.responses, JSON.stringify(changes)).toBeLessThanOrEqual(1)
      expect(answer.status, JSON.stringify(changes)).not.toBe(101)
      expect(answer.ended, JSON.stringify(changes)).toBeDefined()
    }
  })

  row({ ids: ['S-H25'], title: 'what a strict HTTP parser refuses is refused' }, async ({ port }) => {
    const good = head()
    const lines = good.split('\r\n')
    const cases: Array<[string, string]> = [
      ['bare LF', good.replaceAll('\r\n', '\n')],
      ['one bare LF', good.replace('\r\n', '\n')],
      ['bare CR', good.replace('\r\n', '\r')],
      ['bare CR in a value', head({ 'X-A': 'a\rb' })],
      ['NUL in a value', head({ 'X-A': 'a\0b' })],
      ['space before the colon', good.replace('Host:', 'Host :')],
      ['a folded line', good.replace('Upgrade: websocket', 'X-A: a\r\n b\r\nUpgrade: websocket')],
      ['a folded first line', good.replace('Host:', ' Host:')],
      ['an empty name', good.replace('Host:', ': x\r\nHost:')],
      ['a line without a colon', good.replace('Host:', 'Nonsense\r\nHost:')],
      ['two spaces', good.replace('GET /', 'GET  /')],
      ['a leading space', ` ${good}`],
      ['a tab', good.replace('GET /', 'GET\t/')],
      ['no version', good.replace(' HTTP/1.1', '')],
      ['a lower-case version', good.replace('HTTP/1.1', 'http/1.1')],
      ['HTTP/1.10', good.replace('HTTP/1.1', 'HTTP/1.10')],
      ['a trailing space', good.replace('HTTP/1.1', 'HTTP/1.1 ')],
      ...[...'"(),/;<=>?@[\\]{}'].map((char): [string, string] => [`${char} in a name`, head({ [`X${char}`]: '1' })]),
      ...[...Array(32).keys(), 127]
        .filter((octet) => octet !== 9 && octet !== 10 && octet !== 13)
        .map((octet): [string, string] => [
          `octet ${octet} in a value`,
          head({ 'X-A': `a${String.fromCharCode(octet)}b` }),
        ]),
    ]
    expect(lines.length).toBeGreaterThan(5)
    for (const [name, text] of cases) await expectRefused(port, text, name)
  })
})

describe('what comes before and behind the answer', () => {
  row(
    { ids: ['S-H16'], title: 'bytes behind the request are the first frame, wherever the stream is cut' },
    async ({ target, port, before }) => {
      const bytes = Buffer.concat([Buffer.from(head()), clientText('early')])
      const cuts = chunkings(bytes)
      for (const { name, chunks } of cuts) {
        const raw = await RawSocket.connect(port)
        for (const chunk of chunks) await raw.write(chunk)
        await raw.readUntil('\r\n\r\n')
        expect(Buffer.from((await readServerFrame(raw)).payload).toString(), name).toBe('early')
        raw.reset()
      }
      const { messages } = await target.measure()
      expect(messages - before.messages).toBe(cuts.length)
      const refused = Buffer.concat([Buffer.from(head({ 'Sec-WebSocket-Key': 'short' })), clientText('early')])
      await expectRefused(port, [refused])
      expect((await target.measure()).messages).toBe(messages)
    },
  )

  row(
    {
      ids: ['S-H20'],
      title: 'an application cannot put a line break into the answer',
      profile: { app: 'echo', chosenProtocol: 'chat\r\nSet-Cookie: a=b' },
    },
    async ({ port }) => {
      const answer = await request(port, head({ 'Sec-WebSocket-Protocol': 'chat' }))
      expect(answer.head).not.toMatch(/^set-cookie/im)
      expect(answer.status).not.toBe(101)
    },
  )
})

describe('the application decides', () => {
  const profile = { authorize: true, handshakeTimeout: 400 }

  row(
    { ids: ['S-H18'], title: 'a reset at any stage of the handshake is no uncaught error', profile },
    async ({ target, port, before }) => {
      const stages: Array<(raw: RawSocket) => Promise<void>> = [
        async () => {},
        async (raw) => raw.write('GET / HTTP/1.1\r\nHo'),
        async (raw) => raw.write(head({ '': 'GET /wait HTTP/1.1' })),
        async (raw) => raw.write(head({ '': 'GET /never HTTP/1.1' })),
        async (raw) => raw.write(head({ 'Sec-WebSocket-Version': '12' })),
        async (raw) => {
          await raw.write(head())
          await raw.readUntil('\r\n\r\n')
        },
        async (raw) => raw.write(`${head()}xx`),
      ]
      for (let i = 0; i < 20; i++) {
        await Promise.all(
          stages.map(async (stage) => {
            const raw = await RawSocket.connect(port)
            await stage(raw)
            raw.reset()
          }),
        )
      }
      await target.until((now) => now.sockets === before.sockets, 'all sockets to be gone')
    },
  )

  row(
    { ids: ['S-H21', 'D25'], title: 'a decision that refuses, throws or never comes ends the socket', profile },
    async ({ port }) => {
      const on = (path: string): Promise<{ status: number; ended: unknown }> =>
        request(port, head({ '': `GET ${path} HTTP/1.1` }))
      expect(await on('/reject')).toMatchObject({ status: 401, ended: 'end' })
      expect(await on('/throw')).toMatchObject({ status: 500, ended: 'end' })
      expect(await on('/never')).toMatchObject({ status: 408, ended: 'end' })
    },
  )

  row(
    { ids: ['S-H24'], title: 'every connection was decided about exactly once, and nothing else was', profile },
    async ({ target, port, before }) => {
      for (const path of ['/', '/wait', '/reject', '/a?b', '//x', '/%00']) {
        await request(port, head({ '': `GET ${path} HTTP/1.1` }))
      }
      await request(port, head({ 'Sec-WebSocket-Version': '12' }))
      await request(port, head({ Upgrade: null }))
      expect((await target.measure()).authorizations - before.authorizations).toBe(6)
    },
  )
})

describe('origins', () => {
  row(
    {
      ids: ['S-H23'],
      title: 'a page of an origin that is not on the list is refused',
      profile: { ours: { origins: ['https://good.com', 'https://good.com:8443'] } },
      needs: 'origins',
    },
    async ({ port }) => {
      const evil = [
        'https://evil.com',
        'null',
        '',
        'http://good.com',
        'https://good.com.evil',
        'https://good.com/',
        'https://GOOD.com',
        'https://good.com:443',
        'https://good.com:8444',
        'https://good.com@evil.com',
        'https://evil.com/https://good.com',
        'https://xgood.com',
        'good.com',
        'https://good.com.',
        'https://sub.good.com',
        'https://good.com https://evil.com',
        'file://',
        'chrome-extension://abc',
        '*',
      ]
      for (const origin of evil) expect((await expectRefused(port, head({ Origin: origin }))).status, origin).toBe(403)
      for (const origin of ['https://good.com', 'https://good.com:8443']) {
        expect((await request(port, head({ Origin: origin }))).status).toBe(101)
      }
      await expectRefused(port, head({ Origin: ['https://good.com', 'https://evil.com'] }), 'two origins')
    },
  )

  row(
    { ids: ['S-H23'], title: 'a page of another origin may not use the credentials of its visitor' },
    async ({ port }) => {
      for (const field of ['Cookie', 'Authorization']) {
        await expectRefused(port, head({ Origin: 'https://evil.com', [field]: 'a=b' }), field)
        expect((await request(port, head({ Origin: 'http://localhost', [field]: 'a=b' }))).status).toBe(101)
      }
    },
  )
})

describe('slow and many', () => {
  row(
    {
      ids: ['S-H19', 'D01'],
      title: 'a head that comes slowly ends at an absolute deadline',
      profile: { handshakeTimeout: 300 },
    },
    async ({ port }) => {
      const raw = await RawSocket.connect(port)
      // Each byte would put an idle timer off; 300 ms from the accept are over in any case before the bytes are.
      for (const byte of Buffer.from(`${head().slice(0, -2)}X: ${'a'.repeat(8 * KIB)}`)) {
        if (raw.ended !== undefined) break
        await raw.write(Uint8Array.of(byte)).catch(() => {})
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
      const answer = await answerOn(raw)
      expect([408, 0]).toContain(answer.status)
      expect(answer.ended).toBeDefined()
      raw.destroy()
    },
  )

  row(
    {
      ids: ['D04'],
      title: 'the oldest of too many open handshakes is dropped',
      profile: { ours: { maxPendingHandshakes: 50 } },
      needs: 'maxPendingHandshakes',
    },
    async ({ target, port, before }) => {
      const raws = await Promise.all(Array.from({ length: 300 }, () => RawSocket.connect(port)))
      await Promise.all(raws.slice(0, 250).map((raw) => raw.readToEnd()))
      const now = await target.until((measure) => measure.sockets <= before.sockets + 50, 'at most 50 sockets')
      expect(grown(before, await target.measure())).toBeLessThan(50 * 16 * KIB)
      expect(now.connections).toBe(before.connections)
      for (const raw of raws) raw.reset()
    },
  )

  row(
    {
      ids: ['D05', 'D31'],
      title: 'connections beyond the limit are refused, also those of one address',
      profile: { ours: { maxConnections: 100, maxConnectionsPerAddress: 10 } },
      needs: 'maxConnectionsPerAddress',
    },
    async ({ target, port, before }) => {
      const open: RawSocket[] = []
      for (let i = 0; i < 9; i++) open.push((await openRawWebSocket(port)).raw)
      for (let i = 0; i < 20; i++) expect((await expectRefused(port, head())).status).toBe(429)
      for (const raw of open) raw.reset()
      await target.until((now) => now.connections === before.connections, 'room again')
    },
  )
})
