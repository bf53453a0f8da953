import { Opcode, opcodeName } from '../../frames/opcode.ts'
import { systemClock } from '../../ground/clock.ts'
import { Deadline } from '../../ground/deadline.ts'
import { type Annotation, annotate, requestOf } from '../../inspector/annotate/index.ts'
import { inflate, sha1 } from '../../inspector/node-tools.ts'
import { annotateSession, type Session } from '../../inspector/session.ts'
import { dialTarget, type ForwardTarget } from '../watch/forward.ts'
import { textOf } from './show-payload.ts'

/** What one server did, in words that can be compared: chunks, fragments and compression are its own affair. */
export function deedsOf({ units, messages }: Annotation): string[] {
  const deeds: Array<{ at: number; text: string }> = []
  for (const unit of units) {
    if (unit.kind === 'head') deeds.push({ at: -1, text: `status ${unit.startLine.split(' ')[1]}` })
    if (unit.kind !== 'frame' || unit.opcode < Opcode.Close || unit.isCut) continue
    const isClose = unit.opcode === Opcode.Close
    const code = unit.plain.length < 2 ? 'no code' : unit.plain[0]! * 256 + unit.plain[1]!
    deeds.push({ at: unit.index, text: isClose ? `close ${code}` : `${opcodeName(unit.opcode)} ${textOf(unit.plain)}` })
  }
  for (const { frames, opcode, bytes, isComplete } of messages) {
    if (!isComplete) continue
    const what = bytes === null ? 'that cannot be inflated' : `${bytes.length} bytes ${textOf(bytes)}`
    deeds.push({ at: frames.at(-1)!, text: `${opcodeName(opcode)} message of ${what}` })
  }
  return deeds.sort((a, b) => a.at - b.at).map(({ text }) => text)
}

/** Where two servers differ, a line each. */
export function compareDeeds(recorded: readonly string[], now: readonly string[]): string[] {
  const lines: string[] = []
  for (let i = 0; i < Math.max(recorded.length, now.length) && lines.length < 10; i++) {
    if (recorded[i] === now[i]) continue
    lines.push(`answer ${i}: recorded is ${recorded[i] ?? 'nothing'}, and now it is ${now[i] ?? 'nothing'}`)
  }
  return lines
}

/**
 * Says to a server what a recorded client said, in the same order: what came behind an answer waits for as many answers.
 *
 * @param patience - milliseconds that an answer may take
 */
export async function replayAgainst(session: Session, target: ForwardTarget, patience: number): Promise<Annotation> {
  const socket = dialTarget(target)
  const received: Buffer[] = []
  let isOver = false
  let failure: Error | null = null
  let wake = (): void => {}
  const request = requestOf(annotateSession(session, { sha1 }).c2s)
  const answer = (): Annotation =>
    annotate(new Uint8Array(Buffer.concat(received)), {
      ...{ direction: 's2c', start: 'head', inflate, sha1 },
      ...(request === null ? {} : { request }),
    })
  const over = (): void => {
    isOver = true
    wake()
  }
  socket.on('data', (chunk: Buffer) => {
    received.push(chunk)
    wake()
  })
  socket.on('error', (error) => {
    failure = error
    over()
  })
  socket.on('end', over)
  socket.on('close', over)
  const until = async (isMet: () => boolean): Promise<void> => {
    let isLate = false
    const deadline = new Deadline(systemClock, patience, () => {
      isLate = true
      wake()
    })
    // Its timer alone would not keep the process.
    socket.ref()
    while (!isOver && !isLate && !isMet()) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    deadline.cancel()
  }
  let recorded = Buffer.alloc(0)
  for (const event of session.events) {
    if (event.kind === 'bytes' && event.direction === 's2c') recorded = Buffer.concat([recorded, event.bytes])
    if (event.kind === 'close' || event.direction === 's2c') continue
    const wanted = deedsOf(
      annotate(new Uint8Array(recorded), { direction: 's2c', start: 'head', inflate, sha1 }),
    ).length
    await until(() => deedsOf(answer()).length >= wanted)
    if (isOver) break
    if (event.kind === 'bytes') socket.write(event.bytes)
    else if (event.kind === 'end') socket.end()
    else socket.destroy()
  }
  const total = deedsOf(annotateSession(session, { inflate, sha1 }).s2c).length
  await until(() => deedsOf(answer()).length >= total)
  socket.destroy()
  if (failure !== null && received.length === 0) throw failure
  return answer()
}
