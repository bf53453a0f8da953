/*
 * Gives output to a transport, and knows how much of it waits.
 *
 * `write` of a stream keeps an account of each write, and a tick later takes it back, also when the system took the bytes
 * at once, as it nearly always does. So a plain socket whose stream is empty gets its bytes past that, by the `_write` or
 * `_writev` that the stream itself would call: it hands them to the system and calls back before it returns if they were
 * taken. If they were not, they count as waiting until it calls back; what is written meanwhile goes through the
 * stream, and the handle of the socket keeps the order.
 *
 * Node: `_write` and `_writev` of `net.Socket` are not meant to be called by others, so only versions in which it was tested are called
 * like that, and only sockets whose `write` nobody has replaced.
 *
 * Perf: `npm run bench -- echo`, one message under way: see docs/performance.md.
 */
import { Duplex } from 'node:stream'
import { toError } from '../ground/application.ts'
import { nextTick } from '../ground/scheduling.ts'
import type { SendCallback } from './send-callbacks.ts'
import { tapsOf } from './taps.ts'
import { isTestedNode } from './tested-node.ts'
import { destroyTransport } from './transport-listeners.ts'

/** What a stream calls the encoding of bytes. */
const ENCODING = 'buffer' as BufferEncoding

/** What a {@link TransportWriter} tells its owner. */
export interface WriterOwner {
  /** A write is done; not called when the system took everything at once and nobody waits for it. */
  written(): void
}

/** The write side of one transport. */
export class TransportWriter {
  readonly #transport: Duplex
  readonly #owner: WriterOwner
  readonly #isPlain: boolean
  /** Bytes that were written past the stream and wait. */
  #direct = 0
  /** Writes of the stream that are not done. */
  #streamed = 0
  #isWriting = false

  /**
   * What somebody else wrote to the transport before counts as written by this one.
   *
   * @param writesAreCopied - whether a write that has completed leaves no reference to its bytes
   */
  constructor(transport: Duplex, owner: WriterOwner, writesAreCopied: boolean) {
    this.#transport = transport
    this.#owner = owner
    this.#isPlain = writesAreCopied && isTestedNode && isPlainSocket(transport)
    if (transport.writableLength > 0) this.#stream('', null)
  }

  /** Bytes that the transport has got and the system has not. */
  get pending(): number {
    return this.#streamed === 0 ? this.#direct : this.#direct + this.#transport.writableLength
  }

  /**
   * Writes pieces, in order.
   *
   * @param callback - called when all is written, or cannot be, and never before this returns; null: there is none
   * @param isAwaited - whether the owner wants to hear that it is done, also when the system takes all at once
   */
  write(pieces: readonly Uint8Array[], callback: SendCallback | null, isAwaited: boolean): void {
    const transport = this.#transport
    const last = pieces.length - 1
    const taps = tapsOf(transport)
    if (taps !== undefined) taps.sent(pieces)
    if (callback === null && !isAwaited && this.#isPlain && this.pending === 0) {
      this.#writeDirectly(pieces)
      return
    }
    try {
      if (last > 0) transport.cork()
      for (let i = 0; i < last; i++) transport.write(pieces[i])
      this.#stream(pieces[last]!, callback)
      if (last > 0) transport.uncork()
    } catch (thrown) {
      destroyTransport(transport, toError(thrown))
    }
  }

  /** The stream says `drain` only above its own mark; whoever waits for less hears of the write itself. */
  #stream(piece: Uint8Array | '', callback: SendCallback | null): void {
    this.#streamed++
    this.#transport.write(piece, (error) => {
      this.#streamed--
      callback?.(error)
      this.#owner.written()
    })
  }

  #writeDirectly(pieces: readonly Uint8Array[]): void {
    const transport = this.#transport
    for (const piece of pieces) this.#direct += piece.length
    this.#isWriting = true
    if (pieces.length === 1) transport._write(pieces[0], ENCODING, this.#wroteDirectly)
    else
      transport._writev!(
        pieces.map((chunk) => ({ chunk, encoding: ENCODING })),
        this.#wroteDirectly,
      )
    this.#isWriting = false
  }

  readonly #wroteDirectly = (error?: Error | null): void => {
    this.#direct = 0
    if (!this.#isWriting) {
      if (error) this.#transport.destroy(error)
      this.#owner.written()
      // What fails at once is reported in a tick of its own, as by a stream.
    } else if (error) nextTick(() => this.#transport.destroy(error))
  }
}

/** Whether it is a socket of Node's whose `write` is the one of its stream. */
function isPlainSocket(transport: Duplex): boolean {
  const handle = (transport as { _handle?: { writeBuffer?: unknown } | null })._handle
  return typeof handle?.writeBuffer === 'function' && transport.write === Duplex.prototype.write
}
