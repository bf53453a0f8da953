/*
 * Between a transport and whoever drives it.
 *
 * A transport may be any Duplex: one that had ended before it was given to us, one that says no `close`, one whose methods
 * throw. What it did before is for its taker to ask (`readable`, `writable`, `destroyed`); what it does not say after it
 * was destroyed is said here in its place, so that every transport has an end.
 */
import type { Duplex } from 'node:stream'
import { toError } from '../ground/application.ts'
import { setImmediate } from '../ground/scheduling.ts'
import { readIntoSharedBuffer, releaseSharedBuffer } from './static-read.ts'
import { tapsOf } from './taps.ts'

/** Turns of the event loop that a destroyed transport has to say `close`; a TCP socket needs one, TLS two. */
const TURNS_TO_CLOSE = 4

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
  /** It broke. */
  transportFailed(error: Error): void
  /** It is gone. May be told more than once. */
  transportClosed(): void
}

/** The listeners of all sockets are the same few functions; this is how they find whom they speak to. */
const listenerOf = Symbol('framewright.driver')
/** Whether it has said `error`. */
const hasFailed = Symbol('framewright.failed')
type DrivenSocket = Duplex & { [listenerOf]?: TransportListener | undefined; [hasFailed]?: boolean }

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
  const isEmpty = driven.readableLength === 0
  const isShared = isTcp && isEmpty && readIntoSharedBuffer(driven, onRead)
  driven.on('end', onEnd)
  driven.on('drain', onDrain)
  driven.on('error', onError)
  driven.on('close', onClose)
  // Perf: `npm run bench -- handshake`; a listener of `data` costs some ticks, and a socket that reads into the shared
  // buffer only needs it when it has read before.
  if (isShared && isNew) return
  const onBytes = isTcp && !isEmpty ? onEarlyData : onData
  // Node: it calls `resume()`.
  useTransport(driven, () => driven.on('data', onBytes))
}

/** Gives `socket` back to somebody who treats it as any other; what it reads comes by `data` again. */
export function stopListening(socket: Duplex): void {
  const driven = socket as DrivenSocket
  driven[listenerOf] = undefined
  driven.off('data', onData)
  driven.off('data', onEarlyData)
  driven.off('end', onEnd)
  driven.off('drain', onDrain)
  driven.off('error', onError)
  driven.off('close', onClose)
  releaseSharedBuffer(driven)
}

/** Whom `socket` speaks to; undefined: nobody of ours. */
export function listenerTo(socket: Duplex): TransportListener | undefined {
  return (socket as DrivenSocket)[listenerOf]
}

/** Destroys `socket`, and sees to it that its listener hears of the end. @param error - why, if it broke */
export function destroyTransport(socket: Duplex, error?: Error): void {
  if (!socket.destroyed) tapsOf(socket)?.destroyed()
  try {
    socket.destroy(error)
  } catch (thrown) {
    // It may be left as it was: then it is over all the same, since nobody of ours speaks to it any more.
    listenerTo(socket)?.transportFailed(toError(thrown))
  }
  awaitClose(socket, TURNS_TO_CLOSE)
}

/** Does something with `socket`, which may be of any class: what it throws breaks it, as an `error` would. */
export function useTransport(socket: Duplex, use: () => void): void {
  try {
    use()
  } catch (thrown) {
    destroyTransport(socket, toError(thrown))
  }
}

/** Stops reading. */
export function pauseTransport(socket: Duplex): void {
  useTransport(socket, () => socket.pause())
}

/** Reads on. */
export function resumeTransport(socket: Duplex): void {
  useTransport(socket, () => socket.resume())
}

/** Writes past whoever drives the transport: the answer to an opening handshake. */
export function writeTo(socket: Duplex, bytes: Uint8Array): void {
  tapsOf(socket)?.sent([bytes])
  socket.write(bytes)
}

/** Ends our direction. @param last - what goes out before */
export function endTransport(socket: Duplex, last?: Uint8Array): void {
  const taps = tapsOf(socket)
  if (last !== undefined) taps?.sent([last])
  taps?.sentEnd()
  useTransport(socket, () => socket.end(last))
}

/**
 * Lenient: a Duplex with `emitClose: false`, or whose `_destroy` calls back late or never, says no `close`; in the second
 * case no `error` either, although it has one.
 */
function awaitClose(socket: DrivenSocket, turns: number): void {
  setImmediate(() => {
    if (turns > 0) awaitClose(socket, turns - 1)
    else {
      if (socket.errored !== null && socket[hasFailed] !== true) socket[listenerOf]?.transportFailed(socket.errored)
      onClose.call(socket)
    }
  })
}

function onRead(this: DrivenSocket, length: number, buffer: Uint8Array): boolean {
  const taps = tapsOf(this)
  if (taps !== undefined) taps.received(buffer, 0, length)
  return this[listenerOf]!.receive(buffer, length)
}
function onData(this: DrivenSocket, chunk: Buffer): void {
  const taps = tapsOf(this)
  if (taps !== undefined) taps.received(chunk, 0, chunk.length)
  if (!this[listenerOf]!.receive(chunk, chunk.length)) pauseTransport(this)
}
/**
 * What lies in the stream's buffer comes before anything that the handle reads: a pause in between would let the handle
 * overtake it. So a TCP socket that had read before reads into the shared buffer only once its own is empty.
 */
function onEarlyData(this: DrivenSocket, chunk: Buffer): void {
  onData.call(this, chunk)
  if (this.readableLength > 0 || this.isPaused() || this[listenerOf] === undefined) return
  this.off('data', onEarlyData)
  this.on('data', onData)
  readIntoSharedBuffer(this, onRead)
}
function onEnd(this: DrivenSocket): void {
  tapsOf(this)?.receivedEnd()
  this[listenerOf]!.receiveEnd()
}
function onDrain(this: DrivenSocket): void {
  this[listenerOf]!.transportDrained()
}
function onError(this: DrivenSocket, error: Error): void {
  tapsOf(this)?.failed(error)
  this[hasFailed] = true
  this[listenerOf]!.transportFailed(error)
  // Of use for a stream that does not destroy itself (`autoDestroy: false`).
  destroyTransport(this)
}
function onClose(this: DrivenSocket): void {
  this[listenerOf]?.transportClosed()
  tapsOf(this)?.transportClosed()
}
