import type { Decoder, DecoderHost, Extension } from '../extensions/extension.ts'
import type { Role } from '../frames/header.ts'
import { FrameParser } from '../frames/parser.ts'
import type { MessageAssembler } from './message-assembler.ts'
import type { ProtocolLimits } from './options.ts'
import { RetainedInput } from './retained-input.ts'

/** Bytes that may come out of compressed messages in one turn of the event loop: about a millisecond of inflating. */
const DECODED_PER_TURN = 256 << 10

/** What a {@link Reader} tells its connection. */
export interface ReaderTarget {
  /** The stream has ended, and all bytes before it were read. */
  streamEnded(): void
  /** Something came out of a message outside of every call of the driver's. */
  woken(): void
}

/**
 * The receiving side of a connection: decides when to read. What cannot be read yet, because the application pauses, a
 * peer does not take its Pongs, the work of a turn is done or an extension decodes elsewhere, is retained in order.
 */
export class Reader implements DecoderHost {
  readonly #target: ReaderTarget
  readonly #parser: FrameParser
  readonly #decoder: Decoder | null
  /** Made when something has to wait. */
  #retained: RetainedInput | null = null
  readonly #framesPerTurn: number
  #decodedLeft = 0
  #isReading = false
  #isOver = false
  #isPaused = false
  /** Too many Pongs wait for a peer that does not read: nothing more is parsed until they left. */
  #isStalled = false

  constructor(
    target: ReaderTarget,
    assembler: MessageAssembler,
    role: Role,
    limits: ProtocolLimits,
    extension: Extension | null,
  ) {
    this.#target = target
    this.#framesPerTurn = limits.maxFramesPerTurn
    this.#decoder = extension === null ? null : extension.decoder(assembler, this, limits.maxPayload)
    this.#parser = new FrameParser(this.#decoder ?? assembler, { role, ...limits, rsv1Owned: extension !== null })
  }

  /** Bytes that wait. */
  get retainedLength(): number {
    return this.#retained === null ? 0 : this.#retained.length
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
    return this.#retained !== null && !this.#isHeld && (this.#retained.length > 0 || this.#retained.ended)
  }

  /** Whether bytes that arrive would be read at once, or discarded. */
  get wantsBytes(): boolean {
    return this.#isOver || (!this.#isHeld && this.retainedLength === 0)
  }

  receive(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isOver) return
    if (this.retainedLength > 0 || this.#isReading || this.#isHeld) {
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
    this.#parser.halt()
    this.#decoder?.close()
    this.#retained?.discard()
  }

  /** As `stop`; an end of the stream that waits is forgotten too. */
  close(): void {
    this.stop()
    this.#forgetEnd()
  }

  /** Stops behind the frame in hand, until `resume`. */
  pause(): void {
    this.#isPaused = true
    this.#parser.halt()
  }

  resume(): void {
    this.#isPaused = false
    this.readRetained()
  }

  /** Stops behind the frame in hand, until `unstall`. */
  stall(): void {
    this.#isStalled = true
    this.#parser.halt()
  }

  unstall(): void {
    this.#isStalled = false
  }

  /** Called by the decoder. */
  decoded(byteCount: number): void {
    this.#decodedLeft -= byteCount
    if (this.#decodedLeft <= 0) this.#parser.halt()
  }

  /** Called by the decoder. */
  held(): void {
    this.#parser.halt()
  }

  /** Called by the decoder. */
  released(): void {
    if (!this.#isReading) this.#target.woken()
  }

  get #isHeld(): boolean {
    return this.#isPaused || this.#isStalled || this.isDecoding
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
    let at = start
    this.#isReading = true
    this.#parser.allow(this.#framesPerTurn)
    this.#decodedLeft = DECODED_PER_TURN
    while (at < end && !this.#parser.isSpent && this.#decodedLeft > 0 && !this.#isHeld) {
      at = this.#parser.parse(bytes, at, end)
      // @req 6455-7.1.1-1 @req 6455-7.1.7-7
      if (this.#isOver) at = end
    }
    this.#isReading = false
    return at
  }
}
