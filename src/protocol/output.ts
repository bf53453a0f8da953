import { copyTo, uninitialised, utf8Length, writeUtf8 } from '../frames/bytes.ts'
import { headerLength, MASK, MAX_CONTROL_PAYLOAD, writeHeader } from '../frames/header.ts'
import { applyMaskInRange } from '../frames/mask.ts'
import type { PreparedFrame } from './prepared-variants.ts'

/** Frames up to this payload are copied into the slab, so that many of them leave in one write. */
export const COPY_UP_TO: number = 16 << 10
/** Room for what the replies to one read of 64 KiB take. */
const SLAB_LENGTH = 128 << 10
/** Slabs that are kept for when the one in use is full. */
const MOST_SPARE_SLABS = 8
/** Slabs that a connection remembers to have given to a transport that may still read from them. */
const MOST_PINNED = 32
/** Pieces up to this are copied next to what was before them, so that a transport gets one piece and not many. */
const JOIN_UP_TO = 1024
/** A joined piece that is this long gets no more. */
const JOINED_LENGTH = 64 << 10

/** A piece of memory that the outputs of many connections fill one after the other. */
class Slab {
  readonly bytes = uninitialised(SLAB_LENGTH)
  /** The first free byte. */
  at = 0
  /** Outputs with bytes here that may still be read. */
  users = 0
  /** How often it was given to a transport that has not said yet that it needs it no more. */
  pins = 0
  /** Made when asked for: what a `WeakRef` was made for stays until the turn of the event loop is over. */
  #weak: WeakRef<Slab> | null = null

  /** For whoever remembers this without keeping it. */
  get weak(): WeakRef<Slab> {
    this.#weak ??= new WeakRef(this)
    return this.#weak
  }
}

/**
 * Where small frames are written. One pool serves all connections of a process: bytes are given out in order, and as
 * soon as everything in the slab has left, it is filled from the start again, so that steady traffic allocates nothing.
 *
 * Perf: `npm run bench -- echo`; one write per read and no allocation for replies.
 */
export class SlabPool {
  current: Slab = new Slab()
  readonly #spare: Slab[] = []

  renew(): Slab {
    this.current = this.#spare.pop() ?? new Slab()
    return this.current
  }

  /** Lets a slab be filled from the start again if nobody needs anything in it any more. */
  reuse(slab: Slab): void {
    if (slab.users > 0 || slab.pins > 0) return
    slab.at = 0
    if (slab !== this.current && this.#spare.length < MOST_SPARE_SLABS) this.#spare.push(slab)
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
  /** Ranges that are complete; null when there are none. */
  #chunks: Uint8Array[] | null = null
  #slab: Slab | null = null
  /** Slabs that were filled before `#slab`, since the last release; null when there are none. */
  #filled: Slab[] | null = null
  /**
   * Slabs that a transport may still read from; null when there are none. They are not kept for that: a transport may
   * never say that it is done, and then they are collected once nobody reads them.
   */
  #pinned: Array<WeakRef<Slab>> | null = null
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
        copyTo(bytes, header, payload, start, end)
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
    copyTo(slab.bytes, at, payload, start, end)
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
    else if (frame.length <= JOIN_UP_TO && this.#isContinuedBy(frame.length)) {
      const slab = this.#slab!
      slab.bytes.set(frame, slab.at)
      this.#commit(slab.at + frame.length)
    } else this.#append(frame)
  }

  /** Takes everything, in order. After the write {@link release} must be called. */
  take(): Uint8Array[] {
    this.#closeRun()
    const chunks = this.#chunks ?? []
    this.#chunks = null
    const pieces = chunks.length > 1 ? this.#join(chunks) : chunks
    this.#pending = 0
    this.#borrowed = false
    return pieces
  }

  /**
   * Says what became of the bytes that were taken.
   *
   * @param consumed - true: nobody will read any of them any more, their memory may be used again. false: somebody may,
   * until a later call says true
   */
  release(consumed: boolean): void {
    if (!consumed) this.#pin()
    else if (this.#pinned !== null) this.#unpin(this.#pinned)
    // Frames that were appended after `take` lie there still.
    if (this.#slab === null || this.#pending > 0) return
    if (this.#filled !== null) for (const slab of this.#filled) this.#leave(slab)
    this.#filled = null
    this.#leave(this.#slab)
    this.#slab = null
  }

  /** Forgets everything. What a transport may still read from is never used again. */
  abandon(): void {
    this.take()
    this.#pinned = null
    this.release(true)
  }

  #leave(slab: Slab): void {
    slab.users--
    this.#pool.reuse(slab)
  }

  #pin(): void {
    if (this.#slab === null) return
    // What is forgotten stays pinned: it is never used again.
    if (this.#pinned === null || this.#pinned.length >= MOST_PINNED) this.#pinned = []
    for (const slab of this.#filled === null ? [this.#slab] : [...this.#filled, this.#slab]) {
      if (this.#pinned.at(-1) === slab.weak) continue
      slab.pins++
      this.#pinned.push(slab.weak)
    }
  }

  #unpin(slabs: ReadonlyArray<WeakRef<Slab>>): void {
    this.#pinned = null
    for (const weak of slabs) {
      const slab = weak.deref()
      if (slab === undefined) continue
      slab.pins--
      this.#pool.reuse(slab)
    }
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
      if (this.#slab !== null) {
        this.#filled ??= []
        this.#filled.push(this.#slab)
      }
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

  /** Whether what comes next lies behind what came last. */
  #isContinuedBy(length: number): boolean {
    const slab = this.#slab
    return slab !== null && this.#runEnd > this.#runStart && this.#runEnd === slab.at && SLAB_LENGTH - slab.at >= length
  }

  /**
   * Copies small pieces that follow each other into one.
   *
   * Perf: `npm run bench -- broadcast`, 16 messages of 64 B at a time: 2.5 us -> 1.2 us a message.
   */
  #join(chunks: readonly Uint8Array[]): Uint8Array[] {
    const joined: Uint8Array[] = []
    for (let i = 0; i < chunks.length; ) {
      let length = 0
      let end = i
      while (end < chunks.length && chunks[end]!.length <= JOIN_UP_TO && length < JOINED_LENGTH) {
        length += chunks[end]!.length
        end++
      }
      if (end - i < 2) joined.push(chunks[i++]!)
      else {
        joined.push(this.#copy(chunks, i, end, length))
        i = end
      }
    }
    return joined
  }

  /** `chunks[first, last)`, which are `length` bytes, in one piece. */
  #copy(chunks: readonly Uint8Array[], first: number, last: number, length: number): Uint8Array {
    const slab = this.#reserve(length)
    const start = slab.at
    for (let i = first; i < last; i++) {
      slab.bytes.set(chunks[i]!, slab.at)
      slab.at += chunks[i]!.length
    }
    this.#runStart = this.#runEnd = slab.at
    return slab.bytes.subarray(start, slab.at)
  }

  #append(bytes: Uint8Array): void {
    this.#closeRun()
    this.#push(bytes)
    this.#pending += bytes.length
  }

  #closeRun(): void {
    if (this.#runEnd === this.#runStart) return
    this.#push(this.#slab!.bytes.subarray(this.#runStart, this.#runEnd))
    this.#runStart = this.#runEnd
  }

  #push(bytes: Uint8Array): void {
    if (this.#chunks === null) this.#chunks = [bytes]
    else this.#chunks.push(bytes)
  }
}
