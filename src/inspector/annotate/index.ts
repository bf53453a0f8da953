/** The engine of `framewright/inspector` by itself: nothing in it needs Node. */

export { annotate, annotateBoth, type Conversation, requestOf } from './annotate.ts'
export { Annotator, type Gathered } from './annotator.ts'
export { frameTitle } from './frame-spans.ts'
export { meaning, prose, sectionLabel, sectionLink } from './prose.ts'
export { type Requirement, requirementOf } from './requirement.ts'
export { base64, hex, hexByte, offset } from './text.ts'
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
} from './types.ts'
