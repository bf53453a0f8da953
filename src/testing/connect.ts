import type { Duplex } from 'node:stream'
import '../client/dialler.ts'
import type { ClientOptions } from '../socket/client-options.ts'
import { WebSocket } from '../socket/websocket.ts'
import { memoryPair } from './memory-duplex.ts'

/** What {@link connectTo} needs of a server. */
export interface SocketTaker {
  handleSocket(socket: Duplex): void
}

/**
 * A client that goes through the whole opening handshake of a server, in memory: `authorize`, `origins` and the rest
 * decide as they do on a port.
 *
 * @param server - for instance `new WebSocketServer({ noServer: true })`
 * @param path - path and query. Default `'/'`
 * @param protocols - subprotocols to offer
 * @param options - as for `new WebSocket()`
 */
export function connectTo(
  server: SocketTaker,
  path = '/',
  protocols: string | readonly string[] = [],
  options: ClientOptions = {},
): WebSocket {
  const [serverEnd, clientEnd] = memoryPair()
  server.handleSocket(serverEnd)
  const createConnection = (): Duplex => clientEnd
  return new WebSocket(new URL(path, 'ws://localhost'), protocols, { ...options, createConnection })
}
