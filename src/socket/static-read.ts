/*
 * Reads TCP sockets into one buffer that all connections share.
 *
 * A socket usually gets new memory of 64 KiB for each read, which is then cut to what came, wrapped in a Buffer and
 * pushed through a Readable. Node can also read into memory that is given to it (the documented option `onread` of
 * `net.Socket`), but a server cannot ask for that: the sockets it accepts are made without the option. So the three
 * fields that the option sets, and the call that tells the handle, are found here on the finished socket.
 *
 * Node: none of this is public for accepted sockets. Whatever does not look exactly as in the versions that were
 * tested leaves the socket as it is, and bytes come by `data`, which is listened to in any case.
 *
 * Perf: `npm run bench -- echo`, 64 connections: see docs/performance.md.
 */
import type { Duplex } from 'node:stream'
import { sharedReadBuffer } from '../frames/mask-memory.ts'
import { isTestedNode } from './tested-node.ts'

/**
 * Called for each read, with the socket as `this`. The bytes are overwritten by the next read of any socket.
 *
 * @returns false: nothing more is read before `socket.resume()`
 */
export type OnRead<Socket extends Duplex> = (this: Socket, length: number, buffer: Uint8Array) => boolean

/** The symbols under which `net.Socket` keeps its option `onread`. */
interface Keys {
  readonly buffer: symbol
  readonly callback: symbol
}

interface Handle {
  useUserBuffer?: (buffer: Uint8Array) => void
}

/** null: not looked for yet; undefined: not there. */
let keys: Keys | undefined | null = null

let shared: Uint8Array | null = null

/**
 * Makes a socket read into the shared buffer, if it is a TCP socket in which that is possible.
 *
 * Bytes that the socket has read before and not given out come by `data`, and only if nobody pauses it earlier than the
 * first call of `onRead`: wait until its buffer is empty.
 *
 * @returns whether it does
 */
export function readIntoSharedBuffer<Socket extends Duplex>(socket: Socket, onRead: OnRead<Socket>): boolean {
  if (!isTestedNode) return false
  const handle = (socket as { _handle?: Handle | null })._handle
  if (typeof handle?.useUserBuffer !== 'function') return false
  if (keys === null) keys = findKeys(socket)
  if (keys === undefined) return false
  const fields = socket as unknown as Record<symbol, unknown>
  // Somebody reads this socket in a way of his own.
  if (fields[keys.buffer] !== null || fields[keys.callback] !== null) return false
  shared ??= sharedReadBuffer()
  fields[keys.buffer] = shared
  fields[keys.callback] = onRead
  handle.useUserBuffer(shared)
  return true
}

/** Makes a socket readable by `data` again, in the ordinary way, if it read into the shared buffer. */
export function releaseSharedBuffer(socket: Duplex): void {
  if (!keys) return
  const fields = socket as unknown as Record<symbol, unknown>
  if (fields[keys.buffer] === shared) fields[keys.callback] = pushCopy
}

function pushCopy(this: Duplex, length: number, buffer: Uint8Array): boolean {
  return this.push(Uint8Array.prototype.slice.call(buffer, 0, length))
}

function findKeys(socket: Duplex): Keys | undefined {
  const symbols = Object.getOwnPropertySymbols(socket)
  const buffer = symbols.find(({ description }) => description === 'kBuffer')
  const callback = symbols.find(({ description }) => description === 'kBufferCb')
  return buffer === undefined || callback === undefined ? undefined : { buffer, callback }
}
