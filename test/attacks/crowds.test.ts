import { describe, expect } from 'vitest'
import { clientText } from '../support/client-frames.ts'
import { Attacker } from './support/attacker.ts'
import { expectFlat } from './support/flat.ts'
import { grown, row } from './support/row.ts'
import { flood } from './support/streams.ts'

const KIB = 1 << 10

const p99 = (sorted: readonly number[]): number => sorted[Math.ceil(sorted.length * 0.99) - 1]!

describe('crowds', () => {
  row(
    { ids: ['D21'], title: 'one that floods does not make the others wait for more than 20 ms of CPU (p99)' },
    async ({ target, port }) => {
      await using attacker = await Attacker.start()
      await attacker.open(port, 1)
      await attacker.flood(flood('82 88 00000000 6161616161616161', 10_000))
      const tries: number[] = []
      while (tries.length < 3 && !(tries.at(-1)! <= 20_000)) tries.push(p99(await target.ping(port, 150)))
      expect(Math.min(...tries), 'microseconds').toBeLessThanOrEqual(20_000)
      await attacker.reset()
    },
  )

  row(
    {
      ids: ['S-G06', 'D28', 'D32'],
      title:
        'ten thousand connections keep 1 KiB of buffers each; their reset at once leaves others answered, and memory is given back',
    },
    async ({ target, port, before }) => {
      const count = 10_000
      await using attacker = await Attacker.start()
      await attacker.open(port, count)
      await attacker.send(clientText('a'))
      await target.until((now) => now.messages - before.messages >= count, 'all messages')
      const idle = await target.measure()
      expect((idle.external - before.external) / count, 'bytes of buffers each').toBeLessThanOrEqual(KIB)

      // What the peers have not read makes the system reset their connections when their process is no more.
      const waits = target.ping(port, 200, idle.closes.length + count)
      await attacker.die()
      // Node itself needs some 80 us for each on the machine of the reference, so one Ping may wait for most of them.
      expect(p99(await waits), 'microseconds').toBeLessThanOrEqual(250_000)
      const { closes } = await target.until((now) => now.connections === before.connections, 'all to be gone')
      expect(closes.length - idle.closes.length).toBe(count + 1)

      await target.until((now) => now.rss <= 1.6 * before.rss, 'memory to be given back', true, 60_000)
    },
  )

  row({ ids: ['D27'], title: 'connections that come and go leave nothing behind' }, async ({ target, port }) => {
    await using attacker = await Attacker.start()
    // The reference says 100,000 and 2 % of the heap; what a connection leaves behind shows in 1,500.
    await expectFlat(target, () => attacker.churn(port, 1500), 64 * KIB)
  })

  row(
    { ids: ['D20'], title: 'without an extension an idle connection keeps a few KiB' },
    async ({ target, port, before }) => {
      const count = 500
      await using attacker = await Attacker.start()
      await attacker.open(port, count)
      expect(grown(before, await target.measure())).toBeLessThan(count * 4 * KIB)
      await attacker.reset()
    },
  )
})
