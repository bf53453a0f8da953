/* Whether the server would still say what it said in the recording. */
import { annotate, hex, type Session, sessionBytes, type Unit } from '../src/inspector/index.ts'
import { extensionsOf, originOf } from './fields.ts'
import { type Part, partOf, partsOf, TOOLS } from './parts.ts'
import { type Step, serverAnswers } from './peers.ts'

/**
 * Gives the client's bytes of the session to the real server. Its answers must be those of the recording, byte for byte; only
 * what is compressed may be other DEFLATE data for the same message, since zlib promises no more.
 *
 * @returns what is different; empty: nothing
 */
export async function differences(session: Session): Promise<readonly string[]> {
  const parts = partsOf(session)
  const request = partOf(parts, 'request').unit.wire
  const { answered } = await serverAnswers(originOf(request), stepsOf(session, parts))
  const context = {
    ...TOOLS,
    direction: 's2c',
    start: 'head',
    extensions: extensionsOf(partOf(parts, 'response')),
  } as const
  const given = annotate(answered, context)
  const wanted = annotate(sessionBytes(session, 's2c'), context)
  const found: string[] = []
  const count = Math.max(given.units.length, wanted.units.length)
  for (let i = 0; i < count; i++) {
    const [was, is] = [wanted.units[i], given.units[i]]
    if (is !== undefined && was !== undefined && isSame(was, is)) continue
    found.push(
      `answer ${i} was ${was === undefined ? 'nothing' : hex(was.wire)}\n  and is ${is === undefined ? 'nothing' : hex(is.wire)}`,
    )
  }
  return found

  function isSame(was: Unit, is: Unit): boolean {
    if (hex(was.wire) === hex(is.wire)) return true
    if (was.kind !== 'frame' || is.kind !== 'frame' || was.message === null || is.message === null) return false
    const [before, now] = [wanted.messages[was.message]!, given.messages[is.message]!]
    return before.compressed && now.compressed && was.wire[0] === is.wire[0] && before.text === now.text
  }
}

/** What the client says, each once the server has said what came before. */
function stepsOf(session: Session, parts: readonly Part[]): Step[] {
  const bytes = sessionBytes(session, 'c2s')
  const steps: Step[] = []
  let afterUnits = 0
  for (const { direction, unit } of parts) {
    if (direction === 's2c') afterUnits++
    else steps.push({ bytes: bytes.subarray(unit.at, unit.end), afterUnits })
  }
  return steps
}
