/** Bytes from hex digits; spaces and line breaks are for the reader. */
export function hex(digits: string): Uint8Array {
  const compact = digits.replace(/\s+/g, '')
  if (compact.length % 2 !== 0 || /[^0-9a-f]/i.test(compact)) throw new Error(`not hex: ${digits}`)
  return Uint8Array.from(compact.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

/** Hex digits of bytes, in pairs with a space between, for failure messages that can be read. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
}
