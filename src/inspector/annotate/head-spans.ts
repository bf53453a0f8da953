import { hex, latin1 } from './text.ts'
import type { Direction, Span } from './types.ts'

/** Where things are in a head, as offsets from its beginning. */
export interface HeadPlaces {
  readonly octets: Uint8Array
  /** Behind the start line, its line end included; 0 when it was not read to its end. */
  readonly startLineEnd: number
  /** Four offsets a field line: name, its end, value, its end. */
  readonly fields: readonly number[]
  /** Behind the empty line; -1 when it was not reached. */
  readonly end: number
  /** The byte at fault; -1: none. */
  readonly faultAt: number
}

const START_LINE = '9112-3'
const FIELDS = '9112-5'

/** The spans of a head: they tile it, whatever is wrong with it. */
export class HeadSpans {
  readonly #base: number
  readonly #places: HeadPlaces
  readonly #spans: Span[] = []
  #at = 0

  constructor(base: number, places: HeadPlaces, direction: Direction) {
    this.#base = base
    this.#places = places
    if (places.startLineEnd > 0) this.#startLine(places.startLineEnd, direction)
    const { fields } = places
    for (let i = 0; i < fields.length; i += 4) this.#field(fields[i]!, fields[i + 1]!, fields[i + 2]!, fields[i + 3]!)
    this.#rest()
  }

  get spans(): readonly Span[] {
    return this.#spans
  }

  #take(end: number, field: string, textKey: string, ref: string, value?: string): void {
    if (end <= this.#at) return
    const { octets } = this.#places
    const text = latin1(octets, this.#at, end)
    this.#spans.push({
      at: this.#base + this.#at,
      end: this.#base + end,
      field,
      raw: hex(octets, this.#at, end, 32),
      value: value ?? text,
      textKey,
      ref,
    })
    this.#at = end
  }

  /** request-line = method SP request-target SP HTTP-version; status-line = HTTP-version SP status-code SP phrase */
  #startLine(end: number, direction: Direction): void {
    const { octets } = this.#places
    if (octets[0] === 0x0d) this.#take(2, 'empty line', 'head.blank', '9112-2.2')
    const parts =
      direction === 'c2s' ? (['method', 'target', 'version'] as const) : (['version', 'status', 'reason'] as const)
    const lineEnd = end - 2
    for (const [i, part] of parts.entries()) {
      const space = i === 2 ? -1 : octets.indexOf(0x20, this.#at)
      const partEnd = space < 0 || space > lineEnd ? lineEnd : space
      this.#take(partEnd, NAMES[part], `head.${part}`, direction === 'c2s' ? START_LINE : '9112-4')
      if (partEnd < lineEnd && i < 2) this.#take(partEnd + 1, 'space', 'head.space', START_LINE)
    }
    this.#take(end, 'line end', 'head.line-end', '9112-2.1')
  }

  #field(name: number, nameEnd: number, value: number, valueEnd: number): void {
    // Space behind a value and the CR LF of its line stand before the next name.
    this.#take(name, 'line end', 'head.line-end', '9112-2.1')
    this.#take(nameEnd, 'field name', 'head.name', FIELDS)
    const fieldName = latin1(this.#places.octets, name, nameEnd)
    this.#take(value, 'colon', 'head.colon', FIELDS)
    this.#take(valueEnd, 'field value', 'head.value', FIELDS, fieldName)
  }

  #rest(): void {
    const { octets, end, faultAt } = this.#places
    if (faultAt >= 0) {
      this.#take(Math.min(faultAt, octets.length), 'unread', 'head.unread', '')
      this.#take(Math.min(faultAt + 1, octets.length), 'fault', 'head.fault', '')
    } else if (end > 0) {
      this.#take(end - 2, 'line end', 'head.line-end', '9112-2.1')
      this.#take(end, 'empty line', 'head.end', '9112-2.1')
    }
    this.#take(octets.length, 'unread', 'head.unread', '')
  }
}

const NAMES = {
  method: 'method',
  target: 'request-target',
  version: 'HTTP-version',
  status: 'status code',
  reason: 'reason phrase',
} as const
