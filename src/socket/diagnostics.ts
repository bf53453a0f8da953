import { channel } from 'node:diagnostics_channel'

/** What subscribers of the diagnostics channel `framewright:connectionError` get. */
export interface ConnectionErrorMessage {
  readonly error: Error
  /** The WebSocket; undefined during the opening handshake of a server. */
  readonly ws: object | undefined
  /** The request that opened the connection; undefined before its head is complete, and on a client. */
  readonly request: object | undefined
}

const connectionError = channel('framewright:connectionError')

/**
 * A connection as a report of the application's fault names it.
 *
 * @param address - the peer's, as far as it can be trusted; undefined: none is known
 */
export function connectionOf(socket: object | undefined, address: string | undefined): string {
  const { remoteAddress, remotePort } = (socket ?? {}) as { remoteAddress?: string; remotePort?: number }
  const transport = remoteAddress === undefined ? undefined : `${remoteAddress} port ${remotePort}`
  if (address === undefined || address === remoteAddress) {
    return transport === undefined ? 'on a connection without an address' : `on the connection of ${transport}`
  }
  return `on the connection of ${address}${transport === undefined ? '' : ` by ${transport}`}`
}

/** Tells subscribers of `framewright:connectionError`, if there are any. */
export function publishConnectionError(message: ConnectionErrorMessage): void {
  if (connectionError.hasSubscribers) connectionError.publish(message)
}
