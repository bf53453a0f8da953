import type { Duplex } from 'node:stream'
import { readIntoSharedBuffer, releaseSharedBuffer } from './static-read.ts'

/** What a transport tells whoever drives it. */
export interface TransportListener {
  /**
   * The first `length` bytes of `chunk` came; they may be overwritten when this returns.
   *
   * @returns whether to read on at once; if not, `socket.resume()` goes on
   */
  receive(chunk: Uint8Array, length: number): boolean
  receiveEnd(): void
  transportDrained(): void
  transportFailed(error: Error): void
  transportClosed(): void
}

/** The listeners of all sockets are the same few functions; this is how they find whom they speak to. */
const listenerOf = Symbol('framewright.driver')
type DrivenSocket = Duplex & { [listenerOf]?: TransportListener | undefined }

/**
 * Makes `socket` speak to `listener`, from now on instead of whom it spoke to before.
 *
 * @param isTcp - whether it is a plain TCP socket, so that it may read into the shared buffer
 * @param isNew - whether nothing has been read from it yet
 */
export function listenTo(socket: Duplex, listener: TransportListener, isTcp: boolean, isNew = false): void {
  const driven = socket as DrivenSocket
  const hasListeners = driven[listenerOf] !== undefined
  driven[listenerOf] = listener
  if (hasListeners) return
  const isShared = isTcp && readIntoSharedBuffer(driven, onRead)
  // Perf: `npm run bench -- handshake`; a listener of `data` costs some ticks, and a socket that reads into the shared
  // buffer only needs it for what it had read before.
  if (!isShared || !isNew) driven.on('data', onData)
  driven.on('end', onEnd)
  driven.on('drain', onDrain)
  driven.on('error', onError)
  driven.on('close', onClose)
}

/** Gives `socket` back to somebody who treats it as any other; what it reads comes by `data` again. */
export function stopListening(socket: Duplex): void {
  const driven = socket as DrivenSocket
  driven[listenerOf] = undefined
  driven.off('data', onData)
  driven.off('end', onEnd)
  driven.off('drain', onDrain)
  driven.off('error', onError)
  driven.off('close', onClose)
  releaseSharedBuffer(driven)
}

function onRead(this: DrivenSocket, length: number, buffer: Uint8Array): boolean {
  return this[listenerOf]!.receive(buffer, length)
}
function onData(this: DrivenSocket, chunk: Buffer): void {
  if (!this[listenerOf]!.receive(chunk, chunk.length)) this.pause()
}
function onEnd(this: DrivenSocket): void {
  this[listenerOf]!.receiveEnd()
}
function onDrain(this: DrivenSocket): void {
  this[listenerOf]!.transportDrained()
}
function onError(this: DrivenSocket, error: Error): void {
  this[listenerOf]!.transportFailed(error)
}
function onClose(this: DrivenSocket): void {
  this[listenerOf]!.transportClosed()
}
