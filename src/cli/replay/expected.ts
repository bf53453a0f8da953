import { Opcode, opcodeName } from '../../frames/opcode.ts'
import type { Annotation, FrameUnit, Verdict } from '../../inspector/annotate/index.ts'
import { textOf } from './show-payload.ts'

/** A frame as a parser gives it. */
export interface PlainFrame {
  readonly fin: boolean
  readonly opcode: number
  readonly payload: Uint8Array
}

/** What must come out of one direction of a session. */
export interface Expected {
  readonly frames: readonly PlainFrame[]
  /** The rule on frames that is broken behind them; null: none. */
  readonly refusal: Verdict | null
  /** Whether the last frame breaks a rule on messages or bodies: a parser of frames may refuse it, or leave it to others. */
  readonly mayRefuseLast: boolean
}

/** Rules on what is in frames, not on the frames themselves. */
const ON_CONTENTS: ReadonlySet<string> = new Set([
  ...['InvalidUtf8', 'InvalidUtf8Reason', 'CorruptMessage', 'MessageTooBig', 'TooManyFragments', 'DataAfterClose'],
  ...['TruncatedStatusCode', 'UnusedStatusCode', 'ReservedStatusCode', 'NoStatusOnWire', 'AbnormalOnWire'],
  ...['TlsHandshakeOnWire', 'UnassignedStatusCode', 'StatusCodeOutOfRange'],
])

/** What the engine makes of it, up to where the receiver stops. */
export function expectedOf({ units, stop }: Annotation): Expected {
  const verdict = stop?.verdict ?? null
  const isOnContents = verdict !== null && ON_CONTENTS.has(verdict.rule)
  const refusal = isOnContents ? null : verdict
  const frames: PlainFrame[] = []
  for (const unit of units) {
    if (unit.kind !== 'frame' || unit.isCut) continue
    const isLast = stop !== null && stop.unit <= unit.index
    if (!isLast || refusal === null) frames.push(plainOf(unit))
    if (isLast) break
  }
  return { frames, refusal, mayRefuseLast: isOnContents }
}

function plainOf({ fin, opcode, plain }: FrameUnit): PlainFrame {
  return { fin, opcode, payload: plain }
}

/** What a parser made of it. */
export interface Outcome {
  readonly frames: readonly PlainFrame[]
  /** Why it stopped; null: it did not. */
  readonly refusal: string | null
}

/** Where both differ, a line each; nothing when they do not. */
export function differences(expected: Expected, { frames, refusal }: Outcome): string[] {
  const lines: string[] = []
  const isLastRefused = expected.mayRefuseLast && refusal !== null
  const least = expected.frames.length - (isLastRefused ? 1 : 0)
  // What comes behind the end of a connection is for nobody: parsers of frames know no end.
  const most = expected.frames.at(-1)?.opcode === Opcode.Close ? expected.frames.length : Math.max(least, frames.length)
  for (let i = 0; i < most && lines.length < 10; i++) {
    if (i >= least && frames[i] === undefined) break
    const [wanted, got] = [expected.frames[i], frames[i]].map((frame) =>
      frame === undefined ? 'nothing' : show(frame),
    )
    const isSame =
      expected.frames[i] !== undefined && frames[i] !== undefined && isEqual(expected.frames[i]!, frames[i]!)
    if (!isSame) lines.push(`frame ${i}: ${wanted} was sent, and what came out is ${got}`)
  }
  if (expected.refusal !== null && refusal === null) {
    const { id, at, message } = expected.refusal
    lines.push(`the frame that breaks ${id} at byte ${at} was not refused: ${message}`)
  }
  if (expected.refusal === null && refusal !== null && !isLastRefused)
    lines.push(`what keeps the rules was refused: ${refusal}`)
  return lines
}

function isEqual(a: PlainFrame, b: PlainFrame): boolean {
  return a.fin === b.fin && a.opcode === b.opcode && Buffer.compare(a.payload, b.payload) === 0
}

/** A frame in words. */
export function show({ fin, opcode, payload }: PlainFrame): string {
  const what = opcode === Opcode.Binary ? `${payload.length} bytes` : textOf(payload)
  return `${opcodeName(opcode)}${fin ? '' : ' (not FIN)'} ${what}`
}
