import { offset } from '../../../src/inspector/annotate/index.ts'
import { count } from '../parts/words.ts'
import type { Finding, Side } from './model.ts'

/** The page's title is the verdict. */
export function title(sides: readonly Side[], findings: readonly Finding[]): string {
  const units = sides.flatMap((side) => side.units)
  const frames = units.filter(({ kind }) => kind === 'frame').length
  if (findings.length === 0) {
    const isWebSocket = units.some(({ kind }) => kind !== 'noise')
    return !isWebSocket
      ? 'This is not WebSocket'
      : `No violation in ${frames > 0 ? count(frames, 'frame') : count(units.length, 'head')}`
  }
  const broken = new Set(findings.map(({ side, unit }) => `${side} ${unit}`))
  const areFrames = findings.every(({ side, unit }) => sides[side]!.units[unit]!.kind === 'frame')
  const [noun, total] = areFrames ? ['frame', frames] : ['part', units.length]
  return `${count(findings.length, 'violation')} in ${broken.size.toLocaleString('en')} of ${count(total, noun)}`
}

/** Where the connection ends. */
export function sentence(sides: readonly Side[]): string {
  const parts: string[] = []
  for (const { annotation } of sides) {
    const { stop, role, messages, isDirectionGuessed, direction } = annotation
    const guess = isDirectionGuessed ? `Taken for what a ${direction === 'c2s' ? 'client' : 'server'} sends. ` : ''
    const where = stop === null ? '' : offset(stop.at)
    const code = stop?.verdict?.statusCode ?? null
    if (stop === null) parts.push(`${guess}${count(messages.length, 'message')}; the ${role} reads on.`)
    else if (stop.reason === 'close')
      parts.push(`${guess}${count(messages.length, 'message')}, then the closing handshake at ${where}.`)
    else if (code !== null) parts.push(`${guess}The first one ends the connection: Close ${code} at byte ${where}.`)
    else if (stop.reason === 'handshake')
      parts.push(
        `${guess}The ${role} ${role === 'server' ? 'refuses the handshake' : 'gives up the connection'} at byte ${where}.`,
      )
    else parts.push(`${guess}The ${role} stops at byte ${where}.`)
  }
  return parts.join(' ')
}
