import { describe, expect } from 'vitest'
import { clientClose, clientText, readServerFrame } from '../support/client-frames.ts'
import { hex } from '../support/hex.ts'
import { openRawWebSocket, type RawSocket } from '../support/raw-socket.ts'
import { grown, row } from './support/row.ts'

const KIB = 1 << 10
const MIB = 1 << 20

function ping(payload: Uint8Array, opcode = 0x9): Uint8Array {
  return Buffer.concat([Uint8Array.of(0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0), payload])
}

/** Writes until the bytes are all taken or the connection is full; the write that waits is left alone. */
async function writeUntilFull(raw: RawSocket, chunk: Uint8Array, times: number): Promise<void> {
  for (let i = 0; i < times && raw.ended === undefined; i++) {
    let isTaken = false
    const written = raw.write(chunk).then(
      () => {
        isTaken = true
      },
      () => {},
    )
    await Promise.race([written, new Promise((resolve) => setTimeout(resolve, 200))])
    if (!isTaken) return
  }
}

describe('pings', () => {
  row(
    { ids: ['S-C01', 'D11'], title: 'pings of a peer that does not read make the server stop reading' },
    async ({ target, port, before, canary }) => {
      const { raw } = await openRawWebSocket(port)
      raw.socket.pause()
      const chunk = Buffer.concat(Array(500).fill(ping(new Uint8Array(125))))
      await writeUntilFull(raw, chunk, 400)
      await canary()
      expect(grown(before, await target.measure())).toBeLessThan(MIB)
      raw.reset()
    },
  )

  row(
    {
      ids: ['S-C01', 'D11', 'S-C05'],
      title: 'a peer that never reads its answers is ended by the write timeout',
      profile: { ours: { writeStallTimeout: 300 } },
      needs: 'writeStallTimeout',
    },
    async ({ target, port, before }) => {
      const { raw } = await openRawWebSocket(port)
      raw.socket.pause()
      await writeUntilFull(raw, Buffer.concat(Array(500).fill(ping(new Uint8Array(125)))), 400)
      await target.until((now) => now.connections === before.connections, 'the connection to be gone')
      raw.reset()
    },
  )

  row({ ids: ['S-C02', 'D10'], title: 'every ping of a burst is answered, in order' }, async ({ port }) => {
    const { raw } = await openRawWebSocket(port)
    const count = 1000
    await raw.write(Buffer.concat(Array.from({ length: count }, (_, i) => ping(Uint8Array.of(i >> 8, i & 255)))))
    for (let i = 0; i < count; i++) {
      expect(await readServerFrame(raw)).toMatchObject({ opcode: 0xa, payload: Uint8Array.of(i >> 8, i & 255) })
    }
    raw.reset()
  })

  row({ ids: ['S-C03'], title: 'pongs that nobody asked for take no memory' }, async ({ target, port, before }) => {
    const { raw } = await openRawWebSocket(port)
    const pongs = Buffer.concat(Array(1000).fill(ping(new Uint8Array(125), 0xa)))
    for (let i = 0; i < 200; i++) await raw.write(pongs)
    await raw.write(clientText('after'))
    expect(Buffer.from((await readServerFrame(raw)).payload).toString()).toBe('after')
    expect(grown(before, await target.measure())).toBeLessThan(MIB)
    raw.reset()
  })
})

describe('the end', () => {
  row(
    { ids: ['S-C04', 'D15'], title: 'an end in the middle of a frame is 1006, and costs nothing afterwards' },
    async ({ target, port, before }) => {
      const cut = hex('82 fe 1000 00000000 616161')
      for (const end of ['end', 'reset'] as const) {
        for (let i = 0; i < 50; i++) {
          const { raw } = await openRawWebSocket(port)
          await raw.write(cut)
          raw[end]()
          if (end === 'end') {
            await raw.readToEnd()
            raw.destroy()
          }
        }
      }
      const after = await target.until((now) => now.closes.length === before.closes.length + 100, 'all to be closed')
      expect(new Set(after.closes.slice(before.closes.length))).toEqual(new Set([1006]))
      // A loop that spins shows in the CPU between two looks; 300 ms of it would be 300,000 microseconds.
      const { cpu } = await target.measure()
      await new Promise((resolve) => setTimeout(resolve, 300))
      expect((await target.measure(false)).cpu - cpu).toBeLessThan(100_000)
    },
  )

  row(
    {
      ids: ['S-C05', 'D14'],
      title: 'a peer that does not answer a Close frame is ended',
      profile: { closeTimeout: 200 },
    },
    async ({ target, port, before }) => {
      const raws = await Promise.all(Array.from({ length: 20 }, async () => (await openRawWebSocket(port)).raw))
      // The server begins: the peer has broken a rule, and then does nothing, nor does it end its side.
      for (const raw of raws) await raw.write(hex('83 80 00000000'))
      for (const raw of raws) expect((await readServerFrame(raw)).opcode).toBe(8)
      await target.until((now) => now.connections === before.connections, 'the connections to be gone')
      for (const raw of raws) raw.reset()
    },
  )

  row({ ids: ['D14'], title: 'after both Close frames the server ends its side at once' }, async ({ port }) => {
    const { raw } = await openRawWebSocket(port)
    await raw.write(clientClose(1000))
    expect((await readServerFrame(raw)).opcode).toBe(8)
    expect(await raw.readToEnd()).toHaveLength(0)
    expect(raw.ended).toBe('end')
    raw.destroy()
  })

  row(
    {
      ids: ['S-C08', 'D12'],
      title: 'what waits for a peer that does not read is bounded when the application heeds send()',
    },
    async ({ target, port, before, canary }) => {
      const { raw } = await openRawWebSocket(port)
      raw.socket.pause()
      await raw.write(clientText('!blast 200'))
      await target.until((now) => now.messages > before.messages, 'the application to send')
      await canary()
      const { buffered } = await target.measure()
      expect(buffered).toBeLessThan(16 * MIB)
      raw.reset()
    },
  )
})

describe('the application fails', () => {
  for (const [id, what] of [
    ['throw', 'throws'],
    ['reject', 'rejects'],
  ] as const) {
    row(
      { ids: ['S-C09', 'D25'], title: `a handler that ${what} ends its own connection with 1011` },
      async ({ port, canary }) => {
        const { raw } = await openRawWebSocket(port)
        await raw.write(clientText(`!${id}`))
        const { opcode, payload } = await readServerFrame(raw)
        expect([opcode, ...payload.subarray(0, 2)]).toEqual([8, 1011 >> 8, 1011 & 255])
        await canary()
        raw.reset()
      },
    )
  }

  row(
    { ids: ['S-C09', 'D26'], title: 'send and close after the end do no harm, in any order' },
    async ({ target, port, before }) => {
      for (let i = 0; i < 20; i++) {
        const { raw } = await openRawWebSocket(port)
        await raw.write(clientText('!reenter'))
        await raw.readToEnd()
        raw.destroy()
      }
      await target.until((now) => now.closes.length === before.closes.length + 20, 'all to be closed')
    },
  )
})

describe('what is sent', () => {
  row(
    { ids: ['S-C06'], title: 'whatever the application hands over, its bytes are sent and no others' },
    async ({ port }) => {
      const { raw } = await openRawWebSocket(port)
      await raw.write(clientText('!misuse'))
      for (let i = 0; i < 6; i++) {
        expect(await readServerFrame(raw)).toMatchObject({ opcode: 2, payload: Uint8Array.of(1, 2, 3, 4) })
      }
      for (;;) {
        const { opcode, payload } = await readServerFrame(raw)
        const body = Buffer.from(opcode === 8 ? payload.subarray(2) : payload).toString('latin1')
        // A number is its digits; a view that is a reason is its bytes, all zero.
        expect(['', '80', '[object Object]', '\0'.repeat(80)]).toContain(body)
        if (opcode === 8) break
      }
      raw.reset()
    },
  )
})

describe('crowds', () => {
  row(
    { ids: ['D32', 'S-H18'], title: 'a thousand resets at once do not reach the others' },
    async ({ target, port, before, canary }) => {
      const raws: RawSocket[] = []
      while (raws.length < 1000) {
        raws.push(...(await Promise.all(Array.from({ length: 100 }, async () => (await openRawWebSocket(port)).raw))))
      }
      for (const raw of raws) raw.reset()
      await canary()
      const after = await target.until((now) => now.connections === before.connections, 'all to be gone')
      expect(after.closes.length - before.closes.length).toBe(1000)
    },
  )

  row(
    { ids: ['D27', 'D28'], title: 'connections that come and go leave nothing behind', mayKeep: 2 * MIB },
    async ({ target, port, before }) => {
      for (let round = 0; round < 20; round++) {
        await Promise.all(
          Array.from({ length: 100 }, async () => {
            const { raw } = await openRawWebSocket(port)
            await raw.write(clientClose(1000))
            await raw.readToEnd()
            raw.destroy()
          }),
        )
      }
      await target.until((now) => now.connections === before.connections, 'all to be gone')
      const after = await target.measure()
      expect(after.rss).toBeLessThan(before.rss + 64 * MIB)
      expect(grown(before, after)).toBeLessThan(2 * MIB)
    },
  )

  row(
    {
      ids: ['D13'],
      title: 'a peer that is silent is found dead by the heartbeat',
      profile: { ours: { heartbeat: 200 } },
      needs: 'heartbeat',
    },
    async ({ target, port, before, canary }) => {
      const { raw } = await openRawWebSocket(port)
      // The canary answers nothing either while it waits, so it says something meanwhile.
      for (let isGone = false; !isGone; ) {
        await canaryPong(canary)
        const now = await target.measure(false)
        isGone = now.closes.length > before.closes.length
      }
      const { closes } = await target.measure()
      expect(closes.at(-1)).toBe(1006)
      raw.destroy()
    },
  )
})

/** An exchange on the canary counts as life. */
async function canaryPong(canary: () => Promise<void>): Promise<void> {
  await canary()
  await new Promise((resolve) => setTimeout(resolve, 20))
}

describe('many bytes', () => {
  row(
    { ids: ['D20'], title: 'without an extension an idle connection keeps a few KiB' },
    async ({ target, port, before }) => {
      const count = 500
      const raws = await Promise.all(Array.from({ length: count }, async () => (await openRawWebSocket(port)).raw))
      const after = await target.measure()
      expect(grown(before, after)).toBeLessThan(count * 8 * KIB)
      for (const raw of raws) raw.reset()
    },
  )
})
