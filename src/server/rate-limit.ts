import { UsageError } from '../errors.ts'
import type { ConnectionRates } from '../socket/rate-limiter.ts'
import { type Rate, rateOption } from '../socket/token-bucket.ts'

/** How fast peers may come and send; see `WebSocketServerOptions.rateLimit`. What is not given has no limit. */
export interface RateLimitOptions {
  /**
   * Opening handshakes from one address, as `trustProxy` sees it: every request counts, also one that is refused. More
   * are refused with 429 and `Retry-After`.
   */
  readonly handshakes?: Rate
  /** Data frames on one connection: each fragment of a message counts, and empty ones do. */
  readonly messages?: Rate
  /**
   * Bytes of frames on one connection, as they come over the wire: headers count, and what is compressed counts as it
   * is. With `'close'`, `burst` should have room for the longest message.
   */
  readonly bytes?: Rate
  /** Pings and Pongs on one connection; the answers to our heartbeat count, Close frames do not. */
  readonly controlFrames?: Rate
  /**
   * What is done with a connection that sends too fast: `'close'` (default) ends it with 1008, `'pause'` reads no more
   * until the tokens are back: nothing is lost, TCP makes the peer wait.
   */
  readonly onExceeded?: 'close' | 'pause'
}

/** {@link RateLimitOptions} after the checks; null: no limit. */
export interface CheckedRateLimit {
  readonly handshakes: Rate | null
  readonly connection: ConnectionRates | null
}

const NAMES: ReadonlySet<string> = new Set(['handshakes', 'messages', 'bytes', 'controlFrames', 'onExceeded'])

/** Checks the option. @throws UsageError that names what is wrong; a limit with a misspelt name is no limit */
export function rateLimitOption(options: RateLimitOptions | undefined): CheckedRateLimit {
  if (options === undefined) return { handshakes: null, connection: null }
  if (typeof options !== 'object' || options === null) {
    throw new UsageError(`option rateLimit is ${String(options)}; it must be an object`)
  }
  for (const name of Object.keys(options)) {
    if (!NAMES.has(name)) throw new UsageError(`option rateLimit has ${name}; it may have ${[...NAMES].join(', ')}`)
  }
  const { onExceeded = 'close' } = options
  if (onExceeded !== 'close' && onExceeded !== 'pause') {
    throw new UsageError(`option rateLimit.onExceeded is ${String(onExceeded)}; it must be 'close' or 'pause'`)
  }
  const messages = rateOption('rateLimit.messages', options.messages)
  const bytes = rateOption('rateLimit.bytes', options.bytes)
  const controlFrames = rateOption('rateLimit.controlFrames', options.controlFrames)
  const isLimited = messages !== null || bytes !== null || controlFrames !== null
  return {
    handshakes: rateOption('rateLimit.handshakes', options.handshakes),
    connection: isLimited ? { messages, bytes, controlFrames, onExceeded } : null,
  }
}
