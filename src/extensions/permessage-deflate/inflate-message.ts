import { deflateMemory } from './memory.ts'
import { MAX_WINDOW_BITS } from './parameters.ts'
import { Failure, type Inflater, TAIL } from './state.ts'
import { inflateOnce } from './zlib.ts'

/** What follows a message: the tail that it lacks, and an empty last block. */
// @req 7692-7.2.2-11
const TRAILER = Uint8Array.from([...TAIL, 0x01, ...TAIL])

const ROOM = 64 << 10
const NO_BYTES = new Uint8Array(0)

/** What {@link inflateMessage} is told besides the data. */
export interface InflateMessageOptions {
  /** What the window holds before: the last bytes of the messages before, at most 32 KiB. */
  readonly dictionary: Uint8Array
  /** Whether the data is a whole message; otherwise it is the beginning of one. */
  readonly isWhole: boolean
  /** Most bytes that may come out. */
  readonly maxLength: number
}

/**
 * Inflates one message at once, as a connection would, or the beginning of one. For tools.
 *
 * @returns undefined when there is no memory for it, or this runtime cannot inflate the beginning of a message
 */
export function inflateMessage(
  data: Uint8Array,
  { dictionary, isWhole, maxLength }: InflateMessageOptions,
): Uint8Array | 'corrupt' | 'too-long' | undefined {
  const kind = deflateMemory.inflaters(MAX_WINDOW_BITS)
  const inflater = deflateMemory.take(kind)
  if (inflater === null) return undefined
  try {
    return isWhole || !inflater.gathers ? inflate(inflater, data, dictionary, isWhole, maxLength) : undefined
  } finally {
    deflateMemory.give(kind, inflater)
  }
}

function inflate(
  inflater: Inflater,
  data: Uint8Array,
  dictionary: Uint8Array,
  isWhole: boolean,
  maxLength: number,
): Uint8Array | 'corrupt' | 'too-long' {
  const pieces: Uint8Array[] = []
  const output = new Uint8Array(ROOM)
  let length = 0
  let failure: 'corrupt' | 'too-long' | null = null
  const most = dictionary.length + maxLength
  // One byte more than may come out shows that it is too long, whatever is wrong behind it.
  const room = () => Math.min(ROOM, most - length + 1)
  const take = (space: number, byteCount: number): boolean => {
    if (byteCount < 0) failure = byteCount === Failure.TooMuch ? 'too-long' : 'corrupt'
    else if (byteCount > 0) {
      pieces.push(output.slice(0, byteCount))
      length += byteCount
      if (length > most) failure = 'too-long'
    }
    return failure === null && byteCount === space
  }
  const write = (bytes: Uint8Array) => {
    let at = 0
    for (let space = room(); take(space, inflater.write(bytes, at, bytes.length, output, space)); space = room()) {
      at = bytes.length - inflater.left
    }
  }
  if (dictionary.length > 0) write(storedBlock(dictionary))
  if (failure === null) write(data)
  if (failure === null && isWhole) {
    for (let space = room(); take(space, inflater.finish(output, space, most - length)); space = room());
  }
  return failure ?? joined(pieces, length).subarray(dictionary.length)
}

/**
 * What the window holds behind a whole message that can be inflated: a block with BFINAL 1 ends the stream, and the next
 * one begins with an empty window.
 *
 * @param dictionary - what it holds before
 */
export function windowAfter(data: Uint8Array, dictionary: Uint8Array): Uint8Array {
  const input = joined([data, TRAILER], data.length + TRAILER.length)
  let window = dictionary
  let at = 0
  while (at < data.length) {
    const inflated = inflateOnce(input.subarray(at), MAX_WINDOW_BITS, window, Number.POSITIVE_INFINITY)
    if (typeof inflated === 'string' || inflated.consumed === 0) return NO_BYTES
    at += inflated.consumed
    if (at <= data.length) window = NO_BYTES
    else window = lastOf(window, inflated.bytes)
  }
  return window
}

function lastOf(window: Uint8Array, bytes: Uint8Array): Uint8Array {
  const all = joined([window, bytes], window.length + bytes.length)
  return all.slice(Math.max(0, all.length - (1 << MAX_WINDOW_BITS)))
}

/** RFC 1951 §3.2.4: a block, not the last one, that is stored as it is; it gets into the window like any other. */
function storedBlock(bytes: Uint8Array): Uint8Array {
  const { length } = bytes
  const block = new Uint8Array(5 + length)
  block.set([0, length & 0xff, length >> 8, ~length & 0xff, (~length >> 8) & 0xff])
  block.set(bytes, 5)
  return block
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  if (pieces.length === 0) return NO_BYTES
  const bytes = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
