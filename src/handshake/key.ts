import { hash, randomBytes } from 'node:crypto'
import { classAt, OctetClass } from './octets.ts'

/** RFC 6455 §1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const NONCE_BYTES = 16
const KEY_LENGTH = 24
const KEY_DIGITS = 22

/**
 * The value of `Sec-WebSocket-Accept` that answers a key. RFC 6455 §4.2.2.
 *
 * @param key Value of `Sec-WebSocket-Key` as it was sent, not decoded and not normalised.
 * @returns base64 of the SHA-1 of the key with the GUID after it, 28 characters.
 *
 * @example
 * acceptKey('dGhlIHNhbXBsZSBub25jZQ==') // 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
 */
export function acceptKey(key: string): string {
  // @req 6455-4.2.2-17
  return hash('sha1', key + GUID, 'base64')
}

/** A new value for `Sec-WebSocket-Key`: base64 of 16 random octets. RFC 6455 §4.1. */
export function generateKey(): string {
  // @req 6455-4.1-27
  // @req 6455-4.1-28
  return randomBytes(NONCE_BYTES).toString('base64')
}

/**
 * Whether text is base64 of exactly 16 octets: 22 characters of the alphabet and two `=`. RFC 6455 §4.2.1.
 *
 * Erratum 3150: the last four bits of the 22nd character need not be zero; the RFC's own sample key has a one there.
 */
export function isKey(text: string): boolean {
  if (text.length !== KEY_LENGTH || !text.endsWith('==')) return false
  for (let i = 0; i < KEY_DIGITS; i++) {
    if ((classAt(text, i) & OctetClass.Base64) === 0) return false
  }
  return true
}
