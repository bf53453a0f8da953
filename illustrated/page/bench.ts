/* How a masked payload becomes plain: wire, key and result in columns. */
import { type FrameUnit, hexByte } from '../../src/inspector/index.ts'
import { escapeHtml } from './text.ts'

/** So many columns in a row: two turns of the key. */
const COLUMNS = 8

/**
 * The payload of a masked frame; empty for others.
 *
 * @param isText - whether the plain bytes are characters
 */
export function bench(frame: FrameUnit, isText: boolean): string {
  const { maskingKey, plain, wire, headerLength } = frame
  if (maskingKey === null || plain.length === 0) return ''
  const rows: string[] = []
  for (let start = 0; start < plain.length; start += COLUMNS) {
    const columns = Array.from(plain.subarray(start, start + COLUMNS), (byte, n) => {
      const i = start + n
      const character = byte === 0x20 ? '␣' : byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·'
      return `<div class="col${i % 4 === 0 ? ' k0' : ''}"><i class="ww">${hexByte(wire[headerLength + i]!)}</i><i class="kk">${hexByte(maskingKey[i % 4]!)}</i><i class="pp">${hexByte(byte)}</i>${isText ? `<i class="ch">${escapeHtml(character)}</i>` : ''}</div>`
    })
    const names = ['wire', '⊕ key', '= plain', ...(isText ? ['text'] : [])].map((name) => `<i>${name}</i>`)
    rows.push(`<div class="br"><div class="g">${names.join('')}</div>${columns.join('')}</div>`)
  }
  // What it shows, the label of each byte says too.
  return `<div class="bench" aria-hidden="true">${rows.join('')}</div>`
}
