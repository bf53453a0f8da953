import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { violations } from '../../src/frames/violation.ts'
import type { ConnectionOptions } from '../../src/protocol/options.ts'
import { ReadyState } from '../../src/protocol/state.ts'
import { concat, cutAt } from '../support/chunkings.ts'
import { clientFrame } from '../support/client-frames.ts'
import { ConnectionPair, describeFrames, Endpoint, type PairEnd } from '../support/connection-pair.ts'
import { FC_TIMEOUT_MS, fcOptions } from '../support/fc-options.ts'
import { describeBytes, describeText } from '../support/recording-listener.ts'
import { referenceParse } from '../support/reference-parser.ts'

type Role = 'server' | 'client'
const role = fc.constantFrom<Role>('server', 'client')
const text = fc.string({ unit: 'grapheme', maxLength: 60 })
const bytes = fc.uint8Array({ maxLength: 140 })
const controlPayload = fc.uint8Array({ maxLength: 20 })
const statusCode = fc.constantFrom(undefined, 1000, 1001, 1011, 3000, 4999)

/** What an application or a driver may do to a connection. */
type Action =
  | { readonly do: 'message' | 'ping' | 'pong'; readonly payload: string | Uint8Array }
  | {
      readonly do: 'fragment'
      readonly payload: string | Uint8Array
      readonly isBinary: boolean
      readonly fin: boolean
    }
  | { readonly do: 'close'; readonly code: number | undefined; readonly reason: string }
  | { readonly do: 'pause' | 'resume' | 'readRetained' | 'outputDrained' }
  | { readonly do: 'flush'; readonly consumed: boolean }
  | { readonly do: 'deliver'; readonly length: number }

const kind = <T extends string>(name: T): fc.Arbitrary<T> => fc.constant(name)
const applicationAction: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: kind('message'), payload: fc.oneof(text, bytes) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: kind('fragment'),
      payload: fc.oneof(text, bytes),
      isBinary: fc.boolean(),
      fin: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: kind('ping'), payload: controlPayload }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: kind('close'), code: statusCode, reason: fc.string({ maxLength: 20 }) }),
  },
)
const driverAction: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constantFrom('pause' as const, 'resume', 'readRetained', 'outputDrained') }),
  fc.record({ do: kind('flush'), consumed: fc.boolean() }),
  fc.record({ do: kind('deliver'), length: fc.oneof(fc.nat(10), fc.nat(400)) }),
)

/** Runs what an application does. @returns whether it was taken */
function act(end: Endpoint, action: Action): boolean {
  const { connection } = end
  try {
    if (action.do === 'message') connection.sendMessage(action.payload)
    else if (action.do === 'fragment') connection.sendFragment(action.payload, action.isBinary, action.fin)
    else if (action.do === 'ping') connection.sendPing(action.payload as Uint8Array)
    else if (action.do === 'pong') connection.sendPong(action.payload as Uint8Array)
    else if (action.do === 'close') connection.close(action.code, action.reason)
    return true
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return false
  }
}

/** What the peer of an end must be told, from what the end did: a few lines that know nothing of frames. */
class Expected {
  readonly events: string[] = []
  readonly pings: string[] = []
  hasClosed = false
  #open: { isBinary: boolean; parts: Uint8Array[] } | null = null

  add(action: Action): void {
    if (action.do === 'message') {
      const isBinary = typeof action.payload !== 'string'
      this.#message(isBinary, utf8(action.payload))
    } else if (action.do === 'fragment') {
      this.#open ??= { isBinary: action.isBinary, parts: [] }
      this.#open.parts.push(utf8(action.payload))
      if (!action.fin) return
      this.#message(this.#open.isBinary, concat(...this.#open.parts))
      this.#open = null
    } else if (action.do === 'ping') {
      const event = describeBytes('ping', action.payload as Uint8Array)
      this.events.push(event)
      this.pings.push(event)
    } else if (action.do === 'close') {
      this.events.push(`close ${action.code ?? 1005} ${JSON.stringify(action.reason)}`)
      this.hasClosed = true
    }
  }

  #message(isBinary: boolean, payload: Uint8Array): void {
    this.events.push(isBinary ? describeBytes('binary', payload) : describeText('text', payload))
  }
}

const utf8 = (payload: string | Uint8Array): Uint8Array =>
  typeof payload === 'string' ? new TextEncoder().encode(payload) : payload

/** What is on the wire after the Close frame: Pongs may be. */
function expectOnlyPongsAfterClose(frames: readonly string[]): void {
  const close = frames.findIndex((frame) => frame.startsWith('close'))
  if (close < 0) return
  expect(frames.slice(close + 1).filter((frame) => !frame.startsWith('pong'))).toEqual([])
}

const options: fc.Arbitrary<Partial<ConnectionOptions>> = fc.record({
  maxFramesPerTurn: fc.constantFrom(1, 2, 3, 1000),
})

describe('a client and a server joined by a wire', () => {
  const step = fc.tuple(fc.nat(1), fc.oneof(applicationAction, driverAction))

  it(
    'tell each other everything once, in order and equal, and never break a rule',
    () => {
      fc.assert(
        fc.property(options, options, fc.array(step, { maxLength: 60 }), (clientOptions, serverOptions, steps) => {
          const pair = new ConnectionPair({}, clientOptions, serverOptions)
          const expected = new Map<PairEnd, Expected>(pair.ends.map((end) => [end, new Expected()]))
          for (const [index, action] of steps) {
            const end = pair.ends[index]!
            if (action.do === 'flush') end.flush(action.consumed)
            else if (action.do === 'deliver') end.deliver(pair.peerOf(end), action.length)
            else if (
              action.do === 'pause' ||
              action.do === 'resume' ||
              action.do === 'readRetained' ||
              action.do === 'outputDrained'
            ) {
              end.connection[action.do]()
            } else {
              const wasOpen = end.connection.readyState === ReadyState.OPEN
              if (act(end, action) && wasOpen) expected.get(end)!.add(action)
            }
          }
          for (const end of pair.ends) end.connection.resume()
          pair.settle()

          const someoneClosed = [...expected.values()].some(({ hasClosed }) => hasClosed)
          for (const end of pair.ends) {
            const peer = pair.peerOf(end)
            expect(end.connection.violation).toBeNull()
            const told = end.takeEvents()
            const pongs = told.filter((event) => event.startsWith('pong'))
            const others = told.filter((event) => !event.startsWith('pong'))
            const { events, hasClosed } = expected.get(peer)!
            // A peer that was told to close has answered with a Close of its own.
            expect(hasClosed ? others : others.filter((event) => !event.startsWith('close'))).toEqual(events)
            // Every Ping was answered, in order; those behind a Close may not have been.
            const answers = expected.get(end)!.pings.map((ping) => ping.replace('ping', 'pong'))
            expect(pongs).toEqual(someoneClosed ? answers.slice(0, pongs.length) : answers)
            expect(end.connection.readyState).toBe(someoneClosed ? ReadyState.CLOSED : ReadyState.OPEN)
            expectOnlyPongsAfterClose(describeFrames(end.written))
            expect(referenceParse(end.written, { role: peer.connection.role }).violation).toBeNull()
          }
        }),
        fcOptions(400),
      )
    },
    FC_TIMEOUT_MS,
  )
})

/** A frame of the peer: most fields as they should be, each of them sometimes not. */
const frame = fc.record({
  opcode: fc.oneof({ weight: 12, arbitrary: fc.constantFrom(0, 0, 1, 2, 9, 10) }, fc.constantFrom(8, 3, 11)),
  fin: fc.oneof({ weight: 2, arbitrary: fc.constant(true) }, fc.constant(false)),
  rsv: fc.oneof({ weight: 40, arbitrary: fc.constant(0) }, fc.constantFrom(1, 2, 4)),
  isMasked: fc.oneof({ weight: 40, arbitrary: fc.constant(true) }, fc.constant(false)),
  maskingKey: fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)),
  lengthBits: fc.oneof({ weight: 40, arbitrary: fc.constant(undefined) }, fc.constantFrom(16 as const, 64 as const)),
  payload: fc.oneof(
    { weight: 3, arbitrary: text.map(utf8) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom('', '\x03', '\x03\xe8', '\x0f\xa0bye', '\x03\xed')
        .map((s) => Buffer.from(s, 'latin1')),
    },
  ),
})

/** A stream for one role: frames that begin as a peer could mean them, and sometimes end in noise. */
function streamFor(receiver: Role): fc.Arbitrary<Uint8Array> {
  return fc.tuple(fc.array(frame, { maxLength: 12 }), fc.uint8Array({ maxLength: 6 })).map(([frames, noise]) => {
    let isOpen = false
    const parts = frames.map(({ opcode, fin, isMasked, maskingKey, lengthBits, ...rest }) => {
      const isData = opcode < 3
      // Most data frames continue what is open and begin what is not.
      const meant = isData && isMasked ? (isOpen ? 0 : opcode === 0 ? 1 : opcode) : opcode
      if (isData) isOpen = !fin
      return clientFrame({
        ...rest,
        opcode: meant,
        fin: isData ? fin : fin || isMasked,
        maskingKey: isMasked === (receiver === 'server') ? [...maskingKey] : null,
        ...(lengthBits === undefined ? {} : { lengthBits }),
      })
    })
    return concat(...parts, noise)
  })
}

const streamAndRole = role.chain((receiver) => fc.tuple(fc.constant(receiver), streamFor(receiver)))

interface ModelResult {
  readonly events: string[]
  readonly sent: string[]
}

/** What a connection must tell and send for a stream: the frames of the reference parser, and §5.4-§7 in a loop. */
function model(receiver: Role, stream: Uint8Array, limits: { maxPayload: number; maxFragments: number }): ModelResult {
  const { frames, violation } = referenceParse(stream, { role: receiver, ...limits })
  const events: string[] = []
  const sent: string[] = []
  let parts: Uint8Array[] = []
  let isBinary = false
  for (const { opcode, fin, payload: digits } of frames) {
    const payload = Uint8Array.from(Buffer.from(digits, 'hex'))
    if (opcode === 8) {
      const code = payload.length === 0 ? 1005 : payload[0]! * 256 + payload[1]!
      events.push(describeText(`close ${code}`, payload.subarray(2)))
      sent.push(code === 1005 ? 'close' : `close ${code} ""`)
      return { events, sent }
    }
    if (opcode === 9) {
      events.push(describeBytes('ping', payload))
      sent.push(describeBytes('pong', payload))
    } else if (opcode === 10) events.push(describeBytes('pong', payload))
    else {
      if (opcode !== 0) isBinary = opcode === 2
      parts.push(payload)
      if (!fin) continue
      const message = concat(...parts)
      parts = []
      events.push(isBinary ? describeBytes('binary', message) : describeText('text', message))
    }
  }
  if (violation !== null) {
    const rule = violations[violation as keyof typeof violations]
    events.push(`failed ${rule.id}`)
    sent.push(`close ${rule.statusCode} ${JSON.stringify(`${rule.id} ${rule.message}`)}`)
  }
  return { events, sent }
}

const LIMITS = { maxPayload: 100, maxFragments: 3 }

describe('a connection and a peer that may break any rule', () => {
  it(
    'does what a naive model does, whatever the cuts, the pauses and the budget',
    () => {
      fc.assert(
        fc.property(
          streamAndRole,
          fc.array(fc.nat(400), { maxLength: 12 }),
          fc.constantFrom(1, 2, 1000),
          fc.array(fc.boolean(), { maxLength: 12 }),
          ([receiver, stream], cuts, maxFramesPerTurn, pauses) => {
            const end = new Endpoint(receiver, { ...LIMITS, maxFramesPerTurn })
            const schedule = [...pauses]
            end.listener.onEvent = () => {
              if (schedule.shift() === true) end.connection.pause()
            }
            for (const chunk of cutAt(stream, cuts)) {
              end.connection.receive(chunk)
              chunk.fill(0)
            }
            for (let turn = 0; turn <= stream.length + pauses.length; turn += 1) end.connection.resume()
            const { events, sent } = model(receiver, stream, LIMITS)
            expect(end.takeEvents()).toEqual(events)
            expect(end.takeSent()).toEqual(sent)
          },
        ),
        fcOptions(1500),
      )
    },
    FC_TIMEOUT_MS,
  )

  it(
    'never throws and never tells anything after a violation, whatever the bytes',
    () => {
      fc.assert(
        fc.property(role, fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 20 }), (receiver, chunks) => {
          // The listener throws when it is told anything after the end.
          const end = new Endpoint(receiver)
          for (const chunk of chunks) end.connection.receive(chunk)
          end.connection.receiveEnd()
          expect(end.connection.readyState).toBe(ReadyState.CLOSED)
          expectOnlyPongsAfterClose(end.takeSent())
        }),
        fcOptions(500),
      )
    },
    FC_TIMEOUT_MS,
  )
})

describe('the memory of a connection', () => {
  it(
    'is at most twice the bytes of the open message, and the retained bytes',
    () => {
      const sizes = fc.array(fc.oneof(fc.nat(20), fc.nat(3000)), { minLength: 1, maxLength: 8 })
      const cuts = fc.array(fc.nat(10_000), { maxLength: 40 })
      fc.assert(
        fc.property(sizes, cuts, fc.option(fc.nat(40)), (fragments, positions, pauseAt) => {
          const end = new Endpoint('server')
          const frames = fragments.map((length, i) =>
            end.peerFrame(i === 0 ? 0x2 : 0x0, new Uint8Array(length), { fin: i === fragments.length - 1 }),
          )
          // How many bytes of payload have come when `at` bytes of the stream have.
          const payloadBefore = (at: number): number =>
            frames.reduce((sum, { length }, i) => {
              const rest = Math.max(0, Math.min(at, length) - (length - fragments[i]!))
              at = Math.max(0, at - length)
              return sum + rest
            }, 0)
          let given = 0
          let retained = 0
          const stream = concat(...frames)
          for (const [i, chunk] of cutAt(stream, positions).entries()) {
            if (i === pauseAt) end.connection.pause()
            end.connection.receive(chunk)
            if (end.connection.paused) retained += chunk.length
            else given += chunk.length
            const open = given === stream.length ? 0 : payloadBefore(given)
            expect(end.connection.bufferedInput).toBeLessThanOrEqual(
              (open === 0 ? 0 : Math.max(256, 2 * open)) + retained,
            )
            if (retained > 0) expect(end.connection.bufferedInput).toBeGreaterThanOrEqual(retained)
          }
        }),
        fcOptions(300),
      )
    },
    FC_TIMEOUT_MS,
  )
})

describe('calls in any order', () => {
  const wildPayload = fc.oneof(
    text,
    bytes,
    fc.string({ unit: 'binary' }),
    fc.uint8Array({ minLength: 120, maxLength: 130 }),
  )
  const call = fc.oneof(
    applicationAction,
    driverAction,
    fc.record({ do: kind('ping'), payload: fc.uint8Array({ maxLength: 130 }) }),
    fc.record({ do: kind('pong'), payload: fc.uint8Array({ maxLength: 130 }) }),
    fc.record({ do: kind('message'), payload: wildPayload, isBinary: fc.boolean() }),
    fc.record({ do: kind('fragment'), payload: wildPayload, isBinary: fc.boolean(), fin: fc.boolean() }),
    fc.record({
      do: kind('close'),
      code: fc.option(fc.nat(6000), { nil: undefined }),
      reason: fc.string({ maxLength: 150 }),
    }),
    fc.record({ do: kind('receive'), frames: fc.array(frame, { maxLength: 3 }) }),
    fc.record({ do: fc.constantFrom('receiveEnd' as const, 'transportClosed') }),
    fc.record({ do: kind('fail'), statusCode: fc.nat(6000), message: fc.string({ unit: 'grapheme', maxLength: 150 }) }),
  )

  it(
    'throw nothing but UsageError, send nothing after a Close but Pongs, and never go back',
    () => {
      fc.assert(
        fc.property(role, fc.array(call, { maxLength: 40 }), fc.boolean(), (own, calls, isReentrant) => {
          const end = new Endpoint(own, { maxFramesPerTurn: 2 })
          const { connection } = end
          const written: Uint8Array[] = []
          let isDead = false
          const run = (step: (typeof calls)[number]): void => {
            try {
              if (step.do === 'receive') {
                const isMasked = own === 'server'
                for (const { isMasked: asItShould, maskingKey, lengthBits, ...rest } of step.frames) {
                  connection.receive(
                    clientFrame({
                      ...rest,
                      maskingKey: asItShould === isMasked ? [...maskingKey] : null,
                      ...(lengthBits === undefined ? {} : { lengthBits }),
                    }),
                  )
                }
              } else if (step.do === 'receiveEnd') connection.receiveEnd()
              else if (step.do === 'transportClosed') {
                isDead = true
                connection.transportClosed()
              } else if (step.do === 'fail') connection.fail({ id: 'app', ...step })
              else if (step.do === 'flush') {
                written.push(...connection.takeOutput().map((chunk) => Uint8Array.from(chunk)))
                connection.outputWritten(step.consumed)
              } else if (step.do === 'message' && 'isBinary' in step) {
                connection.sendMessage(step.payload, step.isBinary)
              } else if (
                step.do === 'pause' ||
                step.do === 'resume' ||
                step.do === 'readRetained' ||
                step.do === 'outputDrained'
              ) {
                connection[step.do]()
              } else if (step.do !== 'deliver') act(end, step as Action)
            } catch (error) {
              if (!(error instanceof UsageError)) throw error
            }
          }
          const queue = [...calls]
          if (isReentrant) {
            end.listener.onEvent = () => {
              const next = queue.shift()
              if (next !== undefined) run(next)
            }
          }
          let before = { readyState: connection.readyState, intent: connection.transportIntent, closeCode: 1006 }
          for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
            run(next)
            const { readyState, transportIntent: intent, closeCode } = connection
            expect(readyState).toBeGreaterThanOrEqual(before.readyState)
            expect(intent).toBeGreaterThanOrEqual(before.intent)
            if (before.closeCode !== 1006) expect(closeCode).toBe(before.closeCode)
            if (isDead) expect(readyState).toBe(ReadyState.CLOSED)
            before = { readyState, intent, closeCode }
          }
          written.push(...connection.takeOutput())
          const stream = concat(...written)
          expectOnlyPongsAfterClose(describeFrames(stream))
          const receiver = own === 'server' ? 'client' : 'server'
          expect(referenceParse(stream, { role: receiver }).violation).toBeNull()
        }),
        fcOptions(800),
      )
    },
    FC_TIMEOUT_MS,
  )
})
