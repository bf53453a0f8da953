/*
 * The incremental frame parser, RFC 6455 §5.2-§5.4.
 *
 * Theory of operation
 * -------------------
 * `parse` is given any cut of the stream. A frame that lies wholly in the chunk takes the fast path: header, unmask in
 * place, one sink call with a range of the chunk. What is cut takes the slow path, in three states named for what is
 * awaited: the rest of a header (at most 14 bytes are kept), of a control payload (at most 125 bytes are kept), or of
 * a data payload (nothing is kept: each piece is unmasked in place and handed on at once).
 *
 * Rules for editors
 * 1. Both paths read headers through `#readHeader` and judge them through `checkHeader`; a rule stands in one place.
 * 2. Nothing is allocated because of a length that was announced; limits are checked when the header is complete.
 * 3. After a violation the parser is dead: it swallows bytes and calls the sink no more (§7.1.7).
 * 4. No object, closure or view per frame.
 */

import { isValidUtf8 } from './bytes.ts'
import { checkClosePayload } from './close-payload.ts'
import { type FrameSink, NOBODY } from './frame-sink.ts'
import {
  checkHeader,
  checkLength16,
  checkLength64,
  checkMessageLimits,
  FIN,
  LENGTH,
  LENGTH_16,
  LENGTH_64,
  MAX_CONTROL_PAYLOAD,
  MAX_HEADER_LENGTH,
  mostCompressed,
  OPCODE,
  type Role,
  RSV1,
} from './header.ts'
import { applyMaskInRange } from './mask.ts'
import { isControl, Opcode } from './opcode.ts'
import { Utf8Validator } from './utf8.ts'
import { type Violation, violations } from './violation.ts'

/** Options of a {@link FrameParser}. */
export interface FrameParserOptions {
  /** Who receives the frames: a server takes masked ones, a client unmasked ones. */
  readonly role: Role
  /** Most bytes of payload in one message; a longer one is `MessageTooBig` at the header. Default Infinity. */
  readonly maxPayload?: number
  /** Most frames in one message; one more is `TooManyFragments`. Default Infinity. */
  readonly maxFragments?: number
  /**
   * Whether a negotiated extension owns RSV1. Text in a message that starts with RSV1 is not judged as UTF-8 here,
   * and `maxPayload` gets the slack that stored DEFLATE blocks need. Default false.
   */
  readonly rsv1Owned?: boolean
}

const State = { Header: 0, ControlPayload: 1, DataPayload: 2, Dead: 3 } as const

const NO_BYTES = new Uint8Array(0)

/** Reads frames from any cut of a byte stream and calls a {@link FrameSink}. RFC 6455 §5. */
export class FrameParser {
  #role: Role = 'server'
  #rsv1Owned = false
  #sink: FrameSink = NOBODY
  #expectMask = true
  #maxPayload = Number.POSITIVE_INFINITY
  #maxCompressed = Number.POSITIVE_INFINITY
  #maxFragments = Number.POSITIVE_INFINITY
  /** Judges text that is cut or fragmented; made for the first. */
  #utf8: Utf8Validator | null = null

  #state: number = State.Header
  #halted = false
  /** Frames until `parse` returns; below 0: no limit. */
  #framesLeft = -1

  // The header in hand.
  #opcode = 0
  #fin = false
  #rsv1 = false
  #payloadLength = 0
  #key = 0
  /** Payload bytes of the frame in hand that have arrived. */
  #arrived = 0

  // The message in hand: its opcode, or 0 (Continuation) when none is open.
  #messageOpcode = 0
  #messageText = false
  #messageRsv1 = false
  #messageLength = 0
  #fragments = 0

  // Bytes kept across chunks; made at the first cut.
  #kept = NO_BYTES
  #keptLength = 0

  constructor(sink: FrameSink, options: FrameParserOptions) {
    this.begin(sink, options)
  }

  /**
   * Begins another stream. Only a parser that {@link isIdle} has nothing left of the one before.
   *
   * @param rsv1Owned - default: as the options say
   * @throws Error when a frame is cut, a message is open, or a rule was broken
   */
  begin(sink: FrameSink, options: FrameParserOptions, rsv1Owned = options.rsv1Owned === true): void {
    if (!this.isIdle) throw new Error('the parser is in the middle of a stream')
    this.#sink = sink
    this.#role = options.role
    this.#rsv1Owned = rsv1Owned
    this.#expectMask = options.role === 'server'
    this.#maxPayload = options.maxPayload ?? Number.POSITIVE_INFINITY
    this.#maxCompressed = mostCompressed(this.#maxPayload)
    this.#maxFragments = options.maxFragments ?? Number.POSITIVE_INFINITY
    this.#framesLeft = -1
  }

  /** Lets go of the sink, until {@link begin}. */
  end(): void {
    this.#sink = NOBODY
  }

  /** Who receives the frames. */
  get role(): Role {
    return this.#role
  }

  /** Whether a negotiated extension owns RSV1. */
  get rsv1Owned(): boolean {
    return this.#rsv1Owned
  }

  /** Whether a fragmented message is open, §5.4. */
  get messageOpen(): boolean {
    return this.#messageOpcode !== 0
  }

  /** Whether the stream may end here: no frame is cut and no message is open. */
  get isIdle(): boolean {
    return this.#state === State.Header && this.#keptLength === 0 && this.#messageOpcode === 0
  }

  /** Makes {@link parse} stop behind so many more frames, until it is allowed more. Default: no limit. */
  allow(frames: number): void {
    this.#framesLeft = frames === Number.POSITIVE_INFINITY ? -1 : frames
  }

  /** Whether the frames that were allowed have been read. */
  get isSpent(): boolean {
    return this.#framesLeft === 0
  }

  /** Makes `parse` return behind the frame in hand; meant to be called by the sink. */
  halt(): void {
    this.#halted = true
  }

  /**
   * Reads `chunk[start, end)`, which follows what was read before. Payload is unmasked in place.
   *
   * @returns the position behind the last byte that was read: `end`, or less if the sink called {@link halt} or the
   * frames are spent; the bytes from there on must be given again
   */
  parse(chunk: Uint8Array, start = 0, end = chunk.length): number {
    let at = start
    this.#halted = this.isSpent
    if (this.#state !== State.Header || this.#keptLength > 0) at = this.#continueCut(chunk, at, end)
    // @req 6455-6.2-1 @req 6455-5.4-13 @req 6455-10.7-1
    while (at < end && !this.#halted) {
      const length = this.#readHeader(chunk, at, end)
      if (length <= 0) {
        if (length === 0) this.#keep(chunk, at, end)
        return end
      }
      at = this.#readPayload(chunk, at + length, end)
    }
    return this.#state === State.Dead ? end : at
  }

  /**
   * Reads the header at `at`; both paths come through here.
   *
   * @returns its length, 0 when bytes are missing, -1 after a violation
   */
  #readHeader(bytes: Uint8Array, at: number, end: number): number {
    const available = end - at
    if (available < 2) return 0
    const byte0 = bytes[at]!
    const byte1 = bytes[at + 1]!
    const violation = checkHeader(byte0, byte1, this)
    if (violation !== null) return this.#fail(violation)
    let payloadLength = byte1 & LENGTH
    let length = 2
    if (payloadLength === LENGTH_16) {
      if (available < 4) return 0
      // @req 6455-5.2-9
      payloadLength = (bytes[at + 2]! << 8) | bytes[at + 3]!
      length = 4
      const tooLong = checkLength16(payloadLength)
      if (tooLong !== null) return this.#fail(tooLong)
    } else if (payloadLength === LENGTH_64) {
      if (available < 10) return 0
      const high = ((bytes[at + 2]! << 24) | (bytes[at + 3]! << 16) | (bytes[at + 4]! << 8) | bytes[at + 5]!) >>> 0
      const low = ((bytes[at + 6]! << 24) | (bytes[at + 7]! << 16) | (bytes[at + 8]! << 8) | bytes[at + 9]!) >>> 0
      const wrong = checkLength64(high, low)
      if (wrong !== null) return this.#fail(wrong)
      payloadLength = high * 0x1_0000_0000 + low
      length = 10
    }
    const opcode = byte0 & OPCODE
    if (!isControl(opcode)) {
      const tooMuch = this.#checkLimits(opcode, (byte0 & RSV1) !== 0, payloadLength)
      if (tooMuch !== null) return this.#fail(tooMuch)
    }
    if (this.#expectMask) {
      if (available < length + 4) return 0
      // @req 6455-5.3-6
      this.#key =
        (bytes[at + length]! << 24) |
        (bytes[at + length + 1]! << 16) |
        (bytes[at + length + 2]! << 8) |
        bytes[at + length + 3]!
      length += 4
    }
    this.#opcode = opcode
    this.#fin = (byte0 & FIN) !== 0
    this.#rsv1 = (byte0 & RSV1) !== 0
    this.#payloadLength = payloadLength
    if (--this.#framesLeft === 0) this.#halted = true
    return length
  }

  /** The limits of RFC 6455 §10.4, judged on what the header announces. */
  #checkLimits(opcode: number, rsv1: boolean, payloadLength: number): Violation | null {
    const continues = opcode === Opcode.Continuation
    const before = continues ? this.#messageLength : 0
    const compressed = continues ? this.#messageRsv1 : rsv1
    const most = compressed ? this.#maxCompressed : this.#maxPayload
    return checkMessageLimits(before + payloadLength, most, continues ? this.#fragments : 0, this.#maxFragments)
  }

  /** Takes the payload that starts at `at`, or as much of it as has arrived. @returns the position behind it */
  #readPayload(chunk: Uint8Array, at: number, end: number): number {
    const payloadEnd = at + this.#payloadLength
    if (isControl(this.#opcode)) {
      if (payloadEnd > end) {
        this.#state = State.ControlPayload
        this.#keep(chunk, at, end)
        return end
      }
      this.#controlFrame(chunk, at, payloadEnd)
      return payloadEnd
    }
    const first = this.#openDataFrame()
    if (payloadEnd > end) {
      this.#state = State.DataPayload
      this.#arrived = 0
      this.#sink.dataFrameStart(this.#opcode, this.#fin, this.#rsv1, this.#payloadLength)
      if (at < end) this.#dataPiece(chunk, at, end)
      return end
    }
    if (this.#expectMask) applyMaskInRange(chunk, at, payloadEnd, this.#key, 0)
    if (this.#messageText) {
      // A text message in one frame, by far the most frequent, is judged in one step.
      const valid =
        first && this.#fin
          ? isValidUtf8(chunk, at, payloadEnd)
          : this.#validator().push(chunk, at, payloadEnd) && this.#mayEnd()
      // @req 6455-5.6-1 @req 6455-8.1-1
      if (!valid) {
        this.#fail(violations.InvalidUtf8)
        return end
      }
    }
    // @req 6455-6.2-4
    if (this.#fin) this.#messageOpcode = 0
    this.#sink.dataFrame(this.#opcode, this.#fin, this.#rsv1, chunk, at, payloadEnd)
    return payloadEnd
  }

  /** @returns whether the frame in hand is the first of its message */
  #openDataFrame(): boolean {
    // @req 6455-6.2-3 @req 6455-5.4-12
    if (this.#opcode === Opcode.Continuation) {
      this.#messageLength += this.#payloadLength
      this.#fragments++
      return false
    }
    this.#messageOpcode = this.#opcode
    this.#messageRsv1 = this.#rsv1
    // @req 7692-6.1-6: the UTF-8 of a compressed message is judged after it is inflated.
    this.#messageText = this.#opcode === Opcode.Text && !this.#rsv1
    this.#messageLength = this.#payloadLength
    this.#fragments = 1
    return true
  }

  /** Whether the text of the message is complete, or need not be yet because more frames follow. */
  #mayEnd(): boolean {
    return !this.#fin || this.#validator().isComplete
  }

  #validator(): Utf8Validator {
    this.#utf8 ??= new Utf8Validator()
    return this.#utf8
  }

  #dataPiece(chunk: Uint8Array, start: number, end: number): void {
    if (this.#expectMask) applyMaskInRange(chunk, start, end, this.#key, this.#arrived)
    this.#arrived += end - start
    // @req 6455-5.6-1 @req 6455-8.1-1
    if (this.#messageText && !this.#validator().push(chunk, start, end)) this.#fail(violations.InvalidUtf8)
    else this.#sink.dataFramePayload(chunk, start, end)
  }

  #controlFrame(bytes: Uint8Array, start: number, end: number): void {
    if (this.#expectMask) applyMaskInRange(bytes, start, end, this.#key, 0)
    if (this.#opcode === Opcode.Close) {
      const violation = checkClosePayload(bytes, start, end)
      if (violation !== null) {
        this.#fail(violation)
        return
      }
    }
    this.#sink.controlFrame(this.#opcode, bytes, start, end)
  }

  /** The slow path: goes on with whatever the last chunk cut. @returns the position behind what was used */
  #continueCut(chunk: Uint8Array, at: number, end: number): number {
    switch (this.#state) {
      case State.Header:
        return this.#continueHeader(chunk, at, end)
      case State.ControlPayload: {
        const missing = this.#payloadLength - this.#keptLength
        const until = Math.min(at + missing, end)
        this.#keep(chunk, at, until)
        if (this.#keptLength === this.#payloadLength) {
          this.#state = State.Header
          this.#keptLength = 0
          this.#controlFrame(this.#kept, 0, this.#payloadLength)
        }
        return until
      }
      case State.DataPayload: {
        const until = Math.min(at + this.#payloadLength - this.#arrived, end)
        if (until > at) this.#dataPiece(chunk, at, until)
        if (this.#arrived === this.#payloadLength && this.#state === State.DataPayload) this.#endDataFrame()
        return until
      }
      default:
        return end
    }
  }

  #endDataFrame(): void {
    this.#state = State.Header
    if (this.#messageText && !this.#mayEnd()) {
      this.#fail(violations.InvalidUtf8)
      return
    }
    if (this.#fin) this.#messageOpcode = 0
    this.#sink.dataFrameEnd(this.#fin)
  }

  #continueHeader(chunk: Uint8Array, at: number, end: number): number {
    const before = this.#keptLength
    this.#keep(chunk, at, Math.min(at + MAX_HEADER_LENGTH - before, end))
    const length = this.#readHeader(this.#kept, 0, this.#keptLength)
    if (length <= 0) return end
    this.#keptLength = 0
    return this.#readPayload(chunk, at + length - before, end)
  }

  #keep(chunk: Uint8Array, start: number, end: number): void {
    if (this.#kept.length === 0) this.#kept = new Uint8Array(MAX_CONTROL_PAYLOAD)
    for (let i = start; i < end; i++) this.#kept[this.#keptLength++] = chunk[i]!
  }

  #fail(violation: Violation): number {
    this.#state = State.Dead
    // Leaves the loop of `parse`: what follows in the same chunk is not read. @req 6455-7.1.7-7
    this.#halted = true
    this.#sink.violation(violation)
    return -1
  }
}
