/*
 * A recorded session as one file of JSON lines: a header, then what happened, in order. `schema/session.schema.json` says
 * the same for other programs. Needs nothing of Node.
 */
import { quote, UsageError } from '../errors.ts'
import { messageOf } from '../ground/application.ts'
import { annotateBoth, type Conversation } from './annotate/annotate.ts'
import { agreedOn } from './annotate/extensions.ts'
import { hex } from './annotate/text.ts'
import type { AnnotateContext, Direction } from './annotate/types.ts'

/** First line of a session. */
export interface SessionHeader {
  readonly format: 'framewright-session'
  /** Version of the format. */
  readonly v: 1
  /** When it began, as in RFC 3339. */
  readonly startedAt?: string
  /** What the bytes begin with: the opening handshake, or frames. */
  readonly start: 'head' | 'frames'
  /** For a session that starts with frames: the extensions agreed on, as in `Sec-WebSocket-Extensions`. */
  readonly extensions?: string
  /** Who recorded it, or what it shows. */
  readonly note?: string
}

/** What happened. `atMs` are milliseconds since the session began; they never fall. */
export type SessionEvent =
  /** One read of TCP. In the file the bytes are hex digits, `hex`. */
  | { readonly kind: 'bytes'; readonly atMs: number; readonly direction: Direction; readonly bytes: Uint8Array }
  /** The sender of this direction ended it (FIN). */
  | { readonly kind: 'end'; readonly atMs: number; readonly direction: Direction }
  /** The connection was reset, or thrown away, by the sender of this direction. */
  | { readonly kind: 'reset'; readonly atMs: number; readonly direction: Direction }
  /** What one side told its application of the end. */
  | {
      readonly kind: 'close'
      readonly atMs: number
      readonly side: 'client' | 'server'
      readonly code: number
      readonly reason: string
      /** Id of the requirement that was broken. */
      readonly requirement?: string
    }

/** A recorded session. */
export interface Session {
  readonly header: SessionHeader
  readonly events: readonly SessionEvent[]
}

/** The first line of a file; each line ends with a line feed. */
export function sessionHeaderLine(header: SessionHeader): string {
  return `${JSON.stringify(header)}\n`
}

/** A line of a file: lines can be appended while a session goes on. */
export function sessionLine(event: SessionEvent): string {
  if (event.kind !== 'bytes') return `${JSON.stringify(event)}\n`
  const { bytes, ...rest } = event
  return `${JSON.stringify({ ...rest, hex: hex(bytes).replaceAll(' ', '') })}\n`
}

/** The whole file. */
export function serializeSession({ header, events }: Session): string {
  return sessionHeaderLine(header) + events.map(sessionLine).join('')
}

/**
 * Reads a file. Kinds of events that a later version may add are passed over, and so is a last line that is cut.
 *
 * @throws UsageError that names the line and what is wrong in it
 */
export function parseSession(text: string): Session {
  const lines = text.split('\n')
  // What stands behind the last line feed may not have been written to its end.
  if (!isJson(lines.at(-1)!)) lines.pop()
  const [first = '', ...rest] = lines
  const header = parseHeader(first)
  const events: SessionEvent[] = []
  let last = 0
  for (const [i, line] of rest.entries()) {
    if (line.trim() === '') continue
    const event = parseEvent(line, i + 2)
    if (event === null) continue
    if (event.atMs < last) throw wrong(i + 2, `atMs is ${event.atMs} after ${last}; time does not fall`)
    last = event.atMs
    events.push(event)
  }
  return { header, events }
}

/** The bytes of one direction, joined. */
export function sessionBytes({ events }: Session, direction: Direction): Uint8Array {
  const chunks = events.flatMap((event) =>
    event.kind === 'bytes' && event.direction === direction ? [event.bytes] : [],
  )
  const joined = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    joined.set(chunk, at)
    at += chunk.length
  }
  return joined
}

/** Both directions of a session explained. */
export function annotateSession(
  session: Session,
  context: Pick<AnnotateContext, 'inflate' | 'sha1' | 'maxPayload' | 'maxFragments'> = {},
): Conversation {
  const { start, extensions } = session.header
  const agreed = start === 'frames' ? { extensions: extensions ?? '' } : {}
  const bytes = { c2s: sessionBytes(session, 'c2s'), s2c: sessionBytes(session, 's2c') }
  return annotateBoth(bytes, { ...context, ...agreed, start })
}

type Fields = Readonly<Record<string, unknown>>

function parseHeader(line: string): SessionHeader {
  const fields = parseObject(line, 1)
  if (fields['format'] !== 'framewright-session') {
    throw wrong(1, `format is ${show(fields['format'])}; the first line of a session says "framewright-session"`)
  }
  if (fields['v'] !== 1) throw wrong(1, `v is ${show(fields['v'])}; this program reads version 1`)
  const start = oneOf(fields, 'start', ['head', 'frames'] as const, 1)
  const extensions = optionalText(fields, 'extensions', 1)
  if (extensions !== undefined) checkExtensions(extensions)
  const startedAt = optionalText(fields, 'startedAt', 1)
  const note = optionalText(fields, 'note', 1)
  return {
    format: 'framewright-session',
    v: 1,
    ...(startedAt === undefined ? {} : { startedAt }),
    start,
    ...(extensions === undefined ? {} : { extensions }),
    ...(note === undefined ? {} : { note }),
  }
}

function checkExtensions(text: string): void {
  try {
    agreedOn(text, 'c2s')
  } catch (error) {
    throw wrong(1, `extensions: ${messageOf(error)}`)
  }
}

function parseEvent(line: string, number: number): SessionEvent | null {
  const fields = parseObject(line, number)
  const { kind } = fields
  if (typeof kind !== 'string') throw wrong(number, `kind is ${show(kind)}; every event has one`)
  if (kind !== 'bytes' && kind !== 'end' && kind !== 'reset' && kind !== 'close') return null
  const { atMs } = fields
  if (typeof atMs !== 'number' || !(atMs >= 0)) {
    throw wrong(number, `atMs is ${show(atMs)}; it is milliseconds since the beginning`)
  }
  if (kind === 'close') {
    const { code } = fields
    if (!Number.isInteger(code)) throw wrong(number, `code is ${show(code)}; a close has a status code`)
    const requirement = optionalText(fields, 'requirement', number)
    return {
      kind,
      atMs,
      side: oneOf(fields, 'side', ['client', 'server'] as const, number),
      code: code as number,
      reason: optionalText(fields, 'reason', number) ?? '',
      ...(requirement === undefined ? {} : { requirement }),
    }
  }
  const direction = oneOf(fields, 'direction', ['c2s', 's2c'] as const, number)
  if (kind !== 'bytes') return { kind, atMs, direction }
  return { kind, atMs, direction, bytes: parseHex(fields['hex'], number) }
}

function parseHex(digits: unknown, number: number): Uint8Array {
  if (typeof digits !== 'string' || digits.length % 2 !== 0 || !/^[\da-f]*$/i.test(digits)) {
    throw wrong(number, `hex is ${show(digits)}; it is two hex digits for each byte`)
  }
  const bytes = new Uint8Array(digits.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16)
  return bytes
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}

function parseObject(line: string, number: number): Fields {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw wrong(number, `${quote(line, 40)} is no JSON; a session has one JSON object in each line`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong(number, `${quote(line, 40)} is no JSON object`)
  }
  return value as Fields
}

function oneOf<T extends string>(fields: Fields, name: string, values: readonly T[], number: number): T {
  const value = fields[name]
  if (!(values as readonly unknown[]).includes(value)) {
    throw wrong(number, `${name} is ${show(value)}; it is ${values.map((one) => `"${one}"`).join(' or ')}`)
  }
  return value as T
}

function optionalText(fields: Fields, name: string, number: number): string | undefined {
  const value = fields[name]
  if (value !== undefined && typeof value !== 'string') throw wrong(number, `${name} is ${show(value)}; it is text`)
  return value
}

function show(value: unknown): string {
  return value === undefined ? 'missing' : quote(String(JSON.stringify(value)), 40)
}

function wrong(number: number, message: string): UsageError {
  return new UsageError(`line ${number} of the session: ${message}`)
}
