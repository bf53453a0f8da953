import { describe, expect } from 'vitest'
import { clientFrame, clientText, readServerFrame } from '../support/client-frames.ts'
import { within } from '../support/deadline.ts'
import { hex } from '../support/hex.ts'
import { openRawWebSocket, type RawSocket } from '../support/raw-socket.ts'
import { grown, row } from './support/row.ts'
import { closeCodeAfter, expectClosed } from './support/wire.ts'

const KIB = 1 << 10
const MIB = 1 << 20

/** The same few octets `count` times. */
function flood(octets: string, count: number): Uint8Array {
  const frame = hex(octets)
  const bytes = Buffer.alloc(frame.length * count)
  for (let at = 0; at < bytes.length; at += frame.length) bytes.set(frame, at)
  return bytes
}

/** Waits until the target has read everything the peer wrote: it answers the Ping behind it. */
async function read(raw: RawSocket): Promise<void> {
  await raw.write(hex('89 81 00000000 7a'))
  for (;;) {
    const { opcode, payload } = await readServerFrame(raw)
    if (opcode === 0xa && payload[0] === 0x7a) return
    if (opcode === 0x8) throw new Error('the connection was closed')
  }
}

const FRAGMENT = '00 81 00000000 61'

describe('fragments', () => {
  row(
    { ids: ['S-G01', 'D07'], title: 'fragments of one byte are joined, not kept one by one' },
    async ({ target, port, before }) => {
      const count = 60_000
      const { raw } = await openRawWebSocket(port)
      await raw.write(hex('01 81 00000000 61'))
      // Legal up to the limit of either library; whoever closes earlier keeps nothing either.
      await raw.write(flood(FRAGMENT, count)).catch(() => {})
      await read(raw).catch(() => {})
      expect(grown(before, await target.measure())).toBeLessThan(2 * count + 512 * KIB)
      raw.reset()
    },
  )

  row({ ids: ['S-G01', 'D07'], title: 'fragments without end are refused' }, async ({ port }) => {
    const frames = [hex('01 81 00000000 61'), flood(FRAGMENT, 140_000)]
    expect([1008, 1009]).toContain(await closeCodeAfter(port, frames))
  })

  row(
    { ids: ['S-G02', 'D08'], title: 'continuations of no bytes take no memory, and another connection is served' },
    async ({ target, port, before, canary }) => {
      const { raw } = await openRawWebSocket(port)
      await raw.write(hex('01 80 00000000'))
      const written = raw.write(flood('00 80 00000000', 1_000_000)).catch(() => {})
      await canary()
      await written
      expect(grown(before, await target.measure())).toBeLessThan(MIB)
      raw.reset()
    },
  )

  row({ ids: ['S-G03'], title: 'a message is joined in linear time, however it is cut' }, async ({ target, port }) => {
    const { raw } = await openRawWebSocket(port)
    const cost = async (fragments: number): Promise<number> => {
      const { cpu } = await target.measure(false)
      for (let i = 0; i < 4; i++) {
        await raw.write(hex('01 81 00000000 61'))
        await raw.write(flood('00 88 00000000 6161616161616161', fragments))
        await raw.write(hex('80 80 00000000'))
        expect((await readServerFrame(raw)).payload.length).toBe(1 + 8 * fragments)
      }
      return (await target.measure(false)).cpu - cpu
    }
    await cost(8000)
    const ratios: number[] = []
    while (ratios.length < 5) {
      const once = await cost(8000)
      ratios.push((await cost(16_000)) / once)
      if (ratios.at(-1)! < 2.6) break
    }
    expect(Math.min(...ratios)).toBeLessThan(2.6)
    raw.reset()
  })

  row(
    { ids: ['S-G04', 'D16'], title: 'a frame that comes byte by byte takes the memory of its bytes' },
    async ({ target, port, before }) => {
      const { raw } = await openRawWebSocket(port)
      const sent = 20_000
      await raw.write(clientFrame({ opcode: 2, payload: new Uint8Array(500_000) }).subarray(0, 14))
      await raw.writeByteByByte(new Uint8Array(sent))
      // Nothing can be asked on this connection in the middle of a frame; the next one is read after it.
      const next = await openRawWebSocket(port)
      await read(next.raw)
      expect(grown(before, await target.measure())).toBeLessThan(2 * sent + 320 * KIB)
      raw.reset()
      next.raw.reset()
    },
  )

  row({ ids: ['S-G05'], title: 'fragments below the limit are refused when their sum passes it' }, async ({ port }) => {
    const most = clientFrame({ opcode: 2, fin: false, payload: new Uint8Array(MIB - 1) })
    // The header alone decides: none of the payload it announces comes.
    const header = clientFrame({ opcode: 0, fin: false, payload: new Uint8Array(2) }).subarray(0, 6)
    expect(await closeCodeAfter(port, [most, header])).toBe(1009)
  })

  row(
    { ids: ['S-G06'], title: 'a small message leaves no read buffer behind on an idle connection' },
    async ({ target, port, before }) => {
      const count = 300
      const raws = await openMany(port, count)
      for (const raw of raws) await raw.write(clientText('a'))
      await Promise.all(raws.map((raw) => readServerFrame(raw)))
      const { external } = await target.measure()
      expect(external - before.external).toBeLessThan(count * KIB)
      for (const raw of raws) raw.reset()
    },
  )
})

async function openMany(port: number, count: number): Promise<RawSocket[]> {
  return Promise.all(Array.from({ length: count }, async () => (await openRawWebSocket(port)).raw))
}

describe('text', () => {
  row(
    { ids: ['D22'], title: 'text that is cut inside its characters is never refused' },
    async ({ target, port, before }) => {
      const text = 'κόσμε €𝄞\u{10ffff}'
      const bytes = Buffer.from(text)
      for (let cut = 0; cut <= bytes.length; cut++) {
        const { raw } = await openRawWebSocket(port)
        await raw.write(clientFrame({ opcode: 1, fin: false, payload: bytes.subarray(0, cut) }))
        await raw.write(clientFrame({ opcode: 0, payload: bytes.subarray(cut) }))
        expect(Buffer.from((await readServerFrame(raw)).payload).toString(), `cut at ${cut}`).toBe(text)
        raw.reset()
      }
      await target.until((now) => now.connections === before.connections, 'the connections to be gone')
    },
  )

  row(
    { ids: ['D23'], title: 'text that is not UTF-8 is refused at the octet that cannot be right' },
    async ({ port }) => {
      // Neither a FIN nor the rest of the frame will come.
      await expectClosed(port, hex('01 81 00000000 ff'), [1007], { name: 'in the first fragment' })
      await expectClosed(port, hex('81 85 00000000 61 ff'), [1007], { name: 'in a frame that is not complete' })
      await expectClosed(port, hex('01 82 00000000 e282 80 81 00000000 ff'), [1007], { name: 'in a continuation' })
      await expectClosed(port, hex('01 83 00000000 eda080'), [1007], { name: 'a surrogate' })
      await expectClosed(port, hex('01 84 00000000 f4908080'), [1007], { name: 'above U+10FFFF' })
      await expectClosed(port, hex('81 82 00000000 c0af'), [1007], { name: 'an overlong form' })
    },
  )

  row({ ids: ['S-C07'], title: 'a control frame inside fragmented text is no part of the text' }, async ({ port }) => {
    const { raw } = await openRawWebSocket(port)
    await raw.write(hex('01 82 00000000 e282 89 82 00000000 ffff 80 81 00000000 ac'))
    expect(await readServerFrame(raw)).toMatchObject({ opcode: 0xa, payload: hex('ff ff') })
    expect(Buffer.from((await readServerFrame(raw)).payload).toString()).toBe('€')
    raw.reset()
    await expectClosed(port, hex('01 82 00000000 e282 88 82 00000000 03e8'), [1000], { name: 'a Close' })
  })
})

describe('floods of messages', () => {
  row(
    { ids: ['D09'], title: 'messages of no bytes wait for the application, and another connection is served' },
    async ({ target, port, before, canary }) => {
      const count = 200_000
      const { raw } = await openRawWebSocket(port)
      const answered = countAnswers(raw)
      const written = raw.write(flood('82 80 00000000', count)).catch(() => {})
      await canary()
      await written
      await answered(2 * count)
      expect((await target.measure()).messages - before.messages).toBeGreaterThanOrEqual(count)
      raw.reset()
    },
  )

  row({ ids: ['D21'], title: 'one that floods does not keep the others waiting' }, async ({ port, canary }) => {
    const count = 300_000
    const { raw } = await openRawWebSocket(port)
    const answered = countAnswers(raw)
    const written = raw.write(flood('82 88 00000000 6161616161616161', count)).catch(() => {})
    await canary()
    // Whoever reads the flood to its end first has answered all of it by now.
    expect(answered.bytes).toBeLessThan(count * 10)
    await written
    await answered(count * 10)
    raw.reset()
  })
})

/** Takes and counts what comes, without keeping it: a function that waits until so many bytes came. */
function countAnswers(raw: RawSocket): ((bytes: number) => Promise<void>) & { readonly bytes: number } {
  let bytes = 0
  let wake = (): void => {}
  raw.socket.removeAllListeners('data')
  raw.socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    wake()
  })
  const until = async (wanted: number): Promise<void> => {
    while (bytes < wanted) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  const answered = (wanted: number): Promise<void> =>
    within(until(wanted), () => `${wanted} bytes of answers; so far ${bytes}`, 30_000)
  return Object.defineProperty(answered, 'bytes', { get: () => bytes }) as typeof answered & { readonly bytes: number }
}
