import { inflateRawSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket as WsClient } from 'ws'
import { deflateMemory } from '../../src/extensions/permessage-deflate/memory.ts'
import type { PerMessageDeflateOptions } from '../../src/extensions/permessage-deflate/options.ts'
import { publicEngine } from '../../src/extensions/permessage-deflate/public-engine.ts'
import { violations } from '../../src/frames/violation.ts'
import { prepareMessage } from '../../src/protocol/prepared-message.ts'
import { concat } from '../support/chunkings.ts'
import { Endpoint } from '../support/connection-pair.ts'
import { within } from '../support/deadline.ts'
import { until } from '../support/deferred.ts'
import { agree, serverExtension } from '../support/deflate.ts'
import { TestServer } from '../support/test-server.ts'

const FORGET: PerMessageDeflateOptions = { serverNoContextTakeover: true, threshold: 4 }
const KEEP: PerMessageDeflateOptions = { serverNoContextTakeover: false, threshold: 4 }
const SHORT = 'hello hello hello'
/** More than is deflated at once. */
const LONG: string = 'lorem ipsum dolor '.repeat(10_000)

/** How many times something was given to a deflater. */
let deflated = 0
const { limit } = deflateMemory

beforeEach(() => {
  deflated = 0
  deflateMemory.useEngine({
    ...publicEngine,
    deflater: (settings) => {
      const deflater = publicEngine.deflater(settings)
      return {
        left: 0,
        heldBytes: 0,
        write: (...args) => {
          deflated += 1
          return deflater.write(...args)
        },
        writeLater: (...args) => {
          deflated += 1
          deflater.writeLater(...args)
        },
        reset: () => deflater.reset(),
        close: () => deflater.close(),
      }
    },
  })
})
afterEach(() => {
  deflateMemory.limit = limit
  deflateMemory.useEngine(null)
})

function server(options: PerMessageDeflateOptions = FORGET): Endpoint {
  return new Endpoint('server', { extension: serverExtension('permessage-deflate', options) })
}

/** The first byte of each frame, and its payload, inflated when RSV1 is set. */
function readAll(bytes: Uint8Array): Array<[number, string]> {
  const frames: Array<[number, string]> = []
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  for (let at = 0; at < bytes.length; ) {
    const [first = 0, second = 0] = bytes.subarray(at)
    const length7 = second & 0x7f
    const header = length7 < 126 ? 2 : length7 === 126 ? 4 : 10
    const length = length7 < 126 ? length7 : length7 === 126 ? view.getUint16(at + 2) : view.getUint32(at + 6)
    const payload = bytes.subarray(at + header, at + header + length)
    frames.push([first, (first & 0x40) === 0 ? Buffer.from(payload).toString() : inflated(payload)])
    at += header + length
  }
  return frames
}

function inflated(payload: Uint8Array): string {
  return inflateRawSync(concat(payload, Uint8Array.of(0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff))).toString()
}

/** The same for the only frame. */
function read(bytes: Uint8Array): [number, string] | undefined {
  const frames = readAll(bytes)
  expect(frames).toHaveLength(1)
  return frames[0]
}

async function settled(...endpoints: readonly Endpoint[]): Promise<void> {
  await until(() => endpoints.every(({ connection }) => connection.waitingFrames === 0))
}

describe('a prepared message on connections with permessage-deflate', () => {
  it.each([
    ['short', SHORT],
    ['long', LONG],
  ])('is compressed once for all connections that compress alike, when it is %s [7692-6.1-1]', async (_, text) => {
    const message = prepareMessage(text)
    const servers = [server(), server(), server()]
    for (const { connection } of servers) connection.sendMessage(message)
    await settled(...servers)
    const written = servers.map((endpoint) => endpoint.takeBytes())
    expect(read(written[0]!)).toEqual([0xc1, text])
    expect(written[1]).toEqual(written[0])
    expect(written[2]).toEqual(written[0])
    servers[0]!.connection.sendMessage(message)
    expect(servers[0]!.takeBytes()).toEqual(written[0])
    expect(deflated).toBe(1)
  })

  it('is compressed once for each window and each level', () => {
    const message = prepareMessage(SHORT)
    for (const more of [{}, { serverMaxWindowBits: 10 }, { level: 1 }, {}, { serverMaxWindowBits: 10 }, { level: 1 }]) {
      const endpoint = server({ ...FORGET, ...more })
      endpoint.connection.sendMessage(message)
      expect(read(endpoint.takeBytes())).toEqual([0xc1, SHORT])
    }
    expect(deflated).toBe(3)
  })

  it('is compressed for each connection whose window is kept: the bytes depend on what it sent [7692-7.2.1-11]', () => {
    const message = prepareMessage(SHORT)
    for (const endpoint of [server(KEEP), server(KEEP)]) {
      endpoint.connection.sendMessage(message)
      const first = endpoint.takeBytes()
      endpoint.connection.sendMessage(message)
      expect(read(first)).toEqual([0xc1, SHORT])
      expect(endpoint.takeBytes().length).toBeLessThan(first.length)
    }
    expect(deflated).toBe(4)
  })

  it('goes out as it is where it shall not be compressed, and shares those bytes too [7692-6.1-2]', () => {
    const message = prepareMessage('x'.repeat(1200))
    for (const options of [FORGET, KEEP]) {
      const { connection } = server({ ...options, threshold: 1201 })
      connection.sendMessage(message)
      connection.sendMessage(message, undefined, true)
      expect(connection.takeOutput()).toEqual([message.frame, message.frame])
    }
    const { connection } = server()
    connection.sendMessage(message, undefined, false)
    expect(connection.takeOutput()[0]).toBe(message.frame)
    expect(deflated).toBe(0)
  })

  it('goes out as it is while there is no memory to compress it, and compressed when there is again', () => {
    const message = prepareMessage(SHORT)
    const endpoint = server()
    deflateMemory.limit = 0
    endpoint.connection.sendMessage(message)
    expect(endpoint.takeBytes()).toEqual(message.frame)
    deflateMemory.limit = limit
    endpoint.connection.sendMessage(message)
    expect(read(endpoint.takeBytes())).toEqual([0xc1, SHORT])
  })

  it('is masked by each client with a fresh key [6455-5.3-2]', () => {
    const message = prepareMessage(SHORT)
    const { client, server: peer } = agree({ threshold: 4 }, { threshold: 4 })
    const sender = new Endpoint('client', { extension: client })
    const receiver = new Endpoint('server', { extension: peer })
    sender.connection.sendMessage(message)
    sender.connection.sendMessage(message)
    expect(new Set(sender.keys).size).toBe(2)
    receiver.receive(sender.takeBytes())
    expect(receiver.takeEvents()).toEqual([`text "${SHORT}"`, `text "${SHORT}"`])
    expect(deflated).toBe(1)
  })

  it('keeps its place among other messages while it is compressed elsewhere, also behind itself', async () => {
    const message = prepareMessage(LONG)
    const endpoint = server()
    endpoint.connection.sendMessage('aaaa')
    for (const data of [message, 'bbbb', message, prepareMessage('c'), LONG]) endpoint.connection.sendMessage(data)
    expect(endpoint.connection.waitingFrames).toBe(5)
    await settled(endpoint)
    const frames = readAll(endpoint.takeBytes())
    expect(frames.map(([first, text]) => [first, text.slice(0, 4), text.length])).toEqual([
      [0xc1, 'aaaa', 4],
      [0xc1, 'lore', LONG.length],
      [0xc1, 'bbbb', 4],
      [0xc1, 'lore', LONG.length],
      [0x81, 'c', 1],
      [0xc1, 'lore', LONG.length],
    ])
    expect(endpoint.connection.releasedFrames).toBe(5)
  })

  it('reaches the others when the connection that asked first ends', async () => {
    const message = prepareMessage(LONG)
    const servers = [server(), server(), server()] as const
    for (const { connection } of servers) connection.sendMessage(message)
    servers[0].connection.transportClosed()
    servers[1].connection.fail(violations.MessageTooBig)
    await settled(servers[2])
    expect(read(servers[2].takeBytes())).toEqual([0xc1, LONG])
    expect(servers[1].takeBytes()[0]).toBe(0x88)
    expect(servers[0].connection.pendingOutput).toBe(0)
    expect(deflated).toBe(1)
  })

  it.each([
    ['short', SHORT],
    ['long', LONG],
  ])('is compressed once for two clients of the ws library, when it is %s', async (_, text) => {
    await using target = await TestServer.start({ perMessageDeflate: FORGET }, false)
    const message = prepareMessage(text)
    const clients = [0, 1].map(() => new WsClient(`ws://127.0.0.1:${target.port}/`))
    try {
      const received = clients.map(
        (client) => new Promise<string>((resolve) => client.on('message', (data) => resolve(data.toString()))),
      )
      await until(() => target.server.clients.size === 2)
      await until(() => clients.every(({ extensions }) => extensions !== ''))
      for (const ws of target.server.clients) ws.send(message)
      expect(await within(Promise.all(received), 'the message')).toEqual([text, text])
      expect(deflated).toBe(1)
    } finally {
      for (const client of clients) client.terminate()
    }
  })
})
