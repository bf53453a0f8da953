/* What `annotate()` takes as arguments, as Node has it. */
import { createHash } from 'node:crypto'
import { inflateMessage, windowAfter } from '../extensions/permessage-deflate/inflate-message.ts'
import type { InflateContext, Inflated } from './annotate/types.ts'

/** Most bytes that come out of a compressed message when nothing else is said. */
const MOST_INFLATED = 64 << 20

/** SHA-1 of Node, for `annotate()`. */
export function sha1(bytes: Uint8Array): Uint8Array {
  return createHash('sha1').update(bytes).digest()
}

/** Inflates with the decoder of the connections, for `annotate()`. A message of more than 64 MiB is not inflated. */
export function inflate(data: Uint8Array, { dictionary, isWhole, maxLength }: InflateContext): Inflated {
  if (dictionary === null) return undefined
  const isBounded = maxLength <= MOST_INFLATED
  const result = inflateMessage(data, { dictionary, isWhole, maxLength: isBounded ? maxLength : MOST_INFLATED })
  if (result === 'too-long' && !isBounded) return undefined
  return result instanceof Uint8Array && isWhole ? { bytes: result, window: windowAfter(data, dictionary) } : result
}
