import { once } from 'node:events'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TransportWriter } from '../../src/socket/transport-writer.ts'
import { type SocketPair, SocketPairs } from '../support/socket-pairs.ts'

/** More than the system takes for a peer that does not read. */
const TOO_MUCH = Buffer.alloc(16 << 20, 1)

let pairs: SocketPairs
let pair: SocketPair

beforeEach(async () => {
  pairs = await SocketPairs.listen()
  pair = await pairs.make()
})

afterEach(() => pairs[Symbol.asyncDispose]())

/** A writer, and who is told of its writes. */
function newWriter(transport: Duplex, writesAreCopied = true) {
  const written = vi.fn()
  const told = new Promise<void>((resolve) => written.mockImplementation(resolve))
  return { writer: new TransportWriter(transport, { written }, writesAreCopied), written, told }
}

/** The next `length` bytes that come. */
async function read(socket: Socket, length: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let came = 0
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    came += chunk.length
    if (came >= length) break
  }
  return Buffer.concat(chunks)
}

describe('TransportWriter', () => {
  it('gives a piece to the system past the stream, and tells nobody who does not wait', async () => {
    const { client, accepted } = pair
    const { writer, written } = newWriter(accepted)
    writer.write([Buffer.from('hello')], null, false)
    expect(writer.pending).toBe(0)
    expect(accepted.bytesWritten).toBe(5)
    expect((await read(client, 5)).toString()).toBe('hello')
    expect(written).not.toHaveBeenCalled()
  })

  it('counts what the system does not take until it has taken it, though the stream knows nothing of it', async () => {
    const { client, accepted } = pair
    const { writer, written, told } = newWriter(accepted)
    writer.write([TOO_MUCH], null, false)
    expect(writer.pending).toBe(TOO_MUCH.length)
    expect(accepted.writableLength).toBe(0)
    const reading = read(client, TOO_MUCH.length)
    await told
    expect(writer.pending).toBe(0)
    expect((await reading).equals(TOO_MUCH)).toBe(true)
    expect(written).toHaveBeenCalledTimes(1)
  })

  it('gives several pieces to the system in one go', async () => {
    const { client, accepted } = pair
    const { writer, told } = newWriter(accepted)
    writer.write([Buffer.from('ab'), Buffer.from('c')], null, false)
    expect(writer.pending).toBe(0)
    expect((await read(client, 3)).toString()).toBe('abc')
    writer.write([Buffer.from('d'), TOO_MUCH], null, false)
    expect(writer.pending).toBe(TOO_MUCH.length + 1)
    expect(accepted.writableLength).toBe(0)
    expect((await read(client, TOO_MUCH.length + 1)).subarray(0, 2)).toEqual(Buffer.of(0x64, 1))
    await told
    expect(writer.pending).toBe(0)
  })

  it('writes what comes meanwhile behind it, and ends behind all of it', async () => {
    const { client, accepted } = pair
    const { writer } = newWriter(accepted)
    writer.write([TOO_MUCH], null, false)
    writer.write([Buffer.from('a')], null, false)
    writer.write([Buffer.from('b'), Buffer.from('c')], null, false)
    expect(writer.pending).toBe(TOO_MUCH.length + 3)
    accepted.end()
    const all = await read(client, Number.POSITIVE_INFINITY)
    expect(all.length).toBe(TOO_MUCH.length + 3)
    expect(all.subarray(-3).toString()).toBe('abc')
    expect(writer.pending).toBe(0)
  })

  it.each([
    ['its owner wants to hear of it', null, true],
    ['somebody has a callback', vi.fn(), false],
  ] as const)('tells in a tick of its own that all was taken at once, when %s', async (_, callback, isAwaited) => {
    const { client, accepted } = pair
    const { writer, written, told } = newWriter(accepted)
    writer.write([Buffer.from('x')], callback, isAwaited)
    expect(writer.pending).toBe(0)
    expect(written).not.toHaveBeenCalled()
    await told
    if (callback !== null) expect(callback.mock.calls).toEqual([[null]])
    expect((await read(client, 1)).toString()).toBe('x')
  })

  it('gives an error of the system to the socket, which reports it and closes', async () => {
    const { client, accepted } = pair
    const { writer } = newWriter(accepted)
    const failed = vi.fn()
    accepted.on('error', failed)
    const closed = new Promise((resolve) => accepted.once('close', resolve))
    // Nobody reads the reset: a write finds it.
    client.resetAndDestroy()
    await once(client, 'close')
    while (!accepted.destroyed) {
      writer.write([Buffer.from('x')], null, false)
      expect(failed).not.toHaveBeenCalled()
      await new Promise(setImmediate)
    }
    await closed
    expect(failed.mock.calls).toMatchObject([[{ syscall: 'write' }]])
    expect(writer.pending).toBe(0)
  })

  it('has nothing left once its socket is destroyed', async () => {
    const { accepted } = pair
    const { writer, told } = newWriter(accepted)
    writer.write([TOO_MUCH], null, false)
    accepted.destroy()
    await told
    expect(writer.pending).toBe(0)
  })

  it('writes through a stream that is no socket', async () => {
    const seen: string[] = []
    const stream = new Duplex({
      write(chunk: Buffer, _encoding, callback) {
        seen.push(chunk.toString())
        setImmediate(callback)
      },
    })
    const { writer, told } = newWriter(stream)
    writer.write([Buffer.from('x')], null, false)
    expect(stream.writableLength).toBe(1)
    await told
    expect(seen).toEqual(['x'])
  })

  it('writes through a socket whose writes keep the bytes', async () => {
    const { writer } = newWriter(pair.accepted, false)
    writer.write([TOO_MUCH], null, false)
    expect(pair.accepted.writableLength).toBe(TOO_MUCH.length)
  })

  it('writes through the write that somebody put in the place of the one of the socket', async () => {
    const { client, accepted } = pair
    const seen = vi.spyOn(accepted, 'write')
    const { writer } = newWriter(accepted)
    writer.write([Buffer.from('x')], null, false)
    expect(seen).toHaveBeenCalledTimes(1)
    expect((await read(client, 1)).toString()).toBe('x')
  })
})
