import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { deflateMemory } from '../../src/extensions/permessage-deflate/memory.ts'
import { nativeEngine } from '../../src/extensions/permessage-deflate/native-engine.ts'
import { publicEngine } from '../../src/extensions/permessage-deflate/public-engine.ts'
import type { Engine } from '../../src/extensions/permessage-deflate/state.ts'
import { findNative } from '../../src/extensions/permessage-deflate/zlib.ts'
import { concat } from '../support/chunkings.ts'
import { Endpoint } from '../support/connection-pair.ts'
import { within } from '../support/deadline.ts'
import { compressed, serverExtension } from '../support/deflate.ts'
import { hex } from '../support/hex.ts'

const KIB = 1 << 10
/** Two bytes that are a whole DEFLATE stream of no bytes; three that are one of `a`; five that are one of no bytes too. */
const EMPTY = '0300'
const LETTER = '4b0400'
const STORED = '010000ffff'

/** A server that inflates, driven as a socket would drive it, but for what a test does itself. */
class Server extends Endpoint {
  #wake: () => void = () => {}
  /** How often reading was put off to another turn. */
  turns = 0

  constructor(maxPayload = 1 << 20) {
    super('server', { extension: serverExtension('permessage-deflate'), maxPayload }, (listener) =>
      Object.assign(listener, { woken: () => this.#wake() }),
    )
  }

  take(payload: Uint8Array): void {
    this.receive(this.peerFrame(1, payload, { rsv: 4 }))
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
      if (this.connection.hasRetained) {
        this.turns += 1
        this.connection.readRetained()
      }
    }
  }
}

/** The same few octets `count` times. */
function times(octets: string, count: number): Uint8Array {
  return hex(octets.repeat(count))
}

/** What `compressed` leaves out, so that more may follow. */
const TAIL = hex('0000ffff')
/** A large message of somebody else. */
const large = compressed('x'.repeat(300 * KIB))

describe('a compressed message in which one stream ends after the other', () => {
  /** Writes on other threads. */
  let hops = 0

  beforeEach(() => {
    hops = 0
    const engine = nativeEngine(findNative()!)
    const counting: Engine = {
      ...engine,
      inflater(windowBits) {
        const inflater = engine.inflater(windowBits)
        const { writeLater } = inflater
        inflater.writeLater = (...args) => {
          hops += 1
          writeLater.apply(inflater, args)
        }
        return inflater
      },
    }
    deflateMemory.useEngine(counting)
  })
  afterEach(() => deflateMemory.useEngine(null))

  it.each([
    ['nothing', EMPTY, ''],
    ['a letter', LETTER, 'a'],
    ['nothing, stored', STORED, ''],
  ])('of %s is whole, and some hundred of them cost one turn of another thread', async (_, octets, letter) => {
    const count = 20_000
    const zeros = '\0'.repeat(70 * KIB)
    const server = new Server()
    server.take(concat(compressed(zeros), TAIL, times(octets, count)))
    await server.settle()
    const expected = JSON.stringify(zeros + letter.repeat(count))
    expect(server.takeEvents()).toEqual([`text ${expected}`])
    expect(hops).toBeGreaterThan(1)
    expect(hops).toBeLessThan(count / 200)
  })

  it('is read at once as long as there are few', () => {
    const server = new Server()
    server.take(times(LETTER, 400))
    expect(server.takeEvents()).toEqual([`text "${'a'.repeat(400)}"`])
    expect(hops).toBe(0)
  })

  it('waits for another thread when there are many, also when nothing came out of it', async () => {
    const server = new Server()
    server.take(times(EMPTY, 5000))
    expect(server.connection.isDecoding).toBe(true)
    await server.settle()
    expect(server.takeEvents()).toEqual(['text ""'])
  })

  it('lets others go first: a large message that came last is there before any of twenty', async () => {
    const attacked = Array.from({ length: 20 }, () => new Server())
    const attack = concat(compressed('\0'.repeat(64 * KIB)), TAIL, times(EMPTY, 30_000))
    for (const server of attacked) server.take(attack)
    const honest = new Server()
    honest.take(large)
    const ends = attacked.map((server) => server.settle())
    await honest.settle()
    expect(honest.takeEvents()).toEqual([`text "${'x'.repeat(300 * KIB)}"`])
    expect(attacked.filter(({ connection }) => connection.isDecoding)).toHaveLength(20)
    await Promise.all(ends)
  })

  it('counts as work: of many such messages a turn reads a few', async () => {
    const server = new Server()
    const frame = server.peerFrame(1, times(LETTER, 400), { rsv: 4 })
    server.receive(concat(...Array<Uint8Array>(30).fill(frame)))
    expect(server.takeEvents().length).toBeLessThanOrEqual(4)
    await server.settle()
    expect(server.turns).toBeGreaterThanOrEqual(7)
    expect(server.takeEvents().length).toBeGreaterThanOrEqual(26)
  })

  it('ends at one byte above maxPayload, whatever is left [6455-10.4-2]', async () => {
    const server = new Server(10_000)
    server.take(times(LETTER, 20_000))
    await server.settle()
    expect(server.takeEvents()).toEqual(['failed 6455-10.4-2'])
    expect(hops).toBeLessThan(10_000 / 200)
  })

  it('ends with 1007 where one of them is corrupt', async () => {
    const server = new Server()
    server.take(concat(times(EMPTY, 5000), hex('07')))
    await server.settle()
    expect(server.connection.sentCloseCode).toBe(1007)
  })

  it('is given up by a connection that ends meanwhile', async () => {
    const before = deflateMemory.used
    const server = new Server()
    server.take(times(EMPTY, 20_000))
    server.connection.transportClosed()
    await within(
      (async () => {
        while (deflateMemory.used - before > 40 * KIB) await new Promise((resolve) => setImmediate(resolve))
      })(),
      'the thread',
    )
    expect(hops).toBeLessThanOrEqual(1)
    expect(server.takeEvents()).toEqual([])
  })
})

describe('a compressed message in which one stream ends after the other, on the public functions', () => {
  beforeEach(() => deflateMemory.useEngine(publicEngine))
  afterEach(() => deflateMemory.useEngine(null))

  it('may have 256 of them, each as dear as a large piece of message', async () => {
    const server = new Server()
    const frame = server.peerFrame(1, times(LETTER, 250), { rsv: 4 })
    server.receive(concat(frame, frame, frame))
    expect(server.takeEvents()).toEqual([`text "${'a'.repeat(250)}"`])
    await server.settle()
    expect(server.turns).toBe(2)
    expect(server.takeEvents()).toHaveLength(2)
  })

  it('ends with 1007 beyond that', async () => {
    const server = new Server()
    server.take(times(EMPTY, 30_000))
    await server.settle()
    expect(server.connection.sentCloseCode).toBe(1007)
  })

  it('counts each message as work, too', async () => {
    const server = new Server()
    const frame = server.peerFrame(1, compressed('Hello'), { rsv: 4 })
    server.receive(concat(...Array<Uint8Array>(100).fill(frame)))
    expect(server.takeEvents().length).toBeLessThanOrEqual(33)
    await server.settle()
    expect(server.takeEvents().length).toBeGreaterThanOrEqual(67)
  })
})
