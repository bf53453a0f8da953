/*
 * The seam between a connection and an extension that changes messages, RFC 6455 §9. The connection knows these
 * interfaces and nothing of what stands behind them.
 *
 * Received: parser -> decoder -> assembler. Sent: sender -> encoder -> output. Neither side knows that messages were
 * changed on the way. Work that is too long for one turn of the event loop is done elsewhere; meanwhile a decoder is
 * busy and nothing more is parsed, and what is sent waits behind the message that is being encoded.
 */
import type { FrameSink } from '../frames/frame-sink.ts'

/** An extension at work in one connection. */
export interface Extension {
  /** As in `Sec-WebSocket-Extensions`: the name and the parameters that were agreed on. */
  readonly agreed: string
  /**
   * Makes the receiving side.
   *
   * @param next - who gets the frames with their payload as the application shall see it, RSV1 clear
   * @param maxPayload - most bytes of a message, counted there
   */
  decoder(next: FrameSink, host: DecoderHost, maxPayload: number): Decoder
  /** Makes the sending side. */
  encoder(): Encoder
}

/** What a {@link Decoder} needs of its connection. */
export interface DecoderHost {
  /** Whether the application wants nothing for now: a busy decoder then waits for {@link Decoder.proceed}. */
  readonly isPaused: boolean
  /** So many bytes were decoded; they count as work of this turn of the event loop. */
  decoded(byteCount: number): void
  /** The decoder is busy: nothing more may be parsed. */
  held(): void
  /** The decoder handed on what it decoded elsewhere, or is busy no more. Called outside every call of the connection's. */
  woken(): void
}

/** The receiving side of an extension: takes frames as they came, hands on frames as if there were no extension. */
export interface Decoder extends FrameSink {
  /** Whether the frame in hand is being decoded elsewhere. */
  readonly isBusy: boolean
  /** Bytes of memory that it holds for this connection: its state, and what it has not handed on yet. */
  readonly heldBytes: number
  /** Goes on after {@link DecoderHost.isPaused} kept it from doing so. */
  proceed(): void
  /** Gives back all memory; nothing is handed on any more. */
  close(): void
}

/** The sending side of an extension. Its frames have RSV1 set in the first fragment of each message it encodes. */
export interface Encoder {
  /**
   * What the bytes of an encoded message depend on, besides the message: encoders that say the same make the same of it.
   * null: they depend on what this connection sent before.
   */
  readonly variant: string | null
  /** Where {@link encode} left its result: bytes that are only valid until the next call of any encoder. */
  readonly output: Uint8Array
  /** Bytes of memory that it holds for this connection, besides the payloads that it was given. */
  readonly heldBytes: number
  /**
   * Whether a message shall be encoded.
   *
   * @param payload - of the first fragment
   * @param compress - what the caller wants; undefined leaves it to the options
   */
  wants(payload: string | Uint8Array, isBinary: boolean, compress: boolean | undefined): boolean
  /** Makes an encoder for one message in one frame, for all encoders with this {@link variant}. It need not be closed. */
  forVariant(): Encoder
  /**
   * Begins a message. The next calls of {@link encode} and {@link encodeLater} are for its fragments, one after the
   * other.
   *
   * @param length - of the first fragment, in bytes or UTF-16 code units
   * @returns false when there is no memory for it: then it goes out as it is
   */
  begin(length: number): boolean
  /**
   * Encodes the payload of a fragment at once.
   *
   * @returns the number of bytes in {@link output}, or -1 when it is too much for one turn: then {@link encodeLater}
   */
  encode(payload: string | Uint8Array, fin: boolean): number
  /**
   * Encodes the payload of a fragment elsewhere. It must not change until `done` is called, which is never before this
   * returns, and not at all after {@link close}. The bytes that `done` gets are the receiver's.
   */
  encodeLater(payload: Uint8Array, fin: boolean, done: (encoded: Uint8Array) => void): void
  /** Called now and then. Frees what can be done without, when nothing was encoded for a while. @param now - milliseconds */
  rest(now: number): void
  /** Gives back all memory. */
  close(): void
}
