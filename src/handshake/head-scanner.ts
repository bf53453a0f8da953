/**
 * Theory of operation. A head is a start line, field lines and an empty line. The scanner walks over it once, octet by
 * octet, and notes where names and values begin and end; it builds no strings. It can stop after any octet and go on
 * later, so the head may arrive in any pieces, and it is never scanned again from the beginning.
 *
 * Editing rules: the outcome may depend on the octets and the limits only, never on how they were cut; so a limit is a
 * property of one octet's place (the first octet over it trips it) and every fault is found at the first octet that
 * shows it.
 */
import { HandshakeError } from '../errors.ts'
import type { HeadLimits } from './head-limits.ts'
import { COLON, CR, HTAB, LF, OCTET_CLASS, OctetClass, octetName, SP } from './octets.ts'

/**
 * Reads one start line, wherever the stream is cut. RFC 9112 §3 and §4.
 *
 * Both scanners keep offsets from the beginning of the head, look at each octet once, in order, and stop at the first one
 * that cannot be right: so what they say does not depend on how the stream is cut.
 */
export interface StartLineScanner {
  /**
   * Goes on at `from`, where the last call ended.
   *
   * @returns The offset after the line's LF, or -1 when the line goes on past `end`.
   * @throws HandshakeError at the first octet that cannot be right, and at the first one over the limit.
   */
  scan(octets: Uint8Array, from: number, end: number): number
}

const Awaiting = {
  StartLine: 0,
  FieldLine: 1,
  Name: 2,
  ValueFirst: 3,
  Value: 4,
  LineFeed: 5,
  LastLineFeed: 6,
} as const
type Awaiting = (typeof Awaiting)[keyof typeof Awaiting]

const CONTENT_LENGTH = 'content-length'

/** Finds the end of a head and the places of its field lines. RFC 9112 §2.2 and §5. */
export class HeadScanner {
  readonly #startLine: StartLineScanner
  readonly #limits: HeadLimits
  readonly #malformedStatus: number
  readonly #tooLargeStatus: number
  readonly #places: number[] = []
  #awaiting: Awaiting = Awaiting.StartLine
  #nameStart = 0
  #nameEnd = 0
  #valueStart = 0
  #fieldLines = 0
  #octetsSeen = 0

  /**
   * @param malformedStatus HTTP status of a fault in a field line.
   * @param tooLargeStatus HTTP status of a head with too many octets or field lines.
   */
  constructor(startLine: StartLineScanner, limits: HeadLimits, malformedStatus: number, tooLargeStatus: number) {
    this.#startLine = startLine
    this.#limits = limits
    this.#malformedStatus = malformedStatus
    this.#tooLargeStatus = tooLargeStatus
  }

  /** Four offsets per field line: the name's first octet and its end, the value's first octet and its end. */
  get places(): readonly number[] {
    return this.#places
  }

  /** Whether no octet so far was above 0x7f. */
  get isAscii(): boolean {
    return this.#octetsSeen < 0x80
  }

  /**
   * Goes on at `from`, where the last call ended. `octets` begins with the head's first octet.
   *
   * @returns The offset after the head's last LF, or -1 when the head goes on past `end`.
   * @throws HandshakeError at the first octet that cannot be right, and at the first one over a limit.
   */
  scan(octets: Uint8Array, from: number, end: number): number {
    const stop = Math.min(end, this.#limits.maxHeadBytes)
    const headEnd = this.#scanUpTo(octets, from, stop)
    // @req 6455-10.4-1
    if (headEnd < 0 && stop === this.#limits.maxHeadBytes) {
      throw this.#tooLarge(`the head is longer than ${this.#limits.maxHeadBytes} octets`)
    }
    return headEnd
  }

  #scanUpTo(octets: Uint8Array, from: number, end: number): number {
    let i = from
    if (this.#awaiting === Awaiting.StartLine) {
      i = this.#startLine.scan(octets, i, end)
      if (i < 0) return -1
      this.#awaiting = Awaiting.FieldLine
    }
    while (i < end) {
      const octet = octets[i]!
      switch (this.#awaiting) {
        case Awaiting.FieldLine:
          if (octet === CR) {
            i++
            this.#awaiting = Awaiting.LastLineFeed
            break
          }
          this.#beginFieldLine(octet)
          this.#nameStart = i
          this.#awaiting = Awaiting.Name
          break
        case Awaiting.Name:
          while (i < end && (OCTET_CLASS[octets[i]!]! & OctetClass.Token) !== 0) i++
          if (i === end) break
          if (octets[i] !== COLON) throw this.#nameFault(octets[i]!)
          this.#nameEnd = i
          i++
          this.#awaiting = Awaiting.ValueFirst
          break
        case Awaiting.ValueFirst:
          while (i < end && isPadding(octets[i]!)) i++
          if (i === end) break
          this.#valueStart = i
          this.#awaiting = Awaiting.Value
          break
        case Awaiting.Value: {
          let seen = 0
          while (i < end && (OCTET_CLASS[octets[i]!]! & OctetClass.FieldValue) !== 0) seen |= octets[i++]!
          this.#octetsSeen |= seen
          if (i === end) break
          if (octets[i] !== CR) throw this.#malformed('9112-5', `${octetName(octets[i]!)} in the value of a field line`)
          this.#endFieldLine(octets, i)
          i++
          this.#awaiting = Awaiting.LineFeed
          break
        }
        case Awaiting.LineFeed:
          if (octet !== LF) throw this.#malformed('9112-2.2', `${octetName(octet)} follows a CR; only LF may`)
          i++
          this.#awaiting = Awaiting.FieldLine
          break
        default:
          if (octet !== LF) throw this.#malformed('9112-2.2', `${octetName(octet)} follows a CR; only LF may`)
          return i + 1
      }
    }
    return -1
  }

  #beginFieldLine(octet: number): void {
    // @req 6455-4.2.1-1
    // Stricter than RFC 9112 §5.2, which would let a server unfold the line: smuggling lives on the difference.
    if (isPadding(octet))
      throw this.#malformed('9112-5.2', 'a field line begins with whitespace; line folding is refused')
    if (octet === COLON) throw this.#malformed('9112-5', 'a field line has an empty name')
    if ((OCTET_CLASS[octet]! & OctetClass.Token) === 0) {
      throw this.#malformed('9112-5', `a field line begins with ${octetName(octet)}; a field name is a token`)
    }
    // @req 6455-10.4-1
    if (this.#fieldLines === this.#limits.maxFieldLines) {
      throw this.#tooLarge(`the head has more than ${this.#limits.maxFieldLines} field lines`)
    }
    this.#fieldLines++
  }

  #endFieldLine(octets: Uint8Array, carriageReturnAt: number): void {
    let valueEnd = carriageReturnAt
    while (valueEnd > this.#valueStart && isPadding(octets[valueEnd - 1]!)) valueEnd--
    // Stricter than RFC 9112 §6.3: llhttp refuses a tab after a Content-Length, and we accept nothing that it refuses.
    if (octets[carriageReturnAt - 1] === HTAB && valueEnd > this.#valueStart && this.#isContentLength(octets)) {
      throw this.#malformed('9112-6.3', 'a tab follows the value of Content-Length')
    }
    this.#places.push(this.#nameStart, this.#nameEnd, this.#valueStart, valueEnd)
  }

  #isContentLength(octets: Uint8Array): boolean {
    if (this.#nameEnd - this.#nameStart !== CONTENT_LENGTH.length) return false
    for (let i = 0; i < CONTENT_LENGTH.length; i++) {
      if ((octets[this.#nameStart + i]! | 0x20) !== CONTENT_LENGTH.charCodeAt(i)) return false
    }
    return true
  }

  #nameFault(octet: number): HandshakeError {
    // @req 6455-4.2.1-1
    if (isPadding(octet)) return this.#malformed('9112-5.1', 'whitespace between a field name and its colon')
    if (octet === CR || octet === LF) return this.#malformed('9112-5', 'a field line has no colon')
    return this.#malformed('9112-5.1', `${octetName(octet)} in a field name; a field name is a token`)
  }

  #malformed(requirement: string, message: string): HandshakeError {
    return new HandshakeError(requirement, this.#malformedStatus, message)
  }

  #tooLarge(message: string): HandshakeError {
    return new HandshakeError('6455-10.4-1', this.#tooLargeStatus, message)
  }
}

function isPadding(octet: number): boolean {
  return octet === SP || octet === HTAB
}
