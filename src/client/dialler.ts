import type { Duplex } from 'node:stream'
import type { ClientOptions } from '../socket/client-options.ts'
import { checkSocketOptions } from '../socket/options.ts'
import { registerDialler, type WebSocket } from '../socket/websocket.ts'
import { attachClient, beginClient } from './attach-client.ts'
import { Dial } from './dial.ts'
import { checkClientOptions } from './options.ts'
import { parseTargetUrl } from './target-url.ts'

registerDialler((ws, address, protocols, options) => {
  const target = parseTargetUrl(address)
  const subprotocols = protocols === undefined ? [] : typeof protocols === 'string' ? [protocols] : [...protocols]
  return new Dial(ws, target, subprotocols, checkClientOptions(options))
})

/**
 * Makes a client's connection of a transport on which the opening handshake is done already. `open` comes before this
 * returns.
 *
 * @param ws - made with `new WebSocket(null)`
 * @param head - bytes that came behind the response
 */
export function adoptTransport<Data>(
  ws: WebSocket<Data>,
  socket: Duplex,
  head: Uint8Array,
  options: ClientOptions = {},
): void {
  const checked = { given: options, socket: checkSocketOptions(options, false) }
  attachClient(ws, { socket, isPlain: false, protocol: '', extensions: [], options: checked })
  beginClient(ws, head)
}
