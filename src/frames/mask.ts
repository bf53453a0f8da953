/*
 * RFC 6455 §5.3: octet i of the payload is XORed with octet (i mod 4) of the masking-key.
 *
 * Short ranges go byte by byte. Longer ones go in 32-bit words over a view of the whole underlying buffer; the view is
 * kept from call to call because making one costs as much as unmasking 100 bytes, and reads come from few buffers.
 * The key word is built through the same kind of view, so the byte order of the machine does not matter.
 */

/** Below this many bytes the byte loop is faster than setting up the word loop. */
const WORDWISE_FROM = 48

/** A buffer above this size is not remembered, so that the memory of one large message is not pinned. */
const REMEMBER_UP_TO = 1 << 20

/** Word positions are 32-bit integers; bytes from here on go one by one. */
const WORDWISE_UP_TO = 0x7fff_ffff

const keyBytes = new Uint8Array(4)
const keyWord = new Int32Array(keyBytes.buffer)

let rememberedBuffer: ArrayBufferLike = keyBytes.buffer
let rememberedWords = keyWord

/** The words of `buffer`, at least `length` of them: a resizable buffer may have grown since its view was made. */
function wordsOf(buffer: ArrayBufferLike, length: number): Int32Array<ArrayBufferLike> {
  if (buffer === rememberedBuffer && rememberedWords.length >= length) return rememberedWords
  const words = new Int32Array(buffer, 0, buffer.byteLength >>> 2)
  if (buffer.byteLength <= REMEMBER_UP_TO) {
    rememberedBuffer = buffer
    rememberedWords = words as Int32Array<ArrayBuffer>
  }
  return words
}

/**
 * Masks or unmasks `bytes[start, end)` in place; the two are the same operation.
 *
 * @param key - the masking-key as a big-endian 32-bit integer
 * @param phase - how many bytes of the payload came before `start`; only its value mod 4 matters
 * @internal
 */
export function applyMaskInRange(bytes: Uint8Array, start: number, end: number, key: number, phase: number): void {
  // @req 6455-5.3-5 @req 6455-6.2-7
  const rotation = (phase & 3) << 3
  const rotated = rotation === 0 ? key : (key << rotation) | (key >>> (32 - rotation))
  const k0 = rotated >>> 24
  const k1 = (rotated >>> 16) & 0xff
  const k2 = (rotated >>> 8) & 0xff
  const k3 = rotated & 0xff
  const base = bytes.byteOffset
  if (end - start < WORDWISE_FROM || base + end > WORDWISE_UP_TO) {
    applyKeyBytes(bytes, start, end, k0, k1, k2, k3)
    return
  }
  const last = (base + end) >>> 2
  const words = wordsOf(bytes.buffer, last)
  const lead = -(base + start) & 3
  const aligned = start + lead
  applyKeyBytes(bytes, start, aligned, k0, k1, k2, k3)
  const shifted = lead === 0 ? rotated : (rotated << (lead << 3)) | (rotated >>> (32 - (lead << 3)))
  keyBytes[0] = shifted >>> 24
  keyBytes[1] = shifted >>> 16
  keyBytes[2] = shifted >>> 8
  keyBytes[3] = shifted
  const word = keyWord[0]!
  let i = (base + aligned) >>> 2
  for (const unrolled = last - 3; i < unrolled; i += 4) {
    words[i]! ^= word
    words[i + 1]! ^= word
    words[i + 2]! ^= word
    words[i + 3]! ^= word
  }
  for (; i < last; i++) words[i]! ^= word
  applyKeyBytes(
    bytes,
    (last << 2) - base,
    end,
    shifted >>> 24,
    (shifted >>> 16) & 0xff,
    (shifted >>> 8) & 0xff,
    shifted & 0xff,
  )
}

function applyKeyBytes(
  bytes: Uint8Array,
  start: number,
  end: number,
  k0: number,
  k1: number,
  k2: number,
  k3: number,
): void {
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
