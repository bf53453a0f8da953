import { Duplex } from 'node:stream'
import { copyOf } from '../frames/bytes.ts'
import { nextTick, queueMicrotask } from '../ground/scheduling.ts'

/** One end of a connection in memory: what is written to one end is read from the other, in order, with backpressure. */
class MemoryEnd extends Duplex {
  other: MemoryEnd | null = null
  /** Goes on with the write that waits until the other end is read. */
  #resume: (() => void) | null = null

  constructor() {
    super({ allowHalfOpen: true })
  }

  override _read(): void {
    this.other?.wantsMore()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    // A transport copies what it is given: its owner may use the memory again when the write is done.
    const hasRoom = this.other!.push(copyOf(chunk, 0, chunk.length))
    if (hasRoom) queueMicrotask(callback)
    else this.#resume = callback
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.other!.push(null)
    callback()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const { other } = this
    if (other !== null && !other.destroyed) nextTick(() => other.destroy())
    callback(error)
  }

  wantsMore(): void {
    const resume = this.#resume
    this.#resume = null
    resume?.()
  }
}

/** Two ends of one connection in memory. */
export function memoryPair(): [Duplex, Duplex] {
  const [a, b] = [new MemoryEnd(), new MemoryEnd()]
  a.other = b
  b.other = a
  return [a, b]
}
