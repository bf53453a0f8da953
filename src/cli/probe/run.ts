import { messageOf } from '../../ground/application.ts'
import { type Check, type Finding, type Findings, findingOn } from './check.ts'
import { closeChecks, faultChecks } from './frame-checks.ts'
import { TEXT, text } from './frames.ts'
import { handshakeChecks } from './handshake-checks.ts'
import { Lab } from './lab.ts'
import { messageChecks } from './message-checks.ts'
import type { Target } from './peer.ts'
import { type Requirement, requirements } from './requirements.ts'

/** How a probe is run. */
export interface ProbeOptions {
  readonly target: Target
  /** Milliseconds that the server may take for an answer. */
  readonly patience: number
  /** Whether a requirement is looked at. */
  readonly isWanted: (id: string) => boolean
}

/** What was found about one requirement. */
export interface Verdict extends Requirement {
  readonly verdict: Finding['verdict']
  /** How many checks came to a result. */
  readonly checks: number
  /** Of `not met`: what was tried and seen, one for each check that failed. Of `untested`: why. */
  readonly details: readonly string[]
}

/** How many connections are open at a time. */
const WIDTH = 12

const CHECKS: readonly Check[] = [...handshakeChecks, ...faultChecks, ...closeChecks, ...messageChecks]

/**
 * Try everything on a server.
 *
 * @throws Error when the server cannot be reached or refuses an ordinary opening handshake
 */
export async function probe({ target, patience, isWanted }: ProbeOptions): Promise<Verdict[]> {
  const lab = new Lab(target, patience)
  lab.echoes = await doesEcho(lab)
  const checks = CHECKS.filter(({ ids }) => ids.some(isWanted))
  const findings = new Map<Check, Finding | Findings>()
  const run = async (check: Check): Promise<void> => {
    findings.set(check, await findingOf(check, lab))
  }
  await inParallel(
    checks.filter(({ needs }) => needs !== 'last'),
    run,
  )
  for (const check of checks) if (check.needs === 'last') await run(check)
  return requirements.filter(({ id }) => isWanted(id)).map((requirement) => verdictOn(requirement, findings))
}

async function doesEcho(lab: Lab): Promise<boolean> {
  const session = await lab.open()
  try {
    await session.send(text('framewright probe'))
    await session.until(() => session.messages.some(({ opcode }) => opcode === TEXT) || session.isOver)
    return session.hasEcho('framewright probe')
  } finally {
    session.done()
  }
}

async function findingOf(check: Check, lab: Lab): Promise<Finding | Findings> {
  if (check.needs === 'echo' && !lab.echoes) {
    return { verdict: 'untested', why: 'the server does not send messages back' }
  }
  try {
    return await check.run(lab)
  } catch (error) {
    // A server that cannot be reached any more has failed the check that found it so.
    return { verdict: 'not met', seen: messageOf(error) }
  }
}

function verdictOn(requirement: Requirement, findings: ReadonlyMap<Check, Finding | Findings>): Verdict {
  // In the order of the list, whichever was done first.
  const about = CHECKS.flatMap((check) => {
    const found = check.ids.includes(requirement.id) ? findings.get(check) : undefined
    return found === undefined ? [] : [[check, findingOn(requirement.id, found)] as const]
  })
  const failed = about.flatMap(([{ what }, finding]) =>
    finding.verdict === 'not met' ? [`${what}: ${finding.seen}`] : [],
  )
  const reasons = about.flatMap(([, finding]) => (finding.verdict === 'untested' ? [finding.why] : []))
  const checks = about.length - reasons.length
  if (failed.length > 0) return { ...requirement, verdict: 'not met', checks, details: failed }
  if (checks > 0) return { ...requirement, verdict: 'met', checks, details: [] }
  return { ...requirement, verdict: 'untested', checks, details: [...new Set(reasons)] }
}

async function inParallel<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  let at = 0
  const worker = async (): Promise<void> => {
    while (at < items.length) await run(items[at++]!)
  }
  await Promise.all(Array.from({ length: WIDTH }, worker))
}
