/*
 * One seed of the simulation: a server's and a client's connection over a network and a clock that the seed plays.
 *
 * Everything that happens by chance is drawn from the seed: what both ends allow, what is sent, how the stream is cut,
 * what is delayed, which callback comes first, when a side pauses, closes, crashes or is cut off. No real I/O, no real
 * time and no other thread are involved, so a seed runs the same every time.
 */
import { createHash } from 'node:crypto'
import { CloseCause, type CloseInfo } from '../../src/socket/close-info.ts'
import { Random } from '../fuzz/mutate.ts'
import { settle } from '../support/memory-transport.ts'
import { simulateAdmission } from './admission.ts'
import { checkAgreement, checkEnd, checkHealthy, checkMessages, checkNow } from './checks.ts'
import { SimulatedClock } from './clock.ts'
import { End, type World } from './end.ts'
import { Invariant, InvariantBroken, must } from './invariants.ts'
import { SimulatedSocket } from './network.ts'
import type { Occurrence } from './occurrences.ts'
import { drawProfiles, type Profile } from './profile.ts'

const STEPS = 60
/** More than all timeouts together: after this, in steps, everybody has ended. */
const AFTERWARDS_MS = 200_000
/** What was paused for the sake of a rate goes on within this. */
const PATIENCE_MS = 60_000
/** So many rounds without any movement: nothing will move before time passes. */
const QUIET_ROUNDS = 3

/** Pieces that take the place of others, to see whether the simulation notices. */
export interface Doubles {
  readonly Clock?: typeof SimulatedClock
  /** What an end really gets, instead of what it is held against. */
  readonly given?: (profile: Profile, role: 'server' | 'client') => Profile
  /** Called for each end before anything arrives. */
  readonly meddle?: (end: End) => void
  /** Called before the server that admits slowly is there. @returns what undoes it */
  readonly beforeAdmission?: () => () => void
}

/** What a run came to; the same for the same seed. */
export interface Outcome {
  readonly server: CloseInfo
  readonly client: CloseInfo
  readonly messages: number
  readonly occurrences: ReadonlySet<Occurrence>
  /** The row of the table of endings. */
  readonly pair: string
  /** A hash of all that happened, in order. */
  readonly digest: string
  readonly trace: readonly string[]
}

/** A run that broke an invariant. */
export class FailedRun extends Error {
  readonly invariant: Invariant | null
  readonly trace: readonly string[]
  readonly digest: string

  constructor(seed: number, cause: unknown, trace: readonly string[]) {
    const { message } = cause as Error
    super(`seed ${seed}: ${message}; replay: npm run simulate -- --seed ${seed}`, { cause })
    this.invariant = cause instanceof InvariantBroken ? cause.invariant : null
    // What was begun may go on for a moment.
    this.trace = [...trace]
    this.digest = digestOf(trace)
  }
}

/** Runs one seed. @throws FailedRun with the invariant that does not hold */
export async function simulate(seed: number, doubles: Doubles = {}): Promise<Outcome> {
  const trace: string[] = []
  try {
    return await run(seed, doubles, trace)
  } catch (error) {
    throw new FailedRun(seed, error, trace)
  }
}

async function run(seed: number, doubles: Doubles, trace: string[]): Promise<Outcome> {
  const random = new Random(seed)
  const occurrences = new Set<Occurrence>()
  const note = (what: Occurrence): void => {
    occurrences.add(what)
  }
  await admit(seed, doubles, note, trace)
  const clock = new (doubles.Clock ?? SimulatedClock)(random, note)
  const world: World = { random, clock, note, log: (line) => trace.push(line) }
  const sockets = SimulatedSocket.pair(random, note)
  const isCalm = random.below(2) === 0
  const profiles = drawProfiles(random, isCalm)
  const endOf = (role: 'server' | 'client', i: 0 | 1): End => {
    const profile = profiles[i]
    return new End(role, sockets[i], profile, doubles.given?.(profile, role) ?? profile, world)
  }
  const server = endOf('server', 0)
  const client = endOf('client', 1)
  server.peer = client
  client.peer = server
  const ends = [server, client]
  for (const end of ends) {
    end.start()
    doubles.meddle?.(end)
  }
  const actions = isCalm ? CALM : random.below(2) === 0 ? [...CALM, ...TROUBLES] : [...CALM, ...TROUBLES, ...BREAKS]

  for (let step = 0; step < STEPS; step++) {
    act(world, ends, actions)
    await settle()
    for (const end of ends) checkNow(end)
    for (const end of ends) end.look()
  }
  const wasHealthy = await finish(world, ends)
  checkEnd(server, client, clock)
  const pair = checkAgreement(server, client)
  checkMessages(server, client)
  checkMessages(client, server)
  if (wasHealthy) checkHealthyEnd(server, client)
  noteEnds(world, server, client)
  return {
    server: server.ends[0]!,
    client: client.ends[0]!,
    messages: server.received.length + client.received.length,
    occurrences,
    pair,
    digest: digestOf(trace),
    trace,
  }
}

/** Clients that leave while they are being admitted, with chances of their own. */
async function admit(seed: number, doubles: Doubles, note: World['note'], trace: string[]): Promise<void> {
  const random = new Random(~seed)
  const clock = new (doubles.Clock ?? SimulatedClock)(random, () => {})
  const undo = doubles.beforeAdmission?.()
  try {
    await simulateAdmission({ random, clock, note, log: (line) => trace.push(line) })
  } finally {
    undo?.()
  }
}

function digestOf(trace: readonly string[]): string {
  return createHash('sha1').update(trace.join('\n')).digest('hex')
}

/** Something that may happen in a step: how often among others, and what. */
type Action = readonly [weight: number, name: string, act: (end: End, world: World) => void]

/** What happens in every run. */
const CALM: readonly Action[] = [
  [20, 'send', (end) => end.send()],
  [3, 'send many', (end) => end.sendMany()],
  [4, 'stream', (end) => end.stream()],
  [4, 'ping', (end) => end.ping()],
  [20, 'deliver', (end, { random }) => end.socket.deliver(1 + random.below(1 << random.below(18)))],
  [5, 'deliver a write', (end) => end.socket.deliver(0)],
  [13, 'acknowledge', (end) => end.socket.acknowledge()],
  [4, 'pause', (end, { note }) => pause(end, note)],
  [6, 'resume', (end) => end.ws.resume()],
  [6, 'read', (end) => end.reading.letOne()],
  [6, 'feed', (end) => end.feeding.letOne()],
  [3, 'listen in passing', (end, { random, note }) => listenInPassing(end, random, note)],
  [2, 'listen no more', (end, { random }) => end.passing.remove(random)],
  [1, 'listen', (end, { note }) => listen(end, note)],
  [4, 'time', (_, { clock, random }) => clock.advance(random.below(500))],
]

/** What also happens where it need not go well. */
const TROUBLES: readonly Action[] = [
  [1, 'much time', (_, { clock, random }) => clock.advance(random.below(30_000))],
  [1, 'jump', (_, { clock, random, note }) => jump(clock, random, note)],
  [1, 'stall', (end, { note }) => stall(end, note)],
  [1, 'unstall', (end) => unstall(end)],
  [1, 'close', (end) => end.close()],
]

/** What only happens where the network and the applications may break off. */
const BREAKS: readonly Action[] = [
  [1, 'reset', (end) => end.socket.reset()],
  [1, 'terminate', (end) => end.terminate()],
  [1, 'cut', (end) => end.socket.cut()],
  [1, 'end', (end, { note }) => endUnder(end, note)],
]

function act(world: World, ends: readonly End[], actions: readonly Action[]): void {
  const { random } = world
  const end = random.pick(ends)
  let choice = random.below(actions.reduce((sum, [weight]) => sum + weight, 0))
  for (const [weight, name, action] of actions) {
    choice -= weight
    if (choice >= 0) continue
    end.log(name)
    action(end, world)
    return
  }
}

function listenInPassing(end: End, random: Random, note: World['note']): void {
  note('a listener in passing')
  end.passing.add(random)
}

function pause(end: End, note: World['note']): void {
  // What was held lies beside other messages of the same read, and is not for handing over.
  if (end.profile.handsOver) return
  if (!end.ws.isPaused && end.isOpen) note('a pause')
  end.ws.pause()
}

function listen(end: End, note: World['note']): void {
  if (end.profile.reader !== 'late listener') return
  note('a listener that comes late')
  end.listen()
}

function jump(clock: SimulatedClock, random: Random, note: World['note']): void {
  note('a clock that jumps')
  clock.jump(random.below(30_000))
}

function stall(end: End, note: World['note']): void {
  note('a stall of the network')
  end.socket.isStalled = true
}

function unstall(end: End): void {
  end.socket.isStalled = false
}

function endUnder(end: End, note: World['note']): void {
  if (end.socket.destroyed || end.socket.writableEnded) return
  note('a transport ended under the connection')
  end.wasEnded = true
  end.socket.end()
}

/** The network moves everything, and the applications take everything, until nothing moves any more. */
async function move({ random }: World, ends: readonly End[]): Promise<void> {
  for (let quiet = 0; quiet < QUIET_ROUNDS; ) {
    quiet += 1
    for (const end of ends) {
      end.ws.resume()
      const hasMoved = [end.socket.acknowledge(), end.socket.deliver(1 + random.below(1 << 17))]
      if (hasMoved.includes(true)) quiet = 0
    }
    await settle()
  }
}

/** The faults are over: everything that can still arrive arrives, somebody closes, and time passes. @returns whether all was well before */
async function finish(world: World, ends: readonly End[]): Promise<boolean> {
  const { clock, random, note } = world
  for (const end of ends) {
    end.socket.isStalled = false
    if (end.profile.reader === 'late listener') end.listen()
    end.reading.open()
    end.feeding.open()
  }
  const isWaiting = (end: End): boolean => end.profile.options.rates?.onExceeded === 'pause'
  await move(world, ends)
  for (let passed = 0; ends.some(isWaiting) && passed < PATIENCE_MS; passed += 1000) {
    clock.advance(1000)
    await move(world, ends)
  }
  for (const end of ends) checkNow(end)
  const isHealthy = ends.every((end) => end.isOpen && !end.socket.isDisturbed && !end.peer.socket.gotFin)
  world.log(isHealthy ? 'all is well' : 'all is not well')
  if (isHealthy) {
    note('a healthy connection at the end')
    if (ends.some((end) => end.profile.reader === 'nobody')) note('a healthy server that only pushes')
    for (const end of ends) checkHealthy(end)
  }
  for (const end of ends) if (random.below(2) === 0) end.passing.removeAll(random)
  const closer = random.pick(ends)
  closer.close()
  if (random.below(4) === 0) closer.peer.close()
  for (let passed = 0; passed < AFTERWARDS_MS && ends.some((end) => end.ends.length === 0); passed += 1000) {
    await move(world, ends)
    for (const end of ends) checkNow(end)
    clock.advance(1000)
    await settle()
  }
  return isHealthy && !ends.some(isWaiting)
}

function checkHealthyEnd(...ends: readonly End[]): void {
  for (const {
    role,
    ends: [info],
  } of ends) {
    const isFine = info!.cause === CloseCause.ClosedByUs || info!.cause === CloseCause.ClosedByPeer
    must(isFine && info!.wasClean, Invariant.Health, () => `the ${role} tells of ${info!.cause}`)
  }
}

function noteEnds({ note }: World, server: End, client: End): void {
  const [ours, theirs] = [server.ends[0]!, client.ends[0]!]
  for (const { cause, code } of [ours, theirs]) {
    note(cause as Occurrence)
    if (code === 1008 || code === 1009 || code === 1013) note(`an end by ${code}`)
    if (code === 1005) note('a close without a status code')
  }
  if (ours.wasClean !== theirs.wasClean) note('a close that only one end calls clean')
  if (!ours.wasClean || !theirs.wasClean) return
  const isOurs = ours.cause === CloseCause.ClosedByUs
  const isTheirs = theirs.cause === CloseCause.ClosedByUs
  if (isOurs && isTheirs) note('a clean close, begun by both')
  else if (isOurs) note('a clean close, begun by the server')
  else if (isTheirs) note('a clean close, begun by the client')
}
