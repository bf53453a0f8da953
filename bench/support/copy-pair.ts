const PAGE = 4096

/**
 * The bytes, and memory of the same length to copy them to. Both lie in one piece, half a page apart as the processor
 * counts: where source and target lie at the same place of a page it copies up to twenty times slower, and which figure
 * that spoils would be luck.
 */
export function copyPair(bytes: Uint8Array): { readonly source: Buffer; readonly target: Buffer } {
  const { length } = bytes
  const at = Math.ceil(length / PAGE) * PAGE + PAGE / 2
  const memory = Buffer.alloc(at + length)
  const source = memory.subarray(0, length)
  source.set(bytes)
  return { source, target: memory.subarray(at) }
}
