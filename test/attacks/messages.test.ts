import { describe, expect } from 'vitest'
import { clientFrame, readServerFrame } from '../support/client-frames.ts'
import { hex } from '../support/hex.ts'
import { openRawWebSocket } from '../support/raw-socket.ts'
import { row } from './support/row.ts'
import { countAnswers, flood } from './support/streams.ts'
import { expectClosed } from './support/wire.ts'

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
      await Promise.all([raw.write(flood('82 80 00000000', count)), canary()])
      await answered(2 * count)
      expect((await target.measure()).messages - before.messages).toBeGreaterThanOrEqual(count)
      raw.reset()
    },
  )
})
