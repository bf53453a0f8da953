import { classAt, OctetClass } from './octets.ts'

/** RFC 6455 §1.3: what stands behind the key in the text whose SHA-1 is the accept value. */
export const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

const KEY_LENGTH = 24
const KEY_DIGITS = 22

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
