/*
 * The sending side of permessage-deflate, RFC 7692 §6.1 and §7.2.1.
 *
 * Every fragment is deflated and flushed to a byte boundary. Up to 32 KiB that is done at once, into memory that all
 * connections share; more goes to another thread. A deflater is taken when a message begins. Without context takeover it
 * is given back when the message ends; with it, it stays until memory is short.
 */
import { uninitialised, utf8Length, writeUtf8 } from '../../frames/bytes.ts'
import type { Encoder } from '../extension.ts'
import { runElsewhere } from './elsewhere.ts'
import { type DeflaterHolder, deflateMemory, type Kind } from './memory.ts'
import type { Deflater } from './state.ts'
import { TAIL } from './state.ts'

/** Says whether a message shall be compressed. @param data - the first fragment of a message in fragments */
export type CompressRule = (data: string | Uint8Array, isBinary: boolean) => boolean

/** Up to this many bytes are deflated at once: about half a millisecond. */
const AT_ONCE = 32 << 10

/** A window that nothing was added to for this long is forgotten; a deflater takes some 100 to 300 KiB. */
const FORGET_AFTER_MS = 10_000

/** Twice what is deflated at once; DEFLATE adds less than a tenth to what it cannot compress. */
const OUTPUT_LENGTH = 64 << 10

const text = uninitialised(AT_ONCE)
const output = uninitialised(OUTPUT_LENGTH)

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

  wants(payload: string | Uint8Array, isBinary: boolean, compress: boolean | undefined): boolean {
    if (compress === false || !isAtLeast(payload, this.#threshold)) return false
    if (compress !== undefined) return compress
    return typeof this.#rule === 'boolean' ? this.#rule : this.#rule(payload, isBinary)
  }

  forVariant(): Encoder {
    return new DeflatingEncoder(this.#kind, false, this.#threshold, this.#rule)
  }

  begin(): boolean {
    this.#isWithin = false
    this.#wasUsed = true
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
    this.#isElsewhere = true
    runElsewhere((ended) => {
      if (this.#isDead) {
        this.#ended(ended)
        return
      }
      this.#deflater ??= deflateMemory.takeBeyond(this.#kind)
      this.#deflateBlocks(payload, 0, [], ended, fin, done)
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
    if (!this.#isElsewhere && this.#deflater !== null) this.giveUp()
  }

  /** Writes the payload from `start` on, block by block until no more comes. */
  #deflateBlocks(
    payload: Uint8Array,
    start: number,
    blocks: Uint8Array[],
    ended: () => void,
    fin: boolean,
    done: (encoded: Uint8Array) => void,
  ): void {
    const block = uninitialised(OUTPUT_LENGTH)
    const deflater = this.#deflater!
    deflater.writeLater(payload, start, payload.length, block, (byteCount) => {
      blocks.push(block.subarray(0, byteCount))
      if (this.#isDead) this.#ended(ended)
      else if (byteCount === OUTPUT_LENGTH) {
        this.#deflateBlocks(payload, payload.length - deflater.left, blocks, ended, fin, done)
      } else {
        this.#ended(ended)
        const bytes = join(blocks)
        done(fin ? bytes.subarray(0, this.#end(bytes, bytes.length)) : bytes)
      }
    })
  }

  #ended(ended: () => void): void {
    this.#isElsewhere = false
    ended()
    this.#isWithin = true
    if (this.#isDead && this.#deflater !== null) this.giveUp()
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

function join(blocks: readonly Uint8Array[]): Uint8Array {
  if (blocks.length === 1) return blocks[0]!
  const bytes = uninitialised(blocks.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const block of blocks) {
    bytes.set(block, at)
    at += block.length
  }
  return bytes
}
