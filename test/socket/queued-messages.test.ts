import { describe, expect, it } from 'vitest'
import type { PerMessageDeflateOptions } from '../../src/extensions/permessage-deflate/options.ts'
import { prepareMessage } from '../../src/protocol/prepared-message.ts'
import { ConnectionInMemory } from '../support/connection-in-memory.ts'
import { serverExtension } from '../support/deflate.ts'
import { settle } from '../support/memory-transport.ts'

function connect(deflate?: PerMessageDeflateOptions): ConnectionInMemory {
  const extension = deflate === undefined ? null : serverExtension('permessage-deflate', { threshold: 0, ...deflate })
  return new ConnectionInMemory({ heartbeat: false }, { extension })
}

/** The first bytes of the frames that were sent since the last look: all are short. */
function firstBytes({ transport }: ConnectionInMemory): string[] {
  const bytes = transport.takeWritten()
  const first: string[] = []
  for (let at = 0; at < bytes.length; at += 2 + bytes[at + 1]!) first.push(bytes[at]!.toString(16))
  return first
}

describe('a message that waits for a slow peer', () => {
  describe('when the option compress is a function', () => {
    const REFUSED = 'refused'
    const rule = (data: string | Uint8Array): boolean => {
      if (Buffer.from(data as string).toString() === REFUSED) throw new Error('the rule fails')
      return true
    }

    it.each([
      ['a string', REFUSED],
      ['bytes', Buffer.from(REFUSED)],
      ['a prepared message', prepareMessage(REFUSED)],
    ])(
      'is judged when %s is sent: whoever sends hears what the function throws, as without a wait',
      async (_, data) => {
        const connection = connect({ compress: rule })
        const { ws, transport } = connection
        expect(() => ws.send(data)).toThrow('the rule fails')
        transport.stall()
        ws.send('first')
        await settle()
        ws.send('second')
        expect(() => ws.send(data)).toThrow('the rule fails')
        ws.send('third')
        transport.unstall()
        await settle()
        expect(firstBytes(connection)).toEqual(['c1', 'c1', 'c1'])
        expect(connection.errors).toEqual([])
        expect(ws.readyState).toBe(1)
      },
    )

    it('is judged once, and goes out as it was judged', async () => {
      const asked: string[] = []
      const connection = connect({
        compress: (data) => {
          asked.push(String(data))
          return asked.length % 2 === 0
        },
      })
      const { ws, transport } = connection
      transport.stall()
      ws.send('a')
      await settle()
      for (const data of ['b', 'c', 'd']) ws.send(data)
      ws.send('e', { compress: false })
      expect(asked).toEqual(['a', 'b', 'c', 'd'])
      transport.unstall()
      await settle()
      expect(asked).toEqual(['a', 'b', 'c', 'd'])
      expect(firstBytes(connection)).toEqual(['81', 'c1', '81', 'c1', '81'])
    })
  })

  it.each([
    ['not compressed', undefined],
    ['compressed', {}],
    ['compressed for this connection alone', { serverNoContextTakeover: false }],
  ])('is refused at once inside a fragmented message when it was prepared, %s', async (_, deflate) => {
    const connection = connect(deflate)
    const { ws, transport } = connection
    const prepared = prepareMessage('prepared')
    transport.stall()
    ws.send('be', { fin: false })
    await settle()
    expect(() => ws.send(prepared)).toThrow('a fragmented message is open')
    ws.send('gin', { fin: true })
    ws.send(prepared)
    transport.unstall()
    await settle()
    const rsv1 = deflate === undefined ? 0 : 0x40
    expect(firstBytes(connection)).toEqual([0x01 | rsv1, 0x80, 0x81 | rsv1].map((byte) => byte.toString(16)))
    expect(connection.errors).toEqual([])
  })

  it('is refused inside a fragmented message whose fragment is compressed elsewhere', async () => {
    const connection = connect({})
    const { ws } = connection
    ws.send(new Uint8Array(100_000), { fin: false })
    expect(() => ws.send(prepareMessage('prepared'))).toThrow('a fragmented message is open')
    const sent = new Promise((resolve) => ws.send('end', { fin: true }, resolve))
    ws.send(prepareMessage('prepared'))
    expect(await sent).toBeNull()
    await settle()
    expect(connection.errors).toEqual([])
    expect(ws.readyState).toBe(1)
    ws.terminate()
  })

  it('may be prepared while another is streamed: it follows that one', async () => {
    const connection = connect()
    const { ws, transport } = connection
    const source = async function* () {
      yield 'streamed'
    }
    const streamed = ws.sendStream(source())
    transport.stall()
    ws.send(prepareMessage('prepared'))
    await settle()
    transport.unstall()
    await streamed
    await settle()
    expect(connection.takeFrames()).toEqual(['text... 73 74 72 65 61 6d 65 64', 'continuation', 'text "prepared"'])
  })
})
