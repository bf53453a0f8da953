import { describe, expect } from 'vitest'
import { concat } from '../support/chunkings.ts'
import { clientClose, clientFrame, clientText, readClosePayload, readServerFrame } from '../support/client-frames.ts'
import { compressed, inflated } from '../support/deflate.ts'
import { hex } from '../support/hex.ts'
import { openRawWebSocket } from '../support/raw-socket.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { Attacker } from './support/attacker.ts'
import { grown, row } from './support/row.ts'
import { KIND } from './support/target.ts'
import { closeCodeAfter, expectClosed, pooled } from './support/wire.ts'

const KIB = 1 << 10
const MIB = 1 << 20

/** A binary frame's header that announces a length in 64 bits, with the key 00000000. */
function announce(length: bigint, byte0 = 0x82): Uint8Array {
  const bytes = Buffer.alloc(14)
  bytes[0] = byte0
  bytes[1] = 0xff
  bytes.writeBigUInt64BE(length, 2)
  return bytes
}

/** Frames that break a rule, with the key 00000000, and the code that each connection ends with. */
const MALFORMED: ReadonlyArray<[string, string, number]> = [
  ['a length of one byte in 16 bits', '81 fe 0001 00000000 61', 1002],
  ['a length of one byte in 64 bits', '81 ff 0000000000000001 00000000 61', 1002],
  ['a Close body of one byte', '88 81 00000000 03', 1002],
  ['close code 999', '88 82 00000000 03e7', 1002],
  ['close code 1005', '88 82 00000000 03ed', 1002],
  ['close code 1006', '88 82 00000000 03ee', 1002],
  ['close code 1015', '88 82 00000000 03f7', 1002],
  ['close code 2999', '88 82 00000000 0bb7', 1002],
  ['close code 5000', '88 82 00000000 1388', 1002],
  ['a reason that is not UTF-8', '88 83 00000000 03e8 ff', 1007],
  ['text inside a text', '01 80 00000000 81 80 00000000', 1002],
  ['RSV2', 'a1 80 00000000', 1002],
  ['RSV3', '91 80 00000000', 1002],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode): [string, string, number] => [
    `opcode ${opcode}`,
    `8${opcode.toString(16)} 80 00000000`,
    1002,
  ]),
  ['RSV1 without an extension', 'c1 80 00000000', 1002],
  ['an unmasked text', '81 00', 1002],
  ['an unmasked Ping', '89 00', 1002],
  ['an unmasked Close', '88 02 03e8', 1002],
  ['a Ping without FIN', '09 80 00000000', 1002],
  ['a Close without FIN', '08 80 00000000', 1002],
  ['a Ping of 126 bytes', '89 fe 007e 00000000', 1002],
  ['a continuation of nothing', '80 80 00000000', 1002],
  ['binary inside a text', '01 80 00000000 82 80 00000000', 1002],
  ['a length of no bytes in 16 bits', '81 fe 0000 00000000', 1002],
  ['a length of 125 bytes in 16 bits', '82 fe 007d 00000000', 1002],
  ['a length of 65,535 bytes in 64 bits', '82 ff 000000000000ffff 00000000', 1002],
  ['text that is not UTF-8', '81 81 00000000 ff', 1007],
  ['close code 0', '88 82 00000000 0000', 1002],
  ['close code 1004', '88 82 00000000 03ec', 1002],
  ['close code 65535', '88 82 00000000 ffff', 1002],
]

/** Where the reference leaves a choice, ours is in docs/limits.md and the policy; the other library may choose otherwise. */
const TOP_BIT = KIND === 'ws' ? [1002, 1009] : [1002]

describe('frame lengths', () => {
  row(
    {
      ids: ['S-F01'],
      title: 'fragments whose sum passes 2^31, 2^32, 2^53 or 2^63 are refused with 1009 at the header',
    },
    async ({ port }) => {
      const first = hex('02 81 00000000 61')
      for (const k of [31n, 32n, 53n, 63n]) {
        // With the byte that came before: just below the power of two, that, and just above.
        for (const length of [2n ** k - 2n, 2n ** k - 1n, 2n ** k]) {
          const codes = length >= 2n ** 63n ? TOP_BIT : [1009]
          await expectClosed(port, concat(first, announce(length, 0x00)), codes, { name: `${length} more` })
        }
      }
    },
  )

  row({ ids: ['S-F02', 'D17'], title: 'a 64-bit length with its top bit set is refused' }, async ({ port }) => {
    for (const length of [2n ** 63n, 2n ** 63n + 1n, 2n ** 64n - 2n, 2n ** 64n - 1n]) {
      await expectClosed(port, announce(length), TOP_BIT, { name: `${length}` })
    }
    await expectClosed(port, announce(2n ** 63n - 1n), [1009], { name: '2^63 - 1' })
  })

  row({ ids: ['S-F03'], title: 'every length around a power of two is taken for what it is' }, async ({ port }) => {
    const lengths = new Set([0x0000000100000000n, 0x00000000ffffffffn, 0x0020000000000000n])
    for (let k = 0n; k < 64n; k++) for (const length of [2n ** k - 1n, 2n ** k, 2n ** k + 1n]) lengths.add(length)
    await pooled([...lengths], async (length) => {
      if (length > BigInt(MIB)) {
        await expectClosed(port, announce(length), length >= 2n ** 63n ? TOP_BIT : [1009], { name: `${length}` })
        return
      }
      // Up to 65,535 the length has a shorter form, and must have it.
      const isMinimal = length > 0xffffn
      if (!isMinimal && KIND !== 'ws') await expectClosed(port, announce(length), [1002], { name: `${length}` })
      const payload = new Uint8Array(Number(length)).fill(0x61)
      const frame = clientFrame({ opcode: 2, payload, maskingKey: [0, 0, 0, 0] })
      const header = frame.length - payload.length
      for (const cut of [0, 1, 2, 9, header]) {
        const { raw } = await openRawWebSocket(port)
        await raw.write(frame.subarray(0, cut))
        await raw.write(frame.subarray(cut))
        expect((await readServerFrame(raw)).payload.length, `${length}, cut at ${cut}`).toBe(payload.length)
        raw.reset()
        // Long ones are not cut at every byte: what there is to see is in the header.
        if (isMinimal && cut > 0) break
      }
    })
  })

  row(
    { ids: ['S-F04', 'D18'], title: 'an announced length allocates nothing, and a reserved opcode is refused first' },
    async ({ target, port }) => {
      for (const opcode of [0x3, 0xb]) {
        for (const length of [0x06000000n, 0x7fffffffn, 2n ** 63n - 1n]) {
          await expectClosed(port, announce(length, 0x80 | opcode), [1002], {
            name: `opcode ${opcode}, ${length} bytes`,
          })
        }
      }
      await using attacker = await Attacker.start()
      const count = 1000
      await attacker.open(port, count)
      const start = await target.measure()
      await attacker.send(concat(announce(BigInt(MIB)), new Uint8Array(10)))
      // Who asks now is answered behind them.
      await closeCodeAfter(port, [clientClose(1000)])
      const after = await target.measure()
      expect((after.rss - start.rss) / count, 'resident bytes each').toBeLessThanOrEqual(16 * KIB)
      expect(grown(start, after) / count, 'bytes held each').toBeLessThanOrEqual(16 * KIB)
      await attacker.reset()
    },
  )

  for (const deflate of [false, true]) {
    row(
      {
        ids: ['S-F05'],
        title: `a${deflate ? ' compressed' : ''} message of the limit passes and one byte more is refused, in one frame or in many`,
        profile: { deflate },
      },
      async ({ port }) => {
        const noise = seededRandom(5)
        for (const length of [MIB - 1, MIB, MIB + 1]) {
          for (const isNoise of deflate ? [false, true] : [false]) {
            const message = new Uint8Array(length).fill(0x61)
            if (isNoise) for (let i = 0; i < length; i++) message[i] = noise() * 256
            for (const count of [1, 2, 17, 1024]) {
              await expectEchoUpTo(port, message, count, deflate, `${length} bytes in ${count} frames`)
            }
          }
        }
      },
    )
  }

  /** Sends a message in so many frames; it comes back, or the connection ends with 1009 if it is too long. */
  async function expectEchoUpTo(
    port: number,
    message: Uint8Array,
    count: number,
    isCompressed: boolean,
    name: string,
  ): Promise<void> {
    const fields = isCompressed ? ['Sec-WebSocket-Extensions: permessage-deflate'] : []
    const { raw, head } = await openRawWebSocket(port, fields)
    expect(/permessage-deflate/.test(head)).toBe(isCompressed)
    const payload = isCompressed ? compressed(message) : message
    const size = Math.ceil(payload.length / count)
    for (let i = 0; i * size < payload.length; i++) {
      const piece = payload.subarray(i * size, (i + 1) * size)
      const isLast = (i + 1) * size >= payload.length
      const rsv = isCompressed && i === 0 ? 4 : 0
      await raw.offer(clientFrame({ opcode: i === 0 ? 2 : 0, fin: isLast, rsv, payload: piece }))
    }
    const answer = await readServerFrame(raw)
    if (message.length > MIB) {
      expect([answer.opcode, readClosePayload(answer.payload).statusCode], name).toEqual([0x8, 1009])
    } else {
      expect(answer.opcode, name).toBe(0x2)
      const bytes = answer.rsv === 4 ? inflated(answer.payload) : answer.payload
      expect(Buffer.compare(bytes, message), name).toBe(0)
    }
    raw.reset()
  }
})

describe('frame headers', () => {
  row({ ids: ['S-F06'], title: 'an unmasked frame is no message' }, async ({ target, port, before }) => {
    await expectClosed(port, hex('81 02 68 69'), [1002])
    expect((await target.measure()).messages).toBe(before.messages)
  })

  row(
    { ids: ['S-F06'], title: 'exactly the messages in front of an invalid frame are delivered' },
    async ({ target, port, before }) => {
      await expectClosed(port, concat(clientText('a'), clientText('b'), hex('81 02 68 69')), [1002], { before: 2 })
      const chunkings = concat(clientText('a'), clientText('b')).length + 4 + 1
      expect((await target.measure()).messages - before.messages).toBe(2 * chunkings)
    },
  )

  row(
    { ids: ['S-F08'], title: 'control frames above 125 bytes, without FIN or of no known kind are refused with 1002' },
    async ({ port }) => {
      const cases: Array<{ opcode: number; length: number; fin: boolean }> = []
      for (let opcode = 8; opcode < 16; opcode++) {
        for (const length of [0, 125, 126, 127, 65_535, 65_536]) {
          for (const fin of [true, false]) cases.push({ opcode, length, fin })
        }
      }
      await pooled(cases, async ({ opcode, length, fin }) => {
        const name = `opcode ${opcode}, ${length} bytes, FIN ${fin}`
        const payload = new Uint8Array(length).fill(0x61)
        // A Close frame has a code in front.
        if (length > 0) payload.set([1000 >> 8, 1000 & 255])
        const frame = clientFrame({ opcode, fin, payload, maskingKey: [0, 0, 0, 0] })
        const isLegal = opcode <= 0xa && fin && length <= 125
        if (!isLegal) {
          // The header is enough; and the rest behind it changes nothing.
          await expectClosed(port, frame.subarray(0, frame.length - length), [1002], { name })
          expect(await closeCodeAfter(port, [frame]), name).toBe(1002)
          return
        }
        const { raw } = await openRawWebSocket(port)
        await raw.write(concat(frame, opcode === 0x8 ? new Uint8Array() : clientText('after')))
        const answers = [await readServerFrame(raw)]
        if (opcode === 0x9) answers.push(await readServerFrame(raw))
        expect(
          answers.map((answer) => answer.opcode),
          name,
        ).toEqual([[0x8], [0xa, 0x1], [0x1]][opcode - 8])
        raw.reset()
      })
    },
  )

  row(
    {
      ids: ['S-F09', 'D24'],
      title: 'malformed frames do no harm where the application listens to nothing',
      profile: { app: 'none' },
    },
    async ({ port }) => {
      // A message that nobody listens for is not read, and so neither is what comes behind it.
      const isRead = ([name]: readonly [string, ...unknown[]]): boolean => !name.endsWith(' inside a text')
      await pooled(MALFORMED.filter(isRead), ([name, bytes, code]) => expectClosed(port, hex(bytes), [code], { name }))
    },
  )

  row({ ids: ['S-F10', 'D24'], title: 'RSV1 without an extension is refused on every frame' }, async ({ port }) => {
    for (const bytes of ['c1 80 00000000', 'c2 80 00000000', 'c9 80 00000000', 'ca 80 00000000', 'c8 80 00000000']) {
      await expectClosed(port, hex(bytes), [1002], { name: bytes })
    }
    await expectClosed(port, hex('01 80 00000000 c0 80 00000000'), [1002], { name: 'on a continuation' })
  })

  row(
    {
      ids: ['S-F10', 'D24'],
      title: 'RSV1 with an extension that owns it is refused on control frames and continuations, RSV2 and RSV3 on all',
      profile: { deflate: true },
    },
    async ({ port }) => {
      const offer = ['Sec-WebSocket-Extensions: permessage-deflate']
      const all = ['c9 80', 'ca 80', 'c8 80', 'a1 80', '91 80', 'f1 80', 'e1 80', 'd1 80']
      for (const bytes of all) await expectClosed(port, hex(`${bytes} 00000000`), [1002], { name: bytes, offer })
      for (const open of ['01', '41']) {
        const bytes = `${open} 80 00000000 c0 80 00000000`
        await expectClosed(port, hex(bytes), [1002], { name: `on a continuation behind ${open}`, offer })
      }
    },
  )

  row({ ids: ['S-F11'], title: 'a million empty frames in one write overflow no stack' }, async ({ port, canary }) => {
    const { raw } = await openRawWebSocket(port)
    const frame = hex('8a 80 00000000')
    const flood = Buffer.alloc(frame.length * 1_000_000)
    for (let at = 0; at < flood.length; at += frame.length) flood.set(frame, at)
    await Promise.all([raw.write(flood), canary()])
    await raw.write(clientText('after'))
    expect(await raw.read(7)).toEqual(Uint8Array.from([0x81, 5, ...Buffer.from('after')]))
    raw.reset()
  })

  row(
    { ids: ['S-F12'], title: 'a continuation of nothing is refused before its text is looked at' },
    async ({ port }) => {
      await expectClosed(port, hex('80 81 00000000 ff'), [1002])
      await expectClosed(port, hex('00 81 00000000 ff'), [1002])
    },
  )

  row({ ids: ['S-F13', 'D24'], title: 'every malformed header and Close body is refused' }, async ({ port }) => {
    await pooled(MALFORMED, ([name, bytes, code]) => expectClosed(port, hex(bytes), [code], { name }))
  })
})
