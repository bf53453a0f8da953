import { once } from 'node:events'
import { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readIntoSharedBuffer } from '../../src/socket/static-read.ts'
import { type SocketPair, SocketPairs } from '../support/socket-pairs.ts'

let pairs: SocketPairs

beforeEach(async () => {
  pairs = await SocketPairs.listen()
})

afterEach(() => pairs[Symbol.asyncDispose]())

const pair = (): Promise<SocketPair> => pairs.make()

interface Collected {
  /** Whether the socket reads into the shared buffer. */
  readonly isShared: boolean
  /** The first `length` bytes. */
  readonly bytes: Promise<Buffer>
  /** The buffers that were read into. */
  readonly buffers: Set<Uint8Array>
}

function collect(socket: Socket, length: number): Collected {
  const pieces: Buffer[] = []
  const buffers = new Set<Uint8Array>()
  let isShared = false
  const bytes = new Promise<Buffer>((resolve) => {
    isShared = readIntoSharedBuffer(socket, function (this: Socket, count, buffer) {
      expect(this).toBe(socket)
      buffers.add(buffer)
      pieces.push(Buffer.from(buffer.subarray(0, count)))
      if (Buffer.concat(pieces).length >= length) resolve(Buffer.concat(pieces))
      return true
    })
  })
  socket.resume()
  return { isShared, bytes, buffers }
}

describe('readIntoSharedBuffer', () => {
  it('delivers what an accepted socket reads, with the socket as this', async () => {
    const { client, accepted } = await pair()
    const { isShared, bytes } = collect(accepted, 5)
    client.write('hello')
    expect(isShared).toBe(true)
    expect((await bytes).toString()).toBe('hello')
  })

  it('gives all sockets one buffer and each its own bytes', async () => {
    const pairs = [await pair(), await pair(), await pair()]
    const collected = pairs.map(({ accepted }) => collect(accepted, 200_000))
    pairs.forEach(({ client }, i) => {
      client.write(Buffer.alloc(200_000, i + 1))
    })
    for (const [i, { bytes }] of collected.entries())
      expect((await bytes).equals(Buffer.alloc(200_000, i + 1))).toBe(true)
    expect(new Set(collected.flatMap(({ buffers }) => [...buffers])).size).toBe(1)
  })

  it('reads nothing while the socket is paused, and all of it afterwards', async () => {
    const { client, accepted } = await pair()
    const { bytes, buffers } = collect(accepted, 3)
    accepted.pause()
    client.write('abc')
    // What another connection sends later would come later.
    const other = await pair()
    other.client.write('x')
    await once(other.accepted, 'data')
    expect(buffers.size).toBe(0)
    accepted.resume()
    expect((await bytes).toString()).toBe('abc')
  })

  it('still ends a socket whose peer ends', async () => {
    const { client, accepted } = await pair()
    const { bytes } = collect(accepted, 3)
    client.end('bye')
    await once(accepted, 'end')
    expect((await bytes).toString()).toBe('bye')
  })

  it('delivers by data, and first, what was read before', async () => {
    const { client, accepted } = await pair()
    client.write('early ')
    await once(accepted, 'readable')
    const order: string[] = []
    const late = new Promise<void>((resolve) => {
      readIntoSharedBuffer(accepted, (count, buffer) => {
        order.push(Buffer.from(buffer.subarray(0, count)).toString())
        resolve()
        return true
      })
    })
    accepted.on('data', (chunk: Buffer) => {
      order.push(chunk.toString())
      client.write('late')
    })
    accepted.resume()
    await late
    expect(order).toEqual(['early ', 'late'])
  })

  it('leaves a stream that is no socket as it is', () => {
    expect(readIntoSharedBuffer(new PassThrough(), () => true)).toBe(false)
  })

  it('leaves a socket that is not connected as it is', () => {
    expect(readIntoSharedBuffer(new Socket(), () => true)).toBe(false)
  })

  it('leaves a socket alone that somebody reads in a way of his own', async () => {
    const own: string[] = []
    const { client, accepted } = await pairs.make({
      onread: {
        buffer: Buffer.alloc(100),
        callback: (count, buffer) => {
          own.push(Buffer.from(buffer.subarray(0, count)).toString())
          return true
        },
      },
    })
    expect(readIntoSharedBuffer(client, () => true)).toBe(false)
    accepted.end('mine')
    await once(client, 'close')
    expect(own).toEqual(['mine'])
  })
})
