import { base64, hex } from '../../../src/inspector/annotate/index.ts'
import { readBase64, readHex } from '../../../src/inspector/read-text.ts'
import type { Options, Source } from './model.ts'

/** What a link says: bytes, options, and the byte that is looked at. */
export interface Linked {
  readonly source: Source | null
  readonly options: Options
  /** Offset in the stream of the byte. */
  readonly at: number | null
}

/**
 * Reads the fragment of an address: `hex` or `b64`, or `c2s` and `s2c` for both directions, in hex; `dir`, `ext`, `start`,
 * `max`, `fragments`, `key`, `protocols`, `at`.
 *
 * @throws UsageError that says what is wrong with it
 */
export function readLink(fragment: string): Linked {
  const values = new Map<string, string>()
  for (const part of fragment.replace(/^#/, '').split('&')) {
    const at = part.indexOf('=')
    if (at > 0) values.set(part.slice(0, at), unescaped(part.slice(at + 1)))
  }
  const number = (name: string) => (/^\d+$/.test(values.get(name) ?? '') ? Number(values.get(name)) : undefined)
  const direction = values.get('dir')
  const start = values.get('start')
  const key = values.get('key')
  const protocols = values.get('protocols')?.split(',') ?? []
  const options: Options = {
    direction: direction === 'c2s' || direction === 's2c' ? direction : undefined,
    extensions: values.get('ext'),
    start: direction !== undefined && (start === 'head' || start === 'frames') ? start : undefined,
    maxPayload: number('max'),
    maxFragments: number('fragments'),
    request: key === undefined ? undefined : { key, subprotocols: protocols, offers: values.get('offers') ?? '' },
  }
  return { source: sourceOf(values), options, at: number('at') ?? null }
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function sourceOf(values: ReadonlyMap<string, string>): Source | null {
  const digits = values.get('hex')
  if (digits !== undefined) return { format: 'hex', bytes: readHex(digits.replaceAll('+', ' ')) }
  const code = values.get('b64')
  if (code !== undefined) return { format: 'base64', bytes: readBase64(code) }
  const c2s = values.get('c2s')
  const s2c = values.get('s2c')
  if (c2s === undefined && s2c === undefined) return null
  const read = (text: string | undefined) => (text === undefined || text === '' ? new Uint8Array(0) : readHex(text))
  return { format: 'hex', c2s: read(c2s), s2c: read(s2c) }
}

/** Longer ones are not taken by everything that links are sent through. */
const LONGEST = 2 << 20
/** Up to here hex, which people can read; above it base64, which is shorter. */
const READABLE = 4096

/** The fragment for what is shown; null when it is too long for a link. */
export function writeLink(source: Source, options: Options, at: number): string | null {
  const parts: string[] = []
  const digits = (bytes: Uint8Array) => hex(bytes).replaceAll(' ', '')
  if (!('bytes' in source)) parts.push(`c2s=${digits(source.c2s)}`, `s2c=${digits(source.s2c)}`)
  else if (source.bytes.length > LONGEST / 2) return null
  else if (source.bytes.length <= READABLE) parts.push(`hex=${digits(source.bytes)}`)
  else parts.push(`b64=${base64(source.bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`)
  const { direction, extensions, start, maxPayload, maxFragments, request } = options
  const add = (name: string, value: string | number | undefined) => {
    if (value !== undefined) parts.push(`${name}=${encodeURIComponent(value)}`)
  }
  add('dir', direction)
  add('ext', extensions)
  add('start', start)
  add('max', maxPayload)
  add('fragments', maxFragments)
  add('key', request?.key)
  if (request !== undefined && request.subprotocols.length > 0) add('protocols', request.subprotocols.join(','))
  if (request !== undefined && request.offers !== '') add('offers', request.offers)
  if (at > 0) add('at', at)
  const fragment = `#${parts.join('&')}`
  return fragment.length > LONGEST ? null : fragment
}
