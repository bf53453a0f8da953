import { channel } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import type { WebSocket } from '../socket/websocket.ts'
import type { UpgradeRequest } from './upgrade-request.ts'

/** What subscribers of the diagnostics channel `framewright:connectionError` get. */
export interface ConnectionErrorMessage {
  readonly error: Error
  readonly ws: WebSocket<unknown> | undefined
  readonly request: UpgradeRequest | IncomingMessage | undefined
}

const connectionError = channel('framewright:connectionError')

/** Tells subscribers of `framewright:connectionError`, if there are any. */
export function publishConnectionError(message: ConnectionErrorMessage): void {
  if (connectionError.hasSubscribers) connectionError.publish(message)
}
