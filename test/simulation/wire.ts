import { Invariant, must } from './invariants.ts'
import type { Note } from './occurrences.ts'

const FIN = 0x80
const RSV1 = 0x40
const CLOSE = 8
const PONG = 10
const HEAD_END = '\r\n\r\n'
/** Octets of a head that say whether it is a refusal. */
const REFUSAL = 10

/** Where a stream of frames was cut. */
export type Place = 'between frames' | 'inside a header' | 'inside a payload'

/**
 * Reads the frames of one direction as they pass, from RFC 6455 §5.2 alone, and holds that each may follow the one
 * before it.
 */
export class Wire {
  readonly #isMasked: boolean
  readonly #note: Note
  /** The bytes of the header that have passed, and how many it has as far as is known. */
  #header: number[] = []
  #headerLength = 2
  /** Bytes of the payload that are still to come. */
  #payloadLeft = 0
  #isInMessage = false
  #hasClosed = false
  /** How many octets of the empty line that ends a head have passed; all: frames follow. */
  #headEnd: number
  /** How the head begins: behind a refusal come no frames. */
  #headStart = ''

  /** @param isMasked - whether a client sends; @param hasHead - whether an HTTP head comes before the frames */
  constructor(isMasked: boolean, note: Note, hasHead = false) {
    this.#isMasked = isMasked
    this.#note = note
    this.#headEnd = hasHead ? 0 : HEAD_END.length
  }

  /** Whether a Close frame has passed. */
  get hasClosed(): boolean {
    return this.#hasClosed
  }

  get place(): Place {
    if (this.#header.length > 0) return 'inside a header'
    return this.#payloadLeft > 0 ? 'inside a payload' : 'between frames'
  }

  pass(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#headEnd < HEAD_END.length) {
        const octet = bytes[at]!
        if (this.#headStart.length < REFUSAL) this.#headStart += String.fromCharCode(octet)
        this.#headEnd = octet === HEAD_END.charCodeAt(this.#headEnd) ? this.#headEnd + 1 : octet === 13 ? 1 : 0
        at += 1
        continue
      }
      if (/^HTTP\/1\.1 [2-5]/.test(this.#headStart)) return
      if (this.#payloadLeft > 0) {
        const step = Math.min(this.#payloadLeft, bytes.length - at)
        this.#payloadLeft -= step
        at += step
        continue
      }
      this.#header.push(bytes[at]!)
      at += 1
      if (this.#header.length === 2) this.#headerLength = lengthOfHeader(this.#header[1]!)
      if (this.#header.length === this.#headerLength) this.#frame()
    }
  }

  #frame(): void {
    const [first = 0, second = 0] = this.#header
    const opcode = first & 0x0f
    const length7 = second & 0x7f
    const extended = this.#header.slice(2, length7 === 127 ? 10 : length7 === 126 ? 4 : 2)
    this.#header = []
    this.#headerLength = 2
    this.#payloadLeft = length7 < 126 ? length7 : extended.reduce((value, octet) => value * 256 + octet, 0)
    must(
      ((second & 0x80) !== 0) === this.#isMasked,
      Invariant.Wire,
      () => 'a frame is masked that must not be, or is not',
    )
    must((first & 0x30) === 0, Invariant.Wire, () => 'RSV2 or RSV3 is set')
    must(!this.#hasClosed || opcode === PONG, Invariant.Wire, () => `opcode ${opcode} behind the Close frame`)
    if (opcode >= CLOSE) this.#control(first, opcode)
    else this.#data(first, opcode)
  }

  #control(first: number, opcode: number): void {
    must((first & FIN) !== 0 && this.#payloadLeft <= 125, Invariant.Wire, () => 'a control frame is cut or too long')
    if (this.#hasClosed) this.#note('a pong behind the close frame')
    if (this.#isInMessage) this.#note('a control frame between fragments')
    if (opcode === CLOSE) this.#hasClosed = true
  }

  #data(first: number, opcode: number): void {
    must((opcode === 0) === this.#isInMessage, Invariant.Wire, () => `opcode ${opcode} out of turn`)
    must(opcode !== 0 || (first & RSV1) === 0, Invariant.Wire, () => 'RSV1 is set on a continuation')
    if ((first & RSV1) !== 0) this.#note('a compressed message')
    if (!this.#isInMessage && (first & FIN) === 0) this.#note('a fragmented message')
    this.#isInMessage = (first & FIN) === 0
  }
}

function lengthOfHeader(second: number): number {
  const length7 = second & 0x7f
  return 2 + (length7 === 127 ? 8 : length7 === 126 ? 2 : 0) + ((second & 0x80) === 0 ? 0 : 4)
}
