import { HandshakeError } from '../../errors.ts'
import type { RequestHead, ResponseHead } from '../../handshake/head.ts'
import { DEFAULT_HEAD_LIMITS } from '../../handshake/head-limits.ts'
import { RequestHeadReader, ResponseHeadReader } from '../../handshake/head-reader.ts'
import { HeadScanner } from '../../handshake/head-scanner.ts'
import { GUID, isKey } from '../../handshake/key-syntax.ts'
import { REQUEST_CHECKS } from '../../handshake/request-checks.ts'
import { RequestLineScanner } from '../../handshake/request-line.ts'
import { RESPONSE_CHECKS } from '../../handshake/response-checks.ts'
import { StatusLineScanner } from '../../handshake/status-line.ts'
import { proposersOf } from './extensions.ts'
import { describeField, requiredFields } from './head-fields.ts'
import { HeadSpans } from './head-spans.ts'
import { base64, hex, latin1 } from './text.ts'
import type { AcceptSteps, AnnotateContext, Direction, HeadField, HeadUnit, Span, Verdict } from './types.ts'
import { handshakeVerdict } from './verdicts.ts'

/** What a head says that the rest of the stream depends on. */
export interface HeadOutcome {
  readonly unit: HeadUnit
  /** Value of `Sec-WebSocket-Extensions`; empty when there is none. */
  readonly extensions: string
  /** Whether it is a response that refuses: no frames follow. */
  readonly isRefusal: boolean
}

/** How the head reads, found out with the scanner of the codec. */
interface Scanned {
  /** Behind its empty line; -1 when it is cut or at fault. */
  readonly end: number
  readonly faultAt: number
  readonly error: HandshakeError | null
  readonly startLineEnd: number
  readonly fields: readonly number[]
}

/** A head is looked for in so many bytes: the limit of a head, and as many again behind a fault as a few screens hold. */
export const LONGEST_HEAD: number = DEFAULT_HEAD_LIMITS.maxHeadBytes + (64 << 10)

/**
 * Whether octets that end with an empty line, of CR LF or of LF alone, are a head: one that can be read, or one with a
 * fault before that line.
 */
export function isHead(octets: Uint8Array, direction: Direction): boolean {
  const { end, error } = scan(octets, direction)
  return end >= 0 || error !== null
}

/** The head that fills the bytes. @param at - offset of it in the stream */
export function readHead(
  octets: Uint8Array,
  place: { index: number; at: number; isUnread: boolean },
  direction: Direction,
  context: AnnotateContext,
): HeadOutcome {
  const scanned = scan(octets, direction)
  const { at } = place
  const isWhole = scanned.end >= 0
  const verdicts: Verdict[] = []
  const broken = new Set<string>()
  let extensions = ''
  let isRefusal = false
  let accept: AcceptSteps | null = null
  if (scanned.error !== null) {
    const faultAt = at + scanned.faultAt
    verdicts.push(handshakeVerdict(scanned.error, direction, faultAt, faultAt + 1))
  }
  if (isWhole) {
    const head = headOf(octets, direction)
    const judge = (field: string, check: () => void) => {
      const error = caught(check)
      if (error === null) return
      broken.add(field)
      const [start, end] = placeOf(field, octets, scanned)
      verdicts.push(handshakeVerdict(error, direction, at + start, at + end))
    }
    if ('method' in head) {
      for (const { field, check } of REQUEST_CHECKS) judge(field, () => check(head))
    } else {
      isRefusal = head.status !== 101
      const expected = expectation(head, context)
      for (const { field, check } of RESPONSE_CHECKS) judge(field, () => check(head, expected))
    }
    extensions = broken.has('sec-websocket-extensions') ? '' : (head.fields.get('sec-websocket-extensions') ?? '')
    const key = direction === 'c2s' ? head.fields.get('sec-websocket-key') : context.request?.key
    if (key !== undefined && isKey(key)) accept = acceptSteps(key, context)
  }
  const fields = fieldLines(octets, scanned, direction, at, broken)
  const names = new Set(fields.map(({ name }) => name.toLowerCase()))
  const missing = isWhole ? requiredFields(direction).filter((name) => !names.has(name)) : []
  const lineEnd = scanned.startLineEnd > 0 ? scanned.startLineEnd : octets.length
  const startLine = latin1(octets, 0, lineEnd).trim()
  const isCut = !isWhole && scanned.error === null
  return {
    unit: new Head({ ...place, direction, isCut, startLine, fields, missing, accept, verdicts }, octets, scanned),
    extensions,
    isRefusal,
  }
}

interface HeadInit
  extends Pick<
    HeadUnit,
    'index' | 'at' | 'isUnread' | 'isCut' | 'direction' | 'startLine' | 'fields' | 'missing' | 'accept' | 'verdicts'
  > {}

class Head implements HeadUnit {
  readonly kind = 'head'
  readonly index: number
  readonly at: number
  readonly isCut: boolean
  readonly isUnread: boolean
  readonly direction: Direction
  readonly startLine: string
  readonly fields: readonly HeadField[]
  readonly missing: readonly string[]
  readonly accept: AcceptSteps | null
  readonly verdicts: readonly Verdict[]
  readonly wire: Uint8Array
  readonly #scanned: Scanned

  constructor(init: HeadInit, octets: Uint8Array, scanned: Scanned) {
    this.index = init.index
    this.at = init.at
    this.isCut = init.isCut
    this.isUnread = init.isUnread
    this.direction = init.direction
    this.startLine = init.startLine
    this.fields = init.fields
    this.missing = init.missing
    this.accept = init.accept
    this.verdicts = init.verdicts
    this.wire = octets
    this.#scanned = scanned
  }

  get end(): number {
    return this.at + this.wire.length
  }

  get spans(): readonly Span[] {
    return new HeadSpans(this.at, { ...this.#scanned, octets: this.wire }, this.direction).spans
  }

  toJSON(): object {
    const { kind, index, at, end, isCut, isUnread, direction, startLine, fields, missing, accept, spans, verdicts } =
      this
    return { kind, index, at, end, isCut, isUnread, direction, startLine, fields, missing, accept, spans, verdicts }
  }
}

/** Runs the scanner over the octets; where it refuses them, once more octet by octet, to see at which one. */
function scan(octets: Uint8Array, direction: Direction): Scanned {
  const first = newScanner(direction)
  const whole = caught(() => first.scan(octets, 0, octets.length))
  if (whole === null) return { ...first.result, faultAt: -1, error: null }
  const second = newScanner(direction)
  let faultAt = 0
  while (caught(() => second.scan(octets, faultAt, faultAt + 1)) === null) faultAt++
  return { ...second.result, faultAt, error: whole }
}

/** A scanner that remembers what it found. */
function newScanner(direction: Direction) {
  const limit = DEFAULT_HEAD_LIMITS.maxStartLineBytes
  const line = direction === 'c2s' ? new RequestLineScanner(limit) : new StatusLineScanner(limit)
  const result = { end: -1, startLineEnd: 0, fields: [] as readonly number[] }
  const noting = {
    scan(octets: Uint8Array, from: number, end: number): number {
      const lineEnd = line.scan(octets, from, end)
      if (lineEnd >= 0) result.startLineEnd = lineEnd
      return lineEnd
    },
  }
  const scanner =
    direction === 'c2s'
      ? new HeadScanner(noting, DEFAULT_HEAD_LIMITS, 400, 431)
      : new HeadScanner(noting, DEFAULT_HEAD_LIMITS, 502, 502)
  result.fields = scanner.places
  return {
    result,
    scan(octets: Uint8Array, from: number, end: number): void {
      result.end = scanner.scan(octets, from, end)
    },
  }
}

function headOf(octets: Uint8Array, direction: Direction): RequestHead | ResponseHead {
  const reader = direction === 'c2s' ? new RequestHeadReader() : new ResponseHeadReader()
  return reader.receive(octets)!
}

function caught(run: () => void): HandshakeError | null {
  try {
    run()
    return null
  } catch (error) {
    if (error instanceof HandshakeError) return error
    throw error
  }
}

/** What the response is held against: the request, as far as it is known. */
function expectation(head: ResponseHead, context: AnnotateContext) {
  const { request } = context
  const offers = request === undefined ? (head.fields.get('sec-websocket-extensions') ?? '') : request.offers
  let extensions: ReturnType<typeof proposersOf> = []
  // A list that is none is found by the check itself.
  caught(() => {
    extensions = proposersOf(offers)
  })
  return {
    accept: request === undefined ? undefined : acceptSteps(request.key, context)?.accept,
    subprotocols: request?.subprotocols,
    extensions,
  }
}

function acceptSteps(key: string, { sha1 }: AnnotateContext): AcceptSteps | null {
  if (sha1 === undefined) return null
  const joined = key + GUID
  const digest = sha1(Uint8Array.from(joined, (character) => character.charCodeAt(0)))
  return digest === undefined ? null : { key, guid: GUID, joined, sha1: hex(digest), accept: base64(digest) }
}

/** Where a fault of a field is shown: at its last line, at the start line, or at the end of the head when it is missing. */
function placeOf(
  field: string,
  octets: Uint8Array,
  { fields, startLineEnd, end }: Scanned,
): [start: number, end: number] {
  if (field === '') return [0, startLineEnd - 2]
  for (let i = fields.length - 4; i >= 0; i -= 4) {
    const name = latin1(octets, fields[i]!, fields[i + 1]!).toLowerCase()
    if (name === field || (field === 'content-length' && name === 'transfer-encoding'))
      return [fields[i]!, fields[i + 3]!]
  }
  return [end - 2, end]
}

function fieldLines(
  octets: Uint8Array,
  { fields }: Scanned,
  direction: Direction,
  at: number,
  broken: ReadonlySet<string>,
): HeadField[] {
  const lines: HeadField[] = []
  for (let i = 0; i < fields.length; i += 4) {
    const name = latin1(octets, fields[i]!, fields[i + 1]!)
    const line = {
      name,
      value: latin1(octets, fields[i + 2]!, fields[i + 3]!),
      at: at + fields[i]!,
      end: at + fields[i + 3]!,
    }
    lines.push(describeField(direction, line, broken.has(name.toLowerCase())))
  }
  return lines
}
