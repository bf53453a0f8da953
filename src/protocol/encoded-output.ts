import type { Encoder } from '../extensions/extension.ts'
import { copyOf, encodeUtf8 } from '../frames/bytes.ts'
import { FIN, OPCODE, RSV1 } from '../frames/header.ts'
import { isControl, Opcode } from '../frames/opcode.ts'
import { Queue } from '../ground/queue.ts'
import { COPY_UP_TO, type Output } from './output.ts'
import { PreparedMessage } from './prepared-message.ts'

/** A frame that waits. */
interface WaitingFrame {
  readonly byte0: number
  readonly payload: Uint8Array
  /** Whether the message it begins shall be encoded. */
  readonly isWanted: boolean
  /** The message, when it was prepared and is not encoded for this connection alone. */
  readonly prepared: PreparedMessage | null
}

/**
 * Frames on their way through an encoder. Most are encoded at once. While one is encoded elsewhere, those behind it wait:
 * they leave in the order in which they came.
 */
export class EncodedOutput {
  readonly #output: Output
  readonly #encoder: Encoder
  readonly #woken: () => void
  /** The first one is being encoded elsewhere. */
  readonly #waiting: Queue<WaitingFrame> = new Queue()
  #waitingBytes = 0
  #done = 0
  /** Whether the open message is encoded. */
  #isEncoded = false

  /** @param woken - called when a frame that waited went into the output */
  constructor(output: Output, encoder: Encoder, woken: () => void) {
    this.#output = output
    this.#encoder = encoder
    this.#woken = woken
  }

  /** How many frames wait. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Bytes of the payloads that wait. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /** Bytes of memory that the encoder holds besides. */
  get heldBytes(): number {
    return this.#encoder.heldBytes
  }

  /** How many frames have waited and went into the output. */
  get done(): number {
    return this.#done
  }

  /** Whether a message shall be encoded. @param compress - what the caller wants; undefined leaves it to the options */
  wants(message: string | Uint8Array | PreparedMessage, isBinary: boolean, compress: boolean | undefined): boolean {
    if (!(message instanceof PreparedMessage)) return this.#encoder.wants(message, isBinary, compress)
    return this.#encoder.wants(message.payload, message.isBinary, compress)
  }

  /**
   * Sends a data frame.
   *
   * @param byte0 - FIN and opcode
   * @param compress - what the caller wants; only looked at in the first frame of a message
   */
  data(byte0: number, payload: string | Uint8Array, compress: boolean | undefined): void {
    const opcode = byte0 & OPCODE
    const isWanted = opcode !== Opcode.Continuation && this.wants(payload, opcode === Opcode.Binary, compress)
    if (this.#waiting.isEmpty && this.#tryAtOnce(byte0, payload, isWanted)) return
    const bytes = typeof payload === 'string' ? encodeUtf8(payload) : copyOf(payload, 0, payload.length)
    this.#wait({ byte0, payload: bytes, isWanted, prepared: null })
  }

  /** As {@link data}, with a whole message: encoders that are alike share what they make of it. */
  prepared(message: PreparedMessage, compress: boolean | undefined): void {
    const { byte0, payload } = message
    const isWanted = this.wants(message, message.isBinary, compress)
    const prepared = isWanted && this.#encoder.variant === null ? null : message
    const frame = { byte0, payload, isWanted, prepared }
    if (!this.#waiting.isEmpty || !this.#sendWaiting(frame)) this.#wait(frame)
  }

  /** Sends the Close frame, behind all that waits. */
  close(byte0: number, body: Uint8Array): void {
    if (this.#waiting.isEmpty) this.#output.frame(byte0, body, 0, body.length)
    else this.#wait({ byte0, payload: body, isWanted: false, prepared: null })
  }

  /** Forgets what waits, but a Close frame, which goes out now; nothing is encoded any more. */
  abandon(): void {
    const { last } = this.#waiting
    this.#waiting.takeAll()
    this.#waitingBytes = 0
    this.#encoder.close()
    if (last !== undefined && isControl(last.byte0 & OPCODE)) {
      this.#output.frame(last.byte0, last.payload, 0, last.payload.length)
    }
  }

  /** As `Encoder.rest`. */
  rest(now: number): void {
    this.#encoder.rest(now)
  }

  #wait(frame: WaitingFrame): void {
    this.#waiting.push(frame)
    this.#waitingBytes += frame.payload.length
    if (this.#waiting.length === 1) this.#encodeLater(frame)
  }

  /** @returns false when the frame has to be encoded elsewhere */
  #tryAtOnce(byte0: number, payload: string | Uint8Array, isWanted: boolean): boolean {
    const isFirst = (byte0 & OPCODE) !== Opcode.Continuation
    if (isFirst) this.#isEncoded = isWanted && this.#encoder.begin(payload.length)
    if (!this.#isEncoded) {
      // @req 7692-6.1-2
      if (typeof payload === 'string') this.#output.textFrame(byte0, payload)
      else this.#output.frame(byte0, payload, 0, payload.length)
      return true
    }
    const byteCount = this.#encoder.encode(payload, (byte0 & FIN) !== 0)
    if (byteCount < 0) return false
    const { output } = this.#encoder
    this.#encoded(byte0, byteCount > COPY_UP_TO ? copyOf(output, 0, byteCount) : output, byteCount)
    return true
  }

  #encoded(byte0: number, bytes: Uint8Array, byteCount: number): void {
    // @req 7692-6.1-1 @req 7692-6.1-3 @req 7692-6.1-5
    const isFirst = (byte0 & OPCODE) !== Opcode.Continuation
    this.#output.frame(isFirst ? byte0 | RSV1 : byte0, bytes, 0, byteCount)
  }

  /** @returns false when it is being encoded elsewhere */
  #tryPrepared(message: PreparedMessage, isWanted: boolean): boolean {
    const frame = isWanted ? message.variants.get(this.#encoder.variant!, this.#encoder) : message
    if (frame !== null) this.#output.prepared(frame)
    return frame !== null
  }

  #encodeLater(frame: WaitingFrame): void {
    const { byte0, payload, prepared } = frame
    if (prepared !== null) {
      prepared.variants.whenMade(this.#encoder.variant!, () => {
        // Unless it was abandoned.
        if (this.#waiting.first !== frame) return
        this.#tryPrepared(prepared, true)
        this.#next()
        this.#woken()
      })
      return
    }
    this.#encoder.encodeLater(payload, (byte0 & FIN) !== 0, (encoded) => {
      this.#encoded(byte0, encoded, encoded.length)
      this.#next()
      this.#woken()
    })
  }

  /** The first waiting frame is done: goes on until another one has to be encoded elsewhere. */
  #next(): void {
    do {
      this.#waitingBytes -= this.#waiting.shift()!.payload.length
      this.#done++
    } while (!this.#waiting.isEmpty && this.#sendWaiting(this.#waiting.first!))
    if (!this.#waiting.isEmpty) this.#encodeLater(this.#waiting.first!)
  }

  /** @returns false when it has to be encoded elsewhere */
  #sendWaiting({ byte0, payload, isWanted, prepared }: WaitingFrame): boolean {
    return prepared === null ? this.#tryAtOnce(byte0, payload, isWanted) : this.#tryPrepared(prepared, isWanted)
  }
}
