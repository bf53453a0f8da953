import { Opcode } from '../frames/opcode.ts'
import { GrowingBytes } from './growing-bytes.ts'
import type { MessageSink } from './listener.ts'

const NO_BYTES = new Uint8Array(0)

/** What becomes of the frames once fragments are joined. */
export interface MessageTarget {
  /** A whole message. `owned` bytes, which are all of their memory, belong to the receiver; others are only valid during the call. */
  message(isBinary: boolean, bytes: Uint8Array, start: number, end: number, owned: boolean): void
  /** A message begins that is cut. Who wants its pieces gives a sink; otherwise it comes whole. */
  messageStart?(isBinary: boolean): MessageSink | null
}

/**
 * Joins fragments to a message, RFC 6455 §5.4.
 *
 * The message goes to the sink that the target gives for it, piece by piece as it arrives, inside frames too; without a
 * sink it is copied: at most twice the bytes of the open message, however the stream is cut. Only a long one belongs to
 * whoever gets it.
 */
export class MessageAssembler {
  readonly #target: MessageTarget
  /** Made for the first message that is cut. */
  #collected: GrowingBytes | null = null
  /** Who takes the pieces of the open message; null: they are collected. */
  #sink: MessageSink | null = null
  #isBinary = false
  #fin = false
  /** Bytes of the frame in hand that have been announced and not come yet; caps how far ahead the buffer grows. */
  #awaited = 0
  #isOver = false

  constructor(target: MessageTarget) {
    this.#target = target
  }

  /** Bytes of memory held for the open message. */
  get capacity(): number {
    return this.#collected === null ? 0 : this.#collected.capacity
  }

  dataFrame(opcode: number, fin: boolean, bytes: Uint8Array, start: number, end: number): void {
    if (opcode !== Opcode.Continuation) this.#begin(opcode)
    // @req 6455-5.4-3 @req 6455-5.4-7
    if (end > start) this.#take(bytes, start, end)
    if (fin) this.#deliver()
  }

  dataFrameStart(opcode: number, fin: boolean, payloadLength: number): void {
    if (opcode !== Opcode.Continuation) this.#begin(opcode)
    this.#fin = fin
    this.#awaited = payloadLength
  }

  dataFramePayload(bytes: Uint8Array, start: number, end: number): void {
    this.#take(bytes, start, end)
    this.#awaited -= end - start
  }

  dataFrameEnd(fin: boolean): void {
    if (fin) this.#deliver()
  }

  /** Frees the open message; a sink is told that it will not be complete. Nothing is handed on after this. */
  discard(): void {
    this.#isOver = true
    const sink = this.#sink
    this.#clear()
    sink?.abort()
  }

  #clear(): void {
    this.#collected?.clear()
    this.#awaited = 0
    this.#sink = null
  }

  #begin(opcode: number): void {
    this.#isBinary = opcode === Opcode.Binary
    this.#fin = false
    this.#sink = this.#target.messageStart?.(this.#isBinary) ?? null
    // Whoever was told may have ended the connection.
    if (this.#isOver) this.discard()
  }

  #take(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isOver) return
    if (this.#sink !== null) {
      this.#sink.piece(bytes, start, end)
      return
    }
    this.#collected ??= new GrowingBytes()
    // The last frame says how long the message will be: then the buffer never grows past the message.
    const isKnown = this.#fin && this.#awaited > 0
    const most = isKnown ? this.#collected.length + this.#awaited : Number.POSITIVE_INFINITY
    this.#collected.append(bytes, start, end, most)
  }

  #deliver(): void {
    // A sink may have ended the connection with the last piece.
    if (this.#isOver) return
    const sink = this.#sink
    const collected = this.#collected
    this.#awaited = 0
    this.#sink = null
    if (sink !== null) sink.end()
    else if (collected === null) this.#target.message(this.#isBinary, NO_BYTES, 0, 0, false)
    else {
      // What is handed on is not held any more, but its memory is not used again before it was taken.
      this.#collected = null
      const { bytes, length } = collected
      this.#target.message(this.#isBinary, bytes, 0, length, collected.isOwn)
      collected.clear()
      this.#collected ??= collected
    }
  }
}
