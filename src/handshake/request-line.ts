import { HandshakeError } from '../errors.ts'
import type { StartLineScanner } from './head-scanner.ts'
import { CR, decodeLatin1, LF, OCTET_CLASS, OctetClass, octetName, SP } from './octets.ts'
import { parseTarget } from './request-target.ts'

/** What the scanner waits for next, in the order it comes. */
const Awaiting = {
  First: 0,
  LineFeedBefore: 1,
  Method: 2,
  TargetFirst: 3,
  Target: 4,
  Version: 5,
  CarriageReturn: 6,
  LineFeed: 7,
} as const
type Awaiting = (typeof Awaiting)[keyof typeof Awaiting]

const VERSION = 'HTTP/1.1'
const SLASH = 0x2f
const LOWER_H = 0x68

/** request-line = method SP request-target SP HTTP-version CRLF */
export class RequestLineScanner implements StartLineScanner {
  readonly #maxBytes: number
  #awaiting: Awaiting = Awaiting.First
  #start = 0
  #methodEnd = 0
  #targetEnd = 0
  #versionAt = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Offset of the method's first octet: 2 when one empty line came before it. */
  get start(): number {
    return this.#start
  }

  get methodEnd(): number {
    return this.#methodEnd
  }

  get targetEnd(): number {
    return this.#targetEnd
  }

  scan(octets: Uint8Array, from: number, end: number): number {
    let i = from
    for (;;) {
      const limit = this.#start + this.#maxBytes
      if (i > limit && this.#awaiting !== Awaiting.LineFeed) throw this.#tooLong()
      if (i >= end) return -1
      const stop = Math.min(end, limit + 1)
      const octet = octets[i]!
      switch (this.#awaiting) {
        case Awaiting.First:
          // Lenient: RFC 9112 §2.2, one empty line before the request-line is skipped.
          if (octet === CR && this.#start === 0) {
            this.#awaiting = Awaiting.LineFeedBefore
            i++
            break
          }
          // @req 6455-4.2.1-1
          if (!isToken(octet))
            throw malformed('9112-3.1', `a request begins with ${octetName(octet)}; a method is a token`)
          this.#awaiting = Awaiting.Method
          break
        case Awaiting.LineFeedBefore:
          if (octet !== LF) throw malformed('9112-2.2', `${octetName(octet)} follows a CR; only LF may`)
          i++
          this.#start = i
          this.#awaiting = Awaiting.First
          break
        case Awaiting.Method:
          while (i < stop && isToken(octets[i]!)) i++
          if (i === stop) break
          if (octets[i] !== SP)
            throw malformed('9112-3.1', `${octetName(octets[i]!)} in the method; a method is a token`)
          this.#methodEnd = i
          i++
          this.#awaiting = Awaiting.TargetFirst
          break
        case Awaiting.TargetFirst:
          // @req 6455-4.2.1-4
          // RFC 9112 §3.2: the authority form is for CONNECT and the asterisk form for OPTIONS; neither is a resource name.
          if (octet !== SLASH && (octet | 0x20) !== LOWER_H) {
            throw malformed(
              '6455-4.2.1-4',
              `the request-target begins with ${octetName(octet)}; it is a path or an absolute http(s) URI`,
            )
          }
          this.#awaiting = Awaiting.Target
          break
        case Awaiting.Target:
          while (i < stop && (OCTET_CLASS[octets[i]!]! & OctetClass.Target) !== 0) i++
          if (i === stop) break
          if (octets[i] !== SP) throw this.#targetFault(octets[i]!)
          this.#targetEnd = i
          if (octets[this.#methodEnd + 1] !== SLASH) {
            parseTarget(decodeLatin1(octets.subarray(this.#methodEnd + 1, i), true))
          }
          i++
          this.#versionAt = 0
          this.#awaiting = Awaiting.Version
          break
        case Awaiting.Version:
          // @req 6455-4.2.1-3
          // Stricter than RFC 6455 §4.2.1: "or higher" would include HTTP/1.2, which nobody speaks and llhttp refuses.
          if (octet !== VERSION.charCodeAt(this.#versionAt)) {
            throw malformed(
              '6455-4.2.1-3',
              `${octetName(octet)} where "HTTP/1.1" is expected; no other version can be upgraded`,
            )
          }
          i++
          this.#versionAt++
          if (this.#versionAt === VERSION.length) this.#awaiting = Awaiting.CarriageReturn
          break
        case Awaiting.CarriageReturn:
          if (octet !== CR) throw malformed('9112-2.2', `${octetName(octet)} ends the request-line; CRLF does`)
          i++
          this.#awaiting = Awaiting.LineFeed
          break
        default:
          if (octet !== LF) throw malformed('9112-2.2', `${octetName(octet)} follows a CR; only LF may`)
          return i + 1
      }
    }
  }

  #targetFault(octet: number): HandshakeError {
    if (octet === CR || octet === LF) {
      return malformed('6455-4.2.1-3', 'a request-line without a version; HTTP/0.9 cannot be upgraded')
    }
    return malformed('6455-4.2.1-4', `${octetName(octet)} in the request-target; visible ASCII without "#" is allowed`)
  }

  #tooLong(): HandshakeError {
    // @req 6455-10.4-1
    return new HandshakeError('6455-10.4-1', 414, `the request-line is longer than ${this.#maxBytes} octets`)
  }
}

function isToken(octet: number): boolean {
  return (OCTET_CLASS[octet]! & OctetClass.Token) !== 0
}

function malformed(requirement: string, message: string): HandshakeError {
  return new HandshakeError(requirement, 400, message)
}
