import type { ZlibSettings } from './zlib.ts'

/** A deflater or inflater that is written to and may be used again. */
export interface State {
  /** Bytes of input that the last write left because there was no more room. */
  readonly left: number
  /** Bytes of messages that it keeps, besides what every state of its kind takes. */
  readonly heldBytes: number
  /** Forgets everything, as if it were new. Never while a write is under way elsewhere. */
  reset(): void
  /** Frees the memory; at once, or when the write that is under way elsewhere has ended. */
  close(): void
}

/** Deflates, RFC 1951. Every write is flushed, so that what comes out ends with `00 00 ff ff`. */
export interface Deflater extends State {
  /** @returns bytes written to `output`; if that is full there is more: write again, what is left */
  write(input: Uint8Array, start: number, end: number, output: Uint8Array): number
  /** As `write`, on another thread. `input` and `output` must not be touched until `done`. */
  writeLater(input: Uint8Array, start: number, end: number, output: Uint8Array, done: (byteCount: number) => void): void
}

/** What an {@link Inflater} says instead of a number of bytes. */
export const Failure = {
  /** The input is no DEFLATE data, or a message that lacks its end. */
  Corrupt: -1,
  /** More would come out than may. */
  TooMuch: -2,
} as const

/** Inflates, RFC 1951. */
export interface Inflater extends State {
  /** Whether nothing comes out before `finish`. */
  readonly gathers: boolean
  /** What the last call cost besides what came out, in bytes that take as long to inflate. */
  readonly extraWork: number
  /**
   * @param room - how many bytes of `output` may be written
   * @returns bytes written to `output`, or a {@link Failure}; if it is `room` there may be more, even if nothing is left.
   * If it is less and something is left, that is for another turn of the event loop: write again, what is left
   */
  write(input: Uint8Array, start: number, end: number, output: Uint8Array, room: number): number
  /** As `write`, on another thread. `input` and `output` must not be touched until `done`. */
  writeLater(
    input: Uint8Array,
    start: number,
    end: number,
    output: Uint8Array,
    room: number,
    done: (byteCount: number) => void,
  ): void
  /**
   * Says that what was written is one whole message, RFC 7692 §7.2.2. All that came out of the writes must have been
   * taken.
   *
   * @param most - how many bytes may come out in this and further calls
   * @returns as `write`; call again if it is `room`
   */
  finish(output: Uint8Array, room: number, most: number): number
}

/** Makes the states. */
export interface Engine {
  deflater(settings: ZlibSettings): Deflater
  inflater(windowBits: number): Inflater
}

/** The end of an empty stored block, which senders take away, RFC 7692 §7.2.1. */
export const TAIL: readonly number[] = [0x00, 0x00, 0xff, 0xff]
