import type { Duplex } from 'node:stream'
import { attachClient, beginClient } from '../client/attach-client.ts'
import { checkOptionNames, type OptionNames } from '../ground/option-names.ts'
import { Heartbeat } from '../socket/heartbeat.ts'
import { checkSocketOptions, type SocketOptions, socketOptionNames } from '../socket/options.ts'
import { withPools } from '../socket/shared.ts'
import { attach, startReading, WebSocket } from '../socket/websocket.ts'
import { memoryPair } from './memory-duplex.ts'

/** Options of {@link connectedPair} and `scriptedPeer`. */
export interface PairOptions<Data = unknown> {
  /** Options of the server's side. */
  readonly server?: SocketOptions
  /** Options of the client's side. */
  readonly client?: SocketOptions
  /** `ws.data` of the server's side. */
  readonly data?: Data
  /** The subprotocol in use. Default none. */
  readonly protocol?: string
  /** `ws.remoteAddress` of the server's side. */
  readonly remoteAddress?: string
}

const pairOptionNames = {
  server: true,
  client: true,
  data: true,
  protocol: true,
  remoteAddress: true,
} satisfies OptionNames<PairOptions>

/** Two ends of one connection. */
export interface ConnectedPair<Data> {
  /** What a server gets in `connection`. */
  readonly server: WebSocket<Data>
  /** What a client made with `new WebSocket(url)`; its `open` is over. */
  readonly client: WebSocket
}

/**
 * Two WebSockets that are connected in memory, without a port and without an opening handshake: to test handlers.
 *
 * @throws UsageError when an option is wrong
 * @example
 * const { server, client } = connectedPair()
 * chat(server)
 * client.send('hello')
 */
export function connectedPair<Data = undefined>(options: PairOptions<Data> = {}): ConnectedPair<Data> {
  const [serverEnd, clientEnd] = memoryPair()
  const server = serverOn(serverEnd, options)
  const client = new WebSocket(null)
  const given = options.client ?? {}
  checkOptionNames('option client', given, socketOptionNames)
  const checked = { given, socket: checkSocketOptions(given, false) }
  attachClient(client, {
    socket: clientEnd,
    isPlain: false,
    protocol: options.protocol ?? '',
    extensions: [],
    options: checked,
  })
  beginClient(client, new Uint8Array(0))
  return { server, client }
}

/** The server's side of a connection on one end of a pair. */
export function serverOn<Data>(socket: Duplex, options: PairOptions<Data>): WebSocket<Data> {
  const ws = new WebSocket<Data>(null)
  checkOptionNames('the options of a pair', options, pairOptionNames)
  checkOptionNames('option server', options.server ?? {}, socketOptionNames)
  const checked = checkSocketOptions(options.server ?? {}, true)
  attach(ws, {
    socket,
    driver: {
      ...checked,
      connection: withPools({ ...checked, role: 'server' } as const),
      heartbeat: new Heartbeat(checked.clock, checked.heartbeat),
      writesAreCopied: false,
    },
    textFormat: checked.textFormat,
    withoutListener: checked.withoutListener,
    protocol: options.protocol ?? '',
    extensions: '',
    data: options.data,
    remoteAddress: options.remoteAddress,
    // A fault of the handler under test is for the test to see.
    onError: (error, isUnseen) => {
      if (isUnseen) process.emitWarning(error)
    },
    onClosed: () => {},
  })
  startReading(ws, new Uint8Array(0))
  return ws
}
