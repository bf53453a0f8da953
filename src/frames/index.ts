/** `framewright/frames`: the codec of RFC 6455 §5, without I/O. */

export { readStatusCode } from './close-code.ts'
export { checkClosePayload, readReason, serializeClosePayload } from './close-payload.ts'
export type { FrameSink } from './frame-sink.ts'
export { checkHeader, type HeaderContext, type Role } from './header.ts'
export { applyMask } from './mask.ts'
export { isControl, isReserved, Opcode, opcodeName } from './opcode.ts'
export { type FoundViolation, type Frame, type ParsedFrames, parseFrames } from './parse-frames.ts'
export { FrameParser, type FrameParserOptions } from './parser.ts'
export { type FrameInit, serializeFrame } from './serializer.ts'
export { isValidOnWire, StatusCode, statusCodeLabel } from './status-code.ts'
export { Utf8Validator } from './utf8.ts'
export { type Violation, violations } from './violation.ts'
