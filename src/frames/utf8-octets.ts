/**
 * Judges UTF-8 octet by octet, RFC 3629 §4, and fails at the first that cannot be right: overlong forms, surrogates,
 * values above U+10FFFF, stray continuation octets. It needs nothing of the runtime.
 *
 * Between octets only three numbers are kept: how many the open character still needs, and the range the next one must
 * lie in.
 */
export class Utf8Octets {
  #needed = 0
  #lower = 0x80
  #upper = 0xbf

  /** Whether the text may end here: no character is open. */
  get isComplete(): boolean {
    return this.#needed === 0
  }

  /** Forgets what was read. */
  reset(): void {
    this.#needed = 0
    this.#lower = 0x80
    this.#upper = 0xbf
  }

  /**
   * Takes the next octet: the productions UTF8-2, UTF8-3 and UTF8-4 of RFC 3629 §4 as ranges.
   *
   * @returns false when no continuation could make the text valid; after that it must be `reset()`
   */
  octet(octet: number): boolean {
    if (this.#needed > 0) {
      if (octet < this.#lower || octet > this.#upper) return false
      this.#needed--
      this.#lower = 0x80
      this.#upper = 0xbf
      return true
    }
    if (octet < 0x80) return true
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
