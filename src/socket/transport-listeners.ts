import type { Duplex } from 'node:stream'

/** What a transport tells whoever drives it. */
export interface TransportListener {
  receive(chunk: Uint8Array): void
  receiveEnd(): void
  transportDrained(): void
  transportFailed(error: Error): void
  transportClosed(): void
}

/** The listeners of all sockets are the same few functions; this is how they find the driver. */
const listenerOf = Symbol('framewright.driver')
type DrivenSocket = Duplex & { [listenerOf]: TransportListener }

/** Makes `socket` speak to `listener`. Nothing is read before the socket is resumed. */
export function listenTo(socket: Duplex, listener: TransportListener): void {
  const driven = socket as DrivenSocket
  driven[listenerOf] = listener
  driven.on('data', onData)
  driven.on('end', onEnd)
  driven.on('drain', onDrain)
  driven.on('error', onError)
  driven.on('close', onClose)
}

function onData(this: DrivenSocket, chunk: Buffer): void {
  this[listenerOf].receive(chunk)
}
function onEnd(this: DrivenSocket): void {
  this[listenerOf].receiveEnd()
}
function onDrain(this: DrivenSocket): void {
  this[listenerOf].transportDrained()
}
function onError(this: DrivenSocket, error: Error): void {
  this[listenerOf].transportFailed(error)
}
function onClose(this: DrivenSocket): void {
  this[listenerOf].transportClosed()
}
