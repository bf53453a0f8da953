import type { Duplex } from 'node:stream'
import { readIntoSharedBuffer } from './static-read.ts'

/** What a transport tells whoever drives it. */
export interface TransportListener {
  /** The first `length` bytes of `chunk` came; they may be overwritten when this returns. */
  receive(chunk: Uint8Array, length: number): void
  receiveEnd(): void
  transportDrained(): void
  transportFailed(error: Error): void
  transportClosed(): void
}

/** The listeners of all sockets are the same few functions; this is how they find the driver. */
const listenerOf = Symbol('framewright.driver')
type DrivenSocket = Duplex & { [listenerOf]: TransportListener }

/**
 * Makes `socket` speak to `listener`. Nothing is read before the socket is resumed.
 *
 * @param isTcp - whether it is a plain TCP socket, so that it may read into the shared buffer
 */
export function listenTo(socket: Duplex, listener: TransportListener, isTcp: boolean): void {
  const driven = socket as DrivenSocket
  driven[listenerOf] = listener
  if (isTcp) readIntoSharedBuffer(driven, onRead)
  driven.on('data', onData)
  driven.on('end', onEnd)
  driven.on('drain', onDrain)
  driven.on('error', onError)
  driven.on('close', onClose)
}

function onRead(this: DrivenSocket, length: number, buffer: Uint8Array): void {
  this[listenerOf].receive(buffer, length)
}
function onData(this: DrivenSocket, chunk: Buffer): void {
  this[listenerOf].receive(chunk, chunk.length)
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
