import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import { chunkings } from '../support/chunkings.ts'
import { clientText, readServerFrame } from '../support/client-frames.ts'
import { openRawWebSocket, RawSocket } from '../support/raw-socket.ts'
import { grown, row } from './support/row.ts'
import type { Target } from './support/target.ts'
import { answerOn, expectRefused, expectRefusedEveryWay, head, latin1, request } from './support/wire.ts'

const KIB = 1 << 10
const MIB = 1 << 20

/** Sends a request and waits for the head of the answer, whether or not the stream ends then. */
async function answered(port: number, ...chunks: ReadonlyArray<string | Uint8Array>): Promise<void> {
  using raw = await RawSocket.connect(port)
  for (const chunk of chunks) await raw.write(chunk)
  await raw.readUntil('\r\n\r\n')
}

/**
 * Fails when twice the length costs 2.5 times the CPU of the target, or a request of twice the length costs more than
 * so many milliseconds of it, however often it is measured.
 */
async function expectLinear(
  target: Target,
  attack: (n: number) => Promise<unknown>,
  n: number,
  mostMs = 5,
): Promise<void> {
  const each = 8
  const cost = async (length: number): Promise<number> => {
    const { cpu } = await target.measure(false)
    for (let i = 0; i < each; i++) await attack(length)
    return ((await target.measure(false)).cpu - cpu) / each / 1000
  }
  const seen: string[] = []
  await cost(n)
  while (seen.length < 5) {
    const once = await cost(n)
    const twice = await cost(2 * n)
    if (twice / once < 2.5 && twice < mostMs) return
    seen.push(`${once.toFixed(2)} and ${twice.toFixed(2)} ms`)
  }
  expect.fail(`once and twice the length cost ${seen.join(', ')}`)
}

describe('field values that make a parser search', () => {
  row(
    { ids: ['S-H01', 'S-H03'], title: 'a long run of spaces in a list is read in linear time' },
    async ({ target, port }) => {
      const spaces = (n: number): string => ' '.repeat(n)
      const protocol = (n: number): string => head({ 'Sec-WebSocket-Protocol': `b${spaces(n)}x` })
      await expectLinear(target, (n) => answered(port, protocol(n)), 7500)
      for (const name of ['Sec-WebSocket-Protocol', 'Sec-WebSocket-Extensions', 'Connection', 'Upgrade']) {
        await expectLinear(target, (n) => answered(port, head({ [name]: `b${spaces(n)},x` })), 7500)
        await expectLinear(target, (n) => answered(port, head({ [name]: `${spaces(n)},x` })), 7500)
      }
    },
  )

  row({ ids: ['S-H02'], title: 'an unclosed quoted string is read in linear time' }, async ({ target, port }) => {
    const offer = (n: number): string => head({ 'Sec-WebSocket-Extensions': `a; b="${'\\c'.repeat(n)}` })
    await expectLinear(target, (n) => answered(port, offer(n)), 3500)
    for (const n of [2, 20, 200, 4000]) {
      expect([101, 400], `${n} escapes`).toContain((await request(port, offer(n))).status)
    }
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
    {
      ids: ['S-H06', 'S-H12'],
      profile: { closeTimeout: 1500 },
      title: 'fields are counted, the same name each time, and too many are refused with 431',
    },
    async ({ port }) => {
      const good = head()
      const first = good.indexOf('\r\n') + 2
      for (const name of [(i: number) => `X-${i}`, () => 'X']) {
        for (const count of [0, 90, 2001, 5000, 10_000]) {
          const inFront = good.slice(0, first) + many(count, name) + good.slice(first)
          const behind = good.slice(0, -2) + many(count, name) + good.slice(-2)
          for (const text of [inFront, behind]) {
            if (count < 100) expect((await request(port, text)).status, `${count} more fields`).toBe(101)
            else await expectRefused(port, text, `${count} more fields`, [431])
          }
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
    await expectLinear(target, (n) => answered(port, ...pieces(n)), 7 * KIB, 10)
  })

  row(
    {
      ids: ['S-H07'],
      title: 'a field of megabytes in writes of 1 to 4 KiB is refused with 431 and costs less than 10 ms of CPU',
      profile: { closeTimeout: 1500 },
    },
    async ({ target, port }) => {
      const attack = async (size: number): Promise<void> => {
        using raw = await RawSocket.connect(port)
        await raw.write(`${head().slice(0, -2)}X: `)
        await writeWhileTaken(raw, Buffer.alloc(size, 'a'), 4 * MIB)
        const { status } = await answerOn(raw)
        expect(status).toBe(431)
      }
      const sizes = [1, 2, 3, 4].map((n) => n * KIB)
      for (const size of sizes) await attack(size)
      const count = 20
      const { cpu } = await target.measure(false)
      for (let i = 0; i < count; i++) await attack(sizes[i % 4]!)
      expect(((await target.measure(false)).cpu - cpu) / count).toBeLessThan(10_000)
    },
  )

  row(
    {
      ids: ['S-H08', 'D03'],
      title: 'of a head that never ends the limit and one more read are taken, and the answer is 431',
      profile: { closeTimeout: 1500 },
    },
    async ({ target, port, before }) => {
      await target.resetPeak()
      for (const endless of ['X: 1\r\n', 'a']) {
        const raw = await RawSocket.connect(port)
        await raw.write(`${head().slice(0, -2)}X-Last: `)
        // A server that goes on reading takes all of it.
        await writeWhileTaken(raw, Buffer.from(endless.repeat(60_000 / endless.length)), 100 * MIB)
        const answer = await answerOn(raw)
        expect(answer.status).toBe(431)
        expect(answer.ended).toBeDefined()
        raw.destroy()
      }
      await target.until((now) => now.sockets === before.sockets, 'the sockets to be gone')
      expect((await target.measure()).mostRead).toBeLessThanOrEqual(16 * KIB + 64 * KIB)
    },
  )

  const beyond = { ids: ['D02'], title: 'a field beyond the limit of the head is refused with 431' }
  row({ ...beyond, profile: { closeTimeout: 1500 } }, async ({ port }) => {
    const long = (length: number): string => {
      const text = head({ 'X-Long': '' })
      return text.replace('X-Long: ', `X-Long: ${'a'.repeat(length - text.length)}`)
    }
    expect((await request(port, long(16 * KIB - 1))).status).toBe(101)
    await expectRefused(port, long(17 * KIB), 'a field of 17 KiB', [431])
  })

  row(
    {
      ids: ['S-H17'],
      title: 'ten thousand requests behind the first take at most 64 KiB, whatever becomes of that one',
      profile: { authorize: true, handshakeTimeout: 5000, closeTimeout: 1500 },
    },
    async ({ target, port, before, canary }) => {
      const count = 32
      const attack = async (line: string): Promise<number> => {
        const { authorizations, heapUsed, external } = await target.measure()
        const bytes = Buffer.from(head({ '': line }) + head().repeat(10_000))
        const raws = await Promise.all(Array.from({ length: count }, () => RawSocket.connect(port)))
        // Where the server stops reading the rest waits in our kernel and here, until the reset below.
        for (const raw of raws) raw.socket.write(bytes)
        if (line.includes('/never')) {
          await target.until((now) => now.authorizations === authorizations + count, 'all to be asked')
        } else await Promise.all(raws.map((raw) => raw.readUntilOrEnd('\r\n\r\n')))
        // What the server reads it has read by now.
        for (let i = 0; i < 10; i++) await canary()
        const held = grown({ heapUsed, external }, await target.measure())
        for (const raw of raws) {
          expect(latin1(raw.unread).split('HTTP/1.1 ').length - 1, `responses behind ${line}`).toBeLessThanOrEqual(1)
          raw.reset()
        }
        await target.until((now) => now.sockets === before.sockets, 'the sockets to be gone')
        return held / count
      }
      for (const line of ['GET / HTTP/1.0', 'GET / HTTP/1.1', 'GET /reject HTTP/1.1', 'GET /never HTTP/1.1']) {
        // The bytes of one read, and what an open handshake may take itself (D04). What the process takes once, to
        // compile and to make room, is not there each time.
        const most = 64 * KIB + 8 * KIB
        const held: number[] = []
        while (held.length < 4 && !(held.at(-1)! <= most)) held.push(await attack(line))
        expect(Math.min(...held), `bytes for each behind ${line}`).toBeLessThanOrEqual(most)
      }
    },
  )
})

/** Writes until the server takes no more or the bytes are all sent; whether it answers meanwhile does not matter. */
async function writeWhileTaken(raw: RawSocket, chunk: Uint8Array, most: number): Promise<void> {
  let isTaken = true
  for (let sent = 0; isTaken && sent < most; sent += chunk.length) {
    isTaken = (await raw.offer(chunk)) === 'written'
    // Writes that the kernel takes at once leave no time to read the answer.
    await turn()
  }
}

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
      const refused = head({ 'Sec-WebSocket-Key': 'short' }) + latin1(clientText('early'))
      await expectRefusedEveryWay({ target, port }, refused, 'a short key')
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
