import type { FrameSink } from './frame-sink.ts'
import { FIN, MASK, OPCODE, RSV1 } from './header.ts'
import { FrameParser, type FrameParserOptions } from './parser.ts'
import type { FrameInit } from './serializer.ts'
import type { Violation } from './violation.ts'

/** One frame, RFC 6455 §5.2. */
export interface Frame extends Required<FrameInit> {
  /** Whether the frame was masked; then `maskingKey` says with what. */
  readonly masked: boolean
  /** The four bytes of the masking-key, or null when the frame was not masked. */
  readonly maskingKey: Uint8Array | null
  /** Number of payload bytes. */
  readonly payloadLength: number
}

/** What {@link parseFrames} found. */
export interface ParsedFrames {
  /** The complete frames before the first violation or cut, in order. */
  readonly frames: Frame[]
  /** The bytes behind them: a frame that is cut, or what starts with the frame that broke a rule. */
  readonly rest: Uint8Array
  /** The first rule that was broken, or null. */
  readonly violation: Violation | null
}

function ignore(): void {}

/** Gathers whole frames; the field values are read from the bytes that precede each payload. */
class FrameCollector implements FrameSink {
  readonly frames: Frame[] = []
  readonly #masked: boolean
  position = 0
  broken: Violation | null = null

  constructor(masked: boolean) {
    this.#masked = masked
  }

  dataFrame(_opcode: number, _fin: boolean, _rsv1: boolean, bytes: Uint8Array, start: number, end: number): void {
    this.#collect(bytes, start, end)
  }

  controlFrame(_opcode: number, bytes: Uint8Array, start: number, end: number): void {
    this.#collect(bytes, start, end)
  }

  // A frame in pieces is one that the end of the buffer cuts: part of the rest.
  readonly dataFrameStart = ignore
  readonly dataFramePayload = ignore
  readonly dataFrameEnd = ignore

  violation(violation: Violation): void {
    this.broken = violation
  }

  #collect(bytes: Uint8Array, start: number, end: number): void {
    const byte0 = bytes[this.position]!
    this.frames.push({
      fin: (byte0 & FIN) !== 0,
      rsv1: (byte0 & RSV1) !== 0,
      // No extension that is known owns these, so a frame that has one set is refused.
      rsv2: false,
      rsv3: false,
      opcode: byte0 & OPCODE,
      masked: (bytes[this.position + 1]! & MASK) !== 0,
      maskingKey: this.#masked ? bytes.slice(start - 4, start) : null,
      payloadLength: end - start,
      payload: bytes.subarray(start, end),
    })
    this.position = end
  }
}

/**
 * Reads a whole buffer as frames, RFC 6455 §5.2. For tools and tests; a stream is read with {@link FrameParser}.
 *
 * The buffer starts where a message may start. Fragmentation, UTF-8 of text and Close bodies are judged too.
 *
 * @param bytes - left untouched; payloads are unmasked in a copy
 * @param options - `role` is who receives the bytes: `'server'` expects masked frames
 * @example
 * const { frames, rest, violation } = parseFrames(bytes, { role: 'server' })
 */
export function parseFrames(bytes: Uint8Array, options: FrameParserOptions): ParsedFrames {
  const copy = new Uint8Array(bytes)
  const collector = new FrameCollector(options.role === 'server')
  new FrameParser(collector, options).parse(copy)
  return { frames: collector.frames, rest: bytes.subarray(collector.position), violation: collector.broken }
}
