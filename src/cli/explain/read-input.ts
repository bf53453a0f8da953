/* What people have of bytes, as bytes: hex in its many dresses, base64, the text of tshark, a session file, the bytes themselves. */
import { quote } from '../../errors.ts'
import { parseSession, type Session } from '../../inspector/session.ts'
import { usageError } from '../command.ts'

/** How input may be written. */
export const FORMATS = ['auto', 'hex', 'base64', 'raw', 'tshark', 'session'] as const
export type Format = (typeof FORMATS)[number]

/** What was read: one direction that may not be known, both of a TCP stream, or a recorded session. */
export type Input =
  | { readonly kind: 'bytes'; readonly format: Format; readonly bytes: Uint8Array }
  | { readonly kind: 'both'; readonly format: Format; readonly c2s: Uint8Array; readonly s2c: Uint8Array }
  | { readonly kind: 'session'; readonly format: Format; readonly session: Session }

/**
 * Reads input of a file or a pipe.
 *
 * @throws CliError that says what is wrong, and where
 */
export function readInput(input: Uint8Array, format: Format): Input {
  const text = format === 'raw' ? null : asText(input)
  const found = format === 'auto' ? recognise(text) : format
  if (found === 'raw') return { kind: 'bytes', format: found, bytes: input }
  if (text === null) throw usageError(`--format ${found} takes text, and the input is binary; --format raw takes that`)
  return readText(text, found)
}

/** Reads what stands on the command line: hex or base64. */
export function readArgument(text: string, format: Format): Input {
  if (format === 'raw') throw usageError('--format raw takes a file or a pipe; bytes cannot stand on a command line')
  return readText(text, format === 'auto' ? (isHex(text) || !isBase64(text) ? 'hex' : 'base64') : format)
}

function readText(text: string, format: Exclude<Format, 'auto' | 'raw'>): Input {
  switch (format) {
    case 'hex':
      return { kind: 'bytes', format, bytes: readHex(text) }
    case 'base64':
      return { kind: 'bytes', format, bytes: readBase64(text) }
    case 'tshark':
      return { kind: 'both', format, ...readFollow(text) }
    case 'session':
      return { kind: 'session', format, session: readSession(text) }
  }
}

/** The input as text, if every byte of it can be part of one that this reads. */
function asText(input: Uint8Array): string | null {
  for (const byte of input) {
    if (byte > 0x7e || (byte < 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return sessionText(input)
  }
  return Buffer.from(input).toString('latin1')
}

/** Notes of a session may be in any language. */
function sessionText(input: Uint8Array): string | null {
  const text = Buffer.from(input).toString()
  return SESSION.test(text) ? text : null
}

const SESSION = /^\s*\{"format":"framewright-session"/
const FOLLOW = /^Follow: tcp,raw/m

function recognise(text: string | null): Exclude<Format, 'auto'> {
  if (text === null) return 'raw'
  if (SESSION.test(text)) return 'session'
  if (FOLLOW.test(text)) return 'tshark'
  if (isHex(text)) return 'hex'
  return isBase64(text) ? 'base64' : 'raw'
}

/** `81 85`, `0x81, 0x85`, `\x81\x85`, `81:85`, `8185`, with or without the offsets and the text of a dump. */
function isHex(text: string): boolean {
  const digits = withoutDump(text)
  return digits.trim() !== '' && /^(?:\s|[,:]|0x|\\x|[\da-f])+$/i.test(digits)
}

function isBase64(text: string): boolean {
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

function readHex(text: string): Uint8Array {
  const digits = withoutDump(text).replace(/0x|\\x|[\s,:]/gi, '')
  const wrong = /[^\da-f]/i.exec(digits)
  if (wrong !== null) {
    throw usageError(`${quote(text.trim(), 40)} is neither hex nor base64: ${quote(wrong[0])} is no hex digit`)
  }
  if (digits === '') throw usageError('there are no bytes in the input')
  if (digits.length % 2 !== 0) throw usageError(`${digits.length} hex digits are no whole number of bytes`)
  return Uint8Array.from(Buffer.from(digits, 'hex'))
}

function readBase64(text: string): Uint8Array {
  const compact = text.replace(/\s+/g, '').replaceAll('-', '+').replaceAll('_', '/')
  if (!/^[A-Za-z\d+/]+={0,2}$/.test(compact)) throw usageError(`${quote(text.trim(), 40)} is no base64`)
  return Uint8Array.from(Buffer.from(compact, 'base64'))
}

/** What `tshark -q -z follow,tcp,raw,N` prints: hex lines, those of the second node behind a tab. */
function readFollow(text: string): { c2s: Uint8Array; s2c: Uint8Array } {
  const first: string[] = []
  const second: string[] = []
  for (const line of text.split(/\r?\n/)) {
    const match = /^(\t?)((?:[\da-f]{2})+)$/i.exec(line)
    if (match !== null) (match[1] === '' ? first : second).push(match[2]!)
  }
  if (first.length + second.length === 0) throw usageError('there are no bytes in the text of tshark')
  return { c2s: fromHex(first), s2c: fromHex(second) }
}

function fromHex(lines: readonly string[]): Uint8Array {
  return Uint8Array.from(Buffer.from(lines.join(''), 'hex'))
}

function readSession(text: string): Session {
  try {
    return parseSession(text)
  } catch (error) {
    throw usageError((error as Error).message, error)
  }
}
