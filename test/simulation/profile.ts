import type { Extension } from '../../src/extensions/extension.ts'
import { checkSocketOptions, type SocketOptions } from '../../src/socket/options.ts'
import type { Random } from '../fuzz/mutate.ts'
import { agree } from '../support/deflate.ts'

/** How an application takes its messages; `'nobody'` only sends. */
export type ReaderKind = 'listener' | 'late listener' | 'messages' | 'streams' | 'nobody'

/** Which of its functions throws or rejects, once. */
export type Crash = 'message' | 'async message' | 'ping' | 'callback' | 'close'

/** What the seed makes of one end: its options, which have to hold, and its application. */
export interface Profile {
  readonly options: ReturnType<typeof checkSocketOptions>
  readonly extension: Extension | null
  readonly reader: ReaderKind
  readonly crash: Crash | null
  /** At which of the calls. */
  readonly crashAt: number
  /** Whether it sends nothing that is above the limits of the other end. */
  readonly keepsLimits: boolean
  /** One message in so many is long. */
  readonly longOneIn: number
  /** Whether the sources of its streams fail now and then. */
  readonly sourcesFail: boolean
  /** Whether it gives the memory of what it gets to somebody else, as to a worker. It takes messages as they come. */
  readonly handsOver: boolean
}

/** The server of one run in so many only sends. */
const PUSHES_ONE_IN = 8

/** Bytes that are compressed within the turn: more goes to another thread, and threads keep no order that a seed knows. */
const COMPRESSED_AT_ONCE = 10_000

/**
 * The server's and the client's profile.
 *
 * @param isCalm - whether nothing is meant to go wrong
 */
export function drawProfiles(random: Random, isCalm: boolean): [Profile, Profile] {
  const extensions = random.below(3) === 0 ? drawExtensions(random) : null
  const crashes = random.below(4) === 0
  const crashed = random.below(2)
  const keepsLimits = random.below(4) > 0
  const onlyPushes = random.below(PUSHES_ONE_IN) === 0
  const profileOf = (index: number): Profile => {
    const crash =
      crashes && crashed === index
        ? random.pick(['message', 'async message', 'ping', 'callback', 'close'] as const)
        : null
    const drawn = random.pick(['listener', 'listener', 'listener', 'late listener', 'messages', 'streams'] as const)
    const takes = crash === 'message' || crash === 'async message' ? 'listener' : drawn
    const reader = onlyPushes && index === 0 ? 'nobody' : takes
    return {
      options: checkSocketOptions({ ...drawOptions(random), ...(isCalm ? CALM : {}) }, true),
      extension: extensions?.[index] ?? null,
      reader,
      crash,
      crashAt: random.below(3),
      keepsLimits,
      longOneIn: random.pick([6, 4, 1]),
      sourcesFail: !isCalm && random.below(2) === 0,
      handsOver: reader === 'listener' && random.below(3) === 0,
    }
  }
  return [profileOf(0), profileOf(1)]
}

/** No timeout and no rate ends a connection whose network moves. */
const CALM: SocketOptions = {
  closeTimeout: 60_000,
  writeStallTimeout: 60_000,
  heartbeat: { idleMs: 30_000, timeoutMs: 30_000 },
}

function drawOptions(random: Random): SocketOptions {
  const limitsRates = random.below(5) === 0
  return {
    maxPayload: random.pick([256 << 10, 256 << 10, 64 << 10, 20_000]),
    maxFragments: random.pick([131_072, 131_072, 5]),
    maxFramesPerTurn: random.pick([20, 3, 1000]),
    maxBytesPerTurn: random.pick([64 << 10, 5000]),
    closeTimeout: random.pick([5000, 800]),
    writeStallTimeout: random.pick([30_000, 3000]),
    heartbeat: random.pick([true, { idleMs: 3000, timeoutMs: 2000 }, false]),
    highWaterMark: random.pick([1 << 20, 16 << 10]),
    maxBackpressure: random.pick([16 << 20, 16 << 20, 100_000]),
    slowConsumer: random.pick(['close', 'drop-newest', 'drop-oldest', 'keep'] as const),
    ...(limitsRates ? { rateLimit: drawRates(random) } : {}),
  }
}

function drawRates(random: Random): NonNullable<SocketOptions['rateLimit']> {
  const onExceeded = random.pick(['close', 'pause'] as const)
  const rate = { perSecond: random.pick([5, 50]), burst: random.pick([2, 10]) }
  switch (random.below(3)) {
    case 0:
      return { messages: rate, onExceeded }
    case 1:
      return { controlFrames: rate, onExceeded }
    default:
      return { bytes: { perSecond: 20_000, burst: 100_000 }, onExceeded }
  }
}

function drawExtensions(random: Random): [Extension, Extension] {
  const options = {
    serverNoContextTakeover: random.below(2) === 0,
    clientNoContextTakeover: random.below(2) === 0,
    threshold: random.pick([0, 1024]),
    compress: (data: string | Uint8Array): boolean => data.length <= COMPRESSED_AT_ONCE,
  }
  const { server, client } = agree(options, options)
  return [server, client]
}
