import { UsageError } from '../../errors.ts'
import { checkOptionNames, type OptionNames } from '../../ground/option-names.ts'
import type { CompressRule } from './deflating-encoder.ts'
import { type DeflateParameters, MAX_WINDOW_BITS, MIN_WINDOW_BITS } from './parameters.ts'
import { MAX_STRATEGY } from './zlib.ts'

/**
 * Options of the compression of messages, RFC 7692. Names and meanings are those of `ws`; the defaults keep a connection
 * small.
 *
 * A client asks its server for what is given here, and for nothing by default: its one offer is then
 * `permessage-deflate; client_max_window_bits`. For what it sends itself the defaults hold, which it need not say.
 */
export interface PerMessageDeflateOptions {
  /**
   * Whether the server forgets its window after each message, §7.1.1.1. Default true: connections share the memory, and
   * messages that resemble each other do not profit from it. A client leaves it to the server by default.
   */
  serverNoContextTakeover?: boolean | undefined
  /**
   * The same of the client, §7.1.1.2. Default true. A server asks every client for it, which RFC 7692 allows; set false
   * for clients that do not heed it, such as Tornado's: their second message would end the connection with 1007.
   */
  clientNoContextTakeover?: boolean | undefined
  /**
   * log2 of the largest window of the server, 9-15, §7.1.2.1. Default 12, which a server tells only a client that asks; a
   * client leaves it to the server by default.
   */
  serverMaxWindowBits?: number | undefined
  /** log2 of the largest window of the client, 9-15, §7.1.2.2; true leaves it to the other side. Default 12. */
  clientMaxWindowBits?: number | true | undefined
  /** Bytes from which on a message is compressed, with context takeover too. Default 1024. */
  threshold?: number | undefined
  /**
   * Whether a message is compressed for which `send()` does not say so itself, or a function that decides. Default true.
   */
  compress?: boolean | CompressRule | undefined
  /** 0 (fastest) to 9 (smallest), or -1 for zlib's choice, 6. Default -1. */
  level?: number | undefined
  /** Memory for deflating, 1-9: 2^(memLevel + 9) bytes. Default 5. */
  memLevel?: number | undefined
  /** `level`, `memLevel` and zlib's `strategy` as `ws` has them; other members are ignored. */
  zlibDeflateOptions?: object | undefined
  /** Stands here because `ws` has it; there is nothing to choose. */
  zlibInflateOptions?: object | undefined
  /** Stands here because `ws` has it; at most four messages are compressed or inflated on other threads. */
  concurrencyLimit?: number | undefined
}

/** {@link PerMessageDeflateOptions} after the checks. */
export interface CheckedDeflateOptions {
  readonly serverNoContextTakeover: boolean
  readonly clientNoContextTakeover: boolean
  readonly serverMaxWindowBits: number
  readonly clientMaxWindowBits: number
  readonly threshold: number
  readonly compress: boolean | CompressRule
  readonly level: number
  readonly memLevel: number
  readonly strategy: number
  /** What a client offers. */
  readonly offer: DeflateParameters
}

/** Every option of {@link PerMessageDeflateOptions}. */
export const deflateOptionNames = {
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  serverMaxWindowBits: true,
  clientMaxWindowBits: true,
  threshold: true,
  compress: true,
  level: true,
  memLevel: true,
  zlibDeflateOptions: true,
  zlibInflateOptions: true,
  concurrencyLimit: true,
} satisfies OptionNames<PerMessageDeflateOptions>

const DEFAULT_WINDOW_BITS = 12
const DEFAULT_MEM_LEVEL = 5
const DEFAULT_THRESHOLD = 1024

/**
 * Checks the option `perMessageDeflate`.
 *
 * @returns null when compression is off
 * @throws UsageError that names what is wrong
 */
export function checkDeflateOptions(option: boolean | PerMessageDeflateOptions): CheckedDeflateOptions | null {
  if (option === false) return null
  if (option !== true && (typeof option !== 'object' || option === null)) {
    throw new UsageError(`option perMessageDeflate is ${String(option)}; it must be a boolean or an object`)
  }
  const options: PerMessageDeflateOptions = option === true ? {} : option
  checkOptionNames('option perMessageDeflate', options, deflateOptionNames)
  const { zlibDeflateOptions = {}, clientMaxWindowBits, compress = true } = options
  const zlib = zlibDeflateOptions as { level?: unknown; memLevel?: unknown; strategy?: unknown }
  if (typeof compress !== 'boolean' && typeof compress !== 'function') {
    throw new UsageError(`option perMessageDeflate.compress is ${String(compress)}; it must be a boolean or a function`)
  }
  const bits = clientMaxWindowBits === true ? MAX_WINDOW_BITS : clientMaxWindowBits
  const checked = {
    serverNoContextTakeover: flag('serverNoContextTakeover', options.serverNoContextTakeover),
    clientNoContextTakeover: flag('clientNoContextTakeover', options.clientNoContextTakeover),
    serverMaxWindowBits: integer(
      'serverMaxWindowBits',
      options.serverMaxWindowBits ?? DEFAULT_WINDOW_BITS,
      MIN_WINDOW_BITS,
      MAX_WINDOW_BITS,
    ),
    clientMaxWindowBits: integer('clientMaxWindowBits', bits ?? DEFAULT_WINDOW_BITS, MIN_WINDOW_BITS, MAX_WINDOW_BITS),
    threshold: integer('threshold', options.threshold ?? DEFAULT_THRESHOLD, 0, Number.MAX_SAFE_INTEGER),
    compress,
    level: integer('level', options.level ?? zlib.level ?? -1, -1, 9),
    memLevel: integer('memLevel', options.memLevel ?? zlib.memLevel ?? DEFAULT_MEM_LEVEL, 1, 9),
    strategy: integer('zlibDeflateOptions.strategy', zlib.strategy ?? 0, 0, MAX_STRATEGY),
  }
  return { ...checked, offer: offerOf(options) }
}

/** What the application gave, and no limit that nobody needs to hear of. */
function offerOf(options: PerMessageDeflateOptions): DeflateParameters {
  const { serverMaxWindowBits = MAX_WINDOW_BITS, clientMaxWindowBits = true } = options
  return {
    serverNoContextTakeover: options.serverNoContextTakeover === true,
    clientNoContextTakeover: options.clientNoContextTakeover === true,
    serverMaxWindowBits: serverMaxWindowBits === MAX_WINDOW_BITS ? undefined : serverMaxWindowBits,
    clientMaxWindowBits: clientMaxWindowBits === MAX_WINDOW_BITS ? true : clientMaxWindowBits,
  }
}

function flag(name: string, value: unknown): boolean {
  if (value === undefined) return true
  if (typeof value !== 'boolean') {
    throw new UsageError(`option perMessageDeflate.${name} is ${String(value)}; it must be true or false`)
  }
  return value
}

function integer(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw new UsageError(
      `option perMessageDeflate.${name} is ${String(value)}; it must be an integer from ${min} to ${max}`,
    )
  }
  return value
}
