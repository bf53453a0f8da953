import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { Backpressure, SlowConsumerPolicy } from '../../src/socket/slow-consumer.ts'
import type { WebSocket } from '../../src/socket/websocket.ts'
import { WriteStall } from '../../src/socket/write-stall.ts'
import { clientFrame } from '../support/client-frames.ts'
import { within } from '../support/deadline.ts'
import { turn, until } from '../support/deferred.ts'
import type { RawSocket } from '../support/raw-socket.ts'
import { TestServer } from '../support/test-server.ts'

const MESSAGE = 64 << 10
const ROOM = 512 << 10

/** A frame of which only the beginning of the payload is kept. */
interface Seen {
  readonly first: number
  readonly beginning: Buffer
}

/** Looks at the frames of a server without keeping them. */
class FrameWatcher {
  readonly seen: Seen[] = []
  #rest: Buffer = Buffer.alloc(0)
  #skip = 0

  constructor(raw: RawSocket) {
    raw.socket.removeAllListeners('data').on('data', (chunk) => this.#take(chunk))
    raw.socket.resume()
  }

  #take(chunk: Buffer): void {
    const skipped = Math.min(this.#skip, chunk.length)
    this.#skip -= skipped
    let bytes = Buffer.concat([this.#rest, chunk.subarray(skipped)])
    while (bytes.length >= 2) {
      const length7 = bytes[1]!
      const header = length7 < 126 ? 2 : length7 === 126 ? 4 : 10
      if (bytes.length < header) break
      const length =
        length7 < 126 ? length7 : length7 === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
      const kept = Math.min(length, 4)
      if (bytes.length < header + kept) break
      this.seen.push({ first: bytes[0]!, beginning: Buffer.from(bytes.subarray(header, header + kept)) })
      this.#skip = Math.max(0, header + length - bytes.length)
      bytes = bytes.subarray(Math.min(header + length, bytes.length))
    }
    this.#rest = bytes
  }
}

/** Sends numbered messages to a peer that does not read, and notes what became of each. */
class Numbered {
  readonly dropped: number[] = []
  sent = 0
  most = 0

  send(ws: WebSocket): void {
    const number = this.sent++
    const payload = Buffer.alloc(MESSAGE)
    payload.writeUInt32BE(number)
    ws.send(payload, (error) => {
      if ((error as NodeJS.ErrnoException | undefined)?.code === 'ERR_MESSAGE_DROPPED') this.dropped.push(number)
    })
    this.most = Math.max(this.most, ws.bufferedAmount)
  }

  async sendUntil(ws: WebSocket, isMet: () => boolean): Promise<void> {
    await until(() => {
      if (!isMet()) this.send(ws)
      return isMet()
    })
  }

  /** The numbers of all that were not dropped. */
  get expected(): number[] {
    const dropped = new Set(this.dropped)
    return Array.from({ length: this.sent }, (_, i) => i).filter((i) => !dropped.has(i))
  }
}

async function deafPeer(slowConsumer: SlowConsumerPolicy) {
  const server = await TestServer.start({ maxBackpressure: ROOM, slowConsumer }, false)
  const { raw, ws } = await server.open()
  raw.socket.pause()
  return { server, raw, ws, numbered: new Numbered() }
}

describe('a peer that does not read, over TCP', () => {
  it.each([
    ['drop-newest', false],
    ['drop-oldest', true],
  ] as const)('%s: loses what was dropped and nothing else, and gets the rest in order', async (policy, newest) => {
    const { server, raw, ws, numbered } = await deafPeer(policy)
    await using _ = server
    await numbered.sendUntil(ws, () => numbered.dropped.length >= 10)
    await turn()
    expect(numbered.most).toBeLessThanOrEqual(ROOM)
    const last = numbered.sent - 1
    const watcher = new FrameWatcher(raw)
    await until(() => watcher.seen.length >= numbered.expected.length)
    expect(watcher.seen.map(({ beginning }) => beginning.readUInt32BE(0))).toEqual(numbered.expected)
    expect(numbered.expected.includes(last)).toBe(newest)
    // The connection goes on as if nothing had been.
    await within(ws.drained(), 'room')
    numbered.send(ws)
    await until(() => watcher.seen.at(-1)?.beginning.readUInt32BE(0) === numbered.sent - 1)
  })

  it('close: gets whole messages and a Close frame with 1013, and nothing is held for it', async () => {
    const { server, raw, ws, numbered } = await deafPeer('close')
    await using _ = server
    await numbered.sendUntil(ws, () => ws.readyState !== ws.OPEN)
    expect(numbered.most).toBeLessThanOrEqual(ROOM)
    expect(ws.bufferedAmount).toBeLessThan(2 * MESSAGE)
    const watcher = new FrameWatcher(raw)
    await until(() => watcher.seen.at(-1)?.first === 0x88)
    const data = watcher.seen.slice(0, -1)
    expect(data.map(({ beginning }) => beginning.readUInt32BE(0))).toEqual(data.map((_, i) => i))
    expect(data.length).toBeLessThan(numbered.sent)
    expect(watcher.seen.at(-1)?.beginning.readUInt16BE(0)).toBe(1013)
  })

  it('a function: decides for each message, from figures that are true', async () => {
    const asked: Backpressure[] = []
    const { server, raw, ws, numbered } = await deafPeer((backpressure) => {
      asked.push(backpressure)
      return asked.length <= 3 ? 'drop-newest' : asked.length <= 6 ? 'drop-oldest' : 'close'
    })
    await using _ = server
    await numbered.sendUntil(ws, () => ws.readyState !== ws.OPEN)
    expect(asked.map(({ dropped }) => dropped)).toEqual([0, 1, 2, 3, 4, 5, 6])
    for (const { bufferedAmount, messageBytes } of asked) {
      expect(messageBytes).toBe(MESSAGE + 10)
      expect(bufferedAmount).toBeLessThanOrEqual(ROOM)
      expect(bufferedAmount).toBeGreaterThan(ROOM - 2 * MESSAGE)
    }
    const watcher = new FrameWatcher(raw)
    await until(() => watcher.seen.at(-1)?.first === 0x88)
  })

  it('gets a Ping and a Pong between the fragments of a stream of 32 MiB, behind what was handed out (§5.4) [6455-5.4-1]', async () => {
    const server = await TestServer.start({}, false)
    await using _ = server
    const { raw, ws } = await server.open()
    raw.socket.pause()
    const fragments = 512
    let given = 0
    const sent = ws.sendStream(
      (function* () {
        for (; given < fragments; given += 1) yield Buffer.alloc(MESSAGE)
      })(),
      { fragmentSize: MESSAGE },
    )
    // The transport is full when nothing more is asked of the source.
    let before = -1
    await until(() => {
      const isFull = ws.bufferedAmount > 0 && given === before
      before = given
      return isFull
    })
    expect(given).toBeLessThan(fragments / 2)
    ws.ping('ping')
    await Promise.all([within(once(ws, 'ping'), 'the Ping'), raw.write(clientFrame({ opcode: 9, payload: 'pong' }))])
    const givenThen = given
    const watcher = new FrameWatcher(raw)
    await within(sent, 'the stream')
    await until(() => watcher.seen.at(-1)?.first === 0x80)
    const firsts = watcher.seen.map(({ first }) => first)
    expect(firsts.filter((first) => first < 0x80).length).toBe(fragments)
    const [ping, pong] = [firsts.indexOf(0x89), firsts.indexOf(0x8a)]
    expect(watcher.seen[pong]?.beginning.toString()).toBe('pong')
    expect(ping).toBeGreaterThan(0)
    // One fragment was with the transport, and one may have been on its way to it.
    expect(ping).toBeLessThanOrEqual(givenThen + 2)
    expect(pong - ping).toBeLessThanOrEqual(2)
  })

  it('is not stalled as long as the system takes parts of one large write', async () => {
    const listening = createServer().listen(0, '127.0.0.1')
    await once(listening, 'listening')
    const accepted = once(listening, 'connection') as Promise<[Socket]>
    const peer = connect((listening.address() as { port: number }).port, '127.0.0.1')
    const [socket] = await accepted
    try {
      const stall = new WriteStall(1000)
      const length = 64 << 20
      socket.write(Buffer.alloc(length))
      let now = 0
      const isStalled = (): boolean => {
        now += 1000
        return stall.isStalled(socket, length, socket.writableLength, now)
      }
      await until(isStalled)
      let read = 0
      peer.on('data', (chunk) => {
        read += chunk.length
        if (read > 16 << 20) peer.pause()
      })
      await until(() => !isStalled())
      // The write itself is not done: without a look into it, nothing has moved.
      expect(socket.writableLength).toBe(length)
      await until(isStalled)
    } finally {
      peer.destroy()
      socket.destroy()
      listening.close()
    }
  })
})
