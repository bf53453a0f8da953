import { copyTo, messageMemory, uninitialised } from '../frames/bytes.ts'

const NO_BYTES = new Uint8Array(0)
const LEAST_CAPACITY = 256
/** What is long is kept in blocks of this length until enough of it is there. */
const BLOCK_LENGTH = 64 << 10

/**
 * Blocks that were used and may be used again, by whichever connection is next. Nobody outside ever sees one.
 *
 * Perf: `npm run bench -- echo`, 1 MiB; new memory costs a page fault for every 4 KiB.
 */
const spareBlocks: Uint8Array[] = []
const MOST_SPARE_BLOCKS = 32

/**
 * Bytes that come piece by piece. Memory is sized by what came, never by what was announced: at most twice the bytes,
 * however the pieces are cut. What is longer than a block is kept in blocks, and is put together once: as soon as half of
 * what will come is there, or, when that is not known, at the end. So a message that turns out to be too long costs what
 * came of it.
 */
export class GrowingBytes {
  /** Blocks that are full, before `#bytes`; null when there are none. */
  #full: Uint8Array[] | null = null
  #fullLength = 0
  #bytes: Uint8Array = NO_BYTES
  #used = 0

  /** One buffer; the bytes are its first {@link length}. Blocks are put together when this is asked for. */
  get bytes(): Uint8Array {
    if (this.#full !== null) this.#gather(this.length)
    return this.#bytes
  }

  /** How many bytes came. */
  get length(): number {
    return this.#fullLength + this.#used
  }

  /** How many bytes of memory they take. */
  get capacity(): number {
    return this.#fullLength + this.#bytes.length
  }

  /** Copies `bytes[start, end)` behind what came before. @param most - bytes there will ever be; default: not known */
  append(bytes: Uint8Array, start: number, end: number, most = Number.POSITIVE_INFINITY): void {
    if ((this.length + end - start) * 2 >= most && this.#bytes.length < most) this.#gather(most)
    let at = start
    while (at < end) {
      if (this.#used === this.#bytes.length) this.#makeRoom(end - at)
      const until = Math.min(end, at + this.#bytes.length - this.#used)
      this.#put(bytes, at, until)
      at = until
    }
  }

  /** Forgets the bytes; who took the buffer keeps it. */
  clear(): void {
    if (this.#full !== null) spare(this.#full)
    this.#full = null
    this.#fullLength = 0
    this.#bytes = NO_BYTES
    this.#used = 0
  }

  #put(bytes: Uint8Array, start: number, end: number): void {
    copyTo(this.#bytes, this.#used, bytes, start, end)
    this.#used += end - start
  }

  /** The buffer in hand is full: the next one, or a larger one in its place. */
  #makeRoom(more: number): void {
    if (this.#used >= BLOCK_LENGTH) {
      this.#full ??= []
      this.#full.push(this.#bytes)
      this.#fullLength += this.#used
      this.#bytes = spareBlocks.pop() ?? uninitialised(BLOCK_LENGTH)
      this.#used = 0
      return
    }
    const capacity = Math.min(Math.max((this.#used + more) * 2, LEAST_CAPACITY), BLOCK_LENGTH)
    const grown = capacity === BLOCK_LENGTH ? (spareBlocks.pop() ?? uninitialised(capacity)) : messageMemory(capacity)
    grown.set(this.#bytes.subarray(0, this.#used))
    this.#bytes = grown
  }

  /** Puts everything into one buffer. @param capacity - its length */
  #gather(capacity: number): void {
    const { length } = this
    const whole = messageMemory(capacity)
    const blocks = this.#full ?? []
    let at = 0
    for (const block of blocks) {
      whole.set(block, at)
      at += block.length
    }
    whole.set(this.#bytes.subarray(0, this.#used), at)
    blocks.push(this.#bytes)
    spare(blocks)
    this.#full = null
    this.#fullLength = 0
    this.#bytes = whole
    this.#used = length
  }
}

function spare(blocks: readonly Uint8Array[]): void {
  for (const block of blocks) {
    // What is no block was whole once, before it turned out that more comes, or never came to a block.
    if (block.length === BLOCK_LENGTH && spareBlocks.length < MOST_SPARE_BLOCKS) spareBlocks.push(block)
  }
}
