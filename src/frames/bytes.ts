/*
 * The only file that uses `node:buffer`: memory that is not zeroed first, and validation, decoding and encoding of
 * UTF-8 (RFC 3629) with the runtime's vectorised kernels. All functions take a range of a Uint8Array; none copies
 * bytes to look at them.
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
 * `length` bytes of memory with whatever was in it before. The caller overwrites all of it before anybody sees it.
 *
 * Perf: zeroing a 64 KiB slab costs about as much as filling it with frames.
 * @internal
 */
export function uninitialised(length: number): Uint8Array<ArrayBuffer> {
  return Buffer.allocUnsafeSlow(length)
}
