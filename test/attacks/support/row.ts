import { afterAll, expect, it } from 'vitest'
import { clientText, readServerFrame } from '../../support/client-frames.ts'
import { within } from '../../support/deadline.ts'
import { openRawWebSocket, type RawSocket } from '../../support/raw-socket.ts'
import type { Measure, Profile } from './protocol.ts'
import { KIND, Target } from './target.ts'

/** What the attack of a row gets. */
export interface Attack {
  readonly target: Target
  /** The server under attack. */
  readonly port: number
  /** How the process was before the attack. */
  readonly before: Measure
  /** Fails unless the connection that was opened before the attack still echoes. */
  readonly canary: () => Promise<void>
}

/** What holds for one row besides the attack itself. */
export interface RowOptions {
  /** The ids of the rows in the threat tables that this test stands for. */
  readonly ids: readonly string[]
  /** What a server that withstands the attack does, in the present tense. */
  readonly title: string
  readonly profile?: Profile
  /** An option without which the row makes no sense, and which `ws` does not have: there the row is left out. */
  readonly needs?: string
  /** Bytes by which the heap and the buffers may have grown when all is over. Default 4 MiB. */
  readonly mayKeep?: number
}

const MIB = 1 << 20

let shared: Target | undefined
afterAll(async () => {
  await shared?.[Symbol.asyncDispose]()
})

/** The process that the rows of a file share; a new one when an attack has ended it. */
async function sharedTarget(): Promise<Target> {
  if (shared === undefined || !shared.isAlive) shared = await Target.start()
  return shared
}

/**
 * One row of the attack table. Around the attack stand the two checks that every row ends with: a connection opened
 * before still echoes and a new one succeeds; and connections, timers, listeners and memory are back where they were.
 */
export function row(options: RowOptions, attack: (attack: Attack) => Promise<void>): void {
  const title = `${options.ids.join(' ')}: ${options.title}`
  const test = KIND === 'ws' && options.needs !== undefined ? it.skip : it
  test(title, { timeout: 180_000 }, async () => {
    const target = await sharedTarget()
    const port = await target.serve(options.profile)
    try {
      await underWatch(target, port, options, attack)
      await target.stop(port)
    } catch (error) {
      // What a failed row leaves behind is no fault of the next ones.
      await target[Symbol.asyncDispose]()
      throw error
    }
  })
}

async function underWatch(
  target: Target,
  port: number,
  options: RowOptions,
  attack: (attack: Attack) => Promise<void>,
): Promise<void> {
  const answers = options.profile?.app !== 'none'
  const { raw } = await openRawWebSocket(port)
  try {
    const canary = async (): Promise<void> => {
      if (answers) await echoes(raw, 'canary')
      else expect(raw.ended, 'the canary').toBeUndefined()
    }
    await canary()
    const before = await target.measure()
    await attack({ target, port, before, canary })
    await canary()
    const { raw: late } = await openRawWebSocket(port)
    if (answers) await echoes(late, 'a new connection')
    late.reset()
    await settled(target, before, options.mayKeep ?? 4 * MIB)
  } finally {
    raw.reset()
  }
}

async function echoes(raw: RawSocket, text: string): Promise<void> {
  await raw.write(clientText(text))
  expect(await nextText(raw, `the echo of ${text}`)).toBe(text)
}

/** The next message; Pings of a heartbeat may come before it. */
async function nextText(raw: RawSocket, what: string): Promise<string> {
  for (;;) {
    const { opcode, payload } = await within(readServerFrame(raw), what)
    if (opcode !== 0x9) return Buffer.from(payload).toString()
  }
}

/** The leak check. */
async function settled(target: Target, before: Measure, mayKeep: number): Promise<void> {
  const isBack = (now: Measure): boolean =>
    now.connections === before.connections &&
    now.timers <= before.timers &&
    now.listeners === before.listeners &&
    now.sockets === before.sockets &&
    now.buffered === 0
  await target.until(isBack, 'connections, timers and listeners to be back at the start')
  const after = await target.measure()
  expect(after.uncaught.slice(before.uncaught.length), 'uncaught exceptions').toEqual([])
  expect(grown(before, after), 'bytes still held').toBeLessThan(mayKeep)
}

/** Bytes of heap, buffers and zlib that came to be between two measures. */
export function grown(
  before: Pick<Measure, 'heapUsed' | 'external'>,
  after: Pick<Measure, 'heapUsed' | 'external'>,
): number {
  return after.heapUsed - before.heapUsed + after.external - before.external
}
