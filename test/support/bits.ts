/**
 * Bytes from binary digits, most significant bit first; spaces and line breaks are for the reader.
 *
 * The two bytes that open every frame (RFC 6455 §5.2) are written as the RFC draws them:
 *
 * ```
 *     F  RSV opcode  M payload length
 *     I  123         A
 *     N              S
 *                    K
 * bits('1 000 0001   1 0000101')
 * ```
 */
export function bits(digits: string): Uint8Array {
  const compact = digits.replace(/\s+/g, '')
  if (compact.length % 8 !== 0 || /[^01]/.test(compact)) throw new Error(`not whole bytes of bits: ${digits}`)
  return Uint8Array.from(compact.match(/.{8}/g) ?? [], (octet) => Number.parseInt(octet, 2))
}
