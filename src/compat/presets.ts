import type { WebSocketServerOptions } from '../server/options.ts'
import type { ClientOptions } from '../socket/client-options.ts'

const MAX_PAYLOAD = 100 << 20

/** Options whose numbers `ws` coerces; 0 of `maxPayload` means that there is no limit. */
const NUMBERS = ['backlog', 'closeTimeout', 'handshakeTimeout', 'maxFragments', 'maxPayload', 'port'] as const

/** Options that `ws` has and we have no use for; docs/migrating-from-ws.md says why. */
const UNUSED = ['allowSynchronousEvents', 'maxBufferedChunks', 'maxPendingAutoPongs', 'skipUTF8Validation'] as const

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
  const given = normalise(options)
  return {
    maxPayload: MAX_PAYLOAD,
    textFormat: 'buffer',
    withoutListener: 'discard',
    heartbeat: false,
    origins: 'any',
    handleProtocols: firstOffered,
    ...given,
  }
}

/** Options of a client with the defaults of `ws` where a drop-in user would notice. */
export function clientPreset(options: ClientOptions): ClientOptions {
  const { headers, ...given } = normalise(options)
  const fields = Object.entries(headers ?? {}).filter(([name]) => !OWN_FIELDS.has(name.toLowerCase()))
  return {
    maxPayload: MAX_PAYLOAD,
    textFormat: 'buffer',
    withoutListener: 'discard',
    handshakeTimeout: Number.POSITIVE_INFINITY,
    perMessageDeflate: true,
    ...given,
    headers: Object.fromEntries(fields),
  }
}

/** `ws` takes the first subprotocol of the client unless the application chooses. */
function firstOffered(protocols: Set<string>): string | false {
  const [first] = protocols
  return first ?? false
}

/** null stands for the default, as does undefined; numbers may come as text. */
function normalise<Options extends object>(options: Options): Options {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null && value !== undefined))
  for (const name of UNUSED) delete given[name]
  for (const name of NUMBERS) {
    if (name in given) given[name] = Number(given[name])
  }
  if (given['maxPayload'] === 0) given['maxPayload'] = Number.POSITIVE_INFINITY
  return given as Options
}
