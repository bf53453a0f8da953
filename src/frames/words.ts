/*
 * Views of memory in words, kept from call to call: making one costs as much as unmasking 100 bytes, and even asking a
 * typed array for its buffer or its offset costs as much as unmasking 50. What sockets read lies in one view that never
 * changes. Words are in the byte order of the machine.
 */

/** The whole words of the buffer in which the bytes of a view lie. @internal */
export interface Words {
  bytes: Uint8Array
  /** Where the view begins in the buffer. */
  base: number
  readonly buffer: ArrayBufferLike
  readonly int32: Int32Array<ArrayBufferLike>
  readonly int64: BigInt64Array<ArrayBufferLike>
}

/** Word positions are 32-bit integers; bytes from here on go one by one. @internal */
export const WORDWISE_UP_TO = 0x7fff_ffff

/** A buffer above this size is not remembered, so that the memory of one large message is not pinned. */
const REMEMBER_UP_TO = 1 << 20

let remembered: Words = newWords(new Uint8Array(0))

/**
 * The words in which `bytes` lie; good until the next call.
 *
 * Perf: `npm run bench -- frames mask`; the last view is found again without a look at its buffer, and other views of
 * the last buffer share its words.
 * @internal
 */
export function wordsOf(bytes: Uint8Array): Words {
  if (bytes === remembered.bytes) return remembered
  const { buffer, byteOffset: base } = bytes
  if (buffer === remembered.buffer) {
    remembered.bytes = bytes
    remembered.base = base
    return remembered
  }
  const words = newWords(bytes)
  if (buffer.byteLength <= REMEMBER_UP_TO && hasFixedLength(buffer)) remembered = words
  return words
}

/** Words of a buffer that is resized later would be too few, or none. */
function hasFixedLength(buffer: ArrayBufferLike): boolean {
  const { resizable, growable } = buffer as { resizable?: boolean; growable?: boolean }
  return resizable !== true && growable !== true
}

function newWords(bytes: Uint8Array): Words {
  const { buffer, byteOffset: base } = bytes
  const { byteLength } = buffer
  return {
    bytes,
    base,
    buffer,
    int32: new Int32Array(buffer, 0, byteLength >>> 2),
    int64: new BigInt64Array(buffer, 0, byteLength >>> 3),
  }
}
