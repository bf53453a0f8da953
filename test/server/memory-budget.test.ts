import { once } from 'node:events'
import { constants, deflateRawSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocketServer as CompatServer } from '../../src/compat/index.ts'
import { ConnectionClosedError, HandshakeError, ProtocolError, UsageError } from '../../src/errors.ts'
import { prepareMessage } from '../../src/protocol/prepared-message.ts'
import { WebSocketServer, type WebSocketServerOptions } from '../../src/server/index.ts'
import { MemoryBudget, type MemoryHolder, memoryBudgetOption, memoryOf } from '../../src/server/memory-budget.ts'
import type { CloseInfo, WebSocket } from '../../src/socket/index.ts'
import { clientFrame, clientText, readServerFrame } from '../support/client-frames.ts'
import { within } from '../support/deadline.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { settle } from '../support/memory-transport.ts'
import { isPeerGone } from '../support/peer-gone.ts'
import { openRawWebSocket, RawSocket, upgradeRequest } from '../support/raw-socket.ts'

const MIB = 1 << 20

/** The connection had to give way, or the test was over: nothing else may have gone wrong. */
function expectGone(error: unknown): void {
  const hasGivenWay = error instanceof ProtocolError && error.statusCode === 1013
  if (!hasGivenWay && !(error instanceof ConnectionClosedError) && !isPeerGone(error)) throw error
}

class Holder implements MemoryHolder {
  hasGivenWay = false
  heldBytes: number

  constructor(heldBytes: number) {
    this.heldBytes = heldBytes
  }

  giveWay(): void {
    this.hasGivenWay = true
    this.heldBytes = 0
  }
}

function budgetOf(limit: number, ...holders: Holder[]) {
  const clock = new FakeClock()
  return { clock, budget: new MemoryBudget(limit, clock, () => holders) }
}

function isRefused(budget: MemoryBudget): boolean {
  try {
    budget.check()
    return false
  } catch (error) {
    expect(error).toBeInstanceOf(HandshakeError)
    expect((error as HandshakeError).httpStatus).toBe(503)
    return true
  }
}

describe('a memory budget', () => {
  it('judges nobody while it suffices, however long somebody holds most of it', () => {
    const holder = new Holder(1000)
    const { budget, clock } = budgetOf(1000, holder)
    for (let i = 0; i < 100; i += 1) {
      budget.look()
      clock.advance(60_000)
    }
    expect([holder.hasGivenWay, isRefused(budget)]).toEqual([false, false])
  })

  it('takes from who held most for longest, and no more than it must', () => {
    const [little, old, young] = [new Holder(50), new Holder(500), new Holder(0)]
    const { budget, clock } = budgetOf(1000, little, old, young)
    budget.look()
    clock.advance(30_000)
    young.heldBytes = 600
    budget.look()
    expect([little, old, young].map(({ hasGivenWay }) => hasGivenWay)).toEqual([false, true, false])
  })

  it('goes by the bytes of those who began at the same time', () => {
    const holders = [300, 700, 400].map((bytes) => new Holder(bytes))
    const { budget } = budgetOf(1000, ...holders)
    budget.look()
    expect(holders.map(({ hasGivenWay }) => hasGivenWay)).toEqual([false, true, false])
  })

  it('begins anew with who held little meanwhile', () => {
    const [a, b] = [new Holder(450), new Holder(500)]
    const { budget, clock } = budgetOf(1000, a, b)
    budget.look()
    clock.advance(20_000)
    a.heldBytes = 0
    budget.look()
    clock.advance(20_000)
    a.heldBytes = 700
    budget.look()
    expect([a, b].map(({ hasGivenWay }) => hasGivenWay)).toEqual([false, true])
  })

  it('refuses new handshakes with 503 from then on until an eighth of it is free', () => {
    const [a, b] = [new Holder(900), new Holder(500)]
    const { budget, clock } = budgetOf(1000, a, b)
    expect(isRefused(budget)).toBe(false)
    budget.look()
    expect([a.hasGivenWay, isRefused(budget)]).toEqual([true, true])
    b.heldBytes = 876
    clock.advance(1000)
    expect(isRefused(budget)).toBe(true)
    b.heldBytes = 874
    clock.advance(1000)
    expect(isRefused(budget)).toBe(false)
  })

  it('asks nobody before what may have been kept reaches what was left, and then once', async () => {
    let asked = 0
    const holder = {
      get heldBytes() {
        asked += 1
        return 600
      },
      giveWay: () => {},
    }
    const budget = new MemoryBudget(1000, new FakeClock(), () => [holder])
    budget.kept(999)
    await settle()
    expect(asked).toBe(0)
    budget.kept(1)
    budget.kept(5000)
    await settle()
    expect(asked).toBe(1)
    budget.kept(399)
    await settle()
    expect(asked).toBe(1)
    budget.kept(1)
    await settle()
    expect(asked).toBe(2)
  })

  it('is a quarter of what the process may use, by default', () => {
    expect([memoryOf(0, 8), memoryOf(4, 8), memoryOf(2 ** 64, 8)]).toEqual([8, 4, 8])
    expect(memoryBudgetOption(undefined)).toBeGreaterThan(0)
    expect(memoryBudgetOption(5)).toBe(5)
    expect(() => memoryBudgetOption('1 GB')).toThrow(UsageError)
    expect(() => new WebSocketServer({ noServer: true, memoryBudget: 0 })).toThrow('memoryBudget')
  })
})

/** Peers of a server of which each holds memory in one way. */
const servers: WebSocketServer[] = []
const raws: RawSocket[] = []

afterEach(() => {
  for (const raw of raws.splice(0)) raw.destroy()
  for (const server of servers.splice(0)) {
    for (const ws of server.clients) ws.terminate()
    server.close()
  }
})

async function serve(options: WebSocketServerOptions, isCompat = false) {
  const given = { port: 0, host: '127.0.0.1', maxPayload: 16 * MIB, ...options }
  const server = isCompat ? (new CompatServer(given) as WebSocketServer) : new WebSocketServer(given)
  servers.push(server)
  await within(server.listening, 'the server')
  const { port } = server.address() as { port: number }
  const open = async (...fieldLines: string[]): Promise<{ raw: RawSocket; ws: WebSocket }> => {
    const connection = once(server, 'connection')
    const { raw } = await openRawWebSocket(port, fieldLines)
    raws.push(raw)
    const [ws] = (await within(connection, 'a connection')) as [WebSocket]
    return { raw, ws }
  }
  return { server, port, open }
}

/** The status line that a new client gets. */
async function statusOf(port: number): Promise<string> {
  const raw = await RawSocket.connect(port)
  raws.push(raw)
  await raw.write(upgradeRequest(port))
  const head = Buffer.from(await raw.readUntil('\r\n')).toString('latin1')
  raw.destroy()
  return head.slice(9, 12)
}

/** Waits for what no event tells of. */
async function until(isMet: () => boolean, what: string): Promise<void> {
  const met = (async () => {
    while (!isMet()) await new Promise((resolve) => setImmediate(resolve))
  })()
  await within(met, what, 20_000)
}

type Fill = (peer: { raw: RawSocket; ws: WebSocket }) => void | Promise<void>

const KINDS: Record<string, Fill> = {
  'output that a peer reads a byte of now and then': ({ raw, ws }) => {
    raw.socket.pause()
    raw.socket.on('readable', () => raw.socket.read(1))
    // What the kernel takes is not held here.
    while (ws.readyState === ws.OPEN && ws.bufferedAmount < MIB) ws.send(Buffer.alloc(MIB / 4))
  },
  'messages that are not complete': async ({ raw, ws }) => {
    ws.on('message', () => {})
    await raw.write(clientFrame({ opcode: 2, payload: new Uint8Array(2 * MIB) }).subarray(0, 1.5 * MIB))
  },
  'messages that are put together from a stream': async ({ raw, ws }) => {
    const streams = ws.streams()
    void streams.next().then(({ value }) => value!.bytes().catch(expectGone))
    await raw.write(clientFrame({ opcode: 2, payload: new Uint8Array(2 * MIB) }).subarray(0, 1.5 * MIB))
  },
  'messages that an iteration does not take': async ({ raw, ws }) => {
    void ws.messages({ highWaterMark: 64 * MIB }).next()
    await raw.write(clientText('the one that is taken'))
    for (let i = 0; i < 3; i += 1) await raw.write(clientFrame({ opcode: 2, payload: new Uint8Array(MIB / 2) }))
  },
  'pieces of a stream that nobody reads': async ({ raw, ws }) => {
    void ws.streams({ highWaterMark: 64 * MIB }).next()
    await raw.write(clientFrame({ opcode: 2, payload: new Uint8Array(2 * MIB) }).subarray(0, 1.5 * MIB))
  },
}

describe.each([
  ['framewright', false],
  ['framewright/ws', true],
] as const)('a server of %s whose connections hold more than the budget', (_, isCompat) => {
  it.each(Object.keys(KINDS))('in %s, lets some give way and refuses new ones; the others go on', async (kind) => {
    const { server, port, open } = await serve({ memoryBudget: 4 * MIB, closeTimeout: 100 }, isCompat)
    const honest = await open()
    honest.ws.on('message', (data, isBinary) => honest.ws.send(data, { binary: isBinary }))
    const closes: CloseInfo[] = []
    const peers = []
    for (let i = 0; i < 6; i += 1) {
      const peer = await open()
      peer.ws.on('error', () => {})
      void peer.ws.closed.then((info) => closes.push(info))
      peers.push(peer)
    }
    let most = 0
    const statuses = new Set<string>()
    for (const peer of peers) {
      // Whoever came first may have had to go already.
      await Promise.resolve(KINDS[kind]!(peer)).catch(expectGone)
      await settle()
      const { held, budget } = server.stats().memory
      expect(budget).toBe(4 * MIB)
      most = Math.max(most, held)
    }
    await until(() => closes.length >= 1, 'somebody to give way')
    statuses.add(await statusOf(port))
    await until(() => server.stats().memory.held <= 4 * MIB, 'less to be held')
    expect(new Set(closes.map(({ cause }) => cause))).toEqual(new Set(['memory-budget']))
    expect(server.stats().closes['memory-budget']).toBe(closes.length)
    expect(closes.length).toBeLessThan(6)
    // Of one step of the event loop there may be more.
    expect(most).toBeLessThanOrEqual(16 * MIB)
    await honest.raw.write(clientText('still there?'))
    expect(Buffer.from((await readServerFrame(honest.raw)).payload).toString()).toBe('still there?')

    // Once they are gone there is room again.
    for (const { ws } of peers) ws.terminate()
    await until(() => server.stats().memory.held === 0, 'nothing to be held')
    for (;;) {
      statuses.add(await statusOf(port))
      if (statuses.has('101')) break
    }
    expect(server.stats().connections).toBeGreaterThanOrEqual(1)
  })
})

describe('a new client of a server that held more than the budget', () => {
  it('gets 503 until the server sees that there is room again', async () => {
    const clock = new FakeClock()
    const { server, port, open } = await serve({ memoryBudget: 4 * MIB, clock })
    const [large, small] = [await open(), await open()]
    for (const { ws } of [large, small]) ws.on('message', () => {}).on('error', () => {})
    const frame = clientFrame({ opcode: 2, payload: new Uint8Array(12 * MIB) })
    await small.raw.write(frame.subarray(0, MIB))
    await large.raw.write(frame.subarray(0, 3.5 * MIB))
    large.raw.socket.once('end', () => large.raw.end())
    const { cause, sentCode } = await within(large.ws.closed, 'the one that holds most to give way')
    expect([cause, sentCode]).toEqual(['memory-budget', 1013])
    expect(server.stats().memory.held).toBeLessThan(2 * MIB)
    expect(await statusOf(port)).toBe('503')
    clock.advance(1000)
    expect(await statusOf(port)).toBe('101')
    expect(small.ws.readyState).toBe(small.ws.OPEN)
  })
})

describe('what counts', () => {
  it('is nothing for an idle connection', async () => {
    const { server, open } = await serve({})
    await open()
    expect(server.stats().memory.held).toBe(0)
    expect(server.stats().memory.budget).toBe(memoryBudgetOption(undefined))
  })

  it('is what comes out of a compressed message on another thread, piece by piece and before it is complete', async () => {
    const { server, open } = await serve({ memoryBudget: 4 * MIB, closeTimeout: 100, perMessageDeflate: true })
    // Three kilobytes on the wire, all in one read: what is inflated is what counts.
    const payload = deflateRawSync(Buffer.alloc(3 * MIB), { finishFlush: constants.Z_SYNC_FLUSH })
    const frame = clientFrame({ opcode: 2, rsv: 4, fin: false, payload })
    const closes: CloseInfo[] = []
    for (let i = 0; i < 4; i += 1) {
      const { raw, ws } = await open('Sec-WebSocket-Extensions: permessage-deflate')
      ws.on('message', () => {}).on('error', () => {})
      void ws.closed.then((info) => closes.push(info))
      await raw.write(frame).catch(expectGone)
    }
    await until(() => closes.length > 0, 'somebody to give way')
    expect(closes.map(({ cause }) => cause)).toContain('memory-budget')
    await until(() => server.stats().memory.held <= 4 * MIB, 'less to be held')
  })

  it('is not what many share: a prepared message that waits for all', async () => {
    const { server, open } = await serve({ memoryBudget: 2 * MIB })
    const message = prepareMessage(new Uint8Array(MIB))
    const peers = [await open(), await open(), await open()]
    for (const { raw, ws } of peers) {
      raw.socket.pause()
      // Fills the kernel and the transport.
      while (ws.bufferedAmount === 0) ws.send(Buffer.alloc(MIB / 4))
      const before = ws.bufferedAmount
      for (let i = 0; i < 3; i += 1) ws.send(message)
      expect(ws.bufferedAmount).toBeGreaterThanOrEqual(before + 3 * MIB)
    }
    await settle()
    expect(server.stats().memory.held).toBeLessThan(2 * MIB)
    expect(peers.every(({ ws }) => ws.readyState === ws.OPEN)).toBe(true)
  })
})
