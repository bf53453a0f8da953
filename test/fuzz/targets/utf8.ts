import { isUtf8 } from 'node:buffer'
import { Utf8Validator } from '../../../src/frames/utf8.ts'
import { FuzzInput, must } from '../input.ts'

/** Text in any cut: valid exactly when Node says so, and refused by the piece in which no continuation could help. */
export function fuzz(data: Uint8Array): void {
  const input = new FuzzInput(data)
  const validator = new Utf8Validator()
  let isValid = true
  for (const piece of input.pieces()) {
    isValid = validator.push(piece)
    if (!isValid) break
  }
  const text = input.rest()
  must((isValid && validator.isComplete) === isUtf8(text), () => 'another verdict than buffer.isUtf8')
  const first = firstImpossible(text)
  must(isValid === (first === -1), () => `an octet at ${first} that cannot be right, and isValid is ${isValid}`)
}

/** The first octet after which nothing can make the text valid, by trying every way to go on; -1 if there is none. */
function firstImpossible(text: Uint8Array): number {
  for (let end = Math.max(0, text.length - 4); end <= text.length; end++) {
    if (isUtf8(text.subarray(0, end)) && canGoOn(text.subarray(end))) return -1
  }
  return 0
}

/** Whether these octets, at most four, are the beginning of a character or nothing. */
function canGoOn(open: Uint8Array): boolean {
  if (open.length === 0) return true
  for (const second of [0x80, 0x90, 0xa0, 0x8f, 0x9f, 0xbf]) {
    const rest = [second, 0x80, 0x80]
    for (let length = open.length + 1; length <= 4; length++) {
      const character = Uint8Array.from({ length }, (_, i) => open[i] ?? (i === 1 ? second : rest[i - 1]!))
      if (isUtf8(character)) return true
    }
  }
  return false
}
