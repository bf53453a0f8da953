import { headerLength, type Role } from '../frames/header.ts'
import { Opcode } from '../frames/opcode.ts'
import type { FrameSink } from '../frames/parser.ts'
import type { Violation } from '../frames/violation.ts'

/**
 * Counts what arrives, frame by frame and before anybody acts on it. It has a clock where the connection has none. Each
 * method answers whether to go on; who says false has failed the connection.
 */
export interface FrameMeter {
  /** A data frame: of a message in one frame, the first of several, or a continuation; an empty one too. */
  dataFrame(): boolean
  /** A Ping or a Pong. A Close frame is not counted: there is but one, and it must be heard. */
  controlFrame(): boolean
  /** Bytes of frames, as they came over the wire: headers are counted, and what is compressed is not inflated yet. */
  bytes(count: number): boolean
}

/** Stands before another sink when somebody counts frames; a connection without a meter has none. RFC 6455 §10.4. */
export class MeteredSink implements FrameSink {
  readonly #sink: FrameSink
  readonly #meter: FrameMeter
  readonly #isMasked: boolean
  #isOver = false

  /** @param role - which end we are: what a client sends is masked, and so 4 bytes longer */
  constructor(sink: FrameSink, meter: FrameMeter, role: Role) {
    this.#sink = sink
    this.#meter = meter
    this.#isMasked = role === 'server'
  }

  dataFrame(opcode: number, fin: boolean, rsv1: boolean, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    if (this.#admits(length, length, true)) this.#sink.dataFrame(opcode, fin, rsv1, bytes, start, end)
  }

  dataFrameStart(opcode: number, fin: boolean, rsv1: boolean, payloadLength: number): void {
    if (this.#admits(payloadLength, 0, true)) this.#sink.dataFrameStart(opcode, fin, rsv1, payloadLength)
  }

  dataFramePayload(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#isOver && !this.#meter.bytes(end - start)) this.#isOver = true
    if (!this.#isOver) this.#sink.dataFramePayload(bytes, start, end)
  }

  dataFrameEnd(fin: boolean): void {
    if (!this.#isOver) this.#sink.dataFrameEnd(fin)
  }

  controlFrame(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    const isCounted = opcode !== Opcode.Close
    if (isCounted ? this.#admits(length, length, false) : !this.#isOver) {
      this.#sink.controlFrame(opcode, bytes, start, end)
    }
  }

  violation(violation: Violation): void {
    if (!this.#isOver) this.#sink.violation(violation)
  }

  /** @param arrived - how much of the payload is there */
  #admits(payloadLength: number, arrived: number, isData: boolean): boolean {
    if (this.#isOver) return false
    // @req 6455-10.4-1
    const isAdmitted =
      (isData ? this.#meter.dataFrame() : this.#meter.controlFrame()) &&
      this.#meter.bytes(headerLength(payloadLength, this.#isMasked) + arrived)
    this.#isOver = !isAdmitted
    return isAdmitted
  }
}
