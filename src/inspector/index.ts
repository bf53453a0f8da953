/** `framewright/inspector`: bytes of the protocol explained. */

export { annotate, annotateBoth, type Conversation, requestOf } from './annotate/annotate.ts'
export { Annotator, type Gathered } from './annotate/annotator.ts'
export { frameTitle } from './annotate/frame-spans.ts'
export { meaning, prose, sectionLabel, sectionLink } from './annotate/prose.ts'
export { type Requirement, requirementOf } from './annotate/requirement.ts'
export { base64, hex, hexByte, offset } from './annotate/text.ts'
export type {
  AcceptSteps,
  AnnotateContext,
  Annotation,
  Direction,
  Duty,
  FrameUnit,
  HeadField,
  HeadUnit,
  InflateContext,
  Inflated,
  Level,
  Mend,
  Message,
  NoiseKind,
  NoiseUnit,
  Span,
  Stop,
  Unit,
  Verdict,
} from './annotate/types.ts'
export { type Inspectable, type InspectOptions, type Inspector, inspect } from './live/inspect.ts'
export type { FeedCommand, FeedMessage, LabExercise } from './live/protocol.ts'
export { inflate, sha1 } from './node-tools.ts'
export type { ConnectionSummary, Entry, ShownBytes } from './record/entry.ts'
export type { RecordedConnection } from './record/recorded-connection.ts'
export type { Recorder, RecorderOptions } from './record/recorder.ts'
export {
  annotateSession,
  parseSession,
  type Session,
  type SessionEvent,
  type SessionHeader,
  serializeSession,
  sessionBytes,
  sessionHeaderLine,
  sessionLine,
} from './session.ts'
