import { describe, expect } from 'vitest'
import { clientFrame, readServerFrame } from '../support/client-frames.ts'
import { hex } from '../support/hex.ts'
import { openRawWebSocket, type RawSocket } from '../support/raw-socket.ts'
import { grown, row } from './support/row.ts'
import { drip, flood, untilRead } from './support/streams.ts'
import type { Target } from './support/target.ts'
import { closeCodeAfter } from './support/wire.ts'

const KIB = 1 << 10
const MIB = 1 << 20

const FIRST = '01 81 00000000 61'
const FRAGMENT = '00 81 00000000 61'

/** Fails when twice the work costs more than so many times the CPU, however often it is measured. */
async function expectRatio(cost: (n: number) => Promise<number>, n: number, most: number): Promise<void> {
  await cost(n)
  const ratios: number[] = []
  while (ratios.length < 5) {
    const once = await cost(n)
    ratios.push((await cost(2 * n)) / once)
    if (ratios.at(-1)! < most) return
  }
  expect.fail(`twice as much costs ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')} times as much CPU`)
}

/** CPU that the target uses meanwhile, in microseconds. */
async function cpuOf(target: Target, work: () => Promise<unknown>): Promise<number> {
  const { cpu } = await target.measure(false)
  await work()
  return (await target.measure(false)).cpu - cpu
}

describe('fragments', () => {
  row(
    {
      ids: ['S-G01', 'D07'],
      title: 'a million fragments of one byte take at most twice their bytes and 4 KiB',
      profile: { maxFragments: 2_000_000 },
    },
    async ({ target, port }) => {
      const count = 1_000_000
      const fragments = flood(FRAGMENT, 10_000)
      const attack = async (): Promise<RawSocket> => {
        const { raw } = await openRawWebSocket(port)
        await raw.write(hex(FIRST))
        for (let sent = 1; sent < count; sent += 10_000) await raw.write(fragments)
        await untilRead(raw)
        return raw
      }
      // The first time is for what the process itself takes once.
      const first = await attack()
      first.reset()
      const start = await target.measure()
      const raw = await attack()
      const after = await target.measure()
      expect(grown(start, after), 'bytes held').toBeLessThanOrEqual(2 * count + 4 * KIB)
      expect(after.rss - start.rss, 'resident bytes').toBeLessThanOrEqual(8_000_000)
      raw.reset()
    },
  )

  row(
    { ids: ['S-G01', 'D07'], title: 'a hundred fragments on each of many connections, too' },
    async ({ target, port }) => {
      const [connections, count] = [200, 100]
      const open = async (): Promise<RawSocket[]> => {
        const raws = await Promise.all(Array.from({ length: connections }, () => openRawWebSocket(port)))
        await Promise.all(raws.map(({ raw }) => untilRead(raw)))
        return raws.map(({ raw }) => raw)
      }
      const attack = async (raws: readonly RawSocket[]): Promise<void> => {
        for (const raw of raws) {
          await raw.write(hex(FIRST))
          await raw.write(flood(FRAGMENT, count - 1))
          await untilRead(raw)
        }
      }
      const warm = await open()
      await attack(warm)
      for (const raw of warm) raw.reset()
      const raws = await open()
      const start = await target.measure()
      await attack(raws)
      const held = grown(start, await target.measure()) / connections
      expect(held, 'bytes held for each').toBeLessThanOrEqual(2 * count + 4 * KIB)
      for (const raw of raws) raw.reset()
    },
  )

  row({ ids: ['S-G01', 'D07'], title: 'fragments without end are refused with 1008' }, async ({ port }) => {
    expect(await closeCodeAfter(port, [hex(FIRST), flood(FRAGMENT, 140_000)])).toBe(1008)
  })

  row(
    { ids: ['S-G02', 'D08'], title: 'continuations of no bytes take no memory, and another connection is served' },
    async ({ target, port, before, canary }) => {
      const { raw } = await openRawWebSocket(port)
      await raw.write(hex('01 80 00000000'))
      await Promise.all([raw.offer(flood('00 80 00000000', 1_000_000)), canary()])
      expect(grown(before, await target.measure())).toBeLessThan(MIB)
      raw.reset()
    },
  )

  row(
    {
      ids: ['S-G03'],
      title: 'a message of 1 MiB is joined in linear time from 65,536 fragments',
    },
    async ({ target, port }) => {
      const { raw } = await openRawWebSocket(port)
      const cost = (fragments: number): Promise<number> =>
        cpuOf(target, async () => {
          await raw.write(hex('02 80 00000000'))
          await raw.write(flood(`00 90 00000000 ${'61'.repeat(16)}`, fragments - 1))
          await raw.write(hex(`80 90 00000000 ${'61'.repeat(16)}`))
          expect((await readServerFrame(raw)).payload.length).toBe(16 * fragments)
        })
      await expectRatio(cost, 32_768, 2.3)
      raw.reset()
    },
  )

  row(
    { ids: ['S-G03'], title: 'a frame of 1 MiB is joined in linear time from chunks of one byte' },
    async ({ target, port }) => {
      // In memory: a million packets take too long. What they cost over TCP is the next row.
      await expectRatio((bytes) => target.drip(port, bytes), MIB / 2, 2.3)
    },
  )

  row(
    { ids: ['D16'], title: 'a message of 64 KiB costs linear CPU in packets of one byte' },
    async ({ target, port }) => {
      const { raw } = await openRawWebSocket(port)
      const cost = (length: number): Promise<number> =>
        cpuOf(target, async () => {
          await drip(raw, clientFrame({ opcode: 2, payload: new Uint8Array(length) }))
          expect((await readServerFrame(raw)).payload.length).toBe(length)
        })
      await expectRatio(cost, 32_768, 2.3)
      raw.reset()
    },
  )

  row(
    {
      ids: ['S-G04', 'D16'],
      title: 'a frame that comes in 120,000 packets of one byte takes at most twice its bytes and 16 KiB',
    },
    async ({ target, port, canary }) => {
      const sent = 120_000
      const most = 2 * sent + 16 * KIB
      const attack = async (): Promise<number> => {
        const { raw } = await openRawWebSocket(port)
        await untilRead(raw)
        const start = await target.measure()
        await raw.write(clientFrame({ opcode: 2, payload: new Uint8Array(500_000) }).subarray(0, 14))
        await drip(raw, new Uint8Array(sent))
        // Nothing can be asked in the middle of a frame; who asks on another connection is answered behind it.
        for (let i = 0; i < 10; i++) await canary()
        const after = await target.measure()
        raw.reset()
        expect(grown(start, after), 'bytes held').toBeLessThanOrEqual(most)
        return after.rss - start.rss
      }
      // What the process itself takes, once or now and then, is resident too: that is not there each time.
      const resident: number[] = []
      while (resident.length < 5 && !(resident.at(-1)! <= most)) resident.push(await attack())
      expect(Math.min(...resident), 'resident bytes').toBeLessThanOrEqual(most)
    },
  )

  row({ ids: ['S-G05'], title: 'fragments below the limit are refused when their sum passes it' }, async ({ port }) => {
    const most = clientFrame({ opcode: 2, fin: false, payload: new Uint8Array(MIB - 1) })
    // The header alone decides: none of the payload it announces comes.
    const header = clientFrame({ opcode: 0, fin: false, payload: new Uint8Array(2) }).subarray(0, 6)
    expect(await closeCodeAfter(port, [most, header])).toBe(1009)
  })

  row(
    { ids: ['S-G05'], title: 'a hundred fragments that are each below the limit are refused with 1009 at the second' },
    async ({ port }) => {
      const frame = clientFrame({ opcode: 0, fin: false, payload: new Uint8Array(MIB - 1) })
      const first = Uint8Array.from(frame)
      first[0] = 0x02
      expect(await closeCodeAfter(port, [first, ...Array(99).fill(frame)])).toBe(1009)
    },
  )
})
