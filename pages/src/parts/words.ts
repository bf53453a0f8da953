import type {
  Annotation,
  Duty,
  FrameUnit,
  Message,
  Stop,
  Unit,
  Verdict,
} from '../../../src/inspector/annotate/index.ts'
import { frameTitle, hexByte } from '../../../src/inspector/annotate/index.ts'

/** `1 frame`, `2 frames`. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`
}

/** What arrived, and what the rule wants: the two halves of a verdict's message, with what these bytes add to the first. */
export function halves({ message, rule, bit }: Verdict, unit: Unit | undefined): [arrived: string, wanted: string] {
  const at = message.indexOf('; ')
  const first = at < 0 ? message : message.slice(0, at)
  const wanted = at < 0 ? '' : message.slice(at + 2)
  if (rule === 'ReservedBit') return [`RSV${bit} is 1 and nothing negotiated it`, wanted]
  if (rule === 'ReservedOpcode' && unit?.kind === 'frame')
    return [`Opcode 0x${unit.opcode.toString(16)} is reserved`, wanted]
  return [first[0]!.toUpperCase() + first.slice(1), wanted]
}

/** What the receiver does, in one sentence. */
export function dutyTitle(role: string, verdict: Verdict): string {
  const { duty, httpStatus } = verdict
  if (duty.action === 'ignore') return `The ${role} takes no notice of it`
  const must = duty.level === null ? 'fails' : duty.level === 'SHOULD' ? 'should fail' : 'must fail'
  if (duty.action === 'refuse')
    return `The ${role} must refuse the request${httpStatus === null ? '' : `: ${httpStatus}`}`
  return `The ${role} ${must} the connection`
}

/** Which part of that is a MUST and which a MAY: pieces of text, and ids that are links. */
export function dutyParts({ action, level, id, close }: Duty): ReadonlyArray<{ text: string; id: string | null }> {
  const what = {
    fail: 'fail the connection',
    refuse: 'answer with an HTTP error',
    ignore: 'discard what follows a Close',
  }
  const first =
    level === null
      ? { text: 'The RFC forbids it to the sender, and leaves the answer to the receiver.', id: null }
      : { text: `${level} ${what[action]}`, id }
  if (close === null) return [first]
  return [first, { text: `${close.level} send Close ${close.statusCode} before`, id: close.id }]
}

/** `FIN · masked · 5 B` */
export function flags(frame: FrameUnit): string {
  return frameTitle(frame).split(' · ').slice(1).join(' · ')
}

/** The opcode in a word. */
export function opcodeWord(frame: FrameUnit): string {
  const [name] = frameTitle(frame).split(' · ')
  return name!.startsWith('reserved') ? `opcode 0x${hexByte(frame.opcode)[1]}` : name!
}

/** So many characters of a message are shown beside a frame. */
const SAID = 80

/** What a frame says, in a few words. */
export function say(frame: FrameUnit, message: Message | undefined): string {
  if (frame.opcode === 8) {
    const { plain } = frame
    if (plain.length < 2) return ''
    const reason = plain.length > 2 ? ` “${decoder.decode(plain.subarray(2))}”` : ''
    return `${(plain[0]! << 8) | plain[1]!}${reason}`
  }
  if (frame.opcode > 7) return quoted(frame.plain)
  if (message === undefined) return ''
  if (message.compressed) {
    if (frame.index !== message.frames.at(-1)) return ''
    const { bytes } = message
    if (bytes === null) return ''
    return `inflates to ${message.opcode === 1 ? quoted(bytes) : `${bytes.length} B`}`
  }
  return message.opcode === 1 ? quoted(frame.plain) : ''
}

const decoder = new TextDecoder()

/** Bytes as text in quotes, cut where nobody reads on. */
export function quoted(bytes: Uint8Array, most = SAID): string {
  if (bytes.length === 0) return ''
  const isCut = bytes.length > most
  const text = decoder.decode(bytes.subarray(0, most))
  // The cut may be inside a character.
  return isCut ? `“${text.replace(/\uFFFD+$/, '')}…”` : `“${text}”`
}

/** The line behind the unit at which the receiver stops. */
export function stopTitle({ role }: Pick<Annotation, 'role'>, { reason, verdict }: Stop): string {
  if (reason === 'close') return `The ${role} reads no further: the closing handshake is under way`
  const code = verdict?.statusCode ?? null
  return `The ${role} stops here${code === null ? '' : `, Close ${code}`}`
}
