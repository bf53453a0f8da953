import { HandshakeError } from '../errors.ts'
import type { StartLineScanner } from './head-scanner.ts'
import { CR, LF, OCTET_CLASS, OctetClass, octetName, SP } from './octets.ts'

/** What the scanner waits for next, in the order it comes. */
const Awaiting = {
  Version: 0,
  StatusCode: 1,
  ReasonGap: 2,
  Reason: 3,
  LineFeed: 4,
} as const
type Awaiting = (typeof Awaiting)[keyof typeof Awaiting]

const ZERO = 0x30
const NINE = 0x39
const VERSION = 'HTTP/1.'
const VERSION_END = 9
const STATUS_END = 12

/** status-line = HTTP-version SP status-code SP [ reason-phrase ] CRLF */
export class StatusLineScanner implements StartLineScanner {
  readonly #maxBytes: number
  #awaiting: Awaiting = Awaiting.Version
  #reasonStart = 0
  #end = 0
  #octetsSeen = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get reasonStart(): number {
    return this.#reasonStart
  }

  /** Offset of the line's CR. */
  get end(): number {
    return this.#end
  }

  /** Whether no octet so far was above 0x7f. */
  get isAscii(): boolean {
    return this.#octetsSeen < 0x80
  }

  scan(octets: Uint8Array, from: number, end: number): number {
    let i = from
    for (;;) {
      if (i > this.#maxBytes && this.#awaiting !== Awaiting.LineFeed) throw this.#tooLong()
      if (i >= end) return -1
      const octet = octets[i]!
      switch (this.#awaiting) {
        case Awaiting.Version:
          // HTTP/1.0 can be read, so that the caller learns which status an old proxy answered with.
          if (!isVersionAt(i, octet)) throw unreadable(`${octetName(octet)} where "HTTP/1.1 " is expected`)
          i++
          if (i === VERSION_END) this.#awaiting = Awaiting.StatusCode
          break
        case Awaiting.StatusCode:
          if (octet < (i === VERSION_END ? ZERO + 1 : ZERO) || octet > NINE) {
            throw unreadable(`${octetName(octet)} in the status code; it has three digits from 100 on`)
          }
          i++
          if (i === STATUS_END) this.#awaiting = Awaiting.ReasonGap
          break
        case Awaiting.ReasonGap:
          // Lenient: RFC 9112 §4 wants the space when there is no reason phrase too; servers leave it out.
          if (octet !== SP && octet !== CR)
            throw unreadable(`${octetName(octet)} after the status code; a space follows it`)
          if (octet === SP) i++
          this.#reasonStart = i
          this.#awaiting = Awaiting.Reason
          break
        case Awaiting.Reason: {
          const stop = Math.min(end, this.#maxBytes + 1)
          while (i < stop && (OCTET_CLASS[octets[i]!]! & OctetClass.FieldValue) !== 0) this.#octetsSeen |= octets[i++]!
          if (i === stop) break
          if (octets[i] !== CR) throw unreadable(`${octetName(octets[i]!)} in the reason phrase`)
          this.#end = i
          i++
          this.#awaiting = Awaiting.LineFeed
          break
        }
        default:
          if (octet !== LF) throw unreadable(`${octetName(octet)} follows a CR; only LF may`)
          return i + 1
      }
    }
  }

  #tooLong(): HandshakeError {
    // @req 6455-10.4-1
    return new HandshakeError('6455-10.4-1', 502, `the status-line is longer than ${this.#maxBytes} octets`)
  }
}

/** HTTP-version SP, the version being 1.0 or 1.1. */
function isVersionAt(at: number, octet: number): boolean {
  if (at < VERSION.length) return octet === VERSION.charCodeAt(at)
  return at === VERSION.length ? octet === ZERO || octet === ZERO + 1 : octet === SP
}

function unreadable(message: string): HandshakeError {
  return new HandshakeError('9112-4', 502, message)
}
