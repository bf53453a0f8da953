import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { createWebSocketStream } from '../../src/socket/websocket-stream.ts'
import { clientClose, clientFrame, clientText } from '../support/client-frames.ts'
import { ConnectionInMemory } from '../support/connection-in-memory.ts'
import { settle } from '../support/memory-transport.ts'

describe('createWebSocketStream', () => {
  it('sends strings as text and bytes as binary', async () => {
    const connection = new ConnectionInMemory()
    const stream = createWebSocketStream(connection.ws)
    stream.write('grün')
    stream.write(Buffer.from([1, 2]))
    await settle()
    expect(connection.takeFrames()).toEqual(['text "grün"', 'binary 01 02'])
  })

  it('gives the bytes of all messages, inside frames too', async () => {
    const { ws, transport } = new ConnectionInMemory()
    const stream = createWebSocketStream(ws)
    let read = ''
    stream.on('data', (chunk) => {
      read += chunk
    })
    const frame = clientFrame({ opcode: 2, payload: 'cdef' })
    await transport.arrive(clientText('ab'), frame.slice(0, 8))
    expect(read).toBe('abcd')
    await transport.arrive(frame.slice(8))
    expect(read).toBe('abcdef')
  })

  it('keeps text and binary apart, message by message, with readableObjectMode', async () => {
    const { ws, transport } = new ConnectionInMemory()
    ws.binaryType = 'arraybuffer'
    const stream = createWebSocketStream(ws, { readableObjectMode: true })
    const seen: unknown[] = []
    stream.on('data', (chunk) => seen.push(chunk))
    await transport.arrive(clientText('ab'), clientFrame({ opcode: 2, payload: 'cd' }), clientText(''))
    await settle()
    expect(seen).toEqual(['ab', Buffer.from('cd'), ''])
  })

  it('stops the peer while nobody reads, and a write that the transport does not take is not done', async () => {
    const { ws, transport } = new ConnectionInMemory()
    const stream = createWebSocketStream(ws, { readableHighWaterMark: 10 })
    stream.read()
    for (let i = 0; i < 10; i += 1) await transport.arrive(clientFrame({ opcode: 2, payload: new Uint8Array(60_000) }))
    expect(transport.isPaused()).toBe(true)
    transport.stall()
    let isDone = false
    stream.write('a', () => {
      isDone = true
    })
    await settle()
    expect(isDone).toBe(false)
    transport.unstall()
    await settle()
    expect(isDone).toBe(true)
  })

  it('ends with the connection, and end() closes it', async () => {
    const connection = new ConnectionInMemory()
    const stream = createWebSocketStream(connection.ws)
    const ended = once(stream, 'end')
    stream.resume()
    stream.end('bye')
    await settle()
    expect(connection.takeFrames()).toEqual(['text "bye"', 'close 1000 ""'])
    await connection.transport.arrive(clientClose(1000))
    await connection.transport.arriveEnd()
    await ended
  })

  it('ends with an error when the connection breaks, and destroy() terminates it', async () => {
    const broken = new ConnectionInMemory()
    const stream = createWebSocketStream(broken.ws)
    const failed = once(stream, 'error')
    stream.resume()
    broken.transport.destroy()
    expect(await failed).toMatchObject([{ closeCode: 1006 }])
    const { ws, transport } = new ConnectionInMemory()
    createWebSocketStream(ws).destroy()
    await settle()
    expect(transport.destroyed).toBe(true)
  })
})
