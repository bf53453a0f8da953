import type { FrameSink } from '../../src/frames/frame-sink.ts'
import type { FrameParserOptions } from '../../src/frames/parser.ts'
import { FrameParser } from '../../src/frames/parser.ts'
import type { Violation } from '../../src/frames/violation.ts'

/** A frame as a {@link RecordingSink} saw it; the payload is hex, so that records compare and print well. */
export interface RecordedFrame {
  readonly opcode: number
  readonly fin: boolean
  readonly rsv1: boolean
  readonly payload: string
}

/** A data frame of which the header has come and the payload has not, or not all of it. */
export interface PartialFrame extends RecordedFrame {
  readonly payloadLength: number
}

/** What came out of a parser, put so that it is the same for every cut of the stream. */
export interface Recording {
  readonly frames: readonly RecordedFrame[]
  readonly violation: Violation | null
  /** The data frame that is open at the end; null after a violation, where it depends on the cut. */
  readonly partial: PartialFrame | null
}

/**
 * Writes down what a parser delivers and holds it to the contract of `FrameSink`: nothing after a violation, no empty
 * piece, pieces only inside a frame, and exactly as many bytes as were announced.
 */
export class RecordingSink implements FrameSink {
  readonly frames: RecordedFrame[] = []
  broken: Violation | null = null
  partial: PartialFrame | null = null

  dataFrame(opcode: number, fin: boolean, rsv1: boolean, bytes: Uint8Array, start: number, end: number): void {
    this.#expectBetweenFrames('dataFrame')
    this.frames.push({ opcode, fin, rsv1, payload: hexOf(bytes, start, end) })
    this.onFrame()
  }

  dataFrameStart(opcode: number, fin: boolean, rsv1: boolean, payloadLength: number): void {
    this.#expectBetweenFrames('dataFrameStart')
    if (payloadLength < 1) throw new Error('dataFrameStart of an empty frame: it has no pieces')
    this.partial = { opcode, fin, rsv1, payloadLength, payload: '' }
  }

  dataFramePayload(bytes: Uint8Array, start: number, end: number): void {
    if (this.broken !== null) throw new Error('dataFramePayload after a violation')
    if (this.partial === null) throw new Error('dataFramePayload outside a frame')
    if (end <= start) throw new Error('dataFramePayload without a byte')
    this.partial = { ...this.partial, payload: this.partial.payload + hexOf(bytes, start, end) }
  }

  dataFrameEnd(fin: boolean): void {
    if (this.broken !== null) throw new Error('dataFrameEnd after a violation')
    if (this.partial === null) throw new Error('dataFrameEnd outside a frame')
    const { payloadLength, ...frame } = this.partial
    if (fin !== frame.fin) throw new Error('dataFrameEnd and dataFrameStart differ on FIN')
    if (frame.payload.length !== 2 * payloadLength) throw new Error('the pieces are not as long as was announced')
    this.partial = null
    this.frames.push(frame)
    this.onFrame()
  }

  controlFrame(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    this.#expectBetweenFrames('controlFrame')
    this.frames.push({ opcode, fin: true, rsv1: false, payload: hexOf(bytes, start, end) })
    this.onFrame()
  }

  violation(violation: Violation): void {
    if (this.broken !== null) throw new Error('a second violation')
    this.broken = violation
  }

  /** Called after each complete frame, from inside the parser; meant to be replaced. */
  onFrame: () => void = () => {}

  get recording(): Recording {
    return {
      frames: this.frames,
      violation: this.broken,
      partial: this.broken === null ? this.partial : null,
    }
  }

  #expectBetweenFrames(call: string): void {
    if (this.broken !== null) throw new Error(`${call} after a violation`)
    if (this.partial !== null) throw new Error(`${call} inside a frame`)
  }
}

function hexOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('hex')
}

/** Runs the chunks through a new parser. They are unmasked in place: give copies. */
export function record(chunks: readonly Uint8Array[], options: FrameParserOptions): Recording {
  const sink = new RecordingSink()
  const parser = new FrameParser(sink, options)
  for (const chunk of chunks) {
    const read = parser.parse(chunk)
    if (read !== chunk.length) throw new Error(`parse read ${read} of ${chunk.length} bytes; nobody halted it`)
  }
  return sink.recording
}
