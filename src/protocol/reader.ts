import type { Decoder, DecoderHost, Extension } from '../extensions/extension.ts'
import { copyOf } from '../frames/bytes.ts'
import type { FrameSink } from '../frames/frame-sink.ts'
import { Opcode } from '../frames/opcode.ts'
import type { FrameParser } from '../frames/parser.ts'
import type { Violation } from '../frames/violation.ts'
import { MessageAssembler, type MessageTarget } from './message-assembler.ts'
import type { CheckedConnectionOptions } from './options.ts'
import { ReadMemory } from './read-memory.ts'
import { RetainedInput } from './retained-input.ts'

/** Bytes that may come out of compressed messages in one turn of the event loop: about a millisecond of inflating. */
const DECODED_PER_TURN = 256 << 10

/** What a {@link Reader} tells its connection. */
export interface ReaderTarget extends MessageTarget {
  controlFrame(opcode: number, bytes: Uint8Array, start: number, end: number): void
  /** A rule was broken. */
  fail(violation: Violation): void
  /** The stream has ended, and all bytes before it were read. */
  streamEnded(): void
  /** Something came out of a message outside of every call of the driver's. */
  woken(): void
}

/**
 * The receiving side of a connection: decides when to read. What cannot be read yet, because the application pauses, a
 * peer does not take its Pongs, the work of a turn is done or an extension decodes elsewhere, is retained in order.
 *
 * A message in one frame inside one chunk is handed on as it lies there; others are assembled. Between messages there is
 * neither a parser nor an assembler.
 */
export class Reader implements DecoderHost, FrameSink {
  readonly #target: ReaderTarget
  readonly #options: CheckedConnectionOptions
  readonly #decoder: Decoder | null
  /** Borrowed while something is read, and as long as a frame is cut or a message is open. */
  #parser: FrameParser | null = null
  /** Made for a message that is cut, and kept as long as the parser is. */
  #assembler: MessageAssembler | null = null
  /** Made when something has to wait. */
  #retained: RetainedInput | null = null
  /** What is kept of the read in hand. */
  #memory: ReadMemory | null = null
  #decodedLeft = 0
  #decoded = 0
  #isReading = false
  #isOver = false
  #isPaused = false
  /** Too many Pongs wait for a peer that does not read: nothing more is parsed until they left. */
  #isStalled = false

  constructor(target: ReaderTarget, options: CheckedConnectionOptions, extension: Extension | null) {
    this.#target = target
    this.#options = options
    this.#decoder = extension === null ? null : extension.decoder(this, this, options.maxPayload)
  }

  /** Bytes of memory held for messages and bytes that are not delivered yet. */
  get bufferedLength(): number {
    return this.retainedLength + (this.#assembler === null ? 0 : this.#assembler.capacity)
  }

  /** Bytes of memory that an extension holds for what is not delivered yet. */
  get decoderBytes(): number {
    return this.#decoder?.heldBytes ?? 0
  }

  /** Bytes that wait. */
  get retainedLength(): number {
    return this.#retained === null ? 0 : this.#retained.length
  }

  /** Bytes that came out of compressed messages so far. */
  get decodedBytes(): number {
    return this.#decoded
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Whether an extension decodes a frame elsewhere; what follows it waits. */
  get isDecoding(): boolean {
    return this.#decoder?.isBusy ?? false
  }

  /** Whether bytes wait for `readRetained`. */
  get hasRetained(): boolean {
    return this.#retained !== null && !this.#isHeld() && (this.#retained.length > 0 || this.#retained.ended)
  }

  /** Whether bytes that arrive would be read at once, or discarded. */
  get wantsBytes(): boolean {
    return this.#isOver || (!this.#isHeld() && this.retainedLength === 0)
  }

  receive(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isOver) return
    if (this.retainedLength > 0 || this.#isReading || this.#isHeld()) {
      this.#retain().append(bytes, start, end)
      return
    }
    const at = this.#read(bytes, start, end)
    if (at < end) this.#retain().putBack(new Uint8Array(bytes.subarray(at, end)))
  }

  receiveEnd(): void {
    const waits = !this.#isOver && (this.#isReading || this.retainedLength > 0 || this.isDecoding)
    if (waits) this.#retain().ended = true
    else {
      this.#forgetEnd()
      this.#target.streamEnded()
    }
  }

  readRetained(): void {
    if (this.#isReading || this.#isStalled || this.#isPaused) return
    if (this.isDecoding) {
      this.#isReading = true
      this.#decoder!.proceed()
      this.#isReading = false
    }
    if (this.#retained === null) return
    const bytes = this.#retained.take()
    const at = this.#read(bytes, 0, bytes.length)
    if (at < bytes.length) this.#retained.putBack(bytes.subarray(at))
    else if (this.#retained.ended) this.receiveEnd()
  }

  /** Reads nothing more; what comes is discarded. */
  stop(): void {
    this.#isOver = true
    this.#parser?.halt()
    this.#parser = null
    this.#decoder?.close()
    this.#retained?.discard()
    const assembler = this.#assembler
    this.#assembler = null
    assembler?.discard()
  }

  /** As `stop`; an end of the stream that waits is forgotten too. */
  close(): void {
    this.stop()
    this.#forgetEnd()
  }

  /** As `Connection.keep`. */
  keep(bytes: Uint8Array, start: number, end: number): Uint8Array {
    return this.#memory === null ? copyOf(bytes, start, end) : this.#memory.copy(bytes, start, end)
  }

  /** Stops behind the frame in hand, until `resume`. */
  pause(): void {
    this.#isPaused = true
    this.#parser?.halt()
  }

  resume(): void {
    this.#isPaused = false
    this.readRetained()
  }

  /** Stops behind the frame in hand, until `unstall`. */
  stall(): void {
    this.#isStalled = true
    this.#parser?.halt()
  }

  unstall(): void {
    this.#isStalled = false
  }

  /** Called by the decoder. */
  decoded(byteCount: number): void {
    this.#decoded += byteCount
    this.#decodedLeft -= byteCount
    if (this.#decodedLeft <= 0) this.#parser?.halt()
  }

  /** Called by the decoder. */
  held(): void {
    this.#parser?.halt()
  }

  /** Called by the decoder. */
  woken(): void {
    if (!this.#isReading) this.#target.woken()
  }

  dataFrame(opcode: number, fin: boolean, _rsv1: boolean, bytes: Uint8Array, start: number, end: number): void {
    if (fin && opcode !== Opcode.Continuation) this.#target.message(opcode === Opcode.Binary, bytes, start, end, false)
    else this.#assemble().dataFrame(opcode, fin, bytes, start, end)
  }

  dataFrameStart(opcode: number, fin: boolean, _rsv1: boolean, payloadLength: number): void {
    this.#assemble().dataFrameStart(opcode, fin, payloadLength)
  }

  dataFramePayload(bytes: Uint8Array, start: number, end: number): void {
    this.#assembler?.dataFramePayload(bytes, start, end)
  }

  dataFrameEnd(fin: boolean): void {
    this.#assembler?.dataFrameEnd(fin)
  }

  controlFrame(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    this.#target.controlFrame(opcode, bytes, start, end)
  }

  violation(violation: Violation): void {
    this.#target.fail(violation)
  }

  #isHeld(): boolean {
    return this.#isPaused || this.#isStalled || this.isDecoding
  }

  #assemble(): MessageAssembler {
    this.#assembler ??= new MessageAssembler(this.#target)
    return this.#assembler
  }

  #retain(): RetainedInput {
    this.#retained ??= new RetainedInput()
    return this.#retained
  }

  #forgetEnd(): void {
    if (this.#retained !== null) this.#retained.ended = false
  }

  /** @returns the position behind what was read; what follows a Close frame or a fault counts as read */
  #read(bytes: Uint8Array, start: number, end: number): number {
    const { maxFramesPerTurn, parserPool } = this.#options
    const parser = this.#parser ?? parserPool.borrow(this.#decoder ?? this, this.#options, this.#decoder !== null)
    this.#parser = parser
    const memory = ReadMemory.of(bytes, start, end)
    this.#memory = memory
    let at = start
    this.#isReading = true
    parser.allow(maxFramesPerTurn)
    this.#decodedLeft = DECODED_PER_TURN
    while (at < end && !parser.isSpent && this.#decodedLeft > 0 && !this.#isHeld()) {
      at = parser.parse(bytes, at, end)
      // @req 6455-7.1.1-1 @req 6455-7.1.7-7
      if (this.#isOver) at = end
    }
    this.#isReading = false
    this.#memory = null
    memory.release()
    if (parser.isIdle) {
      this.#parser = null
      parserPool.giveBack(parser)
      // What an extension decodes elsewhere is still to come.
      if (!this.isDecoding) this.#assembler = null
    }
    return at
  }
}
