import { FIN, LENGTH, MASK, OPCODE, RSV1, RSV2, RSV3 } from '../../frames/header.ts'
import { type FrameInMessage, frameSpans } from './frame-spans.ts'
import { extendedLength, type Fault } from './header-faults.ts'
import { hex } from './text.ts'
import type { Span, Verdict } from './types.ts'
import { verdictOf } from './verdicts.ts'

const NO_VERDICTS: readonly Verdict[] = Object.freeze([])

/**
 * One frame. It keeps the memory that it was read from and a few numbers; spans, verdicts and the unmasked payload are made
 * when they are asked for, so that a hundred thousand frames cost little.
 */
export class Frame implements FrameInMessage {
  readonly kind = 'frame'
  readonly index: number
  readonly at: number
  readonly isCut: boolean
  isUnread: boolean
  readonly rsv1Owned: boolean
  message: number | null = null
  part = 0
  isCompressed = false
  isText = false
  readonly #bytes: Uint8Array
  readonly #start: number
  readonly #length: number
  #faults: readonly Fault[]
  #extra: readonly Verdict[] = NO_VERDICTS

  /** @param bytes - memory that does not change any more; the frame is `bytes[start, start + length)` */
  constructor(
    place: { index: number; at: number; isCut: boolean; isUnread: boolean; rsv1Owned: boolean },
    bytes: Uint8Array,
    start: number,
    length: number,
    faults: readonly Fault[],
  ) {
    this.index = place.index
    this.at = place.at
    this.isCut = place.isCut
    this.isUnread = place.isUnread
    this.rsv1Owned = place.rsv1Owned
    this.#bytes = bytes
    this.#start = start
    this.#length = length
    this.#faults = faults
  }

  get end(): number {
    return this.at + this.#length
  }

  get #byte0(): number {
    return this.#bytes[this.#start]!
  }

  /** 0 when it is cut off. */
  get #byte1(): number {
    return this.#length < 2 ? 0 : this.#bytes[this.#start + 1]!
  }

  get fin(): boolean {
    return (this.#byte0 & FIN) !== 0
  }

  get rsv1(): boolean {
    return (this.#byte0 & RSV1) !== 0
  }

  get rsv2(): boolean {
    return (this.#byte0 & RSV2) !== 0
  }

  get rsv3(): boolean {
    return (this.#byte0 & RSV3) !== 0
  }

  get opcode(): number {
    return this.#byte0 & OPCODE
  }

  get masked(): boolean {
    return (this.#byte1 & MASK) !== 0
  }

  get headerLength(): number {
    const whole = 2 + extendedLength(this.#byte1) + (this.masked ? 4 : 0)
    return Math.min(whole, this.#length)
  }

  get payloadLength(): number | null {
    return this.#length < 2 ? null : announcedLength(this.#bytes, this.#start, this.#start + this.#length)
  }

  get maskingKey(): Uint8Array | null {
    const at = 2 + extendedLength(this.#byte1)
    if (!this.masked || this.#length < at + 4) return null
    return this.#bytes.slice(this.#start + at, this.#start + at + 4)
  }

  get wire(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#start + this.#length)
  }

  get plain(): Uint8Array {
    const plain = new Uint8Array(this.wire.subarray(this.headerLength))
    const key = this.maskingKey
    // Byte for byte as RFC 6455 §5.3 puts it: the codec's fast way would weigh more in a page than it saves.
    if (key !== null) for (let i = 0; i < plain.length; i++) plain[i]! ^= key[i % 4]!
    return plain
  }

  get spans(): readonly Span[] {
    return frameSpans(this)
  }

  get verdicts(): readonly Verdict[] {
    if (this.#faults.length === 0) return this.#extra
    return [...this.#faults.map((fault) => verdictOf(fault, this.at)), ...this.#extra]
  }

  get hasVerdicts(): boolean {
    return this.#faults.length > 0 || this.#extra.length > 0
  }

  /** Adds a rule that it breaks besides. */
  addFault(fault: Fault): void {
    this.#faults = [...this.#faults, fault]
  }

  /** Adds a verdict that is none of the codec's. */
  addVerdict(verdict: Verdict): void {
    this.#extra = [verdict]
  }

  toJSON(): object {
    const { kind, index, at, end, isCut, isUnread, fin, rsv1, rsv2, rsv3, opcode, masked, headerLength } = this
    const { payloadLength, maskingKey, plain, message, part, spans, verdicts } = this
    return {
      ...{ kind, index, at, end, isCut, isUnread, fin, rsv1, rsv2, rsv3, opcode, masked, headerLength, payloadLength },
      maskingKey: maskingKey === null ? null : hex(maskingKey),
      plain: hex(plain),
      ...{ message, part, spans, verdicts },
    }
  }
}

/**
 * The payload length as the header at `start` has it; past 2^53 only nearly.
 *
 * @returns null when bytes of it are missing
 */
export function announcedLength(bytes: Uint8Array, start: number, end: number): number | null {
  const byte1 = bytes[start + 1]!
  const size = extendedLength(byte1)
  if (size === 0) return byte1 & LENGTH
  if (end - start < 2 + size) return null
  let length = 0
  for (let i = 0; i < size; i++) length = length * 256 + bytes[start + 2 + i]!
  return length
}
