/*
 * The receiving side of permessage-deflate, RFC 7692 §6.2 and §7.2.2.
 *
 * Theory of operation
 * -------------------
 * It stands between the parser and the assembler. A message without RSV1 passes through. A small compressed message in
 * one frame is inflated at once, into memory that all connections share, and handed on as a frame. All else is handed on
 * piece by piece as it comes, so that a large compressed message can be consumed while it arrives.
 *
 * One write inflates to 64 KiB at most. What a piece of payload gives beyond that is inflated on another thread, 64 KiB
 * by 64 KiB; meanwhile the decoder is busy and nothing more is parsed. So it is with a piece in which stream after stream
 * ends: a write begins no more than some of them. While the application pauses, nothing is inflated: a bomb costs what
 * was taken of it.
 *
 * Rules for editors
 * 1. Nothing comes out that was not counted: at most one byte more than `maxPayload` is ever inflated.
 * 2. After a violation, and after `close`, nothing is handed on. A thread may still be at work then: its state is given
 *    back when it is done.
 */
import { copyOf, isValidUtf8 } from '../../frames/bytes.ts'
import type { FrameSink } from '../../frames/frame-sink.ts'
import { Opcode } from '../../frames/opcode.ts'
import { Utf8Validator } from '../../frames/utf8.ts'
import { type Violation, violations } from '../../frames/violation.ts'
import type { Decoder, DecoderHost } from '../extension.ts'
import { runElsewhere } from './elsewhere.ts'
import { deflateMemory, type Kind } from './memory.ts'
import { blocks, SCRATCH_LENGTH, Scratch } from './scratch.ts'
import { Failure, type Inflater } from './state.ts'

const NO_BYTES = new Uint8Array(0)
/** What a message may leave behind its end: nothing. If something comes, it is not looked at. */
const NO_OUTPUT = new Uint8Array(1)
/** Neither a number of bytes nor a `Failure`. */
const NOTHING = -3

const scratch = new Scratch(1)

/** Inflates the messages of one connection. */
export class InflatingDecoder implements Decoder {
  readonly #next: FrameSink
  readonly #host: DecoderHost
  readonly #maxPayload: number
  readonly #kind: Kind<Inflater>
  /** Whether the window is kept from message to message. */
  readonly #takeover: boolean
  readonly #utf8 = new Utf8Validator()
  #inflater: Inflater | null = null
  #isDead = false

  // The message in hand.
  #isCompressed = false
  #isText = false
  /** Bytes that came out so far. */
  #inflated = 0
  /** Whether any byte went in. */
  #hasInput = false

  /** FIN of the frame in hand. */
  #fin = false

  // The piece of payload that is inflated elsewhere: from `#pieceAt` on it was not read yet.
  #isBusy = false
  #isElsewhere = false
  #piece: Uint8Array = NO_BYTES
  #pieceAt = 0
  /** Where the thread writes to, and what came out until it is handed on. */
  #block: Uint8Array | null = null
  /** Whether it goes on when the application does not pause any more. */
  #isWaiting = false
  /** What the last write elsewhere returned, when that has to wait. */
  #kept = NOTHING
  /** Whether the frame ends with the piece. */
  #isFrameOver = false
  /** What `deflateMemory` knows that is held here besides the state. */
  #held = 0

  constructor(next: FrameSink, host: DecoderHost, maxPayload: number, kind: Kind<Inflater>, takeover: boolean) {
    this.#next = next
    this.#host = host
    this.#maxPayload = maxPayload
    this.#kind = kind
    this.#takeover = takeover
  }

  get isBusy(): boolean {
    return this.#isBusy
  }

  get heldBytes(): number {
    return this.#held + (this.#inflater === null ? 0 : this.#kind.size)
  }

  dataFrame(opcode: number, fin: boolean, rsv1: boolean, bytes: Uint8Array, start: number, end: number): void {
    const isFirst = opcode !== Opcode.Continuation
    if (isFirst) this.#isCompressed = rsv1
    // @req 7692-6.2-2
    if (!this.#isCompressed) this.#next.dataFrame(opcode, fin, false, bytes, start, end)
    else if (isFirst && !this.#begin(opcode)) return
    else if (isFirst && fin && end > start && !this.#inflater!.gathers) this.#message(opcode, bytes, start, end)
    else {
      this.#startFrame(opcode, fin)
      // Whoever was told that a message begins may have ended the connection.
      if (end > start && !this.#isDead) this.#inflate(bytes, start, end)
      this.#endOfFrame()
    }
  }

  dataFrameStart(opcode: number, fin: boolean, rsv1: boolean, payloadLength: number): void {
    if (opcode !== Opcode.Continuation) this.#isCompressed = rsv1
    if (!this.#isCompressed) this.#next.dataFrameStart(opcode, fin, false, payloadLength)
    else if (opcode === Opcode.Continuation || this.#begin(opcode)) this.#startFrame(opcode, fin)
  }

  dataFramePayload(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#isCompressed) this.#next.dataFramePayload(bytes, start, end)
    else if (!this.#isDead) this.#inflate(bytes, start, end)
  }

  dataFrameEnd(fin: boolean): void {
    if (this.#isCompressed) this.#endOfFrame()
    else this.#next.dataFrameEnd(fin)
  }

  controlFrame(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    this.#next.controlFrame(opcode, bytes, start, end)
  }

  violation(violation: Violation): void {
    this.#next.violation(violation)
  }

  proceed(): void {
    if (!this.#isWaiting) return
    this.#isWaiting = false
    const byteCount = this.#kept
    this.#kept = NOTHING
    if (byteCount === NOTHING) this.#inflateElsewhere()
    else this.#continue(byteCount)
  }

  close(): void {
    this.#isDead = true
    this.#isBusy = false
    if (this.#isElsewhere) return
    this.#forgetPiece()
    this.#giveBack()
  }

  /** @returns false when there is no memory for it */
  #begin(opcode: number): boolean {
    this.#isText = opcode === Opcode.Text
    if (this.#isText) this.#utf8.reset()
    this.#inflated = 0
    this.#hasInput = false
    this.#inflater ??= deflateMemory.take(this.#kind)
    if (this.#inflater === null) this.#fail(violations.DeflateMemoryExhausted)
    return this.#inflater !== null
  }

  #startFrame(opcode: number, fin: boolean): void {
    this.#fin = fin
    // How many bytes will come out is not known; 0 announces nothing.
    this.#next.dataFrameStart(opcode, fin, false, 0)
  }

  /** The fast path: a whole message in one frame. */
  #message(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    const inflater = this.#inflater!
    const output = scratch.lend()
    const room = this.#room()
    const byteCount = inflater.write(bytes, start, end, output, room)
    this.#hasInput = true
    this.#host.decoded(inflater.extraWork)
    if (byteCount === room || byteCount < 0 || inflater.left > 0) {
      this.#startFrame(opcode, true)
      this.#isFrameOver = true
      if (!this.#isDead) this.#handOn(output, byteCount, room, bytes, end)
    } else if (inflater.finish(NO_OUTPUT, 1, 1) !== 0) {
      // As where the message is cut: a text that is wrong is seen before its end is.
      const isWrong = this.#isText && !this.#utf8.push(output, 0, byteCount)
      this.#fail(isWrong ? violations.InvalidUtf8 : violations.CorruptMessage)
    }
    // @req 7692-6.1-6
    else if (this.#isText && !isValidUtf8(output, 0, byteCount)) this.#fail(violations.InvalidUtf8)
    else {
      this.#host.decoded(byteCount)
      if (!this.#takeover) this.#giveBack()
      // @req 7692-6.2-1
      this.#next.dataFrame(opcode, true, false, output, 0, byteCount)
    }
    scratch.giveBack(output)
  }

  /** Inflates a piece of payload, the first 64 KiB of what comes out, at once. */
  #inflate(bytes: Uint8Array, start: number, end: number): void {
    this.#hasInput = true
    const output = scratch.lend()
    const room = this.#room()
    const byteCount = this.#inflater!.write(bytes, start, end, output, room)
    this.#host.decoded(this.#inflater!.extraWork)
    if (this.#inflater!.gathers) this.#count()
    this.#handOn(output, byteCount, room, bytes, end)
    scratch.giveBack(output)
  }

  /** Hands on what the first write gave; if there is more, the rest goes elsewhere. */
  #handOn(output: Uint8Array, byteCount: number, room: number, bytes: Uint8Array, end: number): void {
    if (!this.#pass(output, byteCount)) return
    if (byteCount < room && this.#inflater!.left === 0) return
    this.#piece = copyOf(bytes, end - this.#inflater!.left, end)
    this.#pieceAt = 0
    this.#isBusy = true
    this.#count()
    this.#host.held()
    this.#inflateElsewhere()
  }

  #inflateElsewhere(): void {
    this.#isWaiting = this.#host.isPaused
    if (this.#isWaiting) return
    runElsewhere((ended) => {
      if (this.#isDead) {
        ended()
        return
      }
      const block = blocks.lend()
      this.#block = block
      this.#isElsewhere = true
      this.#count()
      this.#inflater!.writeLater(this.#piece, this.#pieceAt, this.#piece.length, block, this.#room(), (byteCount) => {
        ended()
        this.#isElsewhere = false
        if (this.#isDead) this.close()
        else if (this.#host.isPaused) {
          this.#isWaiting = true
          this.#kept = byteCount
        } else this.#continue(byteCount)
      })
    })
  }

  /** Goes on with what was inflated elsewhere. */
  #continue(byteCount: number): void {
    const isMore = byteCount === this.#room() || this.#inflater!.left > 0
    this.#host.decoded(this.#inflater!.extraWork)
    const block = this.#block!
    this.#block = null
    const goesOn = this.#pass(block, byteCount)
    blocks.giveBack(block)
    this.#count()
    if (goesOn) {
      if (isMore) {
        this.#pieceAt = this.#piece.length - this.#inflater!.left
        this.#inflateElsewhere()
        // The rest of a message may be megabytes: whoever counts what is held hears of each piece.
        this.#host.woken()
        return
      }
      this.#forgetPiece()
      if (this.#isFrameOver) this.#endFrame()
      this.#isBusy = false
    }
    this.#host.woken()
  }

  /** How many bytes the next write may give: one more than the message may still have shows that it is too long. */
  #room(): number {
    return Math.min(SCRATCH_LENGTH, this.#maxPayload - this.#inflated + 1)
  }

  /** Judges and hands on what came out. @returns whether the connection goes on */
  #pass(output: Uint8Array, byteCount: number): boolean {
    this.#inflated += byteCount
    // @req 6455-10.4-2
    if (byteCount === Failure.TooMuch || this.#inflated > this.#maxPayload) this.#fail(violations.MessageTooBig)
    else if (byteCount < 0) this.#fail(violations.CorruptMessage)
    else if (byteCount > 0) {
      this.#host.decoded(byteCount)
      if (this.#isText && !this.#utf8.push(output, 0, byteCount)) this.#fail(violations.InvalidUtf8)
      else this.#next.dataFramePayload(output, 0, byteCount)
    }
    return !this.#isDead
  }

  #endOfFrame(): void {
    if (this.#isBusy) this.#isFrameOver = true
    else if (!this.#isDead) this.#endFrame()
  }

  #endFrame(): void {
    this.#isFrameOver = false
    if (this.#fin) {
      // Lenient: a message without a byte of DEFLATE data is an empty one; §7.2.3.6 has a byte 00.
      if (this.#hasInput && !this.#finish()) return
      if (this.#isText && !this.#utf8.isComplete) {
        this.#fail(violations.InvalidUtf8)
        return
      }
      if (!this.#takeover) this.#giveBack()
    }
    this.#next.dataFrameEnd(this.#fin)
  }

  /** @returns whether the connection goes on */
  #finish(): boolean {
    const output = scratch.lend()
    let room: number
    let byteCount: number
    do {
      room = this.#room()
      byteCount = this.#inflater!.finish(output, room, this.#maxPayload - this.#inflated)
      this.#host.decoded(this.#inflater!.extraWork)
    } while (this.#pass(output, byteCount) && byteCount === room)
    scratch.giveBack(output)
    this.#count()
    return !this.#isDead
  }

  #fail(violation: Violation): void {
    this.close()
    this.#next.violation(violation)
  }

  #forgetPiece(): void {
    if (this.#block !== null) blocks.giveBack(this.#block)
    this.#block = null
    this.#piece = NO_BYTES
    this.#count()
  }

  /** Tells `deflateMemory` what is held now. */
  #count(): void {
    const block = this.#block === null ? 0 : this.#block.length
    const held = this.#piece.length + block + (this.#inflater === null ? 0 : this.#inflater.heldBytes)
    deflateMemory.hold(held - this.#held)
    this.#held = held
  }

  #giveBack(): void {
    if (this.#inflater !== null) deflateMemory.give(this.#kind, this.#inflater)
    this.#inflater = null
    if (this.#held > 0) this.#count()
  }
}
