import { requestFields } from '../client/request-fields.ts'
import { deflateOptionNames, type PerMessageDeflateOptions } from '../extensions/permessage-deflate/options.ts'
import { serverOptionNames, type WebSocketServerOptions } from '../server/options.ts'
import { type ClientOptions, clientOptionNames } from '../socket/client-options.ts'
import { dropUnknown } from './unknown-options.ts'

const MAX_PAYLOAD = 100 << 20
const MAX_WINDOW_BITS = 15
/** What zlib takes when nobody says anything. */
const MEM_LEVEL = 8

/** Options whose numbers `ws` coerces; 0 of `maxPayload` means that there is no limit. */
const NUMBERS = ['backlog', 'closeTimeout', 'handshakeTimeout', 'maxFragments', 'maxPayload', 'port'] as const

/** Options that `ws` has and we have no use for; docs/migrating-from-ws.md says why. */
const UNUSED = ['allowSynchronousEvents', 'maxBufferedChunks', 'maxPendingAutoPongs', 'skipUTF8Validation'] as const

/** Our own, and one that we refuse with a word of its own. */
const CLIENT_NAMES = { ...clientOptionNames, agent: true } as const

/** Fields that a client writes itself; `ws` writes over what the application gives. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'sec-websocket-extensions',
  'sec-websocket-key',
  'sec-websocket-protocol',
  'sec-websocket-version',
  'upgrade',
])

/** Options of a server with the defaults of `ws` where a drop-in user would notice. */
export function serverPreset<Data>(options: WebSocketServerOptions<Data>): WebSocketServerOptions<Data> {
  const { perMessageDeflate = false, ...given } = normalise('WebSocketServer', options, serverOptionNames)
  return {
    maxPayload: MAX_PAYLOAD,
    textFormat: 'buffer',
    withoutListener: 'discard',
    maxBackpressure: Number.POSITIVE_INFINITY,
    softBackpressure: Number.POSITIVE_INFINITY,
    heartbeat: false,
    origins: 'any',
    handleProtocols: firstOffered,
    ...given,
    perMessageDeflate: deflatePreset(perMessageDeflate),
  }
}

/** Options of a client with the defaults of `ws` where a drop-in user would notice. */
export function clientPreset(options: ClientOptions): ClientOptions {
  const { headers, perMessageDeflate = true, ...given } = normalise('WebSocket', options, CLIENT_NAMES)
  const fields = requestFields(headers).filter(([name]) => !OWN_FIELDS.has(name.toLowerCase()))
  return {
    maxPayload: MAX_PAYLOAD,
    textFormat: 'buffer',
    withoutListener: 'discard',
    maxBackpressure: Number.POSITIVE_INFINITY,
    softBackpressure: Number.POSITIVE_INFINITY,
    handshakeTimeout: Number.POSITIVE_INFINITY,
    ...given,
    perMessageDeflate: deflatePreset(perMessageDeflate),
    headers: fields,
  }
}

/** Compression with the defaults of `ws`: windows of 32 KiB, kept from message to message, and what zlib takes for itself. */
function deflatePreset(option: boolean | PerMessageDeflateOptions): boolean | PerMessageDeflateOptions {
  if (option !== true && typeof option !== 'object') return option
  const members = givenMembers(option === true ? {} : option)
  dropUnknown('option perMessageDeflate', members, deflateOptionNames)
  const given = members as PerMessageDeflateOptions
  const zlib: { memLevel?: number } = { ...given.zlibDeflateOptions }
  return {
    memLevel: zlib.memLevel ?? MEM_LEVEL,
    ...given,
    serverNoContextTakeover: Boolean(given.serverNoContextTakeover),
    clientNoContextTakeover: Boolean(given.clientNoContextTakeover),
    serverMaxWindowBits: windowBits(given.serverMaxWindowBits),
    clientMaxWindowBits: windowBits(given.clientMaxWindowBits),
  }
}

/** `ws` takes false and true for windows that nobody limits. */
function windowBits(given: number | boolean = MAX_WINDOW_BITS): number {
  return typeof given === 'boolean' ? MAX_WINDOW_BITS : given
}

/** `ws` takes the first subprotocol of the client unless the application chooses. */
function firstOffered(protocols: Set<string>): string | false {
  const [first] = protocols
  return first ?? false
}

/** Numbers may come as text. */
function normalise<Options extends object>(where: string, options: Options, names: Record<string, true>): Options {
  const given = givenMembers(options)
  for (const name of UNUSED) delete given[name]
  dropUnknown(where, given, names)
  for (const name of NUMBERS) {
    if (name in given) given[name] = Number(given[name])
  }
  if (given['maxPayload'] === 0) given['maxPayload'] = Number.POSITIVE_INFINITY
  return given as Options
}

/** null stands for the default, as does undefined. */
function givenMembers(options: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null && value !== undefined))
}
