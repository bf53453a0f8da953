import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runElsewhere } from '../../src/extensions/permessage-deflate/elsewhere.ts'
import { deflateMemory } from '../../src/extensions/permessage-deflate/memory.ts'
import type { PerMessageDeflateOptions } from '../../src/extensions/permessage-deflate/options.ts'
import { publicEngine } from '../../src/extensions/permessage-deflate/public-engine.ts'
import { Endpoint } from '../support/connection-pair.ts'
import { within } from '../support/deadline.ts'
import { compressed, serverExtension } from '../support/deflate.ts'
import { countReachable } from '../support/garbage.ts'

const KIB = 1 << 10
const MIB = 1 << 20

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

async function untilTrue(isTrue: () => boolean): Promise<void> {
  const wait = async (): Promise<void> => {
    while (!isTrue()) await turn()
  }
  await within(wait(), 'the threads')
}

function server(options: PerMessageDeflateOptions = {}): Endpoint {
  return new Endpoint('server', { extension: serverExtension('permessage-deflate', { threshold: 0, ...options }) })
}

describe('jobs elsewhere', () => {
  it('run four at a time, in the order they came', () => {
    const begun: number[] = []
    const ends: Array<() => void> = []
    for (let i = 0; i < 7; i += 1) {
      runElsewhere((ended) => {
        begun.push(i)
        ends.push(ended)
      })
    }
    expect(begun).toEqual([0, 1, 2, 3])
    ends.shift()?.()
    expect(begun).toEqual([0, 1, 2, 3, 4])
    while (ends.length > 0) ends.shift()?.()
    expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6])
    // A job that ends before it returns lets the next one begin.
    for (let i = 7; i < 20; i += 1) {
      runElsewhere((ended) => {
        begun.push(i)
        ended()
      })
    }
    expect(begun).toEqual(Array.from({ length: 20 }, (_, i) => i))
  })

  it('are forgotten when they have ended, while others wait', async () => {
    const ends: Array<() => void> = []
    const payloads = Array.from({ length: 40 }, () => {
      const payload = new Uint8Array(KIB)
      runElsewhere((ended) => {
        payload[0] = 1
        ends.push(ended)
      })
      return new WeakRef(payload)
    })
    for (let i = 0; i < 20; i += 1) ends.shift()?.()
    // Four that run and sixteen that wait; the one that ended last may lie on the stack still.
    expect(await countReachable(payloads)).toBeLessThanOrEqual(21)
    while (ends.length > 0) ends.shift()?.()
  })
})

describe('what is deflated and inflated elsewhere', () => {
  const { limit } = deflateMemory
  beforeEach(() => deflateMemory.useEngine(null))
  afterEach(() => {
    deflateMemory.limit = limit
    deflateMemory.useEngine(null)
  })

  it('is counted while it lasts, by the process and by its connection', async () => {
    const { connection } = server()
    const before = deflateMemory.used
    expect(connection.extensionBytes).toBe(0)
    connection.sendMessage(new Uint8Array(MIB))
    // What is sent, a piece of output and a deflater.
    expect(deflateMemory.used - before).toBeGreaterThanOrEqual(MIB + 64 * KIB)
    expect(connection.waitingOutput).toBe(MIB)
    expect(connection.extensionBytes).toBeGreaterThanOrEqual(2 * 64 * KIB)
    expect(connection.extensionBytes).toBeLessThan(256 * KIB)
    await untilTrue(() => connection.waitingFrames === 0)
    expect(connection.extensionBytes).toBe(0)
    expect(deflateMemory.used - before).toBeLessThanOrEqual(96 * KIB)
    connection.transportClosed()
  })

  it('is counted while it is inflated, and kept while the application pauses', async () => {
    const endpoint = server()
    const { connection } = endpoint
    const before = deflateMemory.used
    connection.pause()
    connection.resume()
    endpoint.receive(endpoint.peerFrame(2, compressed(new Uint8Array(MIB)), { rsv: 4 }))
    expect(connection.extensionBytes).toBeGreaterThanOrEqual(64 * KIB)
    expect(deflateMemory.used - before).toBeGreaterThanOrEqual(64 * KIB)
    connection.pause()
    for (let i = 0; i < 20; i += 1) await turn()
    expect(connection.isDecoding).toBe(true)
    expect(connection.extensionBytes).toBeGreaterThan(0)
    connection.transportClosed()
    await untilTrue(() => connection.extensionBytes === 0)
    expect(deflateMemory.used - before).toBeLessThanOrEqual(40 * KIB)
  })

  it('is counted as long as a message is gathered, where it cannot be inflated piece by piece', () => {
    deflateMemory.useEngine(publicEngine)
    const before = deflateMemory.used
    const endpoint = server({ clientNoContextTakeover: false })
    const noise = compressed(Uint8Array.from({ length: 20_000 }, (_, i) => (i * i * 7 + (i >> 3)) % 256))
    const half = noise.length >> 1
    endpoint.receive(endpoint.peerFrame(2, noise.subarray(0, half), { rsv: 4, fin: false }))
    const state = endpoint.connection.extensionBytes - half
    expect(state).toBeGreaterThan(0)
    expect(deflateMemory.used - before).toBe(state + half)
    endpoint.receive(endpoint.peerFrame(0, noise.subarray(half)))
    expect(endpoint.connection.extensionBytes).toBe(state)
    endpoint.connection.transportClosed()
    expect(endpoint.connection.extensionBytes).toBe(0)
  })

  it('is let go at once by a connection that ends while it waits for its turn', async () => {
    const before = deflateMemory.used
    const servers = Array.from({ length: 30 }, () => server({ serverNoContextTakeover: false }))
    for (const { connection } of servers) {
      connection.sendMessage('Hello')
      connection.sendMessage(new Uint8Array(MIB))
    }
    expect(deflateMemory.used - before).toBeGreaterThan(30 * MIB)
    for (const { connection } of servers) connection.transportClosed()
    // Four are in the hands of threads; four deflaters are kept for whoever is next.
    expect(deflateMemory.used - before).toBeLessThanOrEqual(4 * (MIB + 64 * KIB) + 8 * 96 * KIB)
    await untilTrue(() => deflateMemory.used - before <= 4 * 96 * KIB)
  })

  it('takes half of the limit at most: what is sent beyond that is not compressed, and what comes is inflated', async () => {
    // Other tests of this process may have left theirs.
    const before = deflateMemory.used
    deflateMemory.limit = 8 * MIB
    const servers = Array.from({ length: 12 }, () => server())
    for (const { connection } of servers) connection.sendMessage(new Uint8Array(MIB))
    // The pieces of output count too.
    expect(servers.filter(({ connection }) => connection.waitingFrames > 0)).toHaveLength(3)
    const [endpoint] = servers
    endpoint!.receive(endpoint!.peerFrame(1, compressed('Hello'), { rsv: 4 }))
    expect(endpoint!.takeEvents()).toEqual(['text "Hello"'])
    for (const { connection } of servers) connection.transportClosed()
    await untilTrue(() => deflateMemory.used <= before + 2 * MIB)
  })
})
