import type { HandshakeError } from '../../errors.ts'
import { type Violation, violations } from '../../frames/violation.ts'
import type { Fault } from './header-faults.ts'
import { levelOf } from './requirement.ts'
import { hex } from './text.ts'
import type { Direction, Duty, Level, Verdict } from './types.ts'

/** Names of the rules of the codec. */
const NAMES = new Map<Violation, string>(Object.entries(violations).map(([name, violation]) => [violation, name]))

type RuleName = keyof typeof violations

/** A requirement that says what the endpoint does, with its level in the table. */
type Says = readonly [level: Level, id: string]

/** RFC 6455 §7.1.7: whoever fails an established connection should say why in a Close frame. */
const SHOULD_CLOSE: Says = ['SHOULD', '6455-7.1.7-5']

/**
 * Which requirement says that the connection must be failed. Where the RFC only forbids the sender something, what the
 * receiver does is left to it: no entry.
 */
const MUST_FAIL: { readonly [name in RuleName]?: Says } = {
  UnmaskedClientFrame: ['MUST', '6455-5.1-2'],
  MaskedServerFrame: ['MUST', '6455-5.1-5'],
  ReservedBit: ['MUST', '6455-5.2-3'],
  ReservedOpcode: ['MUST', '6455-5.2-4'],
  Rsv1OnControl: ['MUST', '7692-6.1-4'],
  Rsv1OnContinuation: ['MUST', '7692-6.1-4'],
  InvalidUtf8: ['MUST', '6455-8.1-1'],
  InvalidUtf8Reason: ['MUST', '6455-8.1-1'],
  MessageTooBig: ['MUST', '6455-10.4-1'],
  TooManyFragments: ['MUST', '6455-10.4-1'],
  DeflateMemoryExhausted: ['MUST', '6455-10.4-1'],
}

/** For two rules the Close frame has a sentence of its own. */
const MAY_CLOSE: { readonly [name in RuleName]?: Says } = {
  UnmaskedClientFrame: ['MAY', '6455-5.1-3'],
  MaskedServerFrame: ['MAY', '6455-5.1-6'],
}

/** What the endpoint that sees a rule of the codec broken does. */
export function dutyOf(violation: Violation): Duty {
  const name = NAMES.get(violation) as RuleName
  const fail = MUST_FAIL[name]
  const [level, id] = MAY_CLOSE[name] ?? SHOULD_CLOSE
  return {
    action: 'fail',
    level: fail === undefined ? null : fail[0],
    id: fail === undefined ? null : fail[1],
    close: { statusCode: violation.statusCode, level, id },
  }
}

/** A fault of a frame as a verdict. @param base - offset of the frame in the stream */
export function verdictOf(fault: Fault, base: number): Verdict {
  const { violation, at, end, bits, mend } = fault
  const place = { at: base + at, end: base + end }
  return {
    id: violation.id,
    rule: NAMES.get(violation) ?? '',
    ...place,
    ...(bits === undefined ? {} : { bit: bits[0], bits }),
    statusCode: violation.statusCode,
    httpStatus: null,
    message: violation.message,
    level: levelOf(violation.id),
    duty: dutyOf(violation),
    mend:
      mend === null
        ? null
        : {
            at: base + at,
            from: hex(Uint8Array.from(mend.from)),
            to: mend.to === null ? null : hex(Uint8Array.from(mend.to)),
            text: mend.text,
          },
  }
}

const DATA_AFTER_CLOSE = '6455-5.5.1-6'

/** A data frame behind a Close frame: the sender's fault, of which the receiver takes no notice. */
export function dataAfterClose(at: number): Verdict {
  return {
    id: DATA_AFTER_CLOSE,
    rule: 'DataAfterClose',
    at,
    end: at + 1,
    bit: 4,
    bits: [4, 7],
    statusCode: null,
    httpStatus: null,
    message: 'data frame behind a Close frame; after its Close an endpoint sends no more data',
    level: levelOf(DATA_AFTER_CLOSE),
    duty: { action: 'ignore', level: 'SHOULD', id: '6455-7.1.1-1', close: null },
    mend: null,
  }
}

/** Who must do what with a handshake that breaks a rule. */
const REFUSE: Readonly<Record<Direction, Duty>> = {
  c2s: { action: 'refuse', level: 'MUST', id: '6455-4.2.1-1', close: null },
  s2c: { action: 'fail', level: 'MUST', id: '6455-4.1-44', close: null },
}

/** A fault of a head as a verdict. */
export function handshakeVerdict(error: HandshakeError, direction: Direction, at: number, end: number): Verdict {
  const id = error.requirement
  return {
    id,
    rule: 'Handshake',
    at,
    end,
    statusCode: null,
    httpStatus: error.httpStatus,
    message: error.message.replace(/ \([^()]*\)$/, ''),
    level: levelOf(id),
    duty: REFUSE[direction],
    mend: null,
  }
}
