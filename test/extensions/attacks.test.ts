import { randomFillSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { deflateMemory } from '../../src/extensions/permessage-deflate/memory.ts'
import type { PerMessageDeflateOptions } from '../../src/extensions/permessage-deflate/options.ts'
import { Endpoint } from '../support/connection-pair.ts'
import { within } from '../support/deadline.ts'
import { answer, compressed, serverExtension } from '../support/deflate.ts'

const KEEP: PerMessageDeflateOptions = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  threshold: 0,
}
const KIB = 1 << 10
const MIB = 1 << 20

class Server extends Endpoint {
  #wake: () => void = () => {}
  /** Called whenever something has happened. */
  look: () => void = () => {}

  constructor(options: PerMessageDeflateOptions | true, maxPayload = MIB) {
    super('server', { extension: serverExtension('permessage-deflate', options), maxPayload }, (listener) =>
      Object.assign(listener, { woken: () => this.#wake() }),
    )
  }

  async settle(): Promise<void> {
    while (this.connection.isDecoding || this.connection.hasRetained) {
      if (this.connection.isDecoding) {
        await within(
          new Promise<void>((resolve) => {
            this.#wake = resolve
          }),
          'the decoder',
        )
      }
      this.look()
      if (this.connection.hasRetained) this.connection.readRetained()
    }
  }
}

describe('attacks on permessage-deflate', () => {
  it.each<PerMessageDeflateOptions>([{}, KEEP])(
    'S-Z01: a bomb ends with 1009 at one byte above the limit, and costs no more than the limit and 120 KiB (%j) [6455-10.4-2]',
    async (options) => {
      const server = new Server(options)
      const before = deflateMemory.used
      let most = 0
      server.look = () => {
        most = Math.max(most, server.connection.bufferedInput + deflateMemory.used - before)
      }
      const bomb = compressed(new Uint8Array(40 * MIB))
      const frame = server.peerFrame(2, bomb, { rsv: 4 })
      for (let at = 0; at < frame.length; at += 16 * KIB) {
        server.receive(frame.subarray(at, at + 16 * KIB))
        server.look()
        await server.settle()
      }
      expect(server.takeEvents()).toEqual(['failed 6455-10.4-2'])
      expect(server.connection.sentCloseCode).toBe(1009)
      // What is held is looked at behind every piece, when the next one is under way: its input, and room for its output.
      expect(most).toBeLessThanOrEqual(MIB + 120 * KIB)
      expect(server.connection.bufferedInput).toBe(0)
    },
  )

  it.each(['7', '16', '08', '"12"', '99999999999', '-1', '1e1', '0x9'])(
    'S-Z02: server_max_window_bits=%s is declined or agreed on, and never throws [7692-7-2]',
    (value) => {
      for (const name of ['server_max_window_bits', 'client_max_window_bits']) {
        const agreed = answer(`permessage-deflate; ${name}=${value}`)
        if (value === '"12"') expect(agreed?.agreed).toContain(`${name}=12`)
        else expect(agreed).toBeNull()
      }
    },
  )

  it('S-Z03: thirty thousand small messages at once take the memory of one', () => {
    const before = deflateMemory.used
    const server = new Server({ threshold: 0 })
    for (let i = 0; i < 30_000; i += 1) {
      server.connection.sendMessage(`{"id":${i}}`)
      if (i % 1000 === 0) server.takeBytes()
    }
    expect(server.connection.waitingFrames).toBe(0)
    expect(deflateMemory.used - before).toBeLessThanOrEqual(96 * KIB)
    server.connection.transportClosed()
  })

  it('S-Z03: two hundred large messages at once are deflated four at a time', async () => {
    const before = deflateMemory.used
    const servers = Array.from({ length: 200 }, () => new Server({ threshold: 0 }))
    for (const { connection } of servers) connection.sendMessage('x'.repeat(40_000))
    let most = 0
    while (servers.some(({ connection }) => connection.waitingFrames > 0)) {
      most = Math.max(most, deflateMemory.used - before)
      await new Promise((resolve) => setImmediate(resolve))
    }
    // Four states and one that is idle, four pieces of output, and what waits.
    expect(most).toBeLessThanOrEqual(5 * 96 * KIB + 4 * 64 * KIB + 200 * 40_000)
    for (const { connection } of servers) connection.transportClosed()
  })

  it('S-Z04: twenty thousand connections leave nothing behind, however they end', () => {
    const hello = compressed('Hello, Hello')
    const churn = (count: number): void => {
      for (let i = 0; i < count; i += 1) {
        const server = new Server(KEEP)
        server.receive(server.peerFrame(1, hello, { rsv: 4 }))
        server.connection.sendMessage('Hello')
        // In the middle of a message, on a fault, after a closing handshake, or just so.
        if (i % 4 === 1) server.receive(server.peerFrame(1, hello.subarray(0, 3), { rsv: 4, fin: false }))
        if (i % 4 === 2) server.receive(server.peerFrame(1, Uint8Array.of(7), { rsv: 4 }))
        if (i % 4 === 3) server.receive(server.peerClose(1000))
        server.connection.transportClosed()
      }
    }
    churn(2000)
    const [used, rss] = [deflateMemory.used, process.memoryUsage().rss]
    churn(20_000)
    expect(deflateMemory.used).toBe(used)
    expect(process.memoryUsage().rss - rss).toBeLessThan(64 * MIB)
  }, 120_000)

  it('S-Z05: random bytes end with 1007 or are a message, and never throw', async () => {
    for (let i = 0; i < 500; i += 1) {
      const server = new Server(i % 2 === 0 ? true : KEEP)
      const bytes = randomFillSync(new Uint8Array(1 + (i % 200)))
      server.receive(server.peerFrame(2, bytes, { rsv: 4 }))
      await server.settle()
      const [event] = server.takeEvents()
      expect(['failed', 'binary']).toContain(event?.split(' ')[0])
      if (event?.startsWith('failed')) expect(server.connection.sentCloseCode).toBe(1007)
      server.connection.transportClosed()
    }
  })
})
