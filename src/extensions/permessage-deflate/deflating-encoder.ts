/*
 * The sending side of permessage-deflate, RFC 7692 §6.1 and §7.2.1.
 *
 * Every fragment is deflated and flushed to a byte boundary. Up to 32 KiB that is done at once, into memory that all
 * connections share; more goes to another thread. A deflater is taken when a message begins. Without context takeover it
 * is given back when the message ends; with it, it stays until memory is short.
 */
import { uninitialised, utf8Length, writeUtf8 } from '../../frames/bytes.ts'
import { hookAtOnce } from '../../ground/application.ts'
import type { Encoder } from '../extension.ts'
import { runElsewhere } from './elsewhere.ts'
import { type DeflaterHolder, deflateMemory, type Kind } from './memory.ts'
import { blocks, SCRATCH_LENGTH } from './scratch.ts'
import type { Deflater } from './state.ts'
import { TAIL } from './state.ts'

/** Says whether a message shall be compressed. @param data - the first fragment of a message in fragments */
export type CompressRule = (data: string | Uint8Array, isBinary: boolean) => boolean

/** Up to this many bytes are deflated at once: about half a millisecond. */
const AT_ONCE = 32 << 10

/** A window that nothing was added to for this long is forgotten; a deflater takes some 100 to 300 KiB. */
const FORGET_AFTER_MS = 10_000

const text = uninitialised(AT_ONCE)
/** Twice what is deflated at once; DEFLATE adds less than a tenth to what it cannot compress. */
const output = uninitialised(SCRATCH_LENGTH)

/** A fragment that is deflated elsewhere, or waits for it. */
interface Job {
  readonly payload: Uint8Array
  readonly fin: boolean
  readonly done: (encoded: Uint8Array) => void
  /** What came out of it so far; the last piece is in use by the thread. */
  readonly pieces: Uint8Array[]
}

/** Deflates the messages of one connection. */
export class DeflatingEncoder implements Encoder, DeflaterHolder {
  readonly variant: string | null
  readonly output: Uint8Array = output
  readonly #kind: Kind<Deflater>
  /** Whether the window is kept from message to message. */
  readonly #takeover: boolean
  readonly #threshold: number
  readonly #rule: CompressRule | boolean
  #deflater: Deflater | null = null
  /** Whether something of the open message was deflated. */
  #isWithin = false
  /** null once nobody needs it any more, though a thread may still be at work. */
  #job: Job | null = null
  /** Whether a thread is at work. */
  #isElsewhere = false
  #isDead = false
  /** Whether a message was deflated since the last `rest`, and when there was such a `rest`. */
  #wasUsed = false
  #usedAt = 0

  constructor(kind: Kind<Deflater>, takeover: boolean, threshold: number, rule: CompressRule | boolean) {
    this.#kind = kind
    this.#takeover = takeover
    this.#threshold = threshold
    this.#rule = rule
    this.variant = takeover ? null : kind.name
  }

  get heldBytes(): number {
    const state = this.#deflater === null ? 0 : this.#kind.size + this.#deflater.heldBytes
    return state + (this.#job === null ? 0 : lengthOf(this.#job.pieces))
  }

  wants(payload: string | Uint8Array, isBinary: boolean, compress: boolean | undefined): boolean {
    if (compress === false || !isAtLeast(payload, this.#threshold)) return false
    if (compress !== undefined) return compress
    return typeof this.#rule === 'boolean'
      ? this.#rule
      : hookAtOnce('the option perMessageDeflate.compress', this.#rule, payload, isBinary)
  }

  forVariant(): Encoder {
    return new DeflatingEncoder(this.#kind, false, this.#threshold, this.#rule)
  }

  begin(length: number): boolean {
    this.#isWithin = false
    this.#wasUsed = true
    if (length > AT_ONCE && !deflateMemory.mayHold(length)) return false
    if (this.#deflater === null) this.#deflater = deflateMemory.take(this.#kind)
    else deflateMemory.mayNotRelease(this)
    return this.#deflater !== null
  }

  encode(payload: string | Uint8Array, fin: boolean): number {
    if (payload.length > AT_ONCE) return -1
    let bytes: Uint8Array = text
    let length: number
    if (typeof payload !== 'string') {
      bytes = payload
      length = payload.length
    } else {
      if (payload.length * 3 > AT_ONCE && utf8Length(payload) > AT_ONCE) return -1
      length = writeUtf8(payload, text, 0)
    }
    const byteCount = length === 0 ? 0 : this.#deflater!.write(bytes, 0, length, output)
    this.#isWithin = true
    return fin ? this.#end(output, byteCount) : byteCount
  }

  encodeLater(payload: Uint8Array, fin: boolean, done: (encoded: Uint8Array) => void): void {
    // What waits for its turn shall not hold a deflater that is as good as new.
    if (!this.#isWithin && !this.#takeover) this.giveUp()
    this.#job = { payload, fin, done, pieces: [] }
    deflateMemory.hold(payload.length)
    runElsewhere((ended) => {
      if (this.#job === null) {
        ended()
        return
      }
      this.#deflater ??= deflateMemory.takeBeyond(this.#kind)
      this.#isElsewhere = true
      this.#deflatePiece(this.#job, 0, ended)
    })
  }

  rest(now: number): void {
    if (this.#wasUsed || this.#deflater === null) {
      this.#wasUsed = false
      this.#usedAt = now
    } else if (now - this.#usedAt >= FORGET_AFTER_MS && deflateMemory.isReleasable(this)) {
      deflateMemory.mayNotRelease(this)
      this.giveUp()
    }
  }

  giveUp(): void {
    deflateMemory.give(this.#kind, this.#deflater!)
    this.#deflater = null
  }

  close(): void {
    this.#isDead = true
    deflateMemory.mayNotRelease(this)
    if (this.#isElsewhere) return
    this.#forgetJob()
    if (this.#deflater !== null) this.giveUp()
  }

  /** Deflates the payload from `start` on, piece by piece until no more comes. */
  #deflatePiece(job: Job, start: number, ended: () => void): void {
    const block = blocks.lend()
    const deflater = this.#deflater!
    deflateMemory.hold(block.length)
    job.pieces.push(block)
    deflater.writeLater(job.payload, start, job.payload.length, block, (byteCount) => {
      if (!this.#isDead && byteCount === block.length) {
        this.#deflatePiece(job, job.payload.length - deflater.left, ended)
        return
      }
      this.#isElsewhere = false
      this.#isWithin = true
      const encoded = this.#isDead ? null : joined(job.pieces, byteCount)
      this.#forgetJob()
      if (encoded === null && this.#deflater !== null) this.giveUp()
      ended()
      if (encoded !== null) job.done(job.fin ? encoded.subarray(0, this.#end(encoded, encoded.length)) : encoded)
    })
  }

  #forgetJob(): void {
    if (this.#job === null) return
    const { payload, pieces } = this.#job
    this.#job = null
    deflateMemory.hold(-payload.length - lengthOf(pieces))
    for (const piece of pieces) blocks.giveBack(piece)
  }

  /** Ends a message. @returns how many bytes of `bytes` are its last fragment */
  #end(bytes: Uint8Array, byteCount: number): number {
    // @req 7692-7.2.2-1 @req 7692-7.2.1-10 @req 7692-7.2.1-7
    if (!this.#takeover) this.giveUp()
    // @req 7692-7.2.1-11 @req 7692-7.2.1-8
    else deflateMemory.mayRelease(this)
    // @req 7692-7.2.1-15 @req 7692-7.2.1-5
    if (byteCount > 0) return byteCount - TAIL.length
    // Nothing was flushed: an empty stored block without its tail, §7.2.3.6.
    bytes[0] = 0
    return 1
  }
}

function isAtLeast(payload: string | Uint8Array, threshold: number): boolean {
  if (payload.length >= threshold) return true
  // A UTF-16 code unit takes at most three bytes.
  return typeof payload === 'string' && payload.length * 3 >= threshold && utf8Length(payload) >= threshold
}

/** What lies in pieces that are full, and in the last one, of which `byteCount` bytes are. */
function joined(pieces: readonly Uint8Array[], byteCount: number): Uint8Array {
  const bytes = uninitialised((pieces.length - 1) * SCRATCH_LENGTH + byteCount)
  for (const [i, piece] of pieces.entries()) {
    bytes.set(i === pieces.length - 1 ? piece.subarray(0, byteCount) : piece, i * SCRATCH_LENGTH)
  }
  return bytes
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.length * SCRATCH_LENGTH
}
