import { Transform, type TransformCallback } from 'node:stream'
import type { Clock } from '../../../src/ground/clock.ts'
import { integerIn, type Random } from '../seeded-random.ts'

/** Bytes that wait in one stage at most, a chunk more or less; whoever writes waits then. */
export const STAGE_BYTES = 256 << 10

/** A part of the way that bytes take through the proxy. It has one timer at most, which its end stops. */
class Stage extends Transform {
  readonly #clock: Clock
  #timer: unknown

  constructor(clock: Clock) {
    super({ highWaterMark: 64 << 10 })
    this.#clock = clock
  }

  protected now(): number {
    return this.#clock.now()
  }

  protected after(ms: number, callback: () => void): void {
    this.#timer = this.#clock.setTimeout(callback, ms)
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#clock.clearTimeout(this.#timer)
    callback(error)
  }
}

/** `latency`: many chunks can be on their way at once, so that it costs time and not throughput. */
export class Latency extends Stage {
  readonly #delayMs: () => number
  readonly #onTheWay: Array<{ readonly chunk: Buffer; readonly due: number }> = []
  #bytes = 0
  /** What says that the next chunk may come, while there is no room. */
  #held: TransformCallback | undefined
  #flushed: TransformCallback | undefined
  #lastDue = 0

  constructor(clock: Clock, random: Random, ms: number, jitterMs: number) {
    super(clock)
    this.#delayMs = () => Math.max(0, ms + (random() * 2 - 1) * jitterMs)
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    // What was sent later never overtakes.
    const due = Math.max(this.#lastDue, this.now() + this.#delayMs())
    this.#lastDue = due
    this.#bytes += chunk.length
    if (this.#onTheWay.push({ chunk, due }) === 1) this.#wait()
    if (this.#isFull) this.#held = callback
    else callback()
  }

  override _flush(callback: TransformCallback): void {
    if (this.#onTheWay.length === 0) callback()
    else this.#flushed = callback
  }

  override _read(size: number): void {
    this.#release()
    super._read(size)
  }

  get #isFull(): boolean {
    return this.#bytes + this.readableLength >= STAGE_BYTES
  }

  #wait(): void {
    this.after(this.#onTheWay[0]!.due - this.now(), () => {
      while (this.#onTheWay.length > 0 && this.#onTheWay[0]!.due <= this.now()) {
        const { chunk } = this.#onTheWay.shift()!
        this.#bytes -= chunk.length
        this.push(chunk)
      }
      if (this.#onTheWay.length > 0) this.#wait()
      this.#release()
      if (this.#onTheWay.length === 0) this.#flushed?.()
    })
  }

  #release(): void {
    if (this.#held === undefined || this.#isFull) return
    const held = this.#held
    this.#held = undefined
    held()
  }
}

/** `bandwidth` and `slicer`: a chunk leaves in pieces, each after its time. */
class Pieces extends Stage {
  readonly #next: () => { readonly bytes: number; readonly perByteMs: number; readonly ms: number }

  constructor(clock: Clock, next: () => { readonly bytes: number; readonly perByteMs: number; readonly ms: number }) {
    super(clock)
    this.#next = next
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    const from = (start: number): void => {
      if (start === chunk.length) {
        callback()
        return
      }
      const { bytes, perByteMs, ms } = this.#next()
      const piece = chunk.subarray(start, start + bytes)
      this.after(ms + piece.length * perByteMs, () => {
        this.push(piece)
        from(start + piece.length)
      })
    }
    from(0)
  }
}

/** At most `kibPerSecond`, in pieces of a twentieth of a second. */
export function bandwidth(clock: Clock, kibPerSecond: number): Stage {
  const bytesPerMs = (kibPerSecond * 1024) / 1000
  const piece = { bytes: Math.max(1, Math.floor(bytesPerMs * 50)), perByteMs: 1 / bytesPerMs, ms: 0 }
  return new Pieces(clock, () => piece)
}

/** Pieces of `bytes` give or take `variation`, each in a write of its own and `delayMs` after the one before. */
export function slicer(clock: Clock, random: Random, bytes: number, variation: number, delayMs: number): Stage {
  return new Pieces(clock, () => ({
    bytes: Math.max(1, integerIn(random, bytes - variation, bytes + variation)),
    perByteMs: 0,
    ms: delayMs,
  }))
}

/** `slow_close`: the end comes late. */
export class SlowClose extends Stage {
  readonly #ms: number

  constructor(clock: Clock, ms: number) {
    super(clock)
    this.#ms = ms
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    callback(null, chunk)
  }

  override _flush(callback: TransformCallback): void {
    this.after(this.#ms, callback)
  }
}

/** `timeout`: swallows everything, the end too. */
export class BlackHole extends Stage {
  override _transform(_chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    callback()
  }

  override _flush(): void {
    // The end does not pass; whoever holds the connection closes it.
  }
}

/** `limit_data`: ends after `bytes` and calls `onLimit`; the rest is swallowed. */
export class LimitData extends Stage {
  #left: number
  readonly #onLimit: () => void

  constructor(clock: Clock, bytes: number, onLimit: () => void) {
    super(clock)
    this.#left = bytes
    this.#onLimit = onLimit
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    if (this.#left > 0) {
      const passes = chunk.subarray(0, this.#left)
      this.#left -= passes.length
      this.push(passes)
      if (this.#left === 0) this.#onLimit()
    }
    callback()
  }
}
