import { describe, expect, it } from 'vitest'
import { concat, cutAt } from '../support/chunkings.ts'
import { clientBinary, clientFrame, clientText, readServerFrame } from '../support/client-frames.ts'
import { RawSocket, upgradeRequest } from '../support/raw-socket.ts'
import { TestServer } from '../support/test-server.ts'

const SIXTEEN_MIB = 16 << 20

function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i += 1) bytes[i] = (i * 7 + (i >>> 8)) & 0xff
  return bytes
}

describe('echo over TCP', () => {
  it('answers text with text', async () => {
    await using server = await TestServer.start()
    const { raw } = await server.open()
    for (const text of ['Hello', '', 'é€😀', 'x'.repeat(70_000)]) {
      await raw.write(clientText(text))
      const frame = await readServerFrame(raw)
      expect(frame).toMatchObject({ fin: true, rsv: 0, opcode: 0x1, masked: false })
      expect(Buffer.from(frame.payload).toString()).toBe(text)
    }
    raw.destroy()
  })

  it.each([0, 1, 125, 126, 65_535, 65_536, 1 << 20, SIXTEEN_MIB])(
    'answers %i bytes of binary with the same',
    async (length) => {
      await using server = await TestServer.start({ maxPayload: SIXTEEN_MIB })
      const { raw } = await server.open()
      const payload = pattern(length)
      await raw.write(clientBinary(payload))
      const frame = await readServerFrame(raw)
      expect(frame).toMatchObject({ fin: true, opcode: 0x2, masked: false })
      expect(Buffer.compare(frame.payload, payload)).toBe(0)
      raw.destroy()
    },
  )

  it('joins fragments, with control frames between them [6455-5.4-5]', async () => {
    await using server = await TestServer.start()
    const { raw } = await server.open()
    const fragments = ['a', '', 'bc'.repeat(40_000), 'd']
    for (const [i, payload] of fragments.entries()) {
      await raw.write(clientFrame({ opcode: i === 0 ? 0x1 : 0x0, payload, fin: i === fragments.length - 1 }))
      if (i < 2) {
        await raw.write(clientFrame({ opcode: 0x9, payload: `${i}` }))
        expect(await readServerFrame(raw)).toMatchObject({ opcode: 0xa, payload: new Uint8Array(Buffer.from(`${i}`)) })
      }
    }
    const frame = await readServerFrame(raw)
    expect(Buffer.from(frame.payload).toString()).toBe(fragments.join(''))
    raw.destroy()
  })

  it('understands a peer that sends one byte per write, the opening handshake included', async () => {
    await using server = await TestServer.start()
    using raw = await RawSocket.connect(server.port)
    await raw.writeByteByByte(upgradeRequest(server.port))
    await raw.writeByteByByte(clientText('slow but steady'))
    await raw.readUntil('\r\n\r\n')
    expect(Buffer.from((await readServerFrame(raw)).payload).toString()).toBe('slow but steady')
  })

  it('gives the same answer whichever way the request and the first frame are cut in two', async () => {
    await using server = await TestServer.start()
    const bytes = concat(Buffer.from(upgradeRequest(server.port)), clientText('first frame'))
    const cuts = Array.from({ length: bytes.length + 1 }, (_, cut) => cut)
    for (let from = 0; from < cuts.length; from += 32) {
      const answers = cuts.slice(from, from + 32).map(async (cut) => {
        using raw = await RawSocket.connect(server.port)
        for (const piece of cutAt(bytes, [cut])) await raw.write(piece)
        await raw.readUntil('\r\n\r\n')
        const { payload } = await readServerFrame(raw)
        expect(Buffer.from(payload).toString(), `cut at ${cut}`).toBe('first frame')
      })
      await Promise.all(answers)
    }
    expect(server.errors).toEqual([])
  })

  it('answers a batch of 5,000 messages in one write, in order', async () => {
    await using server = await TestServer.start()
    const { raw } = await server.open()
    const count = 5000
    const texts = Array.from({ length: count }, (_, i) => String(i).padStart(5, '0'))
    await raw.write(concat(...texts.map(clientText)))
    const answer = await raw.read(count * 7)
    for (let i = 0; i < count; i += 1) {
      expect(Buffer.from(answer.subarray(i * 7 + 2, i * 7 + 7)).toString()).toBe(texts[i])
    }
    raw.destroy()
  })
})
