import { uninitialised } from '../frames/bytes.ts'
import { Opcode } from '../frames/opcode.ts'
import type { FrameSink } from '../frames/parser.ts'
import type { Violation } from '../frames/violation.ts'

/** What becomes of the frames once fragments are joined. */
export interface MessageTarget {
  /** A whole message. `owned` bytes belong to the receiver; others are only valid during the call. */
  message(isBinary: boolean, bytes: Uint8Array, start: number, end: number, owned: boolean): void
  controlFrame(opcode: number, bytes: Uint8Array, start: number, end: number): void
  violated(violation: Violation): void
  /** Called for every data frame, so that work can be counted. */
  frameRead(): void
}

const NO_BYTES = new Uint8Array(0)
const LEAST_CAPACITY = 256

/**
 * Joins fragments to messages, RFC 6455 §5.4.
 *
 * A message in one frame inside one chunk is handed on as it lies there. Everything else is copied into one growing
 * buffer. It is sized by the bytes that came, never by the length that was announced: at most twice the bytes of the
 * open message, however the stream is cut.
 */
export class MessageAssembler implements FrameSink {
  readonly #target: MessageTarget
  #isBinary = false
  #fin = false
  #buffer = NO_BYTES
  #length = 0
  /** Bytes of the frame in hand that have been announced and not come yet; caps how far ahead the buffer grows. */
  #awaited = 0

  constructor(target: MessageTarget) {
    this.#target = target
  }

  /** Bytes of memory held for the open message. */
  get capacity(): number {
    return this.#buffer.length
  }

  dataFrame(opcode: number, fin: boolean, _rsv1: boolean, bytes: Uint8Array, start: number, end: number): void {
    this.#target.frameRead()
    if (opcode !== Opcode.Continuation) {
      this.#isBinary = opcode === Opcode.Binary
      if (fin) {
        this.#target.message(this.#isBinary, bytes, start, end, false)
        return
      }
    }
    this.#append(bytes, start, end)
    if (fin) this.#deliver()
  }

  dataFrameStart(opcode: number, fin: boolean, _rsv1: boolean, payloadLength: number): void {
    this.#target.frameRead()
    if (opcode !== Opcode.Continuation) this.#isBinary = opcode === Opcode.Binary
    this.#fin = fin
    this.#awaited = payloadLength
  }

  dataFramePayload(bytes: Uint8Array, start: number, end: number): void {
    this.#append(bytes, start, end)
    this.#awaited -= end - start
  }

  dataFrameEnd(fin: boolean): void {
    if (fin) this.#deliver()
  }

  controlFrame(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    this.#target.controlFrame(opcode, bytes, start, end)
  }

  violation(violation: Violation): void {
    this.discard()
    this.#target.violated(violation)
  }

  /** Frees the open message. */
  discard(): void {
    this.#buffer = NO_BYTES
    this.#length = 0
    this.#awaited = 0
  }

  #deliver(): void {
    const bytes = this.#buffer
    const length = this.#length
    this.discard()
    this.#target.message(this.#isBinary, bytes, 0, length, true)
  }

  #append(bytes: Uint8Array, start: number, end: number): void {
    const needed = this.#length + end - start
    if (needed > this.#buffer.length) this.#grow(needed)
    this.#buffer.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), this.#length)
    this.#length = needed
  }

  #grow(needed: number): void {
    // The last frame says how long the message will be: then the buffer never grows past the message.
    const most = this.#fin && this.#awaited > 0 ? this.#length + this.#awaited : Number.POSITIVE_INFINITY
    const grown = uninitialised(Math.min(Math.max(needed * 2, LEAST_CAPACITY), most))
    grown.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = grown
  }
}
