import { UsageError } from '../../../src/errors.ts'
import {
  type AnnotateContext,
  type Annotation,
  annotate,
  annotateBoth,
  type Direction,
  type Message,
  type Unit,
  type Verdict,
} from '../../../src/inspector/annotate/index.ts'
import { readBase64, readFollow, readHex, recogniseText } from '../../../src/inspector/read-text.ts'
import { inflate } from '../tools/inflate.ts'
import { sha1 } from '../tools/sha1.ts'
import { sentence, title } from './verdict.ts'

/** What was given: one direction, or both of a TCP stream. */
export type Source = { readonly format: string } & (
  | { readonly bytes: Uint8Array }
  | { readonly c2s: Uint8Array; readonly s2c: Uint8Array }
)

/** What is known of the bytes besides: see `AnnotateContext`. */
export type Options = Pick<
  AnnotateContext,
  'direction' | 'extensions' | 'start' | 'maxPayload' | 'maxFragments' | 'request'
>

/** A rule that is broken, and where: indexes of a side, of a unit in it, of a byte in that. */
export interface Finding {
  readonly side: number
  readonly unit: number
  readonly byte: number
  readonly verdict: Verdict
}

/** One direction. */
export interface Side {
  readonly annotation: Annotation
  readonly units: readonly Unit[]
  /** How the rail of fragments passes each unit: 1 goes on above it, 2 below. */
  readonly rail: Uint8Array
  readonly messageOf: (index: number) => Message | undefined
}

/** All that the page shows. */
export interface Model {
  readonly source: Source
  readonly sides: readonly Side[]
  readonly findings: readonly Finding[]
  readonly size: number
  readonly title: string
  readonly sentence: string
}

/** Reads what was pasted. @throws UsageError that says what is wrong with it */
export function readPasted(text: string): Source {
  const format = recogniseText(text)
  if (format === 'tshark') return { format: 'the text of tshark', ...readFollow(text) }
  if (format === 'base64') return { format: 'base64', bytes: readBase64(text) }
  // Text of HTTP is bytes as it stands; its lines end with CR LF, whatever became of them on the way.
  if (format === null && /^(?:[A-Z]+ \S+ HTTP\/|HTTP\/1)/.test(text)) {
    return { format: 'the text of HTTP', bytes: new TextEncoder().encode(text.replace(/\r?\n/g, '\r\n')) }
  }
  return { format: 'hex', bytes: readHex(text) }
}

/** Reads a file: text as if it was pasted, everything else as the bytes themselves. */
export function readFile(bytes: Uint8Array): Source {
  if (bytes.every((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d || byte === 0x09)) {
    const text = new TextDecoder().decode(bytes)
    if (recogniseText(text) !== null) return readPasted(text)
  }
  return { format: 'raw bytes', bytes }
}

/** Explains and judges. @throws UsageError when the options contradict the bytes */
export function explain(source: Source, options: Options): Model {
  const context = { ...options, inflate, sha1 }
  const annotations =
    'bytes' in source ? [annotate(source.bytes, context)] : Object.values(annotateBoth(source, rest(context)))
  const sides = annotations.map(sideOf)
  const findings = sides.flatMap(({ units }, side) =>
    units.flatMap((unit) =>
      unit.verdicts.map((verdict) => ({ side, unit: unit.index, byte: verdict.at - unit.at, verdict })),
    ),
  )
  const size = 'bytes' in source ? source.bytes.length : source.c2s.length + source.s2c.length
  return { source, sides, findings, size, title: title(sides, findings), sentence: sentence(sides) }
}

function rest({ direction: _, request: __, ...context }: AnnotateContext): AnnotateContext {
  return context
}

function sideOf(annotation: Annotation): Side {
  const { units, messages } = annotation
  const rail = new Uint8Array(units.length)
  for (const { frames } of messages) {
    const first = frames[0]!
    const last = frames.at(-1)!
    for (let i = first; i < last; i++) {
      rail[i]! |= 2
      rail[i + 1]! |= 1
    }
  }
  return { annotation, units, rail, messageOf: (index) => messages[index] }
}

/** The words for what went wrong; faults of this page are thrown on. */
export function reasonOf(error: unknown): string {
  if (error instanceof UsageError) return error.message
  throw error
}

/** Which side of the model has a direction; 0 when there is one side only. */
export function sideWith({ sides }: Model, direction: Direction): number {
  return Math.max(
    0,
    sides.findIndex(({ annotation }) => annotation.direction === direction),
  )
}
