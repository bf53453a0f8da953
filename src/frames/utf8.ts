import { isValidUtf8 } from './bytes.ts'
import { Utf8Octets } from './utf8-octets.ts'

/**
 * Judges UTF-8 that arrives in pieces and fails at the first octet that cannot be right (RFC 3629 §4): overlong forms,
 * surrogates, values above U+10FFFF, stray continuation octets.
 *
 * A character may be cut anywhere; what is cut goes octet by octet, the rest at once.
 */
export class Utf8Validator extends Utf8Octets {
  /**
   * Takes the next piece.
   *
   * @returns false as soon as no continuation could make the text valid; after that the validator must be `reset()`
   */
  push(bytes: Uint8Array, start = 0, end = bytes.length): boolean {
    let at = start
    while (!this.isComplete && at < end) if (!this.octet(bytes[at++]!)) return false
    const tail = at + completeLength(bytes, at, end)
    if (!isValidUtf8(bytes, at, tail)) return false
    for (at = tail; at < end; at++) if (!this.octet(bytes[at]!)) return false
    return true
  }
}

/** How many bytes of `bytes[start, end)` stand before a character that is cut off at the end. */
function completeLength(bytes: Uint8Array, start: number, end: number): number {
  const first = Math.max(end - 3, start)
  for (let i = end - 1; i >= first; i--) {
    const octet = bytes[i]!
    if (octet < 0x80) break
    if (octet >= 0xc0) {
      const length = octet < 0xe0 ? 2 : octet < 0xf0 ? 3 : 4
      return i + length > end ? i - start : end - start
    }
  }
  return end - start
}
