/*
 * Views of a buffer in words, kept from call to call: making one costs as much as unmasking 100 bytes, and what sockets
 * read lies in few buffers. Words are in the byte order of the machine.
 */

/** The whole words of a buffer. @internal */
export interface Words {
  readonly int32: Int32Array<ArrayBufferLike>
  readonly int64: BigInt64Array<ArrayBufferLike>
}

/** Word positions are 32-bit integers; bytes from here on go one by one. @internal */
export const WORDWISE_UP_TO = 0x7fff_ffff

/** A buffer above this size is not remembered, so that the memory of one large message is not pinned. */
const REMEMBER_UP_TO = 1 << 20

let rememberedBuffer: ArrayBufferLike = new ArrayBuffer(0)
let rememberedLength = 0
let rememberedWords = makeWords(rememberedBuffer)

/** The words of `buffer`, those of `[0, length)` at least: a resizable buffer may have grown since. @internal */
export function wordsOf(buffer: ArrayBufferLike, length: number): Words {
  if (buffer === rememberedBuffer && rememberedLength >= length) return rememberedWords
  const words = makeWords(buffer)
  if (buffer.byteLength <= REMEMBER_UP_TO) {
    rememberedBuffer = buffer
    rememberedLength = buffer.byteLength
    rememberedWords = words
  }
  return words
}

function makeWords(buffer: ArrayBufferLike): Words {
  const { byteLength } = buffer
  return { int32: new Int32Array(buffer, 0, byteLength >>> 2), int64: new BigInt64Array(buffer, 0, byteLength >>> 3) }
}
