import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { prepareMessage } from '../../src/protocol/prepared-message.ts'
import { ConnectionInMemory } from '../support/connection-in-memory.ts'
import { readFrames, type WireFrame } from '../support/connection-pair.ts'
import { FC_TIMEOUT_MS, fcOptions } from '../support/fc-options.ts'
import { settle } from '../support/memory-transport.ts'

const step = fc.oneof(
  fc.record({ do: fc.constant('send' as const), length: fc.constantFrom(0, 5, 300, 20_000), how: fc.nat({ max: 2 }) }),
  fc.record({ do: fc.constant('stream' as const), pieces: fc.array(fc.constantFrom(0, 5, 20_000), { maxLength: 3 }) }),
  fc.record({ do: fc.constantFrom('ping' as const, 'stall' as const, 'unstall' as const, 'finish' as const) }),
  fc.record({ do: fc.constantFrom('turn' as const, 'turn' as const, 'cork' as const) }),
)

/** The messages on a wire, each by the number it begins with; throws where RFC 6455 §5.4 or §5.5.1 is broken. */
function messagesOf(frames: readonly WireFrame[]): { readonly messages: string[]; readonly closed: boolean } {
  const messages: string[] = []
  let open: string | null = null
  let closed = false
  for (const { fin, opcode, payload } of frames) {
    if (closed) throw new Error('a frame behind the Close frame')
    if (opcode === 8) closed = true
    if (opcode >= 8) {
      if (!fin) throw new Error('a fragmented control frame')
      continue
    }
    if ((opcode === 0) === (open === null))
      throw new Error(`opcode ${opcode} ${open === null ? 'outside' : 'inside'} a message`)
    open = (open ?? '') + Buffer.from(payload).toString('latin1')
    if (!fin) continue
    messages.push(open)
    open = null
  }
  if (open !== null && !closed) throw new Error('a message without an end')
  return { messages, closed }
}

describe('whatever is sent, streamed, pinged, stalled and closed', () => {
  it('leaves as legal frames, every message once and in order [6455-5.4-4]', { timeout: FC_TIMEOUT_MS }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.boolean(), async (steps, closes) => {
        const connection = new ConnectionInMemory({ heartbeat: false })
        const { ws, transport } = connection
        const expected: string[] = []
        const streams: Array<Promise<unknown>> = []
        const send = (length: number, how: number): void => {
          const text = `${expected.length}:`.padEnd(length, 'x')
          expected.push(text)
          ws.send(how === 0 ? text : how === 1 ? Buffer.from(text) : prepareMessage(text))
        }
        for (const each of steps) {
          if (each.do === 'send') send(each.length, each.how)
          else if (each.do === 'stream') {
            const pieces = [`${expected.length}:`, ...each.pieces.map((length) => 'y'.repeat(length))]
            expected.push(pieces.join(''))
            streams.push(ws.sendStream(pieces))
          } else if (each.do === 'ping') ws.ping()
          else if (each.do === 'stall') transport.stall()
          else if (each.do === 'unstall') transport.unstall()
          else if (each.do === 'finish') transport.finishWrite()
          else if (each.do === 'turn') await settle()
          else ws.cork(() => [send(1, 0), send(20_000, 0)])
        }
        const settled = Promise.allSettled(streams)
        if (closes) ws.close(1000)
        transport.unstall()
        if (!closes) await settled
        for (let i = 0; i < 3; i += 1) await settle()
        const { messages, closed } = messagesOf(readFrames(transport.written))
        expect(closed).toBe(closes)
        // A Close frame does not wait for streams: what comes behind an unfinished one is refused, never reordered.
        expect(messages).toEqual(closes ? expected.slice(0, messages.length) : expected)
        if (closes && streams.length === 0) expect(messages).toEqual(expected)
        expect(ws.bufferedAmount).toBe(0)
        ws.terminate()
        await settled
      }),
      fcOptions(150),
    )
  })
})
