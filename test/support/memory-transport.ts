import { Duplex, type DuplexOptions } from 'node:stream'
import { concat } from './chunkings.ts'

/** Lets everything happen that is due now: the ticks, the promises and the callbacks of `setImmediate`. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
}

/**
 * The transport of one connection, in memory. A test plays the peer: it says what arrives, sees every write of ours on
 * its own, and decides when a write is done.
 */
export class MemoryTransport extends Duplex {
  /** What was written; one entry for each time that the transport was asked to write. */
  readonly writes: Uint8Array[] = []
  /** Whether our side has ended. */
  hasEnded = false
  #isSlow = false
  #broken: Error | null = null
  #done: ((error?: Error | null) => void) | null = null

  constructor(options: DuplexOptions = {}) {
    super({ allowHalfOpen: true, ...options })
  }

  /** Everything that was written. */
  get written(): Uint8Array {
    return concat(...this.writes)
  }

  /** Takes what was written so far, so that the next look sees only what is new. */
  takeWritten(): Uint8Array {
    const { written } = this
    this.writes.length = 0
    return written
  }

  /** From now on writes are not done before {@link finishWrite}. */
  stall(): void {
    this.#isSlow = true
  }

  /** The write in hand is done; the next one waits again. */
  finishWrite(): void {
    const done = this.#done
    this.#done = null
    done?.()
  }

  /** Writes are done at once again. */
  unstall(): void {
    this.#isSlow = false
    this.finishWrite()
  }

  /** From now on every write fails, as on a connection that the peer has reset. */
  breakWrites(error: Error): void {
    this.#broken = error
  }

  /** Bytes arrive in one read. Copied, since they are unmasked in place. */
  async arrive(...parts: Uint8Array[]): Promise<void> {
    this.push(Buffer.from(concat(...parts)))
    await settle()
  }

  /** The peer ends its side. */
  async arriveEnd(): Promise<void> {
    this.push(null)
    await settle()
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#take(chunk, done)
  }

  override _writev(chunks: Array<{ chunk: Buffer }>, done: (error?: Error | null) => void): void {
    this.#take(concat(...chunks.map(({ chunk }) => chunk)), done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.hasEnded = true
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    done(error)
    // As a TCP socket does it: the write in hand hears that it will not be done.
    const writeDone = this.#done
    this.#done = null
    writeDone?.(new Error('the transport was destroyed'))
  }

  #take(bytes: Uint8Array, done: (error?: Error | null) => void): void {
    if (this.#broken !== null) {
      done(this.#broken)
      return
    }
    // A copy: what we write from may be used again once the write is done.
    this.writes.push(bytes.slice())
    if (this.#isSlow) this.#done = done
    else done()
  }
}
