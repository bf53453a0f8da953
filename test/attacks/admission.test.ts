import { describe, expect } from 'vitest'
import { openRawWebSocket, RawSocket } from '../support/raw-socket.ts'
import { Attacker } from './support/attacker.ts'
import { row } from './support/row.ts'
import { answerOn, expectRefused, head, pooled, request } from './support/wire.ts'

const KIB = 1 << 10

describe('the application decides', () => {
  const profile = { authorize: true, handshakeTimeout: 2000 }

  const stages: ReadonlyArray<[string, string]> = [
    ['after they connected', ''],
    ['in the middle of their head', 'GET / HTTP/1.1\r\nHo'],
    ['while the application decides at once', head({ '': 'GET /wait/0 HTTP/1.1' })],
    ['while the application decides for 10 ms', head({ '': 'GET /wait/10 HTTP/1.1' })],
    ['while the application decides for a second', head({ '': 'GET /wait/1000 HTTP/1.1' })],
    ['right after 101', head()],
    ['while they are answered 426', head({ 'Sec-WebSocket-Version': '12' })],
    ['with bytes behind their head', `${head()}xx`],
  ]

  row(
    {
      ids: ['S-H18'],
      title: 'a thousand peers that reset, at each stage of the opening handshake, cause no uncaught error',
      profile: { authorize: true, handshakeTimeout: 3000 },
    },
    async ({ target, port, before }) => {
      await using attacker = await Attacker.start()
      for (const [when, first] of stages) {
        await attacker.strike(port, 1000, first, when === 'right after 101')
        await target.until((now) => now.sockets === before.sockets, `all that reset ${when} to be gone`)
        const { uncaught, connections } = await target.measure()
        expect(uncaught, when).toEqual(before.uncaught)
        expect(connections, when).toBe(before.connections)
      }
      // What the application settles later, a second at most, is for nobody any more.
      expect((await request(port, head({ '': 'GET /wait/1010 HTTP/1.1' }))).status).toBe(101)
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
      // The peer is told that it took too long; what the application says later is ignored.
      expect(await on('/wait/2500')).toMatchObject({ status: 408, ended: 'end' })
    },
  )

  row(
    { ids: ['S-H24'], title: 'every connection was decided about exactly once, and nothing else was', profile },
    async ({ target, port, before }) => {
      for (const path of ['/', '/wait/10', '/reject', '/a?b', '//x', '/%00']) {
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
        'https://good.com/a',
        'https://good.com?a',
        'https://good.com#a',
        'HTTPS://good.com',
        'https:good.com',
        'https:/good.com',
        'https://good.com:',
        'https://good.com:08443',
        'https://good.com\\@evil.com',
        'null, https://good.com',
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
      for (const origin of evil) await expectRefused(port, head({ Origin: origin }), origin, [403])
      for (const origin of ['https://good.com', 'https://good.com:8443']) {
        expect((await request(port, head({ Origin: origin }))).status).toBe(101)
      }
      await expectRefused(port, head({ Origin: ['https://good.com', 'https://evil.com'] }), 'two origins', [400, 403])
    },
  )

  row(
    { ids: ['S-H23'], title: 'a page of another origin may not use the credentials of its visitor' },
    async ({ port }) => {
      for (const field of ['Cookie', 'Authorization']) {
        await expectRefused(port, head({ Origin: 'https://evil.com', [field]: 'a=b' }), field, [403])
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
      profile: { handshakeTimeout: 2000 },
    },
    async ({ port }) => {
      const raw = await RawSocket.connect(port)
      // Each byte would put an idle timer off; 2 s from the accept are over in any case before the bytes are.
      for (const byte of Buffer.from(`${head().slice(0, -2)}X: ${'a'.repeat(8 * KIB)}`)) {
        if (raw.ended !== undefined) break
        await raw.offer(Uint8Array.of(byte))
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
      title: 'of 1,500 open handshakes the oldest are dropped, down to 1,024',
      needs: 'maxPendingHandshakes',
    },
    async ({ target, port, before }) => {
      const first = await RawSocket.connect(port)
      await using attacker = await Attacker.start()
      await attacker.dial(port, 1499, 'GET / HTTP/1.1\r\nHost: a\r\n')
      await first.readToEnd()
      await target.until((now) => now.sockets === before.sockets + 1024, '1,024 to be left')
      await attacker.reset()
    },
  )

  row(
    {
      ids: ['D04'],
      title: 'ten thousand open handshakes take at most 8 KiB each',
      profile: { ours: { maxPendingHandshakes: 10_000 }, handshakeTimeout: 60_000 },
    },
    async ({ target, port, before }) => {
      await using attacker = await Attacker.start()
      await attacker.dial(port, 10_000, 'GET / HTTP/1.1\r\nHost: a\r\n')
      const now = await target.until(({ sockets }) => sockets === before.sockets + 10_000, 'all to be open')
      expect(now.connections).toBe(before.connections)
      const { rss } = await target.measure()
      expect((rss - before.rss) / 10_000, 'bytes each').toBeLessThanOrEqual(8 * KIB)
      await attacker.reset()
    },
  )

  row(
    {
      ids: ['D05'],
      title: 'a flood past maxConnections is refused with 503, closed and reported, and there is room again later',
      profile: { ours: { maxConnections: 100 } },
      needs: 'maxConnections',
    },
    async ({ target, port, before }) => {
      await using attacker = await Attacker.start()
      await attacker.open(port, 99)
      const flood = 500
      await pooled(Array(flood).fill(0), async () => expectRefused(port, head(), 'one too many', [503]))
      const now = await target.measure()
      expect(now.connections).toBe(before.connections + 99)
      expect(now.reported - before.reported).toBe(flood)
      await attacker.reset()
      await target.until(({ connections }) => connections === before.connections, 'room again')
      expect((await request(port, head())).status).toBe(101)
    },
  )

  row(
    {
      ids: ['D05', 'D31'],
      title: 'connections of one address beyond its limit are refused with 429',
      profile: { ours: { maxConnections: 100, maxConnectionsPerAddress: 10 } },
      needs: 'maxConnectionsPerAddress',
    },
    async ({ target, port, before }) => {
      const open: RawSocket[] = []
      for (let i = 0; i < 9; i++) open.push((await openRawWebSocket(port)).raw)
      for (let i = 0; i < 20; i++) await expectRefused(port, head(), 'one too many', [429])
      for (const raw of open) raw.reset()
      await target.until((now) => now.connections === before.connections, 'room again')
    },
  )
})
