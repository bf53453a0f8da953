import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { describe, expect, it } from 'vitest'
import { checkDeflateOptions } from '../../src/extensions/permessage-deflate/options.ts'
import { memoryOf } from '../../src/server/memory-budget.ts'
import { checkServerOptions } from '../../src/server/options.ts'
import { WebSocketServer } from '../../src/server/server.ts'
import { clientFrame, clientText } from '../support/client-frames.ts'
import { ConnectionInMemory } from '../support/connection-in-memory.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { MemoryTransport, settle } from '../support/memory-transport.ts'

/** The first two cells of each row of docs/limits.md that is about an option: its name, and its default in words. */
const documented = readFileSync(new URL('../../docs/limits.md', import.meta.url), 'utf8')
  .split('\n')
  .flatMap((line): Array<[name: string, words: string]> => {
    const [, name, words] = /^\| `([\w.]+)`[^|]*\| ([^|]+) \|/.exec(line) ?? []
    return name === undefined || words === undefined ? [] : [[name, words]]
  })

const UNITS: Readonly<Record<string, number>> = { KiB: 1 << 10, MiB: 1 << 20, s: 1000 }

/** `64 KiB` is 65,536, `10 s` are 10,000 ms. */
function numbersIn(words: string): number[] {
  return [...words.matchAll(/(\d[\d,]*)(?: (KiB|MiB|s)\b)?/g)].map(
    ([, digits = '', unit = '']) => Number(digits.replaceAll(',', '')) * (UNITS[unit] ?? 1),
  )
}

/** What the options are when nobody says anything. */
function defaults(): Record<string, unknown> {
  const { socket, headLimits, ...server } = checkServerOptions({ noServer: true })
  const { heartbeat, ...rest } = socket
  const prefixed = Object.entries(headLimits).map(([name, value]) => [`headLimits.${name}`, value])
  return { ...server, ...rest, ...Object.fromEntries(prefixed), ...checkDeflateOptions(true) }
}

describe('docs/limits.md', () => {
  const known = defaults()
  const plain = documented.filter(([name]) => name in known)

  it.each(plain)('%s has the default that stands there: %s', (name, words) => {
    if (name === 'memoryBudget') {
      expect(words).toBe('a quarter of what the process may use')
      expect(known[name]).toBe(Math.floor(memoryOf(process.constrainedMemory?.() ?? 0, totalmem()) / 4))
    } else if (/^(Infinity|true)\b/.test(words)) expect(String(known[name])).toBe(words)
    else expect(numbersIn(words)[0]).toBe(known[name])
  })

  it('knows every row, and has a row for every limit', () => {
    const others = documented.map(([name]) => name).filter((name) => !(name in known))
    expect(others).toEqual(expect.arrayContaining(['heartbeat', 'deflateMemory.limit']))
    expect(others.filter((name) => name !== 'heartbeat' && name !== 'deflateMemory.limit')).toEqual(
      ['handshakes', 'messages', 'bytes', 'controlFrames'].map((name) => `rateLimit.${name}`),
    )
    const numbers = Object.entries(known).filter(([, value]) => typeof value === 'number')
    const isNoLimit = (name: string): boolean => ['level', 'strategy'].includes(name)
    expect(
      numbers.map(([name]) => name).filter((name) => !isNoLimit(name) && !plain.some(([row]) => row === name)),
    ).toEqual([])
  })

  it('is right about the heartbeat', () => {
    expect(checkServerOptions({ noServer: true }).socket.heartbeat).toEqual({ idleMs: 20_000, timeoutMs: 20_000 })
    expect(numbersIn(documented.find(([name]) => name === 'heartbeat')![1])).toEqual([20_000, 20_000])
  })

  it('is right that every limit but that of connections is finite, and that there is no rate limit', () => {
    const infinite = Object.entries(known).filter(([, value]) => value === Number.POSITIVE_INFINITY)
    expect(infinite.map(([name]) => name)).toEqual(['maxConnections', 'maxConnectionsPerAddress'])
    const { handshakeRate, socket } = checkServerOptions({ noServer: true })
    expect([handshakeRate, socket.rates]).toEqual([null, null])
  })
})

describe('the defaults of a server', () => {
  it('give an opening handshake 10 seconds, then 408', async () => {
    const clock = new FakeClock()
    const server = new WebSocketServer({ noServer: true, clock })
    const transport = new MemoryTransport()
    server.handleSocket(transport)
    clock.advance(9999)
    expect(transport.written).toHaveLength(0)
    clock.advance(1)
    await settle()
    expect(Buffer.from(transport.written).toString('latin1')).toMatch(/^HTTP\/1\.1 408 /)
  })

  it('drop the oldest of 1,025 opening handshakes', () => {
    const server = new WebSocketServer({ noServer: true, clock: new FakeClock() })
    const transports = Array.from({ length: 1025 }, () => new MemoryTransport())
    for (const transport of transports.slice(0, 1024)) server.handleSocket(transport)
    expect(transports.some(({ destroyed }) => destroyed)).toBe(false)
    server.handleSocket(transports[1024]!)
    expect(transports.findIndex(({ destroyed }) => destroyed)).toBe(0)
    expect(server.stats().handshakes.pending).toBe(1024)
    server.close()
  })
})

describe('the defaults of a connection', () => {
  const hasEnded = ({ ws }: ConnectionInMemory): boolean => ws.readyState !== 1

  it('take a message of 4 MiB in 65,537 fragments, the last one empty, as Autobahn sends it', async () => {
    const connection = new ConnectionInMemory({
      maxPayload: 4 << 20,
      maxFramesPerTurn: 100_000,
      maxBytesPerTurn: 8 << 20,
    })
    const lengths: number[] = []
    connection.ws.on('message', (data) => lengths.push((data as Buffer).length))
    const payload = new Uint8Array(64)
    const continuations = Array.from({ length: 65_535 }, () => clientFrame({ opcode: 0x0, fin: false, payload }))
    connection.transport.push(clientFrame({ opcode: 0x2, fin: false, payload }))
    connection.transport.push(Buffer.concat(continuations))
    connection.transport.push(clientFrame({ opcode: 0x0 }))
    await settle()
    expect(connection.errors).toEqual([])
    expect(lengths).toEqual([4 << 20])
  })

  it('end a message with its 131,073rd fragment, with 1008', async () => {
    const connection = new ConnectionInMemory({ maxFramesPerTurn: 200_000, maxBytesPerTurn: 2 << 20 })
    connection.ws.on('message', () => {})
    const continuations = Array.from({ length: 131_071 }, () => clientFrame({ opcode: 0x0, fin: false }))
    connection.transport.push(clientFrame({ opcode: 0x1, fin: false }))
    connection.transport.push(Buffer.concat(continuations))
    await settle()
    expect(connection.transport.readableLength).toBe(0)
    expect(connection.errors).toEqual([])
    connection.transport.push(clientFrame({ opcode: 0x0 }))
    await settle()
    expect(connection.errors).toMatchObject([{ error: { statusCode: 1008 } }])
  })

  it('give the closing handshake 5 seconds', async () => {
    const connection = new ConnectionInMemory({ heartbeat: false })
    connection.ws.close()
    await settle()
    connection.clock.advance(4999)
    expect(connection.transport.destroyed).toBe(false)
    connection.clock.advance(1)
    await settle()
    expect(connection.ends).toMatchObject([{ cause: 'close-timeout' }])
  })

  const message = new Uint8Array((1 << 20) - 4096)

  it('say false from 1 MiB of unsent bytes on, and close a slow consumer above 16 MiB after 10 s', async () => {
    const connection = new ConnectionInMemory({ heartbeat: false })
    connection.transport.stall()
    const { ws } = connection
    expect(ws.send(message)).toBe(true)
    await settle()
    expect(ws.send(new Uint8Array(8192))).toBe(false)
    for (let i = 2; i <= 17; i++) ws.send(message)
    connection.clock.advance(9999)
    await settle()
    expect(hasEnded(connection)).toBe(false)
    connection.clock.advance(1)
    await settle()
    expect(hasEnded(connection)).toBe(true)
  })

  it('close a slow consumer above 64 MiB at once', async () => {
    const connection = new ConnectionInMemory({ heartbeat: false })
    connection.transport.stall()
    for (let i = 0; i < 64; i++) connection.ws.send(message)
    expect(hasEnded(connection)).toBe(false)
    connection.ws.send(message)
    expect(hasEnded(connection)).toBe(true)
  })

  it('read 1,000 frames in a turn', () => {
    const connection = new ConnectionInMemory()
    let received = 0
    connection.ws.on('message', () => received++)
    connection.transport.emit('data', Buffer.concat(Array.from({ length: 1500 }, () => clientText('x'))))
    expect(received).toBe(1000)
  })
})
