/*
 * Broken pieces for the server's process, to see whether the soak notices: each is a fault that was once in `src/`, put in
 * from outside. `npm run soak -- --double NAME` has to fail.
 */
import { DeflatingEncoder } from '../../src/extensions/permessage-deflate/deflating-encoder.ts'
import { Queue } from '../../src/ground/queue.ts'
import { ReadMemory } from '../../src/protocol/read-memory.ts'

/** What was taken from a queue stays reachable until the queue is empty. */
function keepsWhatWasTaken(isKept: (item: unknown) => boolean): void {
  const { shift } = Queue.prototype
  const kept = new WeakMap<object, unknown[]>()
  Queue.prototype.shift = function (this: Queue<unknown>) {
    const item = shift.call(this)
    const items = this.isEmpty ? [] : (kept.get(this) ?? [])
    if (isKept(item)) items.push(item)
    kept.set(this, items)
    return item
  }
}

/** As it, for jobs of other threads, which hold what they have to compress. */
function keepsFinishedJobs(): void {
  keepsWhatWasTaken((item) => typeof item === 'function')
  const payloads = new WeakMap<object, Uint8Array>()
  let given: Uint8Array | null = null
  const { encodeLater } = DeflatingEncoder.prototype
  DeflatingEncoder.prototype.encodeLater = function (payload, ...rest) {
    given = payload
    encodeLater.call(this, payload, ...rest)
    given = null
  }
  const { push } = Queue.prototype
  Queue.prototype.push = function (this: Queue<unknown>, item) {
    if (typeof item === 'function' && given !== null) payloads.set(item, given)
    push.call(this, item)
  }
}

/** Messages of all connections lie in the same memory. */
function sharesMemory(): void {
  let pool = new Uint8Array(0)
  let at = 0
  ReadMemory.prototype.copy = (bytes, start, end) => {
    const length = end - start
    if (length > 16 << 10) return bytes.slice(start, end)
    if (pool.length - at < length) {
      pool = new Uint8Array(64 << 10)
      at = 0
    }
    const copy = Buffer.from(pool.buffer, at, length)
    copy.set(bytes.subarray(start, end))
    at += length
    return copy
  }
}

/** The faults by name. */
export const DOUBLES: Readonly<Record<string, () => void>> = {
  'keeps-finished-jobs': keepsFinishedJobs,
  'keeps-taken-pieces': () => keepsWhatWasTaken((item) => item instanceof Uint8Array),
  'shares-memory': sharesMemory,
}
