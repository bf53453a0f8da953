import { UsageError } from '../errors.ts'
import { type Clock, systemClock } from '../ground/clock.ts'
import { checkOptionNames, type OptionNames } from '../ground/option-names.ts'
import { defaultLimits, limitOption } from '../protocol/options.ts'
import type { HeartbeatOptions } from './heartbeat.ts'
import { type ConnectionRates, connectionRates, type RateLimitOptions } from './rate-limiter.ts'
import { type SlowConsumerPolicy, slowConsumerOption } from './slow-consumer.ts'

/** Options of one connection; a server gives the same ones to all of its connections. */
export interface SocketOptions {
  /** Most bytes in one message; a longer one ends the connection with 1009. Default 1 MiB. RFC 6455 §10.4. */
  maxPayload?: number
  /** Most fragments in one message; one more ends the connection with 1008. Default 131,072. */
  maxFragments?: number
  /** Most frames read from one connection in one turn of the event loop; the rest waits. Default 1,000. */
  maxFramesPerTurn?: number
  /**
   * Bytes read from one connection before it waits for the next turn of the event loop, so that one flood cannot starve
   * the others. A single read may go past it, by less than 64 KiB. Default 64 KiB.
   */
  maxBytesPerTurn?: number
  /** Whether Pings are answered by themselves, RFC 6455 §5.5.2. Default true. */
  autoPong?: boolean
  /** Milliseconds the peer has to take part in the closing handshake before the transport is destroyed. Default 5,000. */
  closeTimeout?: number
  /** Milliseconds without progress after which a write ends the connection. Default 30,000. */
  writeStallTimeout?: number
  /** Bytes of unsent output from which on `send()` returns false. Default 1 MiB. */
  highWaterMark?: number
  /**
   * Bytes of unsent output that may ever wait for a peer; a message that waits counts 128 bytes more. Default 64 MiB. A
   * message always goes when nothing waits before it, however long it is.
   */
  maxBackpressure?: number
  /**
   * Bytes of unsent output that may wait for a while: the peer is slow when as much waits for `softBackpressureMs`
   * without ever becoming fewer; then `slowConsumer` decides, and until it is fewer this is the limit. A message that is
   * on its way and alone is more does not count. Default 16 MiB.
   */
  softBackpressure?: number
  /** Milliseconds that more than `softBackpressure` may wait. Default 10,000. */
  softBackpressureMs?: number
  /**
   * What is done with a message for which there is no room, and with a peer for which too much has waited for too long:
   * `'close'` (default) ends the connection with 1013,
   * `'drop-newest'` and `'drop-oldest'` leave messages out, `'keep'` sends all the same; or a function that says which.
   */
  slowConsumer?: SlowConsumerPolicy
  /**
   * When a silent peer is asked for a sign of life, and when it is given up with 1006. Any byte counts as life.
   * A number sets both times, in milliseconds; false turns it off. Default: 20,000 and 20,000 on a server, off on a client.
   */
  heartbeat?: boolean | number | Partial<HeartbeatOptions>
  /** How much a peer may ask; off by default. RFC 6455 §10.4. */
  rateLimit?: RateLimitOptions
  /** What a text message arrives as: `'string'` (default) or a `'buffer'` of its UTF-8. */
  textFormat?: 'string' | 'buffer'
  /**
   * What becomes of messages while nobody listens: `'hold'` (default) keeps them, and 64 KiB further on reads nothing
   * more until somebody does; within these a Close frame, and the end of the transport, are seen and told at once. A
   * process warns once when that lasts 5 seconds (`FRAMEWRIGHT_MESSAGES_HELD`). `'discard'` drops them as `ws` does.
   */
  withoutListener?: 'hold' | 'discard'
  /** Time, for tests. Default: real time. */
  clock?: Clock
}

/** {@link SocketOptions} after the checks, every one with a value. */
export interface CheckedSocketOptions {
  readonly maxPayload: number
  readonly maxFragments: number
  readonly maxFramesPerTurn: number
  readonly maxBytesPerTurn: number
  readonly autoPong: boolean
  readonly closeTimeout: number
  readonly writeStallTimeout: number
  readonly highWaterMark: number
  readonly maxBackpressure: number
  readonly softBackpressure: number
  readonly softBackpressureMs: number
  readonly slowConsumer: SlowConsumerPolicy
  readonly heartbeat: HeartbeatOptions | null
  /** null: no rate is limited. */
  readonly rates: ConnectionRates | null
  readonly textFormat: 'string' | 'buffer'
  readonly withoutListener: 'hold' | 'discard'
  readonly clock: Clock
}

/** Every option of {@link SocketOptions}. */
export const socketOptionNames = {
  maxPayload: true,
  maxFragments: true,
  maxFramesPerTurn: true,
  maxBytesPerTurn: true,
  autoPong: true,
  closeTimeout: true,
  writeStallTimeout: true,
  highWaterMark: true,
  maxBackpressure: true,
  softBackpressure: true,
  softBackpressureMs: true,
  slowConsumer: true,
  heartbeat: true,
  rateLimit: true,
  textFormat: true,
  withoutListener: true,
  clock: true,
} satisfies OptionNames<SocketOptions>

const heartbeatOptionNames = { idleMs: true, timeoutMs: true } satisfies OptionNames<HeartbeatOptions>

const DEFAULT_BEAT_MS = 20_000

/**
 * Checks options and fills in defaults.
 *
 * @param heartbeatByDefault - whether there is a heartbeat when the option is absent
 * @throws UsageError that names the option which is wrong; nothing is coerced
 */
export function checkSocketOptions(options: SocketOptions, heartbeatByDefault: boolean): CheckedSocketOptions {
  const { textFormat = 'string', withoutListener = 'hold' } = options
  if (withoutListener !== 'hold' && withoutListener !== 'discard') {
    throw new UsageError(`option withoutListener is ${String(withoutListener)}; it must be 'hold' or 'discard'`)
  }
  if (textFormat !== 'string' && textFormat !== 'buffer') {
    throw new UsageError(`option textFormat is ${String(textFormat)}; it must be 'string' or 'buffer'`)
  }
  return {
    maxPayload: limitOption('maxPayload', options.maxPayload, defaultLimits.maxPayload),
    maxFragments: limitOption('maxFragments', options.maxFragments, defaultLimits.maxFragments, 1),
    maxFramesPerTurn: limitOption('maxFramesPerTurn', options.maxFramesPerTurn, defaultLimits.maxFramesPerTurn, 1),
    maxBytesPerTurn: limitOption('maxBytesPerTurn', options.maxBytesPerTurn, 64 << 10, 1),
    autoPong: booleanOption('autoPong', options.autoPong, true),
    closeTimeout: limitOption('closeTimeout', options.closeTimeout, 5000),
    writeStallTimeout: limitOption('writeStallTimeout', options.writeStallTimeout, 30_000, 1),
    highWaterMark: limitOption('highWaterMark', options.highWaterMark, 1 << 20),
    maxBackpressure: limitOption('maxBackpressure', options.maxBackpressure, 64 << 20),
    softBackpressure: limitOption('softBackpressure', options.softBackpressure, 16 << 20),
    softBackpressureMs: limitOption('softBackpressureMs', options.softBackpressureMs, 10_000),
    slowConsumer: slowConsumerOption(options.slowConsumer),
    heartbeat: heartbeatOption(options.heartbeat ?? heartbeatByDefault),
    rates: connectionRates(options.rateLimit),
    textFormat,
    withoutListener,
    clock: options.clock ?? systemClock,
  }
}

/** Checks an option that is true or false. @throws UsageError */
export function booleanOption(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback
  if (typeof value !== 'boolean') throw new UsageError(`option ${name} is ${String(value)}; it must be true or false`)
  return value
}

function heartbeatOption(heartbeat: boolean | number | Partial<HeartbeatOptions>): HeartbeatOptions | null {
  if (heartbeat === false) return null
  const times = typeof heartbeat === 'number' ? { idleMs: heartbeat, timeoutMs: heartbeat } : heartbeat
  if (times !== true && (typeof times !== 'object' || times === null)) {
    throw new UsageError(`option heartbeat is ${String(heartbeat)}; it must be a boolean, milliseconds, or an object`)
  }
  if (times !== true) checkOptionNames('option heartbeat', times, heartbeatOptionNames)
  const { idleMs, timeoutMs } = times === true ? {} : times
  return {
    idleMs: limitOption('heartbeat.idleMs', idleMs, DEFAULT_BEAT_MS, 1),
    timeoutMs: limitOption('heartbeat.timeoutMs', timeoutMs, DEFAULT_BEAT_MS, 1),
  }
}
