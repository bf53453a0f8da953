import { isValidUtf8 } from './bytes.ts'

/**
 * Judges UTF-8 that arrives in pieces and fails at the first octet that cannot be right (RFC 3629 §4): overlong forms,
 * surrogates, values above U+10FFFF, stray continuation octets.
 *
 * A character may be cut anywhere. Between pieces only three numbers are kept: how many octets the open character
 * still needs, and the range its next octet must lie in.
 */
export class Utf8Validator {
  #needed = 0
  #lower = 0x80
  #upper = 0xbf

  /**
   * Takes the next piece.
   *
   * @returns false as soon as no continuation could make the text valid; after that the validator must be `reset()`
   */
  push(bytes: Uint8Array, start = 0, end = bytes.length): boolean {
    let at = start
    while (this.#needed > 0 && at < end) if (!this.#octet(bytes[at++]!)) return false
    const tail = at + completeLength(bytes, at, end)
    if (!isValidUtf8(bytes, at, tail)) return false
    for (at = tail; at < end; at++) if (!this.#octet(bytes[at]!)) return false
    return true
  }

  /** Whether the text may end here: no character is open. */
  get isComplete(): boolean {
    return this.#needed === 0
  }

  /** Forgets what was pushed. */
  reset(): void {
    this.#needed = 0
    this.#lower = 0x80
    this.#upper = 0xbf
  }

  /** RFC 3629 §4, the productions UTF8-2, UTF8-3 and UTF8-4 as ranges. */
  #octet(octet: number): boolean {
    if (this.#needed > 0) {
      if (octet < this.#lower || octet > this.#upper) return false
      this.#needed--
      this.#lower = 0x80
      this.#upper = 0xbf
      return true
    }
    if (octet < 0xc2 || octet > 0xf4) return false
    if (octet < 0xe0) this.#needed = 1
    else if (octet < 0xf0) {
      this.#needed = 2
      if (octet === 0xe0) this.#lower = 0xa0
      else if (octet === 0xed) this.#upper = 0x9f
    } else {
      this.#needed = 3
      if (octet === 0xf0) this.#lower = 0x90
      else if (octet === 0xf4) this.#upper = 0x8f
    }
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
