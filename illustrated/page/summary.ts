/* Heads and frames in a few words. */

import { Opcode, opcodeName } from '../../src/frames/index.ts'
import { type FrameUnit, frameTitle, type Unit } from '../../src/inspector/index.ts'
import type { Part } from '../parts.ts'

/** What it is: `GET /illustrated`, `text “Hello”`. */
export function titleOf({ unit, message }: Part): string {
  if (unit.kind === 'head') return unit.startLine.replace(/ HTTP\/1\.1$|^HTTP\/1\.1 /, '')
  if (unit.kind !== 'frame') return 'bytes that are no WebSocket'
  const name = opcodeName(unit.opcode)
  if (message?.compressed === true) return `${name} “${shortened(message.text ?? '')}”`
  return `${name} ${saysOf(unit)}`.trimEnd()
}

/** The payload of a frame that is not compressed, as text. */
export function saysOf(unit: FrameUnit): string {
  if (unit.opcode !== Opcode.Close) return `“${textOf(unit.plain)}”`
  if (unit.plain.length < 2) return ''
  const code = (unit.plain[0]! << 8) | unit.plain[1]!
  return unit.plain.length === 2 ? String(code) : `${code} “${textOf(unit.plain.subarray(2))}”`
}

/** Its flags and its size. */
export function summaryOf({ unit }: Part): string {
  return `${flagsOf(unit)}${unit.end - unit.at} B`
}

/** `FIN · masked · 12 B of payload · `; empty for what is no frame. */
function flagsOf(unit: Unit): string {
  if (unit.kind !== 'frame') return ''
  const [, ...flags] = frameTitle(unit).split(' · ').slice(0, -1)
  return `${flags.join(' · ')} · `
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

function shortened(text: string): string {
  return text.length <= 20 ? text : `${text.slice(0, 20)}…`
}
