/*
 * RFC 6455 §5.3: octet i of the payload is XORed with octet (i mod 4) of the masking-key.
 *
 * Short ranges go byte by byte. Longer ones go in 64-bit words; the key word is built through the same kind of view, so
 * the byte order of the machine does not matter. What sockets read lies in the memory of a WebAssembly kernel and is
 * masked there; long ranges of other memory go through a window of it.
 *
 * Perf: `npm run bench -- mask`, GB/s at 16 B / 125 B / 1 KiB / 16 KiB: see docs/performance.md.
 */
import { type MaskMemory, maskMemory } from './mask-memory.ts'
import { WORDWISE_UP_TO, wordsOf } from './words.ts'

/** Below this many bytes the byte loop is faster than setting up the word loop. */
const WORDWISE_FROM = 72

/** From this many bytes on the kernel is faster on bytes in its memory. */
const KERNEL_FROM = 16

/** From this many bytes on copying to the kernel's memory and back is worth it. */
const WINDOW_FROM = 4096

const keyBytes = new Uint8Array(8)
const keyWord = new BigInt64Array(keyBytes.buffer)

/**
 * Masks or unmasks `bytes[start, end)` in place; the two are the same operation.
 *
 * @param key - the masking-key as a big-endian 32-bit integer
 * @param phase - how many bytes of the payload came before `start`; only its value mod 4 matters
 * @internal
 */
export function applyMaskInRange(bytes: Uint8Array, start: number, end: number, key: number, phase: number): void {
  // A shift by 32 is one by 0, so a rotation by 0 needs no branch.
  // @req 6455-5.3-5 @req 6455-6.2-7
  const rotation = (phase & 3) << 3
  const rotated = (key << rotation) | (key >>> (32 - rotation))
  const length = end - start
  const kernel = length < KERNEL_FROM ? null : maskMemory()
  // Perf: `npm run bench -- mask`; asking a view for its buffer costs more than masking 100 bytes in it.
  if (kernel !== null && bytes === kernel.bytes) kernel.mask(start, end, octetsOf(rotated))
  else if (kernel !== null && length >= WINDOW_FROM) applyInWindow(kernel, bytes, start, end, octetsOf(rotated))
  else if (length < WORDWISE_FROM) applyKeyBytes(bytes, start, end, rotated)
  else applyKeyWords(bytes, start, end, rotated)
}

/** The octets of a key as a little-endian integer, as the kernel takes them. */
function octetsOf(key: number): number {
  return (key >>> 24) | ((key >>> 8) & 0xff00) | ((key << 8) & 0xff_0000) | (key << 24)
}

/** Masks piece by piece in the window of the kernel's memory. */
function applyInWindow({ window, mask }: MaskMemory, bytes: Uint8Array, start: number, end: number, key: number): void {
  for (let at = start; at < end; at += window.length) {
    const length = Math.min(end - at, window.length)
    const piece = bytes.subarray(at, at + length)
    window.set(piece)
    mask(window.byteOffset, window.byteOffset + length, key)
    piece.set(length === window.length ? window : window.subarray(0, length))
  }
}

function applyKeyWords(bytes: Uint8Array, start: number, end: number, key: number): void {
  const { base, int64: words } = wordsOf(bytes)
  if (base + end > WORDWISE_UP_TO) {
    applyKeyBytes(bytes, start, end, key)
    return
  }
  const last = (base + end) >>> 3
  const lead = -(base + start) & 7
  applyKeyBytes(bytes, start, start + lead, key)
  const rotation = (lead & 3) << 3
  const shifted = (key << rotation) | (key >>> (32 - rotation))
  keyBytes[0] = keyBytes[4] = shifted >>> 24
  keyBytes[1] = keyBytes[5] = shifted >>> 16
  keyBytes[2] = keyBytes[6] = shifted >>> 8
  keyBytes[3] = keyBytes[7] = shifted
  const word = keyWord[0]!
  let i = (base + start + lead) >>> 3
  for (const unrolled = last - 3; i < unrolled; i += 4) {
    words[i]! ^= word
    words[i + 1]! ^= word
    words[i + 2]! ^= word
    words[i + 3]! ^= word
  }
  for (; i < last; i++) words[i]! ^= word
  applyKeyBytes(bytes, (last << 3) - base, end, shifted)
}

function applyKeyBytes(bytes: Uint8Array, start: number, end: number, key: number): void {
  const k0 = key >>> 24
  const k1 = (key >>> 16) & 0xff
  const k2 = (key >>> 8) & 0xff
  const k3 = key & 0xff
  let i = start
  for (const unrolled = end - 3; i < unrolled; i += 4) {
    bytes[i]! ^= k0
    bytes[i + 1]! ^= k1
    bytes[i + 2]! ^= k2
    bytes[i + 3]! ^= k3
  }
  if (i < end) bytes[i++]! ^= k0
  if (i < end) bytes[i++]! ^= k1
  if (i < end) bytes[i]! ^= k2
}

/** The masking-key as the big-endian integer that {@link applyMaskInRange} takes. @internal */
export function keyToInteger(maskingKey: Uint8Array): number {
  return (maskingKey[0]! << 24) | (maskingKey[1]! << 16) | (maskingKey[2]! << 8) | maskingKey[3]!
}

/**
 * Masks or unmasks `bytes` in place, RFC 6455 §5.3.
 *
 * @param bytes - payload, or a piece of one
 * @param maskingKey - the four bytes of the masking-key
 * @param offset - how many bytes of the payload came before this piece; default 0
 * @returns `bytes`
 * @example
 * applyMask(Uint8Array.of(0x7f, 0x9f, 0x4d, 0x51, 0x58), Uint8Array.of(0x37, 0xfa, 0x21, 0x3d)) // 'Hello'
 */
export function applyMask(bytes: Uint8Array, maskingKey: Uint8Array, offset = 0): Uint8Array {
  applyMaskInRange(bytes, 0, bytes.length, keyToInteger(maskingKey), offset)
  return bytes
}
