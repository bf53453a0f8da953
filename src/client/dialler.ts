import type { Duplex } from 'node:stream'
import { UsageError } from '../errors.ts'
import type { ClientOptions } from '../socket/client-options.ts'
import { checkSocketOptions } from '../socket/options.ts'
import { registerDialler, type WebSocket } from '../socket/websocket.ts'
import { attachClient, beginClient } from './attach-client.ts'
import { Dial } from './dial.ts'
import { checkClientOptions } from './options.ts'
import { parseTargetUrl } from './target-url.ts'

registerDialler((ws, address, protocols, options) => {
  const target = parseTargetUrl(address)
  return new Dial(ws, target, subprotocolList(protocols), checkClientOptions(options))
})

/** @throws UsageError when it is neither a string nor a list of strings */
function subprotocolList(protocols: unknown): readonly string[] {
  if (protocols === undefined) return []
  if (typeof protocols === 'string') return [protocols]
  if (!Array.isArray(protocols)) {
    throw new UsageError(`the subprotocols are of type ${typeof protocols}; give a string or a list of strings`)
  }
  const other: unknown = protocols.find((protocol) => typeof protocol !== 'string')
  if (other !== undefined || protocols.includes(undefined)) {
    throw new UsageError(`a subprotocol is of type ${other === null ? 'null' : typeof other}; it must be a string`)
  }
  return [...protocols]
}

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
