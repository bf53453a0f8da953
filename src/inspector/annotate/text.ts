/** How bytes are written: hex and base64, without anything of the runtime's. */

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** One byte as two hex digits. */
export function hexByte(byte: number): string {
  return HEX[byte & 0xff]!
}

/** Bytes as hex with spaces; those behind `limit` are left out, with `…` for them. */
export function hex(bytes: Uint8Array, start = 0, end = bytes.length, limit = Number.POSITIVE_INFINITY): string {
  const stop = Math.min(end, start + limit)
  let text = ''
  for (let i = start; i < stop; i++) text += i === start ? HEX[bytes[i]!]! : ` ${HEX[bytes[i]!]!}`
  return stop < end ? `${text} …` : text
}

/** An offset: `0x026a`. */
export function offset(at: number): string {
  return `0x${at.toString(16).padStart(4, '0')}`
}

/** Bytes as base64, RFC 4648 §4. */
export function base64(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}

const utf8 = new TextDecoder()

/** Bytes as the text they spell in UTF-8; U+FFFD for what is none, and those behind `limit` are left out. */
export function textOf(bytes: Uint8Array, limit = Number.POSITIVE_INFINITY): string {
  return bytes.length <= limit ? utf8.decode(bytes) : `${utf8.decode(bytes.subarray(0, limit))}…`
}

/** Characters up to U+00FF as the text with one byte each. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]!)
  return text
}
