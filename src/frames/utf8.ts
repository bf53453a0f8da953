/*
 * The only file that uses `node:buffer`: validation, decoding and encoding of UTF-8 (RFC 3629) with the runtime's
 * vectorised kernels. All functions take a range of a Uint8Array and no copy is made to look at one.
 */
import { Buffer, isUtf8 } from 'node:buffer'

/** Below this many bytes a loop in JavaScript beats making the view that `isUtf8` needs. */
const LOOP_BELOW = 32

/** Whether `bytes[start, end)` are ASCII, without making a view. Meant for short ranges. */
function isShortAscii(bytes: Uint8Array, start: number, end: number): boolean {
  let or = 0
  for (let i = start; i < end; i++) or |= bytes[i]!
  return or < 0x80
}

/** Whether `bytes[start, end)` are complete and valid UTF-8. @internal */
export function isValidUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < LOOP_BELOW && isShortAscii(bytes, start, end)) return true
  return isUtf8(new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start))
}

/** The string that `bytes[start, end)` spell; they must be valid UTF-8. @internal */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  if (end - start < LOOP_BELOW && isShortAscii(bytes, start, end)) {
    return Buffer.prototype.latin1Slice.call(bytes, start, end)
  }
  return Buffer.prototype.utf8Slice.call(bytes, start, end)
}

/** How many bytes `text` takes in UTF-8; a lone surrogate counts as U+FFFD. @internal */
export function utf8Length(text: string): number {
  return Buffer.byteLength(text, 'utf8')
}

/** Writes `text` as UTF-8 at `at`; there must be room. @returns the number of bytes written. @internal */
export function writeUtf8(text: string, target: Uint8Array, at: number): number {
  return Buffer.prototype.utf8Write.call(target, text, at)
}

/** `text` as UTF-8. @internal */
export function encodeUtf8(text: string): Uint8Array {
  return Buffer.from(text, 'utf8')
}

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
    if (tail > at && !isValidUtf8(bytes, at, tail)) return false
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
