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
export { inflate, sha1 } from './node-tools.ts'
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
