import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Connection } from '../../src/protocol/connection.ts'
import type { ConnectionListener, MessageSink } from '../../src/protocol/listener.ts'
import { clientClose, clientFrame } from '../support/client-frames.ts'
import { FC_TIMEOUT_MS, fcOptions } from '../support/fc-options.ts'

/** A listener that takes every message it can in pieces, and writes down what it is told. */
class StreamingListener implements ConnectionListener {
  readonly events: string[] = []
  /** The messages that are complete. */
  readonly messages: string[] = []
  readonly connection: Connection = new Connection(this, { role: 'server', maxPayload: Number.POSITIVE_INFINITY })

  message(isBinary: boolean, bytes: Uint8Array, start: number, end: number): void {
    this.messages.push(latin1(bytes, start, end))
    this.events.push(`${isBinary ? 'binary' : 'text'} ${latin1(bytes, start, end)}`)
  }
  messageStart(isBinary: boolean): MessageSink {
    this.events.push(`start ${isBinary ? 'binary' : 'text'}`)
    let message = ''
    return {
      piece: (bytes, start, end) => {
        message += latin1(bytes, start, end)
        this.events.push(`piece ${latin1(bytes, start, end)}`)
      },
      end: () => {
        this.messages.push(message)
        this.events.push('end')
      },
      abort: () => this.events.push('abort'),
    }
  }
  ping(): void {
    this.events.push('ping')
  }
  pong(): void {}
  closeReceived(statusCode: number): void {
    this.events.push(`close ${statusCode}`)
  }
  failed({ id }: { id: string }): void {
    this.events.push(`failed ${id}`)
  }
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.subarray(start, end)).toString('latin1')
}

describe('a listener with messageStart', () => {
  it('gets the pieces of a cut frame as they arrive, before the frame is whole (§5.4) [6455-5.4-13]', () => {
    const { connection, events } = new StreamingListener()
    const frame = clientFrame({ opcode: 2, payload: 'Hello' })
    connection.receive(frame.slice(0, 8))
    expect(events).toEqual(['start binary', 'piece He'])
    connection.receive(frame.slice(8))
    expect(events.slice(2)).toEqual(['piece llo', 'end'])
    expect(connection.bufferedInput).toBe(0)
  })

  it('gets fragments as pieces, control frames between them, and empty ones not at all (§5.4) [6455-5.4-1]', () => {
    const { connection, events } = new StreamingListener()
    for (const [opcode, fin, payload] of [
      [1, false, 'a'],
      [9, true, ''],
      [0, false, ''],
      [0, true, 'b'],
    ] as const) {
      connection.receive(clientFrame({ opcode, fin, payload }))
    }
    expect(events).toEqual(['start text', 'piece a', 'ping', 'piece b', 'end'])
  })

  it('gets a message that lies in one chunk whole', () => {
    const { connection, events } = new StreamingListener()
    connection.receive(clientFrame({ opcode: 1, payload: 'whole' }))
    expect(events).toEqual(['text whole'])
  })

  it('gets an empty message in two frames as a start and an end', () => {
    const { connection, events } = new StreamingListener()
    connection.receive(clientFrame({ opcode: 2, fin: false }))
    connection.receive(clientFrame({ opcode: 0 }))
    expect(events).toEqual(['start binary', 'end'])
  })

  it('is told of text that cannot be right before the message ends (§8.1) [6455-8.1-1]', () => {
    const { connection, events } = new StreamingListener()
    const frame = clientFrame({ opcode: 1, payload: Uint8Array.of(0x61, 0xff, 0x62, 0x63) })
    connection.receive(frame.slice(0, 7))
    connection.receive(frame.slice(7, 8))
    expect(events).toEqual(['start text', 'piece a', 'abort', 'failed 6455-8.1-1'])
  })

  it.each([
    ['a Close frame', (c: Connection) => c.receive(clientClose(1000)), ['abort', 'close 1000']],
    ['the end of the stream', (c: Connection) => c.receiveEnd(), ['abort']],
    ['the loss of the transport', (c: Connection) => c.transportClosed(), ['abort']],
  ] as const)('is told once that %s leaves the message incomplete', (_, endIt, expected) => {
    const { connection, events } = new StreamingListener()
    connection.receive(clientFrame({ opcode: 1, fin: false, payload: 'a' }))
    events.length = 0
    endIt(connection)
    connection.transportClosed()
    expect(events).toEqual(expected)
  })

  it('may decline: then the message is collected', () => {
    const messages: string[] = []
    const connection = new Connection(
      {
        message: (_, bytes, start, end) => messages.push(latin1(bytes, start, end)),
        messageStart: () => null,
        ping: () => {},
        pong: () => {},
        closeReceived: () => {},
        failed: () => {},
      },
      { role: 'server' },
    )
    connection.receive(clientFrame({ opcode: 1, fin: false, payload: 'a' }))
    connection.receive(clientFrame({ opcode: 0, payload: 'b' }))
    expect(messages).toEqual(['ab'])
  })

  it('gets the same bytes however the stream is cut, and never keeps any', { timeout: FC_TIMEOUT_MS }, () => {
    const messages = fc.array(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 4 }), {
      minLength: 1,
      maxLength: 5,
    })
    fc.assert(
      fc.property(messages, fc.array(fc.nat({ max: 700 }), { maxLength: 8 }), (fragmented, cuts) => {
        const wire = Buffer.concat(
          fragmented.flatMap((fragments) =>
            fragments.map((payload, i) =>
              clientFrame({ opcode: i === 0 ? 2 : 0, fin: i === fragments.length - 1, payload }),
            ),
          ),
        )
        const listener = new StreamingListener()
        const ends = [...new Set([...cuts.map((cut) => cut % (wire.length + 1)), wire.length])].sort((a, b) => a - b)
        let at = 0
        for (const end of ends) {
          listener.connection.receive(new Uint8Array(wire.subarray(at, end)))
          expect(listener.connection.bufferedInput).toBe(0)
          at = end
        }
        expect(listener.messages).toEqual(fragmented.map((fragments) => Buffer.concat(fragments).toString('latin1')))
      }),
      fcOptions(200),
    )
  })
})
