import { UsageError } from '../errors.ts'
import { checkBytes, describe } from './argument.ts'
import type { FrameSink } from './frame-sink.ts'
import { FIN, LENGTH, MASK, OPCODE, type Role, RSV1 } from './header.ts'
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

/** A rule that is broken, and where. */
export interface FoundViolation extends Violation {
  /** Offset of the frame that breaks it. */
  readonly at: number
}

/** What {@link parseFrames} found. */
export interface ParsedFrames {
  /** The complete frames before the first violation or cut, in order. */
  readonly frames: Frame[]
  /** The bytes behind them: a frame that is cut, or what starts with the frame that broke a rule. */
  readonly rest: Uint8Array
  /** The first rule that was broken, or null. Its message says in which frame, and what stands in its header. */
  readonly violation: FoundViolation | null
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
 * @throws UsageError when the bytes are none, or the options lack the role
 * @example
 * const { frames, rest, violation } = parseFrames(bytes, { role: 'server' })
 */
export function parseFrames(bytes: Uint8Array, options: FrameParserOptions): ParsedFrames {
  checkBytes('bytes', bytes)
  checkRole(options, bytes)
  const copy = new Uint8Array(bytes)
  const collector = new FrameCollector(options.role === 'server')
  new FrameParser(collector, options).parse(copy)
  const { frames, position, broken } = collector
  return {
    frames,
    rest: bytes.subarray(position),
    violation: broken === null ? null : found(broken, bytes, position),
  }
}

function checkRole(options: Partial<FrameParserOptions> | undefined, bytes: Uint8Array): void {
  const role: Role | undefined = options?.role
  if (role === 'server' || role === 'client') return
  const isMasked = bytes.length > 1 && (bytes[1]! & MASK) !== 0
  const likely = isMasked ? '"server": the first frame is masked' : '"client": the first frame is not masked'
  const guess = bytes.length > 1 ? `; for these bytes probably ${likely}` : ''
  throw new UsageError(`role is ${describe(role)}; it says who receives the bytes, "server" or "client"${guess}`)
}

/** The rule, with what arrived and where. */
function found({ id, statusCode, message }: Violation, bytes: Uint8Array, at: number): FoundViolation {
  const byte0 = bytes[at]!
  const byte1 = bytes[at + 1]!
  const header = [
    `opcode ${(byte0 & OPCODE).toString(16).toUpperCase()}`,
    `FIN ${byte0 >> 7}`,
    `RSV ${((byte0 >> 4) & 7).toString(2).padStart(3, '0')}`,
    `MASK ${byte1 >> 7}`,
    `length ${byte1 & LENGTH}`,
  ]
  return { id, statusCode, message: `frame at byte ${at} (${header.join(', ')}): ${message}`, at }
}
