import { serializeClosePayload } from '../../frames/close-payload.ts'
import { FIN, MASK, MAX_CONTROL_PAYLOAD, RSV2, writeHeader } from '../../frames/header.ts'
import { Opcode } from '../../frames/opcode.ts'
import { serializeFrame } from '../../frames/serializer.ts'
import { violations } from '../../frames/violation.ts'
import type { Direction } from '../annotate/types.ts'
import type { LabExercise } from './protocol.ts'

/** Any key breaks the same rules; a key of zeros leaves what is broken readable. */
const KEY = Uint8Array.of(0, 0, 0, 0)

/** An opcode that nobody has given a meaning, RFC 6455 §5.2. */
const RESERVED_OPCODE = 3

/** The first octet of a character of two, alone: no UTF-8. */
const CUT_CHARACTER = Uint8Array.of(0xc3)

const HELLO = new TextEncoder().encode('Hello')

/** A frame with any header: the masked bit is that of its direction. */
function frame(direction: Direction, byte0: number, payload: Uint8Array, length: readonly number[] | null): Uint8Array {
  const head = new Uint8Array(14)
  const mask = direction === 'c2s' ? MASK : 0
  let at = 2
  if (length === null) at = writeHeader(head, 0, byte0, mask, payload.length)
  else {
    head[0] = byte0
    head[1] = mask | length[0]!
    head.set(length.slice(1), 2)
    at += length.length - 1
  }
  const key = direction === 'c2s' ? KEY : new Uint8Array(0)
  return join(head.subarray(0, at), key, payload)
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

function legal(direction: Direction, opcode: number, payload: Uint8Array, fin = true): Uint8Array {
  return serializeFrame({ opcode, payload, fin, maskingKey: direction === 'c2s' ? KEY : null })
}

function closeWith(statusCode: number): (direction: Direction) => Uint8Array {
  return (direction) => legal(direction, Opcode.Close, Uint8Array.of(statusCode >>> 8, statusCode & 0xff))
}

/** For each rule: bytes that break it and no other before it. */
const BREAKS: Readonly<Partial<Record<keyof typeof violations, (direction: Direction) => Uint8Array>>> = {
  ReservedBit: (direction) => frame(direction, FIN | RSV2 | Opcode.Text, HELLO, null),
  ReservedOpcode: (direction) => legal(direction, RESERVED_OPCODE, HELLO),
  FragmentedControl: (direction) => legal(direction, Opcode.Ping, HELLO, false),
  LongControl: (direction) => frame(direction, FIN | Opcode.Ping, new Uint8Array(MAX_CONTROL_PAYLOAD + 1), null),
  OrphanContinuation: (direction) => legal(direction, Opcode.Continuation, HELLO),
  InterleavedMessage: (direction) =>
    join(legal(direction, Opcode.Text, HELLO, false), legal(direction, Opcode.Text, HELLO)),
  LengthTopBit: (direction) => frame(direction, FIN | Opcode.Binary, HELLO, [127, 0x80, 0, 0, 0, 0, 0, 0, 5]),
  NonMinimalLength: (direction) => frame(direction, FIN | Opcode.Text, HELLO, [126, 0, 5]),
  InvalidUtf8: (direction) => legal(direction, Opcode.Text, CUT_CHARACTER),
  InvalidUtf8Reason: (direction) => legal(direction, Opcode.Close, join(serializeClosePayload(1000), CUT_CHARACTER)),
  TruncatedStatusCode: (direction) => legal(direction, Opcode.Close, Uint8Array.of(3)),
  UnusedStatusCode: closeWith(999),
  ReservedStatusCode: closeWith(1004),
  NoStatusOnWire: closeWith(1005),
  AbnormalOnWire: closeWith(1006),
  TlsHandshakeOnWire: closeWith(1015),
  UnassignedStatusCode: closeWith(2000),
  StatusCodeOutOfRange: closeWith(5000),
}

/** Only the one side can break these. */
const MASKING = {
  UnmaskedClientFrame: { direction: 'c2s', bytes: serializeFrame({ opcode: Opcode.Text, payload: HELLO }) },
  MaskedServerFrame: {
    direction: 's2c',
    bytes: serializeFrame({ opcode: Opcode.Text, payload: HELLO, maskingKey: KEY }),
  },
} as const

/** An exercise with its bytes. */
export interface Exercise extends LabExercise {
  readonly bytes: Uint8Array
}

/** Everything that the lab can do wrong. A rule that is changed in `violations` is changed here. */
export const exercises: readonly Exercise[] = [
  ...(Object.keys(MASKING) as Array<keyof typeof MASKING>).map((rule) =>
    exercise(rule, MASKING[rule].direction, MASKING[rule].bytes),
  ),
  ...(Object.keys(BREAKS) as Array<keyof typeof violations>).flatMap((rule) =>
    (['c2s', 's2c'] as const).map((direction) => exercise(rule, direction, BREAKS[rule]!(direction))),
  ),
]

function exercise(rule: keyof typeof violations, direction: Direction, bytes: Uint8Array): Exercise {
  const { id, statusCode, message } = violations[rule]
  const name = rule.replace(/(?<!^)(?=[A-Z])/g, '-').toLowerCase()
  return { name, id, about: message, direction, statusCode, bytes }
}

/** @returns undefined when there is none */
export function findExercise(name: string, direction: Direction): Exercise | undefined {
  return exercises.find((one) => one.name === name && one.direction === direction)
}
