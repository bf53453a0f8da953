import { UsageError } from '../errors.ts'

/**
 * Refuses what is not bytes, and says what would be.
 *
 * @param name - the argument's, for the message
 * @throws UsageError
 */
export function checkBytes(name: string, value: unknown): asserts value is Uint8Array {
  if (value instanceof Uint8Array) return
  throw new UsageError(`${name} is ${describe(value)}; it is a Uint8Array${hint(value)}`)
}

function hint(value: unknown): string {
  if (typeof value === 'string') return ': new TextEncoder().encode(text) makes one of text'
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return ': a new Uint8Array can look at that memory'
  return Array.isArray(value) ? ': Uint8Array.from(numbers) makes one' : ''
}

/** A value for a message: what it is, and no more of it than that. */
export function describe(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (typeof value === 'string') return value.length <= 20 ? `the string ${JSON.stringify(value)}` : 'a string'
  if (typeof value === 'object') return `of type ${value.constructor?.name ?? 'object'}`
  return typeof value === 'function' ? 'a function' : `the ${typeof value} ${String(value)}`
}
