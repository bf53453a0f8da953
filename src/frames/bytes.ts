/*
 * The only file that uses `node:buffer`: memory that is not zeroed first, and validation, decoding and encoding of
 * UTF-8 (RFC 3629) with the runtime's vectorised kernels. All functions take a range of a Uint8Array; none copies
 * bytes to look at them.
 */
import { Buffer, isAscii, isUtf8 } from 'node:buffer'
import { maskMemory } from './mask-memory.ts'
import { WORDWISE_UP_TO, wordsOf } from './words.ts'

/** Up to this many bytes a look at the words beats making the view that `isUtf8` needs. */
const WORDS_UP_TO = 512

/** Below this many bytes the byte loop beats setting up the word loop. */
const WORDS_FROM = 32

/** The top bit of each byte of a word. */
const TOP_BITS = 0x8080_8080 | 0

/**
 * Whether `bytes[start, end)` are ASCII, without making a view. Meant for short ranges.
 *
 * Perf: `npm run bench -- utf8`; 125 bytes 132 ns -> 73 ns against `isUtf8` with its view.
 */
function isShortAscii(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < WORDS_FROM) return isAsciiByByte(bytes, start, end)
  const { base, int32 } = wordsOf(bytes)
  if (base + end > WORDWISE_UP_TO) return isAsciiByByte(bytes, start, end)
  const first = (base + start + 3) >>> 2
  const last = (base + end) >>> 2
  let or = 0
  let i = first
  for (const unrolled = last - 3; i < unrolled; i += 4) {
    or |= int32[i]! | int32[i + 1]! | int32[i + 2]! | int32[i + 3]!
  }
  for (; i < last; i++) or |= int32[i]!
  return (
    (or & TOP_BITS) === 0 &&
    isAsciiByByte(bytes, start, (first << 2) - base) &&
    isAsciiByByte(bytes, (last << 2) - base, end)
  )
}

function isAsciiByByte(bytes: Uint8Array, start: number, end: number): boolean {
  let or = 0
  for (let i = start; i < end; i++) or |= bytes[i]!
  return or < 0x80
}

/** Up to this many bytes the kernel's look for ASCII beats making the view that `isUtf8` needs. */
const KERNEL_UP_TO = 4096

/**
 * Whether `bytes[start, end)` are complete and valid UTF-8.
 *
 * Perf: `npm run bench -- frames --cell text`; what sockets read is looked at by the kernel.
 * @internal
 */
export function isValidUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  const kernel = maskMemory()
  if (kernel !== null && bytes === kernel.bytes) {
    if (end - start <= KERNEL_UP_TO && kernel.isAscii(start, end) === 1) return true
  } else if (end - start <= WORDS_UP_TO && isShortAscii(bytes, start, end)) return true
  return isUtf8(viewOf(bytes, start, end))
}

/** From this many bytes on a look for ASCII is paid back by `latin1Slice`, which copies where `utf8Slice` converts. */
const LATIN1_FROM = 4096

/**
 * The string that `bytes[start, end)` spell; they must be valid UTF-8.
 *
 * Perf: `npm run bench -- utf8`; 16 KiB of ASCII 1.84 µs -> 1.06 µs.
 * @internal
 */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  return end - start >= LATIN1_FROM && isAscii(viewOf(bytes, start, end))
    ? Buffer.prototype.latin1Slice.call(bytes, start, end)
    : Buffer.prototype.utf8Slice.call(bytes, start, end)
}

function viewOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start)
}

/** How many bytes `text` takes in UTF-8; a lone surrogate counts as U+FFFD. @internal */
export function utf8Length(text: string): number {
  return Buffer.byteLength(text)
}

/** Writes `text` as UTF-8 at `at`; there must be room. @returns the number of bytes written. @internal */
export function writeUtf8(text: string, target: Uint8Array, at: number): number {
  return Buffer.prototype.utf8Write.call(target, text, at)
}

/** `text` as UTF-8, in memory of its own: Node's pool can be detached by whoever has a Buffer in it. @internal */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = uninitialised(Buffer.byteLength(text))
  writeUtf8(text, bytes, 0)
  return bytes
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

/** `bytes` as a Buffer of the same memory. @internal */
export function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : bufferOn(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length)
}

/** `length` bytes of `memory` from `at` on as a Buffer. @internal */
export function bufferOn(memory: ArrayBuffer, at: number, length: number): Buffer {
  return Buffer.from(memory, at, length)
}

/** Below this many bytes a loop copies faster than `set`, which takes the same for 1 byte and for 100. */
const LOOP_BELOW = 16
/** The same where `set` needs a view of a part. */
const LOOP_BELOW_FOR_PART = 64

/**
 * Copies `bytes[start, end)` to `target` at `at`.
 *
 * Perf: `npm run bench -- serialize echo`; a view is only made when a part is copied, and costs as much as a loop of 64
 * bytes.
 * @internal
 */
export function copyTo(target: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number): void {
  const length = end - start
  if (length >= LOOP_BELOW_FOR_PART) target.set(length === bytes.length ? bytes : bytes.subarray(start, end), at)
  else if (length >= LOOP_BELOW && length === bytes.length) target.set(bytes, at)
  else copyByByte(target, at, bytes, start, end)
}

function copyByByte(target: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number): void {
  const ahead = at - start
  let i = start
  for (const unrolled = end - 3; i < unrolled; i += 4) {
    target[ahead + i] = bytes[i]!
    target[ahead + i + 1] = bytes[i + 1]!
    target[ahead + i + 2] = bytes[i + 2]!
    target[ahead + i + 3] = bytes[i + 3]!
  }
  for (; i < end; i++) target[ahead + i] = bytes[i]!
}

/** `parts` one behind the other, in memory of their own. @internal */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = uninitialised(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** A copy of `bytes[start, end)` in memory of its own. `slice` would not do: a Buffer's gives the same memory. @internal */
export function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = uninitialised(end - start)
  copyTo(copy, 0, bytes, start, end)
  return copy
}
