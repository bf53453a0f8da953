import { hex } from './text.ts'
import type { NoiseKind, NoiseUnit, Span, Verdict } from './types.ts'

/** What a stream of something else begins with. The bytes of the last one are a TLS record: handshake, version 3.x. */
const SIGNATURES: ReadonlyArray<readonly [what: NoiseKind, bytes: string]> = [
  ['http-response', 'HTTP/1.'],
  ['http2', 'PRI * HTTP/2.0\r\n'],
  ...['GET ', 'POST ', 'PUT ', 'HEAD ', 'DELETE ', 'OPTIONS ', 'CONNECT ', 'PATCH ', 'TRACE '].map(
    (method) => ['http-request', method] as const,
  ),
  ...[0x14, 0x15, 0x16, 0x17].map((type) => ['tls', String.fromCharCode(type, 3)] as const),
]

/** How many bytes the longest of them has. */
export const LONGEST_SIGNATURE = Math.max(...SIGNATURES.map(([, bytes]) => bytes.length))

/**
 * What begins at `at`, if it is known.
 *
 * @returns null: nothing that is known; `'unsure'`: more bytes would tell
 */
export function recognise(bytes: Uint8Array, at: number, end: number): NoiseKind | 'unsure' | null {
  let isUnsure = false
  for (const [what, signature] of SIGNATURES) {
    const length = Math.min(signature.length, end - at)
    let i = 0
    while (i < length && bytes[at + i] === signature.charCodeAt(i)) i++
    if (i === signature.length) return what
    if (i === end - at) isUnsure = true
  }
  return isUnsure ? 'unsure' : null
}

/** This many bytes of it are kept to be shown. */
const SHOWN = 256

/** Noise grows with the stream. */
export class Noise implements NoiseUnit {
  readonly kind = 'noise'
  readonly isCut = false
  readonly index: number
  readonly at: number
  end: number
  readonly isUnread: boolean
  readonly what: NoiseKind
  readonly textKey: string
  readonly verdicts: readonly Verdict[]
  wire: Uint8Array = new Uint8Array(0)

  constructor(index: number, at: number, what: NoiseKind, isUnread: boolean, verdicts: readonly Verdict[]) {
    this.index = index
    this.at = at
    this.end = at
    this.what = what
    this.textKey = `noise.${what}`
    this.isUnread = isUnread
    this.verdicts = verdicts
  }

  get spans(): readonly Span[] {
    const { at, end, textKey, wire } = this
    if (end === at) return []
    const raw = end - at > wire.length ? `${hex(wire)} …` : hex(wire)
    return [{ at, end, field: this.what, raw, value: end - at, textKey, ref: '' }]
  }

  /** The next bytes of it. */
  grow(bytes: Uint8Array, start: number, end: number): void {
    this.end += end - start
    const room = SHOWN - this.wire.length
    if (room <= 0 || end === start) return
    const shown = new Uint8Array(this.wire.length + Math.min(room, end - start))
    shown.set(this.wire)
    shown.set(bytes.subarray(start, start + room < end ? start + room : end), this.wire.length)
    this.wire = shown
  }

  toJSON(): object {
    const { kind, index, at, end, isCut, isUnread, what, textKey, spans, verdicts } = this
    return { kind, index, at, end, isCut, isUnread, what, textKey, spans, verdicts }
  }
}
