import { hash, randomBytes } from 'node:crypto'
import { GUID } from './key-syntax.ts'

const NONCE_BYTES = 16

/**
 * The value of `Sec-WebSocket-Accept` that answers a key. RFC 6455 §4.2.2.
 *
 * @param key Value of `Sec-WebSocket-Key` as it was sent, not decoded and not normalised.
 * @returns base64 of the SHA-1 of the key with the GUID after it, 28 characters.
 *
 * @example
 * acceptKey('dGhlIHNhbXBsZSBub25jZQ==') // 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
 */
export function acceptKey(key: string): string {
  // @req 6455-4.2.2-17
  return hash('sha1', key + GUID, 'base64')
}

/** A new value for `Sec-WebSocket-Key`: base64 of 16 random octets. RFC 6455 §4.1. */
export function generateKey(): string {
  // @req 6455-4.1-27
  // @req 6455-4.1-28
  return randomBytes(NONCE_BYTES).toString('base64')
}
