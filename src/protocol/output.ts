import { uninitialised, utf8Length, writeUtf8 } from '../frames/bytes.ts'
import { headerLength, MASK, MAX_CONTROL_PAYLOAD, writeHeader } from '../frames/header.ts'
import { applyMaskInRange } from '../frames/mask.ts'
import type { PreparedFrame } from './prepared-variants.ts'

/** Frames up to this payload are copied into the slab, so that many of them leave in one write. */
export const COPY_UP_TO: number = 16 << 10
const SLAB_LENGTH = 64 << 10
/** Prepared frames above this are written from where they lie; small ones leave with what else is in the slab. */
const SHARE_FROM = 512

/** A piece of memory that the outputs of many connections fill one after the other. */
class Slab {
  readonly bytes = uninitialised(SLAB_LENGTH)
  /** The first free byte. */
  at = 0
  /** Outputs with bytes here that may still be read. */
  users = 0
  /** Whether somebody may read from here at an unknown later time; then it is never filled from the start again. */
  pinned = false
}

/**
 * Where small frames are written. One pool serves all connections of a process: bytes are given out in order, and as
 * soon as everything in the slab has left, it is filled from the start again, so that steady traffic allocates nothing.
 *
 * Perf: `npm run bench -- echo`; one write per read and no allocation for replies.
 */
export class SlabPool {
  current: Slab = new Slab()

  renew(): Slab {
    this.current = new Slab()
    return this.current
  }
}

/**
 * What a connection wants to write: an ordered list of byte ranges. Frames that follow each other in the slab are one
 * range, so everything one read produced usually leaves in one write.
 */
export class Output {
  readonly #pool: SlabPool
  /** Makes masking-keys as 32-bit integers when we are the client; null on a server, which masks nothing. */
  readonly #maskingKey: (() => number) | null
  #chunks: Uint8Array[] = []
  #slab: Slab | null = null
  #runStart = 0
  #runEnd = 0
  #pending = 0
  #borrowed = false

  constructor(pool: SlabPool, maskingKey: (() => number) | null) {
    this.#pool = pool
    this.#maskingKey = maskingKey
  }

  /** Bytes that have not been taken yet. */
  get pending(): number {
    return this.#pending
  }

  /** Whether a payload was not copied: it must leave before its owner may change it. */
  get hasBorrowed(): boolean {
    return this.#borrowed
  }

  /** Appends a frame. A large payload of a server is not copied: it must not change until it was written. */
  frame(byte0: number, payload: Uint8Array, start: number, end: number): void {
    const length = end - start
    const header = headerLength(length, this.#maskingKey !== null)
    if (length > COPY_UP_TO) {
      if (this.#maskingKey !== null) {
        const bytes = uninitialised(header + length)
        bytes.set(payload.subarray(start, end), header)
        this.#seal(bytes, 0, byte0, length)
        this.#append(bytes)
      } else {
        const slab = this.#reserve(header)
        this.#commit(writeHeader(slab.bytes, slab.at, byte0, 0, length))
        this.#append(payload.subarray(start, end))
        this.#borrowed = true
      }
      return
    }
    const slab = this.#reserve(header + length)
    const at = slab.at + header
    // Perf: below this a loop beats `set`, which needs a view.
    if (length < 64) for (let i = 0; i < length; i++) slab.bytes[at + i] = payload[start + i]!
    else slab.bytes.set(start === 0 && end === payload.length ? payload : payload.subarray(start, end), at)
    this.#seal(slab.bytes, slab.at, byte0, length)
    this.#commit(at + length)
  }

  /** Appends a frame whose payload is `text` in UTF-8. */
  textFrame(byte0: number, text: string): void {
    // A UTF-16 code unit takes at most three bytes, so short text needs no look at its length first.
    const short = text.length * 3 <= MAX_CONTROL_PAYLOAD
    const most = short ? text.length * 3 : utf8Length(text)
    const header = headerLength(most, this.#maskingKey !== null)
    if (most > COPY_UP_TO) {
      const bytes = uninitialised(header + most)
      writeUtf8(text, bytes, header)
      this.#seal(bytes, 0, byte0, most)
      this.#append(bytes)
      return
    }
    const slab = this.#reserve(header + most)
    const at = slab.at + header
    const length = writeUtf8(text, slab.bytes, at)
    this.#seal(slab.bytes, slab.at, byte0, length)
    this.#commit(at + length)
  }

  /** Appends a frame that exists. A server writes its very bytes; a client masks, so it makes a frame. */
  prepared({ byte0, frame, payload }: PreparedFrame): void {
    if (this.#maskingKey !== null) this.frame(byte0, payload, 0, payload.length)
    else if (frame.length > SHARE_FROM) this.#append(frame)
    else {
      const slab = this.#reserve(frame.length)
      slab.bytes.set(frame, slab.at)
      this.#commit(slab.at + frame.length)
    }
  }

  /** Takes everything, in order. After the write {@link release} must be called. */
  take(): Uint8Array[] {
    this.#closeRun()
    const chunks = this.#chunks
    this.#chunks = []
    this.#pending = 0
    this.#borrowed = false
    return chunks
  }

  /**
   * Says what became of the bytes that were taken.
   *
   * @param consumed - true: nobody will read them any more, the slab may be used again
   */
  release(consumed: boolean): void {
    const slab = this.#slab
    if (slab === null) return
    if (!consumed) slab.pinned = true
    // Frames that were appended after `take` lie there still.
    if (this.#pending > 0) return
    this.#slab = null
    slab.users--
    if (slab.users === 0 && !slab.pinned) slab.at = 0
  }

  /** Writes the header in front of the payload, and masks if we are the client. */
  #seal(bytes: Uint8Array, at: number, byte0: number, length: number): void {
    if (this.#maskingKey === null) {
      // @req 6455-5.1-4
      writeHeader(bytes, at, byte0, 0, length)
      return
    }
    // @req 6455-5.1-1 @req 6455-5.3-2 @req 6455-6.1-8 @req 6455-10.3-1
    const key = this.#maskingKey()
    const after = writeHeader(bytes, at, byte0, MASK, length)
    bytes[after] = key >>> 24
    bytes[after + 1] = key >>> 16
    bytes[after + 2] = key >>> 8
    bytes[after + 3] = key
    applyMaskInRange(bytes, after + 4, after + 4 + length, key, 0)
  }

  #reserve(length: number): Slab {
    let slab = this.#pool.current
    if (SLAB_LENGTH - slab.at < length) slab = this.#pool.renew()
    if (slab !== this.#slab) {
      this.#closeRun()
      this.#slab = slab
      slab.users++
      this.#runStart = this.#runEnd = slab.at
    } else if (this.#runEnd !== slab.at) {
      this.#closeRun()
      this.#runStart = this.#runEnd = slab.at
    }
    return slab
  }

  #commit(end: number): void {
    const slab = this.#slab!
    this.#pending += end - slab.at
    slab.at = end
    this.#runEnd = end
  }

  #append(bytes: Uint8Array): void {
    this.#closeRun()
    this.#chunks.push(bytes)
    this.#pending += bytes.length
  }

  #closeRun(): void {
    if (this.#runEnd === this.#runStart) return
    this.#chunks.push(this.#slab!.bytes.subarray(this.#runStart, this.#runEnd))
    this.#runStart = this.#runEnd
  }
}
