import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { listenTo, stopListening, type TransportListener } from '../../src/socket/transport-listeners.ts'
import { within } from '../support/deadline.ts'
import { until } from '../support/deferred.ts'
import { portOf } from '../support/port.ts'

class Recorder implements TransportListener {
  text = ''
  ended = false
  closed = false
  readsOn = true

  receive(chunk: Uint8Array, length: number): boolean {
    this.text += Buffer.from(chunk.subarray(0, length)).toString('latin1')
    return this.readsOn
  }
  receiveEnd(): void {
    this.ended = true
  }
  transportDrained(): void {}
  transportFailed(): void {}
  transportClosed(): void {
    this.closed = true
  }
}

/** Runs `test` with both ends of a connection; `listen` is called in the tick in which the server's end is accepted. */
async function withPair(listen: (accepted: Socket) => void, test: (client: Socket, accepted: Socket) => Promise<void>) {
  const server = createServer({ allowHalfOpen: true })
  server.on('connection', listen)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepting = once(server, 'connection')
  const client = connect(portOf(server), '127.0.0.1')
  const [accepted] = (await within(accepting, 'a connection')) as [Socket]
  try {
    await test(client, accepted)
  } finally {
    client.destroy()
    accepted.destroy()
    server.close()
  }
}

describe.each([
  ['a plain TCP socket that was accepted just now', true, true],
  ['a plain TCP socket that may have been read from', true, false],
  ['any other transport', false, false],
])('%s', (_, isTcp, isNew) => {
  it('speaks to one listener after the other, and loses nothing in between', async () => {
    const [first, second] = [new Recorder(), new Recorder()]
    await withPair(
      (accepted) => listenTo(accepted, first, isTcp, isNew),
      async (client, accepted) => {
        client.write('one ')
        await until(() => first.text === 'one ')
        listenTo(accepted, second, isTcp)
        client.end('two')
        await until(() => second.ended)
        expect([first.text, second.text, first.ended]).toEqual(['one ', 'two', false])
        accepted.destroy()
        await until(() => second.closed)
      },
    )
  })

  it('waits when its listener says so, and goes on when it is resumed', async () => {
    const listener = new Recorder()
    listener.readsOn = false
    await withPair(
      (accepted) => listenTo(accepted, listener, isTcp, isNew),
      async (client, accepted) => {
        client.write('x'.repeat(300_000))
        await until(() => listener.text.length > 0)
        const { length } = listener.text
        client.write('y')
        await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
        expect(listener.text).toHaveLength(length)
        listener.readsOn = true
        accepted.resume()
        await until(() => listener.text.length === 300_001)
      },
    )
  })

  it('is a socket like any other again when nobody listens', async () => {
    const listener = new Recorder()
    await withPair(
      (accepted) => listenTo(accepted, listener, isTcp, isNew),
      async (client, accepted) => {
        client.write('ours')
        await until(() => listener.text === 'ours')
        const before = accepted.listenerCount('close')
        stopListening(accepted)
        expect(accepted.listenerCount('close')).toBe(before - 1)
        let text = ''
        accepted.on('data', (chunk: Buffer) => {
          text += chunk.toString('latin1')
        })
        client.write('z'.repeat(200_000))
        client.end('end')
        await within(once(accepted, 'end'), 'the end')
        expect(text).toBe(`${'z'.repeat(200_000)}end`)
        expect(listener.text).toBe('ours')
        accepted.on('error', () => {})
      },
    )
  })
})
