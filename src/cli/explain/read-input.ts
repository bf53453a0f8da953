/* What people have of bytes, as bytes: hex in its many dresses, base64, the text of tshark, a session file, the bytes themselves. */
import { UsageError } from '../../errors.ts'
import { isBase64, isHex, readBase64, readFollow, readHex, recogniseText } from '../../inspector/read-text.ts'
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
  try {
    switch (format) {
      case 'hex':
        return { kind: 'bytes', format, bytes: readHex(text) }
      case 'base64':
        return { kind: 'bytes', format, bytes: readBase64(text) }
      case 'tshark':
        return { kind: 'both', format, ...readFollow(text) }
      case 'session':
        return { kind: 'session', format, session: parseSession(text) }
    }
  } catch (error) {
    if (error instanceof UsageError) throw usageError(error.message, error)
    throw error
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

function recognise(text: string | null): Exclude<Format, 'auto'> {
  if (text === null) return 'raw'
  if (SESSION.test(text)) return 'session'
  return recogniseText(text) ?? 'raw'
}
