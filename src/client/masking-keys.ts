import { randomFillSync } from 'node:crypto'
import { type Guard, hookAtOnce, toError } from '../ground/application.ts'

/** Keys that one call of the random generator makes. */
const KEYS = 1024

const keys = new Uint32Array(KEYS)
let next = KEYS

/**
 * A fresh masking-key from the system's source of entropy, RFC 6455 §5.3. No key is given out twice.
 *
 * Perf: filling 4 KiB at once costs a hundredth per key of asking for four bytes each time.
 */
export function randomMaskingKey(): number {
  // @req 6455-5.3-4 @req 6455-5.3-5 @req 6455-10.3-1
  if (next === KEYS) {
    randomFillSync(keys)
    next = 0
  }
  const key = keys[next]!
  // A key that was used says nothing about the ones to come, and need not lie about.
  keys[next++] = 0
  return key
}

/**
 * Masking-keys that the application makes. Once it fails to, they come from the system: the frame must be masked, and so
 * must be the Close frame that says that the application failed.
 */
export function maskingKeysOf(generateMask: (mask: Buffer) => void, guard: Guard): () => number {
  const mask = Buffer.alloc(4)
  let hasFailed = false
  return () => {
    if (hasFailed) return randomMaskingKey()
    try {
      hookAtOnce('the option generateMask', generateMask, mask)
      return mask.readUInt32BE(0)
    } catch (error) {
      hasFailed = true
      guard.handlerFailed(toError(error), 'the option generateMask')
      return randomMaskingKey()
    }
  }
}
