import {
  type Annotation,
  type Direction,
  type Duty,
  offset,
  type Stop,
  type Verdict,
} from '../../inspector/annotate/index.ts'
import type { Paint } from './paint.ts'

/** How many verdicts the summary lists. */
const LISTED = 10

const WAY: Readonly<Record<Direction, string>> = { c2s: 'client → server', s2c: 'server → client' }

/** The verdict first: how many rules are broken, and where the connection ends. */
export function summary(annotation: Annotation, paint: Paint): string[] {
  const { direction, isDirectionGuessed, units, messages, stop } = annotation
  const verdicts = units.flatMap((unit) => unit.verdicts.map((verdict) => ({ unit, verdict })))
  const broken = new Set(verdicts.map(({ unit }) => unit.index))
  const frames = units.filter(({ kind }) => kind === 'frame').length
  const size = units.length === 0 ? 0 : units.at(-1)!.end - units[0]!.at
  const guess = isDirectionGuessed ? ' (guessed; --direction says otherwise)' : ''
  const lines: string[] = []
  if (verdicts.length === 0) lines.push(paint('strong', '✓ no violation'))
  else {
    const noun = frames === units.length ? 'frame' : 'part'
    const what = `${count(verdicts.length, 'violation')} in ${broken.size} of ${count(units.length, noun)}`
    lines.push(paint('violation', `✕ ${what}`))
  }
  lines.push(
    `  ${WAY[direction]}${guess} · ${size} B · ${count(frames, 'frame')} · ${count(messages.length, 'message')}`,
  )
  if (annotation.extensions !== '') {
    const how = { told: 'as told', response: 'the response says so', offered: 'offered, and taken as agreed', none: '' }
    lines.push(`  ${annotation.extensions} (${how[annotation.extensionsFrom]})`)
  }
  if (stop !== null && stop.reason !== 'close') lines.push(`  ${consequence(annotation, stop)}`)
  for (const { unit, verdict } of verdicts.slice(0, LISTED)) {
    lines.push(`  ${offset(verdict.at)}  ${unit.kind} ${unit.index}  ${verdict.id}  ${verdict.message}`)
  }
  if (verdicts.length > LISTED) lines.push(`  and ${verdicts.length - LISTED} more`)
  return lines
}

function consequence({ role }: Annotation, { at, verdict }: Stop): string {
  const where = `the ${role} stops at ${offset(at)}`
  if (verdict === null) return where
  if (verdict.statusCode !== null) return `the first one ends the connection: ${where}, Close ${verdict.statusCode}`
  return role === 'server' ? `${where} and answers ${verdict.httpStatus}` : `${where} and gives up the connection`
}

/** One rule that is broken: what, where, what the receiver must do, what would mend it. */
export function verdictLines(annotation: Annotation, verdict: Verdict, paint: Paint): string[] {
  const { id, level, message, mend, duty } = verdict
  const lines = [
    `  ${paint('violation', `✕ ${level === null ? '' : `${level} `}${id}`)}  ${place(verdict)}: ${message}`,
    `      ${dutyText(annotation, duty)}`,
  ]
  if (mend !== null) {
    lines.push(`      mended by: ${mend.to === null ? mend.text : `${mend.from} → ${mend.to} ${mend.text}`}`)
  }
  return lines
}

function place({ at, end, bits }: Verdict): string {
  const bytes = end - at === 1 ? `byte ${offset(at)}` : `bytes ${offset(at)} to ${offset(end - 1)}`
  if (bits === undefined) return bytes
  return `${bytes}, ${bits[0] === bits[1] ? `bit ${bits[0]}` : `bits ${bits[0]} to ${bits[1]}`}`
}

/** The MUST and the MAY apart: failing is one thing, the Close frame that says why another. */
function dutyText({ role }: Annotation, { action, level, id, close }: Duty): string {
  if (action === 'ignore') return `the ${role} takes no notice: it discards what follows a Close (${level} ${id})`
  const what = action === 'refuse' ? 'refuse the request with an HTTP error' : 'fail the connection'
  const first =
    level === null
      ? `the RFC leaves it to the ${role} what to do; it fails the connection`
      : `the ${role} ${level} ${what} (${id})`
  return close === null ? first : `${first}; it ${close.level} send Close ${close.statusCode} (${close.id})`
}

/** What stands behind the unit at which the receiver stops. */
export function stopLine({ role, units }: Annotation, stop: Stop, paint: Paint): string {
  const isLast = stop.unit === units.length - 1
  const rest = isLast ? '' : '; what follows is decoded for study, and would never be read'
  const close = stop.verdict?.statusCode
  const how =
    stop.reason === 'close'
      ? 'reads no more: the closing handshake is under way'
      : `stops here${close === undefined || close === null ? '' : `, Close ${close}`}`
  return paint(stop.reason === 'close' ? 'quiet' : 'violation', `── the ${role} ${how}${rest} ──`)
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
