import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { type Clock, systemClock } from '../../../src/ground/clock.ts'
import { seededRandom, subSeed } from '../seeded-random.ts'
import type { Fault } from './fault.ts'
import { ProxiedConnection } from './proxied-connection.ts'

/** Where a fault proxy listens, what it stands before, and what goes wrong there. */
export interface FaultProxyOptions {
  /** Port to listen on, on 127.0.0.1. Default 0: a free one. */
  readonly port?: number
  /** The server that the proxy stands before. */
  readonly to: { readonly host?: string; readonly port: number }
  /** In the order in which bytes pass them. */
  readonly faults: readonly Fault[]
  /** The same seed plays the same faults: what a connection gets depends on the seed and on which one it is. Default 1. */
  readonly seed?: number
  /** Default: real time. */
  readonly clock?: Clock
  /** Called with the faults that a new connection has. */
  readonly onConnection?: (index: number, faults: readonly Fault[]) => void
}

/** A TCP proxy that breaks what passes through it, like toxiproxy. It holds a bounded number of bytes for a slow reader. */
export class FaultProxy {
  readonly #options: FaultProxyOptions
  readonly #connections = new Set<ProxiedConnection>()
  readonly #waiting: Array<() => void> = []
  #server: Server | undefined
  #port = 0
  #accepted = 0

  private constructor(options: FaultProxyOptions) {
    this.#options = options
    this.#port = options.port ?? 0
  }

  /** Listens. @throws what `listen` reports, a port in use for instance */
  static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options)
    await proxy.up()
    return proxy
  }

  get port(): number {
    return this.#port
  }

  /** Open connections. */
  get connections(): number {
    return this.#connections.size
  }

  /** Connections since the start. */
  get accepted(): number {
    return this.#accepted
  }

  /** Bytes that wait in the proxy, over all connections. */
  get bufferedBytes(): number {
    let bytes = 0
    for (const connection of this.#connections) bytes += connection.bufferedBytes
    return bytes
  }

  /** Listens, again after {@link down} on the same port. */
  async up(): Promise<void> {
    if (this.#server !== undefined) return
    // Half-closes pass through, so the end of one side must not end the other.
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client))
    this.#server = server
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    this.#port = (server.address() as AddressInfo).port
  }

  /** Refuses connections, and breaks those there are. Resolves when all sockets are gone. */
  async down(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    const closed = once(server, 'close')
    server.close()
    for (const connection of this.#connections) connection.destroy()
    await closed
    if (this.#connections.size > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down()
  }

  #accept(client: Socket): void {
    const { to, faults, seed = 1, clock = systemClock, onConnection } = this.#options
    const index = this.#accepted
    this.#accepted += 1
    const random = seededRandom(subSeed(seed, index))
    const own = faults.filter(({ toxicity = 1 }) => random() < toxicity)
    onConnection?.(index, own)
    const upstream = connect({ host: to.host ?? '127.0.0.1', port: to.port, allowHalfOpen: true, noDelay: true })
    const connection = new ProxiedConnection({ client, upstream }, own, { clock, random }, () => {
      this.#connections.delete(connection)
      if (this.#connections.size === 0) for (const resolve of this.#waiting.splice(0)) resolve()
    })
    this.#connections.add(connection)
  }
}
