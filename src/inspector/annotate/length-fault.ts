import {
  checkLength16,
  checkLength64,
  checkMessageLimits,
  LENGTH,
  LENGTH_16,
  MASK,
  mostCompressed,
  OPCODE,
  RSV1,
} from '../../frames/header.ts'
import { isControl, Opcode } from '../../frames/opcode.ts'
import { type Violation, violations } from '../../frames/violation.ts'
import { extendedLength, type Fault } from './header-faults.ts'
import type { Joined } from './joined.ts'

/** What lengths are judged against. */
export interface LengthContext {
  readonly rsv1Owned: boolean
  /** The message that is open, if one is. */
  readonly open: Joined | null
  readonly maxPayload: number
  readonly maxFragments: number
}

/** The rule that the length of a frame breaks, or that of its message with it. */
export function lengthFault(
  header: Uint8Array,
  at: number,
  payloadLength: number,
  context: LengthContext,
): Fault | null {
  const size = extendedLength(header[at + 1]!)
  const violation =
    (size === 0 ? null : checkLength(header, at + 2, size)) ?? checkLimits(header[at]!, payloadLength, context)
  if (violation === null) return null
  if (violation === violations.LengthTopBit) {
    const first = header[at + 2]!
    const mend = { from: [first], to: [first & LENGTH], text: 'clears the top bit' }
    return { violation, at: 2, end: 3, bits: [0, 0], mend }
  }
  if (violation === violations.NonMinimalLength) {
    const from = Array.from(header.subarray(at + 1, at + 2 + size))
    return {
      violation,
      at: 1,
      end: 2 + size,
      mend: { from, to: shortest(from[0]!, payloadLength), text: 'is the shortest form' },
    }
  }
  if (size === 0) return { violation, at: 1, end: 2, bits: [1, 7], mend: null }
  return { violation, at: 2, end: 2 + size, mend: null }
}

function checkLength(bytes: Uint8Array, at: number, size: number): Violation | null {
  if (size === 2) return checkLength16((bytes[at]! << 8) | bytes[at + 1]!)
  return checkLength64(word(bytes, at), word(bytes, at + 4))
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

function checkLimits(byte0: number, payloadLength: number, context: LengthContext): Violation | null {
  const opcode = byte0 & OPCODE
  if (isControl(opcode)) return null
  const open = opcode === Opcode.Continuation ? context.open : null
  const isCompressed = open === null ? context.rsv1Owned && (byte0 & RSV1) !== 0 : open.compressed
  const most = isCompressed ? mostCompressed(context.maxPayload) : context.maxPayload
  const length = (open === null ? 0 : open.announced) + payloadLength
  return checkMessageLimits(length, most, open === null ? 0 : open.parts.length, context.maxFragments)
}

/** Byte 1 and what follows it, in the shortest form; a length that is too long in its form is below 65,536. */
function shortest(byte1: number, payloadLength: number): number[] {
  const mask = byte1 & MASK
  if (payloadLength < LENGTH_16) return [mask | payloadLength]
  return [mask | LENGTH_16, payloadLength >> 8, payloadLength & 0xff]
}
