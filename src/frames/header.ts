import { isControl, isReserved, Opcode } from './opcode.ts'
import { type Violation, violations } from './violation.ts'

/** Which end of the connection an endpoint is, RFC 6455 §1.2. A server receives masked frames, a client unmasked ones. */
export type Role = 'server' | 'client'

/** RFC 6455 §5.2: the named bits of the first two header bytes. */
export const FIN = 0b1000_0000
export const RSV1 = 0b0100_0000
export const RSV2 = 0b0010_0000
export const RSV3 = 0b0001_0000
export const OPCODE = 0b0000_1111
export const MASK = 0b1000_0000
export const LENGTH = 0b0111_1111

/** Payload length values that announce a 16-bit and a 64-bit length, §5.2. */
export const LENGTH_16 = 126
export const LENGTH_64 = 127

/** A control frame carries at most this many bytes, §5.5. */
export const MAX_CONTROL_PAYLOAD = 125

/** 2 bytes, then at most 8 bytes of length and 4 bytes of masking-key. */
export const MAX_HEADER_LENGTH = 14

/** What the first two bytes of a header are judged against. */
export interface HeaderContext {
  /** Who receives the frame. */
  readonly role: Role
  /** Whether a negotiated extension owns RSV1, RFC 7692 §6. */
  readonly rsv1Owned: boolean
  /** Whether a fragmented message is open. */
  readonly messageOpen: boolean
}

/**
 * Every rule that the first two bytes of a frame can break, in the order of RFC 6455 §5.2.
 *
 * @returns the first rule that is broken, or null
 */
export function checkHeader(byte0: number, byte1: number, context: HeaderContext): Violation | null {
  const opcode = byte0 & OPCODE
  const control = isControl(opcode)
  if ((byte0 & (RSV1 | RSV2 | RSV3)) !== 0) {
    // @req 6455-5.2-3 @req 6455-5.2-8 @req 6455-5.8-1 @req 6455-9.1-6
    if ((byte0 & (RSV2 | RSV3)) !== 0 || !context.rsv1Owned) return violations.ReservedBit
    // @req 7692-6.1-4
    if (control) return violations.Rsv1OnControl
    if (opcode === Opcode.Continuation) return violations.Rsv1OnContinuation
  }
  // @req 6455-5.2-4
  if (isReserved(opcode)) return violations.ReservedOpcode
  if (control) {
    // @req 6455-5.4-2 @req 6455-5.5-2
    if ((byte0 & FIN) === 0) return violations.FragmentedControl
    // @req 6455-5.5-1
    if ((byte1 & LENGTH) > MAX_CONTROL_PAYLOAD) return violations.LongControl
  } else if (opcode === Opcode.Continuation) {
    // @req 6455-5.4-14
    if (!context.messageOpen) return violations.OrphanContinuation
  } else if (context.messageOpen) {
    // @req 6455-5.4-4 @req 6455-5.4-14
    return violations.InterleavedMessage
  }
  const masked = (byte1 & MASK) !== 0
  if (context.role === 'server') {
    // @req 6455-5.1-2 @req 6455-5.3-1 @req 6455-5.5.1-5
    if (!masked) return violations.UnmaskedClientFrame
  } else if (masked) {
    // @req 6455-5.1-5
    return violations.MaskedServerFrame
  }
  return null
}

/** Whether a 16-bit payload length may stand there, §5.2. */
export function checkLength16(length: number): Violation | null {
  // @req 6455-5.2-6
  return length < LENGTH_16 ? violations.NonMinimalLength : null
}

/** Whether a 64-bit payload length, given in two halves, may stand there, §5.2. */
export function checkLength64(high: number, low: number): Violation | null {
  // @req 6455-5.2-5
  if (high > 0x7fff_ffff) return violations.LengthTopBit
  // @req 6455-5.2-6
  if (high === 0 && low <= 0xffff) return violations.NonMinimalLength
  // Past 2^53 the sum of the halves is not exact, but no limit and no memory is that large: it can only be refused.
  return high > 0x1f_ffff ? violations.MessageTooBig : null
}

/** Incompressible data grows by a few bytes per stored block; the inflated size is what counts in the end. */
const COMPRESSED_FACTOR = 1 + 1 / 16
const COMPRESSED_SLACK = 1024

/** Most bytes on the wire of a compressed message that may have `maxPayload` bytes. */
export function mostCompressed(maxPayload: number): number {
  return maxPayload * COMPRESSED_FACTOR + COMPRESSED_SLACK
}

/**
 * The limits of RFC 6455 §10.4, judged on what the headers announce.
 *
 * @param messageLength - bytes of the message with the frame in hand
 * @param most - how many it may have on the wire
 * @param fragments - frames of the message before this one
 */
export function checkMessageLimits(
  messageLength: number,
  most: number,
  fragments: number,
  maxFragments: number,
): Violation | null {
  // @req 6455-10.4-1 @req 6455-10.4-2
  if (messageLength > most) return violations.MessageTooBig
  return fragments >= maxFragments ? violations.TooManyFragments : null
}

/** How many bytes the header of a frame with this payload length takes, masking-key included. §5.2. */
export function headerLength(payloadLength: number, masked: boolean): number {
  const key = masked ? 4 : 0
  if (payloadLength < LENGTH_16) return 2 + key
  return (payloadLength <= 0xffff ? 4 : 10) + key
}

/**
 * Writes the header up to the length; the shortest form of the length, big-endian. §5.2.
 *
 * @returns the position behind the length, where a masking-key would stand
 */
export function writeHeader(
  target: Uint8Array,
  at: number,
  byte0: number,
  maskBit: number,
  payloadLength: number,
): number {
  target[at] = byte0
  // @req 6455-5.2-6 @req 6455-5.2-9
  if (payloadLength < LENGTH_16) {
    target[at + 1] = maskBit | payloadLength
    return at + 2
  }
  if (payloadLength <= 0xffff) {
    target[at + 1] = maskBit | LENGTH_16
    target[at + 2] = payloadLength >>> 8
    target[at + 3] = payloadLength
    return at + 4
  }
  target[at + 1] = maskBit | LENGTH_64
  const high = Math.floor(payloadLength / 0x1_0000_0000)
  target[at + 2] = high >>> 24
  target[at + 3] = high >>> 16
  target[at + 4] = high >>> 8
  target[at + 5] = high
  target[at + 6] = payloadLength >>> 24
  target[at + 7] = payloadLength >>> 16
  target[at + 8] = payloadLength >>> 8
  target[at + 9] = payloadLength
  return at + 10
}
