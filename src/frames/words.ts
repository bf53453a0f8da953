/*
 * Views of memory in words, kept from call to call: making one costs as much as unmasking 100 bytes, and even asking a
 * typed array for its buffer or its offset costs as much as unmasking 50. What sockets read lies in one view that never
 * changes. Words are in the byte order of the machine.
 */

/** The whole words of the buffer in which the bytes of a view lie. @internal */
export interface Words {
  /** Where the view begins in the buffer. */
  readonly base: number
  /** Of the buffer, when the words were made. */
  readonly byteLength: number
  readonly int32: Int32Array<ArrayBufferLike>
  readonly int64: BigInt64Array<ArrayBufferLike>
}

/** Word positions are 32-bit integers; bytes from here on go one by one. @internal */
export const WORDWISE_UP_TO = 0x7fff_ffff

/** A buffer above this size is not remembered, so that the memory of one large message is not pinned. */
const REMEMBER_UP_TO = 1 << 20

let rememberedBytes: Uint8Array = new Uint8Array(0)
let rememberedLength = 0
let rememberedBuffer: ArrayBufferLike = rememberedBytes.buffer
let rememberedWords = makeWords(rememberedBytes)

/**
 * The words in which `bytes[0, length)` lie, at least.
 *
 * Perf: `npm run bench -- frames mask`; the last view is found again without a look at its buffer, and other views of
 * the last buffer share its words.
 * @internal
 */
export function wordsOf(bytes: Uint8Array, length: number): Words {
  // A resizable buffer may have grown since.
  if (bytes === rememberedBytes && length <= rememberedLength) return rememberedWords
  const { buffer, byteOffset } = bytes
  const { int32, int64 } = rememberedWords
  const isSame = buffer === rememberedBuffer && byteOffset + length <= rememberedWords.byteLength
  const words = isSame ? { base: byteOffset, byteLength: rememberedWords.byteLength, int32, int64 } : makeWords(bytes)
  if (isSame || buffer.byteLength <= REMEMBER_UP_TO) {
    rememberedBytes = bytes
    rememberedLength = bytes.length
    rememberedBuffer = buffer
    rememberedWords = words
  }
  return words
}

function makeWords({ buffer, byteOffset }: Uint8Array): Words {
  const { byteLength } = buffer
  return {
    base: byteOffset,
    byteLength,
    int32: new Int32Array(buffer, 0, byteLength >>> 2),
    int64: new BigInt64Array(buffer, 0, byteLength >>> 3),
  }
}
