/*
 * Every fault of the first two bytes of a frame. `checkHeader` names the first; what it names is mended, and it is asked
 * again: so each rule stands in one place, the codec's, and what mends it comes for nothing.
 */
import {
  checkHeader,
  FIN,
  type HeaderContext,
  LENGTH,
  MASK,
  MAX_CONTROL_PAYLOAD,
  OPCODE,
  RSV1,
  RSV2,
  RSV3,
} from '../../frames/header.ts'
import { isControl, Opcode, opcodeName } from '../../frames/opcode.ts'
import { type Violation, violations } from '../../frames/violation.ts'

/** A rule of the codec's, and where in a frame it is broken. */
export interface Fault {
  readonly violation: Violation
  /** Offset in the frame of the first byte at fault. */
  readonly at: number
  readonly end: number
  readonly bits?: readonly [first: number, last: number]
  /** Change of the byte at `at`; `to` null: no change of it is enough. */
  readonly mend: {
    readonly from: readonly number[]
    readonly to: readonly number[] | null
    readonly text: string
  } | null
}

/** The first two bytes as they would keep the rule. */
interface Mended {
  readonly byte: 0 | 1
  readonly bits: readonly [first: number, last: number]
  readonly to: number
  /** Whether that byte is all there is to change. */
  readonly isEnough: boolean
  readonly text: string
}

type Mending = (byte0: number, byte1: number, context: HeaderContext) => Mended

const ALL_RSV = RSV1 | RSV2 | RSV3
const RSV_BITS = [RSV1, RSV2, RSV3] as const

/** Sets the opcode, for the rules that it breaks. */
function withOpcode(byte0: number, opcode: number, text: string): Mended {
  return { byte: 0, bits: [4, 7], to: (byte0 & ~OPCODE) | opcode, isEnough: true, text }
}

function clearBit(byte0: number, index: number): Mended {
  return { byte: 0, bits: [index, index], to: byte0 & ~(0x80 >> index), isEnough: true, text: `clears RSV${index}` }
}

const MENDINGS = new Map<Violation, Mending>([
  [
    violations.ReservedBit,
    (byte0, byte1, context) => {
      // The codec says that one of the three is wrong: each is shown to it alone.
      const guilty = RSV_BITS.findIndex(
        (bit) =>
          (byte0 & bit) !== 0 && checkHeader((byte0 & ~ALL_RSV) | bit, byte1, context) === violations.ReservedBit,
      )
      return clearBit(byte0, guilty + 1)
    },
  ],
  [violations.Rsv1OnControl, (byte0) => clearBit(byte0, 1)],
  [violations.Rsv1OnContinuation, (byte0) => clearBit(byte0, 1)],
  [
    violations.ReservedOpcode,
    (byte0, _byte1, { messageOpen }) => {
      const lawful = isControl(byte0 & OPCODE) ? Opcode.Ping : messageOpen ? Opcode.Continuation : Opcode.Binary
      return withOpcode(byte0, lawful, `is opcode ${lawful}, ${opcodeName(lawful)}`)
    },
  ],
  [
    violations.FragmentedControl,
    (byte0) => ({ byte: 0, bits: [0, 0], to: byte0 | FIN, isEnough: true, text: 'sets FIN' }),
  ],
  [
    violations.LongControl,
    (_byte0, byte1) => ({
      byte: 1,
      bits: [1, 7],
      to: (byte1 & MASK) | MAX_CONTROL_PAYLOAD,
      isEnough: false,
      text: `a control frame holds ${MAX_CONTROL_PAYLOAD} bytes; what is longer is a message`,
    }),
  ],
  [violations.OrphanContinuation, (byte0) => withOpcode(byte0, Opcode.Text, 'starts a text message')],
  [violations.InterleavedMessage, (byte0) => withOpcode(byte0, Opcode.Continuation, 'goes on with the open message')],
  [
    violations.UnmaskedClientFrame,
    (_byte0, byte1) => ({
      byte: 1,
      bits: [0, 0],
      to: byte1 | MASK,
      isEnough: true,
      text: 'sets the mask bit; a masking-key and the payload masked with it follow',
    }),
  ],
  [
    violations.MaskedServerFrame,
    (_byte0, byte1) => ({
      byte: 1,
      bits: [0, 0],
      to: byte1 & ~MASK,
      isEnough: true,
      text: 'clears the mask bit; the key goes, and the payload stands as it is',
    }),
  ],
])

const NO_FAULTS: readonly Fault[] = Object.freeze([])

/** Each of the two bytes can be mended a few times at most. */
const MOST_FAULTS = 10

/** Streams have few of the 2^16 headers in eight contexts, and many frames share one list. */
const MOST_KNOWN = 4096
const known = new Map<number, readonly Fault[]>()

/** Every rule that the first two bytes break, the one that `checkHeader` names first. */
export function headerFaults(byte0: number, byte1: number, context: HeaderContext): readonly Fault[] {
  const key =
    byte0 |
    (byte1 << 8) |
    (context.role === 'server' ? 1 << 16 : 0) |
    (context.rsv1Owned ? 1 << 17 : 0) |
    (context.messageOpen ? 1 << 18 : 0)
  let faults = known.get(key)
  if (faults === undefined) {
    faults = findFaults(byte0, byte1, context)
    if (known.size === MOST_KNOWN) known.clear()
    known.set(key, faults)
  }
  return faults
}

function findFaults(byte0: number, byte1: number, context: HeaderContext): readonly Fault[] {
  const faults: Fault[] = []
  const bytes: [number, number] = [byte0, byte1]
  for (let i = 0; i < MOST_FAULTS; i++) {
    const violation = checkHeader(bytes[0], bytes[1], context)
    if (violation === null) break
    const mending = MENDINGS.get(violation)
    if (mending === undefined) {
      faults.push({ violation, at: 0, end: 2, mend: null })
      break
    }
    const { byte, bits, to, isEnough, text } = mending(bytes[0], bytes[1], context)
    // What is mended before does not show in this change.
    const asItCame = byte === 0 ? byte0 : byte1
    const changed = bytes[byte] ^ to
    const mend = { from: [asItCame], to: isEnough ? [(asItCame & ~changed) | (to & changed)] : null, text }
    faults.push({ violation, at: byte, end: byte + 1, bits, mend })
    bytes[byte] = to
  }
  return faults.length === 0 ? NO_FAULTS : faults
}

/** Bytes of the extended length that byte 1 announces. */
export function extendedLength(byte1: number): 0 | 2 | 8 {
  const length = byte1 & LENGTH
  return length < 126 ? 0 : length === 126 ? 2 : 8
}
