import type { Violation } from './violation.ts'

/**
 * Where a `FrameParser` delivers what it reads. Payload is unmasked and given as a range of a buffer that the
 * parser's caller owns: a sink that wants to keep bytes after it returns copies them.
 */
export interface FrameSink {
  /** A data frame that lay wholly in one chunk. `opcode` is Continuation, Text or Binary. */
  dataFrame(opcode: number, fin: boolean, rsv1: boolean, bytes: Uint8Array, start: number, end: number): void
  /** The header of a data frame whose payload comes in pieces. */
  dataFrameStart(opcode: number, fin: boolean, rsv1: boolean, payloadLength: number): void
  /** The next piece of the payload of the frame that is open; never empty. */
  dataFramePayload(bytes: Uint8Array, start: number, end: number): void
  /** The payload of the frame that is open is complete. */
  dataFrameEnd(fin: boolean): void
  /** A whole control frame. The payload of a Close frame has been checked. */
  controlFrame(opcode: number, bytes: Uint8Array, start: number, end: number): void
  /** A rule was broken. Nothing else is called after this. */
  violation(violation: Violation): void
}

/** The sink of a parser that has no stream. */
export const NOBODY: FrameSink = {
  dataFrame() {},
  dataFrameStart() {},
  dataFramePayload() {},
  dataFrameEnd() {},
  controlFrame() {},
  violation() {},
}
