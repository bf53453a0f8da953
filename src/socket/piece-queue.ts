import { asBuffer } from '../frames/bytes.ts'
import { Queue } from '../ground/queue.ts'
import { GrowingBytes } from '../protocol/growing-bytes.ts'
import type { MessageSink } from '../protocol/listener.ts'
import type { Looker } from './arrivals.ts'
import { shortLivedBuffer } from './collector-hint.ts'

/** What is counted for a piece besides its bytes: the objects that hold them. */
const PIECE_COST = 128

/** Who accounts for what a {@link PieceQueue} holds. */
export interface PieceOwner {
  /** The queue holds this many bytes more, or less. */
  held(change: number): void
  /** A copy of bytes that just came, for the reader to keep. */
  keep(bytes: Uint8Array, start: number, end: number): Buffer
  /** A message that was wanted whole is complete, or will never be. */
  collected(): void
  /** Why a message that was begun will never be complete. */
  endError(): Error
}

const NOBODY: PieceOwner = {
  held: () => {},
  keep: () => Buffer.alloc(0),
  collected: () => {},
  endError: () => new Error('unreachable'),
}

/**
 * One message between the connection that reads it and whoever takes it: the pieces that have arrived and were not
 * taken yet. The owner stops the reading when it holds too much, so that TCP tells the peer to wait.
 */
export class PieceQueue implements MessageSink {
  readonly isBinary: boolean
  readonly #owner: PieceOwner
  /** Whoever takes the pieces. */
  looker: Looker | null = null
  readonly #pieces: Queue<Buffer> = new Queue()
  #held = 0
  /** Where the pieces go when the message is wanted whole. */
  #collected: GrowingBytes | null = null
  /** What its reader holds of it while it puts it together. */
  readerBytes = 0
  #isArriving = true
  #error: Error | null = null

  constructor(isBinary: boolean, owner: PieceOwner) {
    this.isBinary = isBinary
    this.#owner = owner
  }

  /** A message that has arrived already. @param bytes - belong to the queue from now on */
  static whole(isBinary: boolean, bytes: Buffer): PieceQueue {
    const queue = new PieceQueue(isBinary, NOBODY)
    if (bytes.length > 0) queue.#push(bytes)
    queue.end()
    return queue
  }

  /** Whether more is to come. */
  get isArriving(): boolean {
    return this.#isArriving
  }

  /** Whether the message will never be complete. */
  get isBroken(): boolean {
    return this.#error !== null
  }

  /** Whether the message is wanted whole, and not there yet. */
  get isCollecting(): boolean {
    return this.#collected !== null && this.#isArriving
  }

  /** Bytes of memory in which the message is put together, here or by its reader; they stop no reading. */
  get gatheredBytes(): number {
    return this.readerBytes + (this.#collected === null ? 0 : this.#collected.capacity)
  }

  piece(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#isArriving) return
    if (this.#collected !== null) this.#collected.append(bytes, start, end)
    else {
      this.#push(this.#owner.keep(bytes, start, end))
      shortLivedBuffer(end - start)
      this.looker?.look()
    }
  }

  end(): void {
    this.#finish(null)
  }

  abort(): void {
    if (this.#isArriving) this.#finish(this.#owner.endError())
  }

  /** The message will not be complete, and what was not taken of it is freed. */
  breakOff(): void {
    this.abort()
    this.#pieces.takeAll()
    this.#collected?.clear()
    this.#count(-this.#held)
  }

  /** Lets go of everything; what still arrives is dropped. */
  discard(): void {
    this.#pieces.takeAll()
    this.#count(-this.#held)
    this.#collected = null
    this.#finish(null)
  }

  /**
   * Takes the next piece.
   *
   * @returns null when none is there
   * @throws what `endError` says when the connection ended inside the message
   */
  take(): Buffer | null {
    const piece = this.#shift()
    if (piece === null && this.#error !== null) throw this.#error
    return piece
  }

  /** From now on the message is put together, so that {@link takeWhole} can give it when it is complete. */
  collect(): void {
    if (this.#collected !== null) return
    const collected = new GrowingBytes()
    for (const piece of this.#pieces.takeAll()) collected.append(piece, 0, piece.length)
    this.#count(-this.#held)
    this.#collected = collected
  }

  /** The whole message, which must have been collected. The bytes belong to the caller. */
  takeWhole(): Buffer {
    return asBuffer(this.#collected!.take())
  }

  #finish(error: Error | null): void {
    if (!this.#isArriving) return
    this.#isArriving = false
    this.#error = error
    this.looker?.look()
    if (this.#collected !== null) this.#owner.collected()
  }

  #push(piece: Buffer): void {
    this.#pieces.push(piece)
    this.#count(piece.length + PIECE_COST)
  }

  #shift(): Buffer | null {
    if (this.#collected !== null) {
      // It was wanted whole, and now in pieces after all.
      const bytes = this.takeWhole()
      this.#collected = null
      return bytes.length > 0 ? bytes : null
    }
    const piece = this.#pieces.shift()
    if (piece === undefined) return null
    this.#count(-piece.length - PIECE_COST)
    return piece
  }

  #count(change: number): void {
    this.#held += change
    this.#owner.held(change)
  }
}
