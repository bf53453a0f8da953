import type { ConnectionOptions as TlsConnectionOptions } from 'node:tls'
import { UsageError } from '../errors.ts'
import type { Extension } from '../extensions/extension.ts'
import { checkDeflateOptions } from '../extensions/permessage-deflate/options.ts'
import { deflateProposer } from '../extensions/permessage-deflate/permessage-deflate.ts'
import type { Guard } from '../ground/application.ts'
import { checkOptionNames } from '../ground/option-names.ts'
import type { ExtensionProposer } from '../handshake/negotiation.ts'
import { limitOption } from '../protocol/options.ts'
import { type ClientOptions, clientOptionNames } from '../socket/client-options.ts'
import { Heartbeat } from '../socket/heartbeat.ts'
import { booleanOption, type CheckedSocketOptions, checkSocketOptions } from '../socket/options.ts'
import type { SessionOptions } from '../socket/session.ts'
import { withPools } from '../socket/shared.ts'
import { maskingKeysOf, randomMaskingKey } from './masking-keys.ts'
import { type FieldPairs, requestFields } from './request-fields.ts'

/** {@link ClientOptions} after the checks. */
export interface CheckedClientOptions {
  readonly given: ClientOptions
  readonly socket: CheckedSocketOptions
  readonly handshakeTimeout: number
  readonly followRedirects: boolean
  readonly maxRedirects: number
  readonly extensions: readonly ExtensionProposer<Extension>[]
  /** Header fields of the request. */
  readonly fields: FieldPairs
  /** TLS options, the inline ones among them. */
  readonly tls: TlsConnectionOptions
}

const INLINE_TLS = [
  'ca',
  'cert',
  'checkServerIdentity',
  'ciphers',
  'key',
  'maxVersion',
  'minVersion',
  'passphrase',
  'pfx',
  'rejectUnauthorized',
  'secureContext',
  'servername',
] as const

/** `agent: false` is how others say that there shall be none. */
const NAMES = { ...clientOptionNames, agent: true } as const

/**
 * Checks the options of a client.
 *
 * @throws UsageError that names the option which is wrong
 */
export function checkClientOptions(options: ClientOptions): CheckedClientOptions {
  checkOptionNames('WebSocket', options, NAMES)
  if ('agent' in options && options.agent !== undefined && options.agent !== false) {
    throw new UsageError(
      'option agent: an upgraded connection is not pooled; use createConnection, for instance for a proxy',
    )
  }
  for (const name of ['createConnection', 'generateMask', 'finishRequest'] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'function') {
      throw new UsageError(`option ${name} is no function`)
    }
  }
  const tls: TlsConnectionOptions = {}
  for (const name of INLINE_TLS) {
    if (options[name] !== undefined) Object.assign(tls, { [name]: options[name] })
  }
  const deflate = checkDeflateOptions(options.perMessageDeflate ?? false)
  return {
    given: options,
    extensions: deflate === null ? [] : [deflateProposer(deflate)],
    socket: checkSocketOptions(options, false),
    fields: requestFields(options.headers),
    handshakeTimeout: limitOption('handshakeTimeout', options.handshakeTimeout, 10_000, 1),
    followRedirects: booleanOption('followRedirects', options.followRedirects, false),
    maxRedirects: limitOption('maxRedirects', options.maxRedirects, 10),
    tls: { ...tls, ...options.tls },
  }
}

/** Most clients have no heartbeat and real time; these share one watch, which only looks for stalled writes. */
let idleWatch: Heartbeat | null = null

/** The part of the options that matters once the opening handshake is done. */
export interface DriverSettings {
  readonly socket: CheckedSocketOptions
  readonly given: Pick<ClientOptions, 'clock' | 'generateMask'>
}

/**
 * What the driver of a client needs.
 *
 * @param writesAreCopied - whether the transport is plain TCP or a Unix socket
 * @param extension - the extension in use, or null
 * @param guard - who hears of what `generateMask` throws
 */
export function driverOptionsOf(
  options: DriverSettings,
  writesAreCopied: boolean,
  extension: Extension | null,
  guard: Guard,
): SessionOptions['driver'] {
  const { socket, given } = options
  const { generateMask } = given
  let heartbeat: Heartbeat
  if (socket.heartbeat === null && given.clock === undefined) {
    idleWatch ??= new Heartbeat(socket.clock, null)
    heartbeat = idleWatch
  } else heartbeat = new Heartbeat(socket.clock, socket.heartbeat)
  const maskingKey = generateMask === undefined ? randomMaskingKey : maskingKeysOf(generateMask, guard)
  const own = extension === null ? {} : { extension }
  const connection = withPools({ ...socket, role: 'client', maskingKey, ...own } as const)
  return { ...socket, connection, heartbeat, writesAreCopied }
}
