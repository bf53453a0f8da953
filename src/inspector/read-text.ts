/*
 * Bytes as people write them, as bytes: hex in its many dresses, base64, the text of tshark. Needs nothing of Node: the
 * command line and the explain page read alike.
 */
import { quote, UsageError } from '../errors.ts'

const FOLLOW = /^Follow: tcp,raw/m

/** How the bytes in a text are written; null when it is none of the three. */
export function recogniseText(text: string): 'tshark' | 'hex' | 'base64' | null {
  if (FOLLOW.test(text)) return 'tshark'
  if (isHex(text)) return 'hex'
  return isBase64(text) ? 'base64' : null
}

/** `81 85`, `0x81, 0x85`, `\x81\x85`, `81:85`, `8185`, with or without the offsets and the text of a dump. */
export function isHex(text: string): boolean {
  const digits = withoutDump(text)
  return digits.trim() !== '' && /^(?:\s|[,:]|0x|\\x|[\da-f])+$/i.test(digits)
}

/** Base64 with the alphabet of RFC 4648 §4, whole groups of four characters; lines may be broken. */
export function isBase64(text: string): boolean {
  const compact = text.replace(/\s+/g, '')
  return compact.length > 0 && compact.length % 4 === 0 && /^[A-Za-z\d+/]+={0,2}$/.test(compact)
}

/** An offset, bytes in pairs of digits or in words of two, and the text beside them: xxd, hexdump -C, od -tx1, tshark -x. */
const DUMP_LINE =
  /^\s*([\da-f]{4,16}):? {1,2}((?:[\da-f]{2}){1,2}(?: {1,2}(?:[\da-f]{2}){1,2})*) ?(?: {1,}.*| *\|.*)?$/i
const LAST_LINE = /^[\da-f]{6,16}$/i

/** Takes offsets and text off the lines of a dump; other text stays as it is. */
function withoutDump(text: string): string {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '')
  const parsed = lines.map((line) => DUMP_LINE.exec(line))
  const isDump = lines.every(
    (line, i) => parsed[i] !== null || (i > 0 && i === lines.length - 1 && LAST_LINE.test(line)),
  )
  if (!isDump || !offsetsRise(parsed)) return text
  return parsed.map((match) => match?.[2] ?? '').join(' ')
}

/** Whether the first word of each line is where it stands: hex or, as od has them, octal. */
function offsetsRise(lines: ReadonlyArray<RegExpExecArray | null>): boolean {
  let hexAt: number | null = null
  let octalAt: number | null = null
  for (const line of lines) {
    if (line === null) continue
    const [, offset = '', digits = ''] = line
    const length = digits.replaceAll(' ', '').length / 2
    hexAt = follows(hexAt, Number.parseInt(offset, 16), length)
    octalAt = follows(octalAt, Number.parseInt(offset, 8), length)
    if (hexAt === -1 && octalAt === -1) return false
  }
  return true
}

/** Where the next line must be; -1 when this one was not where it had to be. */
function follows(expected: number | null, at: number, length: number): number {
  if (expected === null) return at === 0 ? length : -1
  return expected === at ? at + length : -1
}

/** Hex digits as bytes. @throws UsageError that says which character is none */
export function readHex(text: string): Uint8Array {
  const digits = withoutDump(text).replace(/0x|\\x|[\s,:]/gi, '')
  const wrong = /[^\da-f]/i.exec(digits)
  if (wrong !== null) {
    throw new UsageError(`${quote(text.trim(), 40)} is neither hex nor base64: ${quote(wrong[0])} is no hex digit`)
  }
  if (digits === '') throw new UsageError('there are no bytes in the input')
  if (digits.length % 2 !== 0) throw new UsageError(`${digits.length} hex digits are no whole number of bytes`)
  return fromHex(digits)
}

/** Base64, its URL alphabet too, as bytes. @throws UsageError when it is none */
export function readBase64(text: string): Uint8Array {
  const compact = text.replace(/\s+/g, '').replaceAll('-', '+').replaceAll('_', '/')
  const digits = compact.replace(/={1,2}$/, '')
  if (!/^[A-Za-z\d+/]+$/.test(digits) || digits.length % 4 === 1) {
    throw new UsageError(`${quote(text.trim(), 40)} is no base64`)
  }
  return Uint8Array.from(atob(digits), (character) => character.charCodeAt(0))
}

/** What `tshark -q -z follow,tcp,raw,N` prints: hex lines, those of the second node behind a tab. */
export function readFollow(text: string): { c2s: Uint8Array; s2c: Uint8Array } {
  const first: string[] = []
  const second: string[] = []
  for (const line of text.split(/\r?\n/)) {
    const match = /^(\t?)((?:[\da-f]{2})+)$/i.exec(line)
    if (match !== null) (match[1] === '' ? first : second).push(match[2]!)
  }
  if (first.length + second.length === 0) throw new UsageError('there are no bytes in the text of tshark')
  return { c2s: fromHex(first.join('')), s2c: fromHex(second.join('')) }
}

/** @param digits - hex digits, two a byte */
function fromHex(digits: string): Uint8Array {
  const bytes = new Uint8Array(digits.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16)
  return bytes
}
