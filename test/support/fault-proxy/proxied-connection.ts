import type { Socket } from 'node:net'
import { pipeline, type Transform } from 'node:stream'
import type { Clock } from '../../../src/ground/clock.ts'
import type { Random } from '../seeded-random.ts'
import type { Fault } from './fault.ts'
import { BlackHole, bandwidth, Latency, LimitData, SlowClose, slicer } from './stage.ts'

/** One client, its server, and the faults between them. */
export class ProxiedConnection {
  readonly #client: Socket
  readonly #upstream: Socket
  readonly #clock: Clock
  readonly #random: Random
  readonly #timers = new Set<unknown>()
  readonly #stages: Transform[] = []

  /**
   * @param faults - those that this connection has; their toxicity was rolled already
   * @param onClose - called once, when both sockets are gone
   */
  constructor(
    sockets: { readonly client: Socket; readonly upstream: Socket },
    faults: readonly Fault[],
    given: { readonly clock: Clock; readonly random: Random },
    onClose: () => void,
  ) {
    this.#client = sockets.client
    this.#upstream = sockets.upstream
    this.#clock = given.clock
    this.#random = given.random
    let open = 2
    for (const [socket, other] of [
      [this.#client, this.#upstream],
      [this.#upstream, this.#client],
    ] as const) {
      // Before the pipelines, which would end the other side gently: a reset passes through as a reset.
      socket.on('error', () => reset(other))
      socket.once('close', () => {
        open -= 1
        if (open > 0) return
        this.#release()
        onClose()
      })
    }
    this.#pipe(this.#client, this.#upstream, faults, 'upstream')
    this.#pipe(this.#upstream, this.#client, faults, 'downstream')
    for (const fault of faults) {
      if (fault.kind === 'down') this.#after(fault.ms ?? 0, () => this.destroy())
    }
  }

  /** Bytes that wait in the stages and in front of the sockets. */
  get bufferedBytes(): number {
    let bytes = this.#client.writableLength + this.#upstream.writableLength
    for (const stage of this.#stages) bytes += stage.writableLength + stage.readableLength
    return bytes
  }

  /** Closes both sides at once. */
  destroy(): void {
    this.#client.destroy()
    this.#upstream.destroy()
  }

  #pipe(from: Socket, to: Socket, faults: readonly Fault[], direction: 'upstream' | 'downstream'): void {
    const stages: Transform[] = []
    for (const fault of faults) {
      const wanted = fault.direction ?? 'downstream'
      if (wanted !== 'both' && wanted !== direction) continue
      const stage = this.#stageOf(fault, from, to)
      if (stage !== undefined) stages.push(stage)
    }
    this.#stages.push(...stages)
    // The sockets' own events say how they end; a broken stream takes all of the pipeline with it.
    pipeline([from, ...stages, to], () => {})
  }

  #stageOf(fault: Fault, from: Socket, to: Socket): Transform | undefined {
    const [clock, random] = [this.#clock, this.#random]
    switch (fault.kind) {
      case 'latency':
        return new Latency(clock, random, fault.ms, fault.jitterMs ?? 0)
      case 'bandwidth':
        return bandwidth(clock, fault.kibPerSecond)
      case 'slicer':
        return slicer(clock, random, fault.bytes, fault.variation ?? 0, fault.delayMs ?? 0)
      case 'slow_close':
        return new SlowClose(clock, fault.ms)
      case 'timeout':
        if (fault.ms > 0) this.#after(fault.ms, () => this.destroy())
        return new BlackHole(clock)
      case 'limit_data': {
        const limit: LimitData = new LimitData(clock, fault.bytes, () => {
          limit.push(null)
          to.once('finish', () => this.destroy())
        })
        return limit
      }
      case 'reset_peer':
        this.#after(fault.ms, () => {
          reset(to)
          from.destroy()
        })
        return undefined
      case 'down':
        return undefined
    }
  }

  #after(ms: number, callback: () => void): void {
    const timer = this.#clock.setTimeout(() => {
      this.#timers.delete(timer)
      callback()
    }, ms)
    this.#timers.add(timer)
  }

  #release(): void {
    for (const timer of this.#timers) this.#clock.clearTimeout(timer)
    this.#timers.clear()
    for (const stage of this.#stages) stage.destroy()
  }
}

/**
 * Sends a RST at once, whatever waits to be written.
 *
 * Node: `resetAndDestroy()` waits for what was written, which never comes to an end when the peer does not read; and while
 * the end of our half is being sent, a reset fails and leaves the socket open for ever.
 */
function reset(socket: Socket): void {
  if (!socket.writableEnded || socket.writableFinished) socket.resetAndDestroy()
  socket.destroy()
}
