import type { CloseInfo } from '../../socket/close-info.ts'
import type { MessageData } from '../../socket/events.ts'
import { toBytes } from '../../socket/payload.ts'

/** Bytes in one line of a dump, and in a dump at all. */
const LINE_BYTES = 16
const DUMP_BYTES = 1024

/**
 * Text as it may stand in a terminal: what moves the cursor, changes colours, or turns the direction of writing is
 * escaped. Lines stay lines.
 */
export function printable(text: string): string {
  return text.replace(/[^\P{C}\n\t]|[\u2028\u2029]/gu, (c) => {
    const point = c.codePointAt(0)!
    return point < 0x100 ? `\\x${point.toString(16).padStart(2, '0')}` : `\\u{${point.toString(16)}}`
  })
}

/** As {@link printable}, on one line. */
export function printableLine(text: string): string {
  return printable(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t')
}

/** Bytes with their offsets and, where they are ASCII, their characters. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = []
  for (let at = 0; at < Math.min(bytes.length, DUMP_BYTES); at += LINE_BYTES) {
    const row = [...bytes.subarray(at, at + LINE_BYTES)]
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const characters = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
    lines.push(`   ${at.toString(16).padStart(6, '0')}  ${hex.padEnd(LINE_BYTES * 3 - 1)}  ${characters}`)
  }
  if (bytes.length > DUMP_BYTES) lines.push(`   and ${bytes.length - DUMP_BYTES} bytes more`)
  return lines.map((line) => `\n${line}`).join('')
}

/** A message that arrived, or went. */
export function showMessage(arrow: '->' | '<-', data: MessageData, isBinary: boolean): string {
  if (!isBinary) return `${arrow} ${printable(String(data)).replaceAll('\n', '\n   ')}`
  const bytes = toBytes(data)
  return `${arrow} binary, ${bytes.length} ${bytes.length === 1 ? 'byte' : 'bytes'}${hexDump(bytes)}`
}

/** A Ping, Pong or Close frame. */
export function showFrame(arrow: '->' | '<-', name: 'ping' | 'pong' | 'close', text: string): string {
  return `${arrow} [${name}]${text === '' ? '' : ` ${printableLine(text)}`}`
}

/** Status code and reason of a Close frame. */
export function showStatus(code: number, reason: string): string {
  return reason === '' ? `${code}` : `${code} ${reason}`
}

/** How a connection ended, in one line. @param peer - what the other side is */
export function showEnd({ code, reason, cause, initiator, requirement }: CloseInfo, peer = 'the server'): string {
  const who = { local: 'begun by us', remote: `begun by ${peer}`, none: 'begun by nobody' }[initiator]
  const rule = requirement === null ? '' : `, requirement ${requirement}`
  return `closed with ${printableLine(showStatus(code, reason))} (${cause}, ${who}${rule})`
}
