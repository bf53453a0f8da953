import type { Guard } from '../ground/application.ts'
import type { Clock } from '../ground/clock.ts'
import type { ConnectionListener } from '../protocol/listener.ts'
import type { ConnectionOptions } from '../protocol/options.ts'
import type { CloseInfo } from './close-info.ts'
import type { Heartbeat } from './heartbeat.ts'
import type { MemoryWatch } from './memory-watch.ts'
import type { ConnectionRates, RateLimiterOwner } from './rate-limiter.ts'

/**
 * What the driver tells the `WebSocket` object, which also listens to the connection: it hands `woken` on to the driver,
 * and `pong` to `pongReceived`.
 */
export interface DriverEvents extends ConnectionListener, Guard, RateLimiterOwner {
  /** The transport has nothing left to send; called after {@link SocketDriver.expectDrain}. */
  drained(): void
  /** Called now and then, for slow clocks. @param now - milliseconds */
  beat(now: number): void
  /** The transport reported an error; `ended` follows. */
  transportFailed(error: Error): void
  /** Everything is over. Called exactly once. */
  ended(info: CloseInfo): void
}

/** What a driver needs besides the socket. */
export interface DriverOptions {
  readonly connection: ConnectionOptions
  readonly clock: Clock
  /** Rates that the peer has to keep; default: none. */
  readonly rates?: ConnectionRates | null
  /** Hears how much may be kept; default: nobody does. */
  readonly memory?: MemoryWatch | null
  /** The watch over silent peers and stalled writes. */
  readonly heartbeat: Heartbeat
  /** Bytes that may be read before the rest waits for the next turn of the event loop. */
  readonly maxBytesPerTurn: number
  /** Milliseconds that the peer has to end its side once we wait for that. */
  readonly closeTimeout: number
  /** Milliseconds after which a write that makes no progress ends the connection. */
  readonly writeStallTimeout: number
  /** Whether a write that has completed leaves no reference to its bytes, as with a plain TCP socket. */
  readonly writesAreCopied: boolean
}
