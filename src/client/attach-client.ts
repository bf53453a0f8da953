import type { Duplex } from 'node:stream'
import type { Extension } from '../extensions/extension.ts'
import { emit, type Guard, printUnseen } from '../ground/application.ts'
import { nextTick } from '../ground/scheduling.ts'
import { formatExtensions } from '../handshake/grammar.ts'
import type { NegotiatedExtension } from '../handshake/negotiation.ts'
import { connectionOf, publishConnectionError } from '../socket/diagnostics.ts'
import { attach, describeError, guardOf, startReading, transportOf, type WebSocket } from '../socket/websocket.ts'
import { type DriverSettings, driverOptionsOf } from './options.ts'

/** What an opening handshake settled. */
export interface ClientAttachment {
  readonly socket: Duplex
  /** Whether the transport is plain TCP or a Unix socket. */
  readonly isPlain: boolean
  readonly protocol: string
  /** Extensions in use; at most one owns RSV1, so at most one changes messages. */
  readonly extensions: readonly NegotiatedExtension<Extension>[]
  readonly options: DriverSettings
}

/** Makes a client's connection of a transport whose opening handshake is done. {@link beginClient} follows. */
export function attachClient<Data>(ws: WebSocket<Data>, attachment: ClientAttachment): void {
  const { socket, isPlain, protocol, extensions, options } = attachment
  attach(ws, {
    socket,
    driver: driverOptionsOf(options, isPlain, extensions[0]?.config ?? null, maskGuard(ws)),
    textFormat: options.socket.textFormat,
    withoutListener: options.socket.withoutListener,
    protocol,
    extensions: extensions.length === 0 ? '' : formatExtensions(extensions),
    data: undefined,
    remoteAddress: (socket as { remoteAddress?: string }).remoteAddress,
    onError: (error, isUnseen) => reportError(ws, error, isUnseen),
    onClosed: () => {},
  })
}

/**
 * Hears of a masking-key that could not be made: in the middle of a frame, which has to be finished first, so a tick later.
 */
function maskGuard<Data>(ws: WebSocket<Data>): Guard {
  return { handlerFailed: (error, source) => nextTick(() => guardOf(ws).handlerFailed(error, source)) }
}

/** Says `open`, and begins to read. @param head - bytes that came behind the response */
export function beginClient<Data>(ws: WebSocket<Data>, head: Uint8Array): void {
  emit(guardOf(ws), ws, 'open')
  startReading(ws, head)
}

/** Tells the diagnostics channel. `isUnseen`: the application's own fault, to which nobody listens. */
export function reportError<Data>(ws: WebSocket<Data>, error: Error, isUnseen: boolean): void {
  ws[describeError](error)
  publishConnectionError({ error, ws, request: undefined })
  if (isUnseen) printUnseen(error, connectionOf(transportOf(ws), ws.remoteAddress))
}
