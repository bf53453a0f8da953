import { copyOf, copyTo, uninitialised } from '../frames/bytes.ts'

const NO_BYTES = new Uint8Array(0)
const LEAST_CAPACITY = 256
/** What is long is kept in blocks of this length until enough of it is there. */
const BLOCK_LENGTH = 64 << 10
/** Messages that are longer get memory of their own as soon as half of them is there. */
const OWN_FROM = 16 << 10

/**
 * Memory that was used and may be used again, by whichever connection is next: by the logarithm of its length, which is a
 * power of two from 256 to 64 KiB. Nobody outside ever sees it.
 *
 * Perf: `npm run bench -- echo`, 1 MiB; new memory costs a page fault for every 4 KiB. `-- frames --cell random`, 125 B;
 * new memory costs more than all the rest.
 */
const spares: Uint8Array[][] = Array.from({ length: 17 }, () => [])
const MOST_SPARES = 32

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
  /** Whether `#bytes` was made for these bytes, and is not one of the {@link spares}. */
  #isOwn = false

  /**
   * One buffer; the bytes are its first {@link length}. Blocks are put together when this is asked for. Good until
   * {@link clear}, unless it {@link isOwn}.
   */
  get bytes(): Uint8Array {
    if (this.#full !== null) this.#gather(this.length)
    return this.#bytes
  }

  /** Whether {@link bytes} are alone in their memory, so that whoever takes them may keep it and give it away. */
  get isOwn(): boolean {
    return this.#isOwn && this.#used === this.#bytes.length
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
    const isHalf = (this.length + end - start) * 2 >= most
    if (isHalf && most > OWN_FROM && this.#bytes.length < most) this.#gather(most)
    let at = start
    while (at < end) {
      if (this.#used === this.#bytes.length) this.#makeRoom(end - at)
      const until = Math.min(end, at + this.#bytes.length - this.#used)
      this.#put(bytes, at, until)
      at = until
    }
  }

  /** Takes the bytes, alone in their memory, and forgets them. */
  take(): Uint8Array {
    const { bytes, length } = this
    const own = this.isOwn ? bytes : copyOf(bytes, 0, length)
    this.clear()
    return own
  }

  /** Forgets the bytes; who took what {@link isOwn} keeps it. */
  clear(): void {
    if (this.#full !== null) for (const block of this.#full) spare(block)
    if (!this.#isOwn) spare(this.#bytes)
    this.#full = null
    this.#fullLength = 0
    this.#bytes = NO_BYTES
    this.#used = 0
    this.#isOwn = false
  }

  #put(bytes: Uint8Array, start: number, end: number): void {
    copyTo(this.#bytes, this.#used, bytes, start, end)
    this.#used += end - start
  }

  /** The buffer in hand is full: the next one, or a larger one in its place. */
  #makeRoom(more: number): void {
    const before = this.#bytes
    if (this.#used >= BLOCK_LENGTH) {
      this.#full ??= []
      this.#full.push(before)
      this.#fullLength += this.#used
      this.#bytes = memory(BLOCK_LENGTH)
      this.#used = 0
    } else {
      this.#bytes = memory(Math.min(Math.max(this.#used + more, LEAST_CAPACITY), BLOCK_LENGTH))
      this.#bytes.set(before.subarray(0, this.#used))
      spare(before)
    }
    this.#isOwn = false
  }

  /** Puts everything into one buffer. @param capacity - its length */
  #gather(capacity: number): void {
    const { length } = this
    const whole = uninitialised(capacity)
    let at = 0
    for (const block of this.#full ?? []) {
      whole.set(block, at)
      at += block.length
    }
    whole.set(this.#bytes.subarray(0, this.#used), at)
    this.clear()
    this.#bytes = whole
    this.#used = length
    this.#isOwn = true
  }
}

/** Memory of at least `length` bytes, and less than twice as many. */
function memory(length: number): Uint8Array {
  const size = 32 - Math.clz32(length - 1)
  return spares[size]!.pop() ?? uninitialised(1 << size)
}

function spare(bytes: Uint8Array): void {
  const size = 31 - Math.clz32(bytes.length)
  // What has another length was put together once, before it turned out that more comes, or is nothing at all.
  if (bytes.length < LEAST_CAPACITY || bytes.length > BLOCK_LENGTH || bytes.length !== 1 << size) return
  if (spares[size]!.length < MOST_SPARES) spares[size]!.push(bytes)
}
