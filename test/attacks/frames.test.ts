import { describe, expect } from 'vitest'
import { concat } from '../support/chunkings.ts'
import { clientFrame, clientText } from '../support/client-frames.ts'
import { hex } from '../support/hex.ts'
import { openRawWebSocket } from '../support/raw-socket.ts'
import { grown, row } from './support/row.ts'
import { closeCodeAfter, expectClosed } from './support/wire.ts'

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

describe('frame headers', () => {
  row({ ids: ['S-F01'], title: 'a sum of fragments past 2^53 is refused at the header' }, async ({ port }) => {
    const first = hex('02 81 00000000 61')
    for (const length of [2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n - 1n]) {
      await expectClosed(port, concat(first, announce(length, 0x00)), [1009, 1002], { name: `${length} more` })
    }
  })

  row({ ids: ['S-F02', 'D17'], title: 'a 64-bit length with its top bit set is refused' }, async ({ port }) => {
    await expectClosed(port, announce(2n ** 63n), [1002, 1009], { name: '2^63' })
    await expectClosed(port, announce(2n ** 64n - 1n), [1002, 1009], { name: '2^64 - 1' })
  })

  row({ ids: ['S-F03'], title: 'every length around a power of two above the limit is refused' }, async ({ port }) => {
    for (let k = 20n; k < 64n; k++) {
      const lengths = [2n ** k - 1n, 2n ** k, 2n ** k + 1n].filter((length) => length > BigInt(MIB))
      const codes = await Promise.all(lengths.map((length) => closeCodeAfter(port, [announce(length)])))
      for (const code of codes) expect([1002, 1009], `2^${k}`).toContain(code)
    }
  })

  row(
    { ids: ['S-F04', 'D18'], title: 'an announced length allocates nothing, and a reserved opcode is refused first' },
    async ({ target, port, before }) => {
      await expectClosed(port, announce(0x7fffffffn, 0x83), [1002], { name: 'opcode 3' })
      await expectClosed(port, announce(0x7fffffffn, 0x8b), [1002], { name: 'opcode 11' })
      const count = 300
      const attackers = await Promise.all(Array.from({ length: count }, () => openRawWebSocket(port)))
      for (const { raw } of attackers) await raw.write(concat(announce(BigInt(MIB)), new Uint8Array(10)))
      await target.until((now) => now.connections >= before.connections + count, 'all attackers')
      // What the connections themselves take is below this; an allocation by announced length is 300 MiB.
      expect(grown(before, await target.measure())).toBeLessThan(count * 16 * KIB)
      for (const { raw } of attackers) raw.reset()
    },
  )

  row(
    { ids: ['S-F05'], title: 'a message of the limit passes and one byte more is refused, in one frame or in many' },
    async ({ port }) => {
      const { raw } = await openRawWebSocket(port)
      await raw.write(clientFrame({ opcode: 2, payload: new Uint8Array(MIB) }))
      await raw.read(10 + MIB)
      raw.reset()
      expect(await closeCodeAfter(port, [clientFrame({ opcode: 2, payload: new Uint8Array(MIB + 1) })])).toBe(1009)
      const half = new Uint8Array(MIB / 2)
      const over = [
        clientFrame({ opcode: 2, fin: false, payload: half }),
        clientFrame({ opcode: 0, fin: false, payload: half }),
        clientFrame({ opcode: 0, payload: new Uint8Array(1) }),
      ]
      expect(await closeCodeAfter(port, over)).toBe(1009)
    },
  )

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

  row({ ids: ['S-F08'], title: 'a control frame above 125 bytes or without FIN is refused' }, async ({ port }) => {
    for (const opcode of [0x8, 0x9, 0xa]) {
      for (const length of [126, 127, 65_535, 65_536]) {
        const [header] = [
          clientFrame({ opcode, payload: new Uint8Array(length) }).subarray(0, length < 65_536 ? 8 : 14),
        ]
        await expectClosed(port, header!, [1002], { name: `opcode ${opcode}, ${length} bytes` })
      }
      await expectClosed(port, clientFrame({ opcode, fin: false }), [1002], { name: `opcode ${opcode} without FIN` })
    }
  })

  const malformed = ['a1 80 00000000', '91 80 00000000', 'c1 80 00000000', '83 80 00000000', '81 00', '80 80 00000000']

  row(
    {
      ids: ['S-F09', 'D24'],
      title: 'malformed frames do no harm where the application listens to nothing',
      profile: { app: 'none' },
    },
    async ({ port }) => {
      for (const bytes of [...malformed, '88 81 00000000 03', '81 81 00000000 ff', '88 82 00000000 03ed']) {
        await expectClosed(port, hex(bytes), [1002, 1007], { name: bytes })
      }
    },
  )

  row({ ids: ['S-F10', 'D24'], title: 'RSV1 without an extension is refused on every frame' }, async ({ port }) => {
    for (const bytes of ['c1 80 00000000', 'c2 80 00000000', 'c9 80 00000000', 'ca 80 00000000', 'c8 80 00000000']) {
      await expectClosed(port, hex(bytes), [1002], { name: bytes })
    }
    await expectClosed(port, hex('01 80 00000000 c0 80 00000000'), [1002], { name: 'on a continuation' })
  })

  row({ ids: ['S-F11'], title: 'a million empty frames in one write overflow no stack' }, async ({ port, canary }) => {
    const { raw } = await openRawWebSocket(port)
    const frame = hex('8a 80 00000000')
    const flood = Buffer.alloc(frame.length * 1_000_000)
    for (let at = 0; at < flood.length; at += frame.length) flood.set(frame, at)
    const written = raw.write(flood).catch(() => {})
    await canary()
    await written
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
    const cases: Array<[string, string, number]> = [
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
    ]
    for (const [name, bytes, code] of cases) await expectClosed(port, hex(bytes), [code], { name })
  })
})
