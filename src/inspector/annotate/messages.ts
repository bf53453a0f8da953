import { checkCloseCode } from '../../frames/close-code.ts'
import { isControl, isReserved, Opcode } from '../../frames/opcode.ts'
import { StatusCode, statusCodeLabel } from '../../frames/status-code.ts'
import { Utf8Octets } from '../../frames/utf8-octets.ts'
import { type Violation, violations } from '../../frames/violation.ts'
import type { Frame } from './frame-unit.ts'
import { Joined } from './joined.ts'
import type { AnnotateContext, Inflated } from './types.ts'

const NO_BYTES = new Uint8Array(0)

/** The largest window of DEFLATE: what a message may refer back to. */
const WINDOW_LENGTH = 32 << 10

/** What {@link Messages} is told. */
export interface MessagesOptions {
  readonly inflate: AnnotateContext['inflate']
  readonly maxPayload: number
}

/** Joins frames to messages, judges what is in them, and inflates them. */
export class Messages {
  list: Joined[] = []
  /** Whether messages refer back to those before, RFC 7692 §7.1.1. */
  takesOver = true
  readonly #options: MessagesOptions
  #count = 0
  #open: Joined | null = null
  /** The last bytes inflated; null when they are not known. */
  #window: Uint8Array | null = NO_BYTES

  constructor(options: MessagesOptions) {
    this.#options = options
  }

  /** The message that is open, §5.4. */
  get open(): Joined | null {
    return this.#open
  }

  /** Takes the next frame. @returns a frame before it in which a rule turns out to be broken, or null */
  add(frame: Frame): Frame | null {
    const { opcode } = frame
    if (isReserved(opcode)) return null
    if (isControl(opcode)) {
      if (opcode === Opcode.Close && !frame.isCut) judgeClose(frame)
      return null
    }
    const isFirst = opcode !== Opcode.Continuation
    if (!isFirst && this.#open === null) return null
    const message = isFirst ? this.#begin(frame) : this.#open!
    message.add(frame)
    if (message.isText && !message.compressed) judgeText(message, frame)
    if (!frame.fin || frame.isCut) {
      if (isFirst) this.#open = message
      return null
    }
    message.isComplete = true
    if (message === this.#open) this.#open = null
    if (!message.compressed) return null
    if (message.isBroken) this.#window = null
    return message.isBroken ? null : this.#inflate(message, message.parts.length, true)
  }

  /**
   * Judges what is there of a compressed message that will not be complete.
   *
   * @param before - only frames before this one
   * @returns the frame in which a rule is broken, or null
   */
  judgeOpen(before: Frame | null): Frame | null {
    const message = this.#open
    if (message === null || !message.compressed || message.isBroken) return null
    const { parts } = message
    const count = before === null ? parts.length : parts.filter(({ index }) => index < before.index).length
    return count === 0 ? null : this.#inflate(message, count, false)
  }

  #begin(frame: Frame): Joined {
    const message = new Joined(this.#count++, frame.opcode, frame.rsv1 && frame.rsv1Owned)
    this.list.push(message)
    return message
  }

  /** @returns the frame that breaks a rule */
  #inflate(message: Joined, count: number, isWhole: boolean): Frame | null {
    const { inflate, maxPayload } = this.#options
    if (inflate === undefined) return null
    const dictionary = this.takesOver ? this.#window : NO_BYTES
    const run = (parts: number, whole: boolean): Inflated => {
      const data = message.joinedUpTo(parts)
      // Lenient, as the codec: a message without a byte of DEFLATE data is an empty one.
      if (data.length === 0) return NO_BYTES
      return inflate(data, { index: message.index, dictionary, isWhole: whole, maxLength: maxPayload })
    }
    const result = run(count, isWhole)
    if (isWhole) this.#remember(result)
    const fault = faultOf(message, result, isWhole, maxPayload)
    if (fault === null) {
      if (isWhole) message.inflated = bytesOf(result)
      return null
    }
    // The shortest beginning of the message that is broken ends with the frame that breaks it.
    let sound = 0
    let broken = count
    while (broken - sound > 1) {
      const middle = (sound + broken) >>> 1
      if (faultOf(message, run(middle, false), false, maxPayload) === null) sound = middle
      else broken = middle
    }
    const frame = message.parts[broken - 1]!
    // What can be seen before the end of the message comes before what its end shows.
    const violation = faultOf(message, run(broken, false), false, maxPayload) ?? fault
    message.isBroken = true
    const start = frame.headerLength
    const length = frame.end - frame.at
    frame.addFault({ violation, at: start < length ? start : 0, end: start < length ? length : 1, mend: null })
    return frame
  }

  #remember(result: Inflated): void {
    const bytes = bytesOf(result)
    if (typeof result === 'object' && 'window' in result) this.#window = result.window
    else if (bytes === null || this.#window === null) this.#window = null
    else if (bytes.length >= WINDOW_LENGTH) this.#window = bytes.slice(bytes.length - WINDOW_LENGTH)
    else {
      const kept = this.#window.subarray(Math.max(0, this.#window.length + bytes.length - WINDOW_LENGTH))
      const window = new Uint8Array(kept.length + bytes.length)
      window.set(kept)
      window.set(bytes, kept.length)
      this.#window = window
    }
  }
}

/** What came out; null when nothing did. */
function bytesOf(result: Inflated): Uint8Array | null {
  if (typeof result !== 'object') return null
  return result instanceof Uint8Array ? result : result.bytes
}

/** The rule that a compressed message, or the beginning of one, breaks. */
function faultOf(message: Joined, result: Inflated, isWhole: boolean, maxPayload: number): Violation | null {
  if (result === undefined) return null
  if (result === 'corrupt') return violations.CorruptMessage
  const bytes = bytesOf(result)
  if (bytes === null || bytes.length > maxPayload) return violations.MessageTooBig
  if (!message.isText) return null
  const utf8 = new Utf8Octets()
  for (const octet of bytes) if (!utf8.octet(octet)) return violations.InvalidUtf8
  return isWhole && !utf8.isComplete ? violations.InvalidUtf8 : null
}

/** Judges the payload of a frame as the next part of a text, RFC 6455 §8.1. */
function judgeText(message: Joined, frame: Frame): void {
  if (message.isBroken) return
  const { plain, headerLength } = frame
  const { utf8 } = message
  for (let i = 0; i < plain.length; i++) {
    if (!utf8.octet(plain[i]!)) {
      breakText(message, frame, headerLength + i)
      return
    }
  }
  if (frame.fin && !frame.isCut && !utf8.isComplete) breakText(message, frame, headerLength + plain.length - 1)
}

function breakText(message: Joined, frame: Frame, at: number): void {
  message.isBroken = true
  // A frame without payload can only end a text too early: then it is its FIN that is wrong.
  const place = at < frame.headerLength ? 0 : at
  frame.addFault({ violation: violations.InvalidUtf8, at: place, end: place + 1, mend: null })
}

/** Judges the body of a Close frame, RFC 6455 §5.5.1 and §7.4. */
function judgeClose(frame: Frame): void {
  const { plain, headerLength } = frame
  const violation = checkCloseCode(plain, 0, plain.length)
  if (violation !== null) {
    const end = headerLength + Math.min(2, plain.length)
    frame.addFault({ violation, at: headerLength, end, mend: plain.length < 2 ? null : mendCode(frame) })
    return
  }
  const utf8 = new Utf8Octets()
  for (let i = 2; i < plain.length; i++) {
    if (utf8.octet(plain[i]!)) continue
    const at = headerLength + i
    frame.addFault({ violation: violations.InvalidUtf8Reason, at, end: at + 1, mend: null })
    return
  }
  if (utf8.isComplete) return
  const end = headerLength + plain.length
  frame.addFault({ violation: violations.InvalidUtf8Reason, at: end - 1, end, mend: null })
}

/** 1000 may always stand there. */
function mendCode(frame: Frame): { from: number[]; to: number[]; text: string } {
  const { wire, headerLength, maskingKey } = frame
  const code = StatusCode.NormalClosure
  const [k0, k1] = maskingKey === null ? [0, 0] : [maskingKey[0]!, maskingKey[1]!]
  return {
    from: [wire[headerLength]!, wire[headerLength + 1]!],
    to: [(code >> 8) ^ k0, (code & 0xff) ^ k1],
    text: `is ${code}, ${statusCodeLabel(code)}`,
  }
}
