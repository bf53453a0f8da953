/* Same byte, one bit wrong: what the rules and our own code make of the session when one bit of it is another. */
import {
  type Annotation,
  annotate,
  type Direction,
  type Session,
  sessionBytes,
  type Unit,
} from '../src/inspector/index.ts'
import { acceptField, extensionsOf, keyOf, originOf } from './fields.ts'
import { type Part, type PartName, partOf, TOOLS } from './parts.ts'
import { clientAnswers, type Outcome, type Step, serverAnswers } from './peers.ts'

/** Which bit is wrong. */
export interface VariantPlan {
  /** Its anchor. */
  readonly name: string
  readonly part: PartName
  /** The field: its name in the annotation, or of the field of a head whose value it is. */
  readonly field: string
  /** Which byte of the field; negative: from its end. Default 0. */
  readonly byte?: number
  /** Which bit of the byte; bit 0 is the most significant one. */
  readonly bit: number
}

/** In the order of the page. */
export const PLANS: readonly VariantPlan[] = [
  { name: 'version-12', part: 'request', field: 'Sec-WebSocket-Version', byte: -1, bit: 7 },
  { name: 'other-accept', part: 'response', field: 'Sec-WebSocket-Accept', byte: 0, bit: 7 },
  { name: 'unmasked-client', part: 'greeting', field: 'MASK', bit: 0 },
  { name: 'masked-server', part: 'fragment', field: 'MASK', bit: 0 },
  { name: 'not-compressed', part: 'greeting', field: 'RSV1', bit: 1 },
  { name: 'rsv2', part: 'greeting', field: 'RSV2', bit: 2 },
  { name: 'opcode-3', part: 'greeting', field: 'opcode', bit: 6 },
  { name: 'one-byte-less', part: 'greeting', field: 'payload length', bit: 7 },
  { name: 'ended-too-early', part: 'fragment', field: 'FIN', bit: 0 },
  { name: 'text-in-text', part: 'continuation', field: 'opcode', bit: 7 },
  { name: 'ping-in-pieces', part: 'ping', field: 'FIN', bit: 0 },
  { name: 'close-1004', part: 'close', field: 'status code', byte: 1, bit: 5 },
  { name: 'half-a-character', part: 'close', field: 'reason', byte: 0, bit: 0 },
  { name: 'key-bit', part: 'pong', field: 'masking-key', byte: 0, bit: 7 },
]

/** What came of one wrong bit. */
export interface Variant {
  readonly plan: VariantPlan
  readonly direction: Direction
  /** The part as it was recorded. */
  readonly part: Part
  /** Offset in the part of the byte. */
  readonly byte: number
  readonly from: number
  readonly to: number
  /** All bytes of the direction, with the wrong bit; where they begin in the stream: 0. */
  readonly bytes: Uint8Array
  /** What the engine finds. */
  readonly annotation: Annotation
  /** The head or frame with the wrong bit. */
  readonly unit: Unit
  /** What our server, or our client, made of it. */
  readonly outcome: Outcome
  /** What it answered, explained. */
  readonly answer: Annotation
}

/** All of them, each over a connection of its own. */
export async function variantsOf(session: Session, parts: readonly Part[]): Promise<readonly Variant[]> {
  const variants: Variant[] = []
  for (const plan of PLANS) variants.push(await variantOf(session, parts, plan))
  return variants
}

async function variantOf(session: Session, parts: readonly Part[], plan: VariantPlan): Promise<Variant> {
  const part = partOf(parts, plan.part)
  const { direction, unit } = part
  const at = placeOf(part, plan)
  const mask = 0x80 >> plan.bit
  const bytes = Uint8Array.from(sessionBytes(session, direction))
  const from = bytes[at]!
  bytes[at] = from ^ mask
  const request = sessionBytes(session, 'c2s').subarray(0, partOf(parts, 'request').unit.end)
  const response = sessionBytes(session, 's2c').subarray(0, partOf(parts, 'response').unit.end)
  const extensions = extensionsOf(partOf(parts, 'response'))
  const annotation = annotate(bytes, {
    ...TOOLS,
    direction,
    start: 'head',
    extensions,
    ...(direction === 's2c' ? { request: keyOf(request) } : {}),
  })
  const outcome = direction === 'c2s' ? await askServer() : await askClient()
  const answer = annotate(outcome.answered, {
    ...TOOLS,
    ...(direction === 'c2s' ? { direction: 's2c', start: 'head' } : { direction: 'c2s', start: 'frames' }),
    extensions,
  })
  const { index } = unit
  return {
    plan,
    direction,
    part,
    byte: at - unit.at,
    from,
    to: bytes[at],
    bytes,
    annotation,
    unit: annotation.units[index]!,
    outcome,
    answer,
  }

  function askServer(): Promise<Outcome> {
    const head = partOf(parts, 'request').unit.end
    const steps: Step[] = [{ bytes: bytes.subarray(0, head), afterUnits: 0 }]
    for (const { direction: way, unit: own } of parts) {
      if (way === 'c2s' && own.at >= head && own.at < unit.at) {
        steps.push({ bytes: bytes.subarray(own.at, own.end), afterUnits: unitsBefore(own) })
      }
    }
    if (unit.at > 0) steps.push({ bytes: bytes.subarray(unit.at), afterUnits: unitsBefore(unit) })
    return serverAnswers(originOf(request), steps)
  }

  /** What the server says before the client says this. */
  function unitsBefore(own: Unit): number {
    const place = parts.findIndex((one) => one.unit === own)
    return parts.slice(0, place).filter((one) => one.direction === 's2c').length
  }

  function askClient(): Promise<Outcome> {
    const greeting = partOf(parts, 'greeting').unit
    if (greeting.kind !== 'frame') throw new Error('the greeting is no frame')
    const accept = acceptField(partOf(parts, 'response'))
    const isHead = at < response.length
    const flip = isHead ? { byte: at - accept.valueAt, mask } : null
    return clientAnswers(response, bytes.subarray(response.length), flip, greeting.maskingKey!)
  }
}

/** Where in its stream the byte is. */
function placeOf({ unit }: Part, { field, byte = 0 }: VariantPlan): number {
  const span =
    unit.kind === 'head'
      ? unit.spans.find((one) => one.textKey === 'head.value' && one.value === field)
      : unit.spans.find((one) => one.field === field)
  if (span === undefined) throw new Error(`the session has no ${field} where it is to be broken`)
  return byte < 0 ? span.end + byte : span.at + byte
}
