import { UsageError } from '../errors.ts'
import type { Extension } from '../extensions/extension.ts'
import type { Role } from '../frames/header.ts'
import { SlabPool } from './output.ts'
import { ParserPool } from './parser-pool.ts'

/** Limits of one connection. Each is finite by default; `Infinity` lifts one, 0 is a limit like any other. */
export interface ProtocolLimits {
  /**
   * Most bytes in one message. A longer one fails the connection with 1009 at the header that announces it.
   * Default 1 MiB, as in python-websockets; `ws` allows 100 MiB.
   */
  readonly maxPayload: number
  /**
   * Most frames in one message; one more fails the connection with 1008. Pieces are copied into one buffer, so the
   * limit bounds work, not memory. Default 131,072, twice what the longest message of Autobahn takes in frames of 64
   * bytes; `ws` allows 16,384.
   */
  readonly maxFragments: number
  /**
   * Most frames that one call of `receive` or `resume` reads before the rest waits for the next turn, so that one
   * flood cannot starve the other connections. Default 1,000.
   */
  readonly maxFramesPerTurn: number
}

/** Options of a {@link Connection}. */
export interface ConnectionOptions extends Partial<ProtocolLimits> {
  /** Which end we are. */
  readonly role: Role
  /** Whether a Ping is answered by itself, RFC 6455 §5.5.2. Default true; false leaves it to the listener. */
  readonly autoPong?: boolean
  /**
   * Gives a fresh masking-key as a 32-bit integer from a strong source of entropy, RFC 6455 §5.3.
   * Needed when `role` is `'client'`, unused otherwise.
   */
  readonly maskingKey?: () => number
  /** Where output is written before it is taken; one for all connections of a process. Default: one of its own. */
  readonly slabPool?: SlabPool
  /** Where parsers wait that no connection needs; one for all connections of a process. Default: one of its own. */
  readonly parserPool?: ParserPool
  /** What the opening handshake agreed on, RFC 6455 §9. Default: nothing. */
  readonly extension?: Extension | null
}

/** The default limits. */
export const defaultLimits: ProtocolLimits = Object.freeze({
  maxPayload: 1 << 20,
  maxFragments: 131_072,
  maxFramesPerTurn: 1000,
})

/** Options of which nothing is left open that both halves of a connection ask for. */
export type CheckedConnectionOptions = ConnectionOptions &
  ProtocolLimits &
  Required<Pick<ConnectionOptions, 'slabPool' | 'parserPool'>>

/**
 * The options of a connection, checked, with defaults for what is not given.
 *
 * Perf: `npm run bench -- memory`; complete options that nobody can change are not copied for each connection.
 *
 * @throws UsageError when a limit is no limit
 */
export function checkConnectionOptions(options: ConnectionOptions): CheckedConnectionOptions {
  const { slabPool, parserPool } = options
  const maxPayload = limitOption('maxPayload', options.maxPayload, defaultLimits.maxPayload)
  const maxFragments = limitOption('maxFragments', options.maxFragments, defaultLimits.maxFragments, 1)
  const maxFramesPerTurn = limitOption('maxFramesPerTurn', options.maxFramesPerTurn, defaultLimits.maxFramesPerTurn, 1)
  if (Object.isFrozen(options) && isComplete(options)) return options
  return {
    ...options,
    maxPayload,
    maxFragments,
    maxFramesPerTurn,
    slabPool: slabPool ?? new SlabPool(),
    parserPool: parserPool ?? new ParserPool(),
  }
}

function isComplete(options: ConnectionOptions): options is CheckedConnectionOptions {
  const { maxPayload, maxFragments, maxFramesPerTurn, slabPool, parserPool } = options
  return ![maxPayload, maxFragments, maxFramesPerTurn, slabPool, parserPool].includes(undefined)
}

/**
 * Checks a number option; a wrong one is refused, never coerced.
 *
 * @param name - the option's name, for the message
 * @param value - what the caller gave; undefined means `fallback`
 * @param min - the least value allowed; default 0
 * @returns `value`, or `fallback` when it is undefined
 * @throws UsageError when it is not an integer of at least `min`, or `Infinity`
 */
export function limitOption(name: string, value: unknown, fallback: number, min = 0): number {
  if (value === undefined) return fallback
  if (
    typeof value !== 'number' ||
    !(value >= min) ||
    !(Number.isInteger(value) || value === Number.POSITIVE_INFINITY)
  ) {
    throw new UsageError(`option ${name} is ${String(value)}; it must be an integer of at least ${min}, or Infinity`)
  }
  return value
}
