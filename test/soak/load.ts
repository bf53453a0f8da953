import { setMaxListeners } from 'node:events'
import { parseFault } from '../support/fault-proxy/fault.ts'
import { FaultProxy } from '../support/fault-proxy/fault-proxy.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { burst } from './burst.ts'
import { playConnection } from './client.ts'
import { InFlight } from './in-flight.ts'
import { playStream } from './long-stream.ts'
import { runSilentClient } from './silent-client.ts'

/** Faults that everything gets through. */
const HARMLESS = [
  'latency:5±5,both,toxicity=0.5',
  'slicer:1400±1300,both,toxicity=0.3',
  'bandwidth:2000,toxicity=0.2',
  'slow_close:50,both,toxicity=0.3',
]

/** Faults that end connections. */
const BREAKING = [
  'reset_peer:1500,toxicity=0.3',
  'reset_peer:1500,upstream,toxicity=0.2',
  'down:2000,toxicity=0.2',
  'timeout:2000,both,toxicity=0.2',
  'limit_data:40000,both,toxicity=0.3',
]

/** Messages per second that the load aims at, over all connections. */
const MESSAGES_PER_SECOND = 1000

/** Connections that stream all the time. */
const STREAMS = 4

/** Milliseconds between two looks at how many connections are missing. */
const REFILL_MS = 50

/**
 * Handshakes under way at most. Node: a listener accepts one connection per turn of the event loop, so that on a busy machine
 * a queue without bound would let the last of it time out.
 */
const HANDSHAKES = 32

/** What a load does. */
export interface LoadOptions {
  readonly port: number
  readonly seed: number
  /** Connections that are open at a time. */
  readonly connections: number
  readonly withFaults: boolean
  readonly onFault: (connection: number, what: string) => void
}

/** Keeps connections open: whenever one has ended, the next begins. */
export class Load {
  readonly #options: LoadOptions
  readonly #proxies: readonly FaultProxy[]
  readonly #random: () => number
  readonly #refill: NodeJS.Timeout
  readonly #open = new Map<number, Promise<void>>()
  readonly #inFlight = new InFlight()
  #next = 0
  #opening = 0
  readonly #end = new AbortController()

  private constructor(options: LoadOptions, proxies: readonly FaultProxy[]) {
    this.#options = options
    this.#proxies = proxies
    this.#random = seededRandom(options.seed)
    // Every half-open client listens to it.
    setMaxListeners(0, this.#end.signal)
    for (let i = 0; i < STREAMS; i++) this.#keep(-1 - i, this.#stream(i))
    this.#refill = setInterval(() => {
      const missing = options.connections + STREAMS - this.#open.size
      const most = Math.min(missing, HANDSHAKES - this.#opening)
      for (let i = 0; i < most; i++) this.#begin()
    }, REFILL_MS)
  }

  /** Begins to open connections. */
  static async start(options: LoadOptions): Promise<Load> {
    const proxies: FaultProxy[] = []
    for (const faults of options.withFaults ? [HARMLESS, BREAKING] : []) {
      const to = { port: options.port }
      proxies.push(await FaultProxy.start({ to, faults: faults.map(parseFault), seed: options.seed }))
    }
    return new Load(options, proxies)
  }

  /** Connections begun so far. */
  get begun(): number {
    return this.#next
  }

  /** Bytes that were sent and have not come back. */
  get inFlight(): number {
    return this.#inFlight.bytes
  }

  /** Calls `during` while the server's threads that compress have more to do than they can. */
  async burst<T>(during: () => Promise<T>): Promise<T> {
    return await burst(this.#options.port, during)
  }

  /**
   * Begins no more, lets those there are do all they have to, without pauses, and takes the proxies down.
   *
   * @returns the numbers of the connections that had not ended after `ms`
   */
  async end(ms: number): Promise<number[]> {
    this.#end.abort()
    clearInterval(this.#refill)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms)
    })
    await Promise.race([Promise.all(this.#open.values()), late])
    clearTimeout(timer)
    // Before the proxies go, which cuts what is still under way.
    const left = [...this.#open.keys()]
    for (const proxy of this.#proxies) await proxy.down()
    return left
  }

  get #isEnding(): boolean {
    return this.#end.signal.aborted
  }

  #begin(): void {
    const index = this.#next++
    this.#keep(index, this.#play(index))
  }

  /** Remembers a connection until it has ended. */
  #keep(index: number, playing: Promise<string | null>): void {
    const played = playing.catch((error: Error) => String(error.stack))
    this.#open.set(
      index,
      played.then((wrong) => {
        this.#open.delete(index)
        if (wrong !== null) this.#options.onFault(index, `client: ${wrong}`)
      }),
    )
  }

  #stream(index: number): Promise<string | null> {
    return playStream(this.#options.port, index, this.#inFlight.open(), this.#end.signal)
  }

  async #play(index: number): Promise<string | null> {
    const { port, seed, connections } = this.#options
    if (index % 25 === 24) {
      const isGivenUp = await runSilentClient(port, this.#end.signal)
      return isGivenUp || this.#isEnding ? null : 'a half-open connection has ended by itself'
    }
    const [harmless, breaking] = this.#proxies
    const mayBreak = breaking !== undefined && index % 10 === 2
    const proxy = mayBreak ? breaking : index % 10 < 2 ? harmless : undefined
    this.#opening++
    const meanMs = (1000 * connections) / MESSAGES_PER_SECOND
    return await playConnection({
      ...{ port: proxy?.port ?? port, seed, index, mayBreak },
      flight: this.#inFlight.open(),
      onOpened: () => this.#opening--,
      pauseMs: () => (this.#isEnding ? 0 : this.#random() * 2 * meanMs),
    })
  }
}
