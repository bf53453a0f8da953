import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Child } from '../support/child.ts'
import { within } from '../support/deadline.ts'
import { until } from '../support/deferred.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { parseFault } from '../support/fault-proxy/fault.ts'
import { FaultProxy } from '../support/fault-proxy/fault-proxy.ts'
import { portOf } from '../support/port.ts'
import { RawSocket } from '../support/raw-socket.ts'

/** What the kernel may hold for a reader that does not read: its largest buffers, twice over. */
const KERNEL_BYTES = 64 << 20

describe('FaultProxy', () => {
  let upstream: Server
  let accepted: Socket[]
  let echoes: boolean

  beforeEach(async () => {
    accepted = []
    echoes = true
    upstream = createServer({ allowHalfOpen: true }, (socket) => {
      accepted.push(socket)
      socket.on('error', () => {})
      if (echoes) socket.pipe(socket)
    }).listen(0, '127.0.0.1')
    await once(upstream, 'listening')
  })

  afterEach(async () => {
    for (const socket of accepted) socket.destroy()
    upstream.close()
    await within(once(upstream, 'close'), 'the upstream to close')
  })

  async function start(
    faults: readonly string[],
    more: { seed?: number; clock?: FakeClock } = {},
  ): Promise<FaultProxy> {
    return await FaultProxy.start({ to: { port: portOf(upstream) }, faults: faults.map(parseFault), ...more })
  }

  it('without faults is a wire: bytes both ways, and half-closes', async () => {
    await using proxy = await start([])
    using raw = await RawSocket.connect(proxy.port)
    await raw.write('hello')
    expect(Buffer.from(await raw.read(5)).toString()).toBe('hello')
    raw.end()
    await raw.readToEnd()
    expect(raw.ended).toBe('end')
    await until(() => proxy.connections === 0)
  })

  it('passes a reset on as a reset', async () => {
    await using proxy = await start([])
    using raw = await RawSocket.connect(proxy.port)
    await raw.write('x')
    await raw.read(1)
    accepted[0]!.resetAndDestroy()
    await raw.readToEnd()
    expect(raw.ended).toBe('reset')
  })

  it('reset_peer resets the side that its direction goes to', async () => {
    const clock = new FakeClock()
    await using proxy = await start(['reset_peer:30,downstream'], { clock })
    using raw = await RawSocket.connect(proxy.port)
    await raw.write('x')
    await raw.read(1)
    clock.advance(30)
    await raw.readToEnd()
    expect(raw.ended).toBe('reset')
    await until(() => proxy.connections === 0)
  })

  it.each(['down:30', 'timeout:30'])('%s ends both sides after its time', async (fault) => {
    const clock = new FakeClock()
    await using proxy = await start([fault], { clock })
    using raw = await RawSocket.connect(proxy.port)
    await raw.write('x')
    await until(() => accepted.length === 1 && clock.pending > 0)
    clock.advance(30)
    await raw.readToEnd()
    await until(() => proxy.connections === 0)
    expect(clock.pending).toBe(0)
  })

  it('limit_data lets the limit pass and ends both sides', async () => {
    await using proxy = await start(['limit_data:3'])
    using raw = await RawSocket.connect(proxy.port)
    await raw.write('hello')
    expect(Buffer.from(await raw.readToEnd()).toString()).toBe('hel')
    await until(() => proxy.connections === 0)
  })

  it('refuses while it is down, and comes up again on its port', async () => {
    await using proxy = await start([])
    using before = await RawSocket.connect(proxy.port)
    await until(() => proxy.connections === 1)
    await within(proxy.down(), 'the proxy to go down')
    await before.readToEnd()
    expect(proxy.connections).toBe(0)
    await expect(RawSocket.connect(proxy.port)).rejects.toThrow('ECONNREFUSED')
    await proxy.up()
    using after = await RawSocket.connect(proxy.port)
    await after.write('x')
    await after.read(1)
  })

  it('goes down at once while a reader does not read and resets are under way', async () => {
    echoes = false
    const clock = new FakeClock()
    const proxy = await start(['reset_peer:10,upstream'], { clock })
    using raw = await RawSocket.connect(proxy.port)
    await until(() => accepted.length === 1)
    raw.socket.write(Buffer.alloc(KERNEL_BYTES))
    await until(() => proxy.bufferedBytes > 0)
    raw.end()
    clock.advance(10)
    await within(proxy.down(), 'the proxy to go down')
    expect(proxy.connections).toBe(0)
  })

  it('gives the same faults to the same connections for the same seed', async () => {
    const rolls = async (seed: number): Promise<string> => {
      const rolled: string[] = []
      await using proxy = await FaultProxy.start({
        to: { port: portOf(upstream) },
        faults: [parseFault('latency:1,toxicity=0.5'), parseFault('slicer:9,toxicity=0.3')],
        seed,
        onConnection: (_index, faults) => rolled.push(faults.map(({ kind }) => kind).join('+')),
      })
      for (let i = 0; i < 12; i++) (await RawSocket.connect(proxy.port)).destroy()
      await until(() => rolled.length === 12)
      return rolled.join(' ')
    }
    const first = await rolls(42)
    expect(await rolls(42)).toBe(first)
    expect(await rolls(43)).not.toBe(first)
  })

  it.each([[[]], [['latency:1,both']], [['slicer:60000,both']]])(
    'keeps backpressure with %j: a reader that stops stops the writer',
    async (faults: string[]) => {
      echoes = false
      await using proxy = await start(faults)
      using raw = await RawSocket.connect(proxy.port)
      await until(() => accepted.length === 1)
      const chunk = Buffer.alloc(1 << 20)
      let written = 0
      const pump = (): void => {
        while (written < 2 * KERNEL_BYTES) {
          written += chunk.length
          if (!raw.socket.write(chunk)) break
        }
      }
      raw.socket.on('drain', pump)
      pump()
      // The upstream never reads: everybody waits in the end. On loopback, progress does not outlast so many idle turns.
      let [last, idleTurns] = [-1, 0]
      await until(() => {
        const now = written - raw.socket.writableLength
        idleTurns = now === last ? idleTurns + 1 : 0
        last = now
        return idleTurns === 5000
      })
      expect(written).toBeLessThan(2 * KERNEL_BYTES)
      expect(proxy.bufferedBytes).toBeLessThan(2 << 20)
    },
  )
})

describe('npm run fault-proxy', () => {
  const command = ['--import', 'tsx', 'test/support/fault-proxy/run.ts']

  it('prints its port and seed, passes bytes, and ends with 0 at SIGTERM', async () => {
    const upstream = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1')
    await once(upstream, 'listening')
    await using child = new Child(process.execPath, [
      ...command,
      ...['--to', `127.0.0.1:${portOf(upstream)}`, '--seed', '7', '--fault', 'latency:5±2'],
    ])
    const [, port] = await child.printed(/127\.0\.0\.1:(\d+) -> 127\.0\.0\.1:\d+, seed 7/)
    using raw = await RawSocket.connect(Number(port))
    await raw.write('hi')
    expect(Buffer.from(await raw.read(2)).toString()).toBe('hi')
    await child.printed(/connection 1: latency/)
    child.kill('SIGTERM')
    expect((await child.ended()).code).toBe(0)
    upstream.close()
  })

  it.each([
    [['--to', '127.0.0.1:1', '--fault', 'lag:1'], /there is no "lag"/],
    [[], /--to HOST:PORT is missing/],
    [['--to', 'example.org:80'], /not on this machine/],
    [['--to', '127.0.0.1:1', '--listen', '99999'], /--listen is "99999"/],
    [['--what'], /Unknown option '--what'/],
  ])('says what is wrong with %j and ends with 1', async (args, message) => {
    await using child = new Child(process.execPath, [...command, ...args])
    const { code, stderr } = await child.ended()
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('    at ')
    expect(code).toBe(1)
  })
})
