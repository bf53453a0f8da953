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

/** Tells subscribers of `framewright:connectionError`, if there are any. */
export function publishConnectionError(message: ConnectionErrorMessage): void {
  if (connectionError.hasSubscribers) connectionError.publish(message)
}
