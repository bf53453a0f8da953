import { describe, expect } from 'vitest'
import { clientClose, clientText, readServerFrame } from '../support/client-frames.ts'
import { hex } from '../support/hex.ts'
import { openRawWebSocket, type RawSocket } from '../support/raw-socket.ts'
import { expectFlat } from './support/flat.ts'
import { grown, row } from './support/row.ts'
import { untilRead } from './support/streams.ts'

const KIB = 1 << 10
const MIB = 1 << 20

function ping(payload: Uint8Array, opcode = 0x9): Uint8Array {
  return Buffer.concat([Uint8Array.of(0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0), payload])
}

/**
 * Writes until the bytes are all taken or the connection is full; what is left waits on our side. Full is a connection of
 * which the server reads nothing in many turns: each exchange on the canary is one.
 */
async function writeUntilFull(raw: RawSocket, chunk: Uint8Array, canary: () => Promise<void>): Promise<void> {
  for (let i = 0; i < 400 && raw.ended === undefined; i++) {
    raw.socket.write(chunk)
    for (let turns = 0; turns < 50 && raw.socket.writableLength > 0; turns++) await canary()
    if (raw.socket.writableLength > 0) return
  }
}

describe('pings', () => {
  row(
    {
      ids: ['S-C01', 'D11'],
      title: 'pings of a peer that does not read make the server stop reading, with 64 KiB of Pongs and one read',
    },
    async ({ target, port, canary }) => {
      const attack = async (): Promise<number> => {
        const { raw } = await openRawWebSocket(port)
        await untilRead(raw)
        const start = await target.measure()
        raw.socket.pause()
        await writeUntilFull(raw, Buffer.concat(Array(500).fill(ping(new Uint8Array(125)))), canary)
        await canary()
        const after = await target.measure()
        expect(after.buffered, 'bytes of Pongs').toBeLessThanOrEqual(2 * 64 * KIB)
        raw.reset()
        return grown(start, after)
      }
      // The first time is for what the process itself takes once.
      await attack()
      expect(await attack(), 'bytes held').toBeLessThanOrEqual(2 * 64 * KIB + 16 * KIB)
    },
  )

  row(
    {
      ids: ['S-C01', 'D11', 'S-C05'],
      title: 'a peer that never reads its answers is ended by the write timeout',
      profile: { ours: { writeStallTimeout: 2000 } },
      needs: 'writeStallTimeout',
    },
    async ({ target, port, before, canary }) => {
      const { raw } = await openRawWebSocket(port)
      raw.socket.pause()
      await writeUntilFull(raw, Buffer.concat(Array(500).fill(ping(new Uint8Array(125)))), canary)
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

  row({ ids: ['S-C03'], title: 'a million pongs that nobody asked for take no memory' }, async ({ target, port }) => {
    const { raw } = await openRawWebSocket(port)
    const pongs = Buffer.concat(Array(1000).fill(ping(new Uint8Array(125), 0xa)))
    const million = async (): Promise<void> => {
      for (let i = 0; i < 1000; i++) await raw.write(pongs)
      await untilRead(raw)
    }
    await expectFlat(target, million, 64 * KIB)
    raw.reset()
  })
})

describe('the end', () => {
  row(
    {
      ids: ['S-C04', 'D15'],
      title: 'an end without a Close frame is 1006, and costs less than 20 ms of CPU in the two seconds behind it',
    },
    async ({ target, port, before }) => {
      const cuts = [
        '',
        '82',
        '82 fe 1000 00000000',
        '82 fe 1000 00000000 616161',
        '01 81 00000000 61',
        '89 85 00000000 61',
      ]
      const each = 20
      for (const end of ['end', 'reset'] as const) {
        for (const cut of cuts) {
          for (let i = 0; i < each; i++) {
            const { raw } = await openRawWebSocket(port)
            await raw.write(hex(cut))
            raw[end]()
            if (end === 'reset') continue
            await raw.readToEnd()
            raw.destroy()
          }
        }
      }
      const count = 2 * cuts.length * each
      const after = await target.until((now) => now.closes.length === before.closes.length + count, 'all to be closed')
      expect(new Set(after.closes.slice(before.closes.length))).toEqual(new Set([1006]))
      // A loop that spins does so in every window; the process itself may have something to tidy up in one.
      const used: number[] = []
      while (used.length < 3 && !(used.at(-1)! < 20_000)) {
        const { cpu } = await target.measure()
        await new Promise((resolve) => setTimeout(resolve, 2000))
        used.push((await target.measure(false)).cpu - cpu)
      }
      expect(Math.min(...used), 'microseconds of CPU in two seconds').toBeLessThan(20_000)
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

describe('silence', () => {
  row(
    {
      ids: ['D13'],
      title: 'a peer that is silent is found dead by the heartbeat',
      profile: { ours: { heartbeat: 2000 } },
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
