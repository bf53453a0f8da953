import { type FieldLines, quote, UsageError } from '../errors.ts'
import { HTAB, isAll, OctetClass, SP } from './octets.ts'

/**
 * The field lines of one head: ordered, names compared without case, a name as often as it was sent. It never changes.
 * Names are looked up by comparison and never used as keys, so `__proto__` is a name like any other. RFC 9110 §5.
 */
export class FieldList implements Iterable<readonly [name: string, value: string]> {
  /** name, value, name, value and so on: the shape of `rawHeaders` in node:http. */
  readonly #raw: readonly string[]
  readonly #lowerCaseNames: readonly string[]

  private constructor(raw: readonly string[]) {
    // @req 6455-4.2.1-13
    const lowerCaseNames: string[] = []
    for (let i = 0; i < raw.length; i += 2) lowerCaseNames.push(raw[i]!.toLowerCase())
    this.#raw = raw
    this.#lowerCaseNames = lowerCaseNames
  }

  /**
   * Makes a list from names and values in turn, as `rawHeaders` of node:http has them. The array is kept, not copied.
   *
   * @throws UsageError when a name has no value.
   */
  static fromRaw(rawHeaders: readonly string[]): FieldList {
    if (rawHeaders.length % 2 !== 0) throw new UsageError('rawHeaders ends with a name that has no value')
    return new FieldList(rawHeaders)
  }

  /** Makes a list from pairs of name and value. */
  static from(lines: FieldLines): FieldList {
    return new FieldList(lines.flat())
  }

  /** How many field lines there are, the repeated ones counted. */
  get size(): number {
    return this.#lowerCaseNames.length
  }

  /** Whether at least one line has the name. */
  has(name: string): boolean {
    return this.#lowerCaseNames.includes(name.toLowerCase())
  }

  /** How many lines have the name. */
  count(name: string): number {
    const wanted = name.toLowerCase()
    const names = this.#lowerCaseNames
    let count = 0
    for (let i = 0; i < names.length; i++) {
      if (names[i] === wanted) count++
    }
    return count
  }

  /**
   * The values of all lines with the name, joined with `', '` as RFC 9110 §5.3 has it, or `undefined` when there is none.
   * Of no use for `Set-Cookie`, whose values contain commas.
   */
  get(name: string): string | undefined {
    const wanted = name.toLowerCase()
    const names = this.#lowerCaseNames
    let joined: string | undefined
    for (let i = 0; i < names.length; i++) {
      if (names[i] !== wanted) continue
      const value = this.#raw[2 * i + 1]!
      joined = joined === undefined ? value : `${joined}, ${value}`
    }
    return joined
  }

  /** The values of all lines with the name, in order; empty when there is none. */
  getAll(name: string): string[] {
    const wanted = name.toLowerCase()
    return this.#lowerCaseNames.flatMap((candidate, i) => (candidate === wanted ? [this.#raw[2 * i + 1]!] : []))
  }

  /** Every line as a pair of the name as it was sent and the value, in order. */
  [Symbol.iterator](): IterableIterator<readonly [name: string, value: string]> {
    return this.#lowerCaseNames.map((_, i) => [this.#raw[2 * i]!, this.#raw[2 * i + 1]!] as const).values()
  }
}

/**
 * Whether text can stand as the value of a field line and come back as the same text:
 *
 *     field-value = *field-content, without whitespace at either end
 */
export function isFieldValue(value: string): boolean {
  return (
    value === '' || (isAll(value, OctetClass.FieldValue) && !isPadding(value, 0) && !isPadding(value, value.length - 1))
  )
}

function isPadding(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code === SP || code === HTAB
}

/**
 * Field lines as they go on the wire, each with its CRLF.
 *
 * @throws UsageError when a name is not a token or a value holds CR, LF, NUL, another control character, a character
 *   above U+00FF, or whitespace at an end: nothing our caller passes can begin a line of its own.
 */
export function serializeFields(lines: Iterable<readonly [name: string, value: string]>): string {
  let text = ''
  for (const [name, value] of lines) {
    if (!isAll(name, OctetClass.Token)) throw new UsageError(`field name ${quote(name)} is not a token`)
    if (!isFieldValue(value)) throw new UsageError(`the value ${quote(value)} of ${name} cannot stand in a field line`)
    text += `${name}: ${value}\r\n`
  }
  return text
}

/**
 * Refuses lines that the handshake writes itself.
 *
 * @param reserved Names in lower case.
 * @throws UsageError when one of them is among the lines.
 */
export function refuseReserved(lines: FieldLines, reserved: ReadonlySet<string>): void {
  for (const [name] of lines) {
    if (reserved.has(name.toLowerCase()))
      throw new UsageError(`${name} is written by the handshake; it cannot be added`)
  }
}
