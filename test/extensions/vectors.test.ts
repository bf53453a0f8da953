import { describe, expect, it } from 'vitest'
import fixtures from '../fixtures/rfc-vectors.json' with { type: 'json' }
import { chunkings, concat } from '../support/chunkings.ts'
import { Endpoint } from '../support/connection-pair.ts'
import { compressed, confirm, serverExtension } from '../support/deflate.ts'
import { hex as fromHex } from '../support/hex.ts'

const KEEP = { serverNoContextTakeover: false, clientNoContextTakeover: false, threshold: 0 }

interface Vector {
  readonly id: string
  readonly hex: string
  readonly text?: string
  readonly texts?: readonly string[]
}
const vectors = (fixtures.frames as readonly Vector[]).filter(({ id }) => id.startsWith('pmd-'))

/** A client that has agreed to keep the window of the server. */
function client(): Endpoint {
  return new Endpoint('client', { extension: confirm('permessage-deflate', KEEP) })
}

describe('the examples of RFC 7692 §7.2.3', () => {
  it('are all there', () => {
    expect(vectors.map(({ id }) => id)).toHaveLength(7)
  })

  it.each(vectors)(
    '$id inflates to what it says, however it is cut [7692-6.2-1] [7692-7.2.1-1] [7692-7.2.1-2] [7692-7.2.1-3] [7692-7.2.2-2] [7692-7.2.2-11]',
    ({ hex, text, texts = [text ?? ''] }) => {
      for (const { chunks } of chunkings(fromHex(hex))) {
        const end = client()
        for (const chunk of chunks) end.receive(chunk)
        expect(end.takeEvents()).toEqual(texts.map((each) => `text ${JSON.stringify(each)}`))
        expect(end.connection.violation).toBeNull()
      }
    },
  )

  it.each(vectors)('$id may stand twice on one connection [7692-7.2.1-3] [7692-7.2.2-4]', ({ hex, text, texts }) => {
    const end = client()
    const expected = (texts ?? [text ?? '']).map((each) => `text ${JSON.stringify(each)}`)
    end.receive(concat(fromHex(hex), fromHex(hex)))
    expect(end.takeEvents()).toEqual([...expected, ...expected])
  })
})

describe('a client', () => {
  /** A server's frame with a compressed text. */
  function frame(payload: Uint8Array): Uint8Array {
    const { length } = payload
    const lengthBytes = length < 126 ? [length] : [126, length >>> 8, length & 0xff]
    return concat(Uint8Array.of(0xc1, ...lengthBytes), payload)
  }

  it('inflates with 32 KiB when no window was agreed on, whatever it had asked for [7692-7.2.2-7] [7692-7.2.2-10]', () => {
    const extension = confirm('permessage-deflate', { ...KEEP, serverMaxWindowBits: 9 })
    const end = new Endpoint('client', { extension, maxPayload: 1 << 20 })
    // Random text of 30,000 bytes, and the same again: it can only be found by looking as far back.
    const once = Array.from({ length: 30_000 }, (_, i) => String.fromCharCode(33 + ((i * i * 7 + (i >> 3) * 13) % 90)))
    const text = once.join('')
    const payload = compressed(text + text)
    expect(payload.length).toBeLessThan(0xffff)
    end.receive(frame(payload))
    expect(end.takeEvents()).toEqual([`text ${JSON.stringify(text + text)}`])
    expect(end.connection.violation).toBeNull()
  })

  it('inflates with the window that was agreed on [7692-7.2.2-10]', () => {
    const extension = confirm('permessage-deflate; server_max_window_bits=9', { ...KEEP, serverMaxWindowBits: 12 })
    const end = new Endpoint('client', { extension })
    end.receive(frame(compressed('x'.repeat(400))))
    expect(end.takeEvents()).toEqual([`text ${JSON.stringify('x'.repeat(400))}`])
  })
})

describe('a server', () => {
  it('deflates as the examples do [7692-6.1-1] [7692-6.1-5] [7692-7.2.1-15] [7692-7.2.1-11]', () => {
    const end = new Endpoint('server', { extension: serverExtension('permessage-deflate', KEEP) })
    end.connection.sendMessage('Hello')
    expect(end.takeBytes()).toEqual(fromHex('c107f248cdc9c90700'))
    end.connection.sendMessage('Hello')
    expect(end.takeBytes()).toEqual(fromHex('c105f200110000'))
    end.connection.sendMessage('')
    expect(end.takeBytes()).toEqual(fromHex('c10100'))
  })

  it('forgets its window after each message when that was agreed on [7692-7.2.1-10] [7692-5-15]', () => {
    const end = new Endpoint('server', { extension: serverExtension('permessage-deflate', { threshold: 0 }) })
    for (const _ of [1, 2]) {
      end.connection.sendMessage('Hello')
      expect(end.takeBytes()).toEqual(fromHex('c107f248cdc9c90700'))
    }
  })
})
