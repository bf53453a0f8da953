import { createHash } from 'node:crypto'
import { ConnectionClosedError, ProtocolError } from '../../src/errors.ts'
import { SlabPool } from '../../src/protocol/output.ts'
import type { CloseInfo } from '../../src/socket/close-info.ts'
import { Heartbeat, type Patient } from '../../src/socket/heartbeat.ts'
import type { SocketDriver } from '../../src/socket/socket-driver.ts'
import { attach, startReading, WebSocket } from '../../src/socket/websocket.ts'
import type { Random } from '../fuzz/mutate.ts'
import type { SimulatedClock } from './clock.ts'
import { Gate } from './gate.ts'
import { Invariant, InvariantBroken, must } from './invariants.ts'
import { type Heard, PassingListeners } from './listeners.ts'
import type { SimulatedSocket } from './network.ts'
import type { Occurrence } from './occurrences.ts'
import type { Crash, Profile } from './profile.ts'

const LONGEST_MESSAGE = 100_000
const LONGEST_PIECE = 10_000
/** Bytes that are sent to somebody who takes nothing: he reads on for 64 KiB. */
const MOST_FOR_NOBODY = 16 << 10

/** What a run is made of. */
export interface World {
  readonly random: Random
  readonly clock: SimulatedClock
  readonly note: (what: Occurrence) => void
  /** Writes down what happened, for whoever replays the seed. */
  readonly log: (line: string) => void
}

/** The heartbeat is the one who is shown the driver; this one remembers it. */
class KnowingHeartbeat extends Heartbeat {
  driver: SocketDriver | null = null

  override add(driver: Patient): void {
    this.driver = driver as SocketDriver
    super.add(driver)
  }
}

/** A message that was sent. */
export interface Sent {
  readonly print: string
  /** What its sender was told: that it is out, that it was left out, or that the connection ended. */
  fate: 'open' | 'done' | 'left out' | 'failed'
  calls: number
}

/** One end: the connection, the application on it, and what both saw. */
export class End {
  readonly role: 'server' | 'client'
  readonly socket: SimulatedSocket
  readonly profile: Profile
  readonly ws = new WebSocket(null)
  readonly heartbeat: KnowingHeartbeat
  readonly sent: Sent[] = []
  readonly received: string[] = []
  /** What the application got and keeps, as it was then. */
  readonly kept: Array<{ readonly data: Buffer; readonly print: string }> = []
  /** Who listens beside the application, now and then. */
  passing!: PassingListeners
  #errors = 0
  #bytesSent = 0
  readonly pings = { sent: [] as string[], received: [] as string[] }
  readonly pongs: string[] = []
  readonly ends: CloseInfo[] = []
  closeEvents = 0
  /** How many messages and pings had been sent when this end began to close; -1 when it did not. */
  sentBeforeClose = -1
  pingsBeforeClose = -1
  closedWith: { readonly code: number | undefined; readonly reason: string } | null = null
  /** What happened here that can be the cause of an end. */
  readonly happened = {
    crash: false,
    /** While nothing else had ended the connection. */
    crashWhileOpen: false,
    terminated: false,
    aboveLimit: false,
    failedSource: false,
    wasFull: false,
  }
  hasStreamed = false
  /** Bytes of the longest message that was sent. */
  longest = 0
  /** Bytes of input that were held when its connection was seen to be paused; -1: it is not. */
  heldWhilePaused = -1
  /** Whether its transport was ended by somebody else. */
  wasEnded = false
  owesDrain = false
  isReaderDone = true
  /** Whether it closed while nobody took its messages: it gets no more of them, then. */
  hasGivenUp = false
  /** When the last byte arrived, the last write was done, and when it was OPEN for sure for the last time. */
  readonly times = { arrival: 0, written: 0, open: 0, ended: -1 }
  /** An invariant that was seen to be broken where throwing would only be taken for a handler that crashes. */
  broken: InvariantBroken | null = null
  /** Where a slow reader, and the sources of streams, wait. */
  readonly reading = new Gate()
  readonly feeding = new Gate()
  /** The limits of the other end, as far as this one keeps them. */
  peer!: End
  readonly #world: World
  #crashesLeft: number

  constructor(role: 'server' | 'client', socket: SimulatedSocket, profile: Profile, given: Profile, world: World) {
    this.role = role
    this.socket = socket
    this.profile = profile
    this.#world = world
    this.#crashesLeft = profile.crashAt
    this.hasGivenUp = profile.reader === 'nobody'
    const { clock, random } = world
    const { options } = given
    this.heartbeat = new KnowingHeartbeat(clock, options.heartbeat)
    attach(this.ws, {
      socket,
      driver: {
        ...options,
        clock,
        connection: {
          ...options,
          role,
          extension: given.extension,
          slabPool: new SlabPool(),
          maskingKey: () => random.below(2 ** 32),
        },
        heartbeat: this.heartbeat,
        writesAreCopied: random.below(2) === 0,
      },
      textFormat: options.textFormat,
      protocol: '',
      extensions: '',
      data: undefined,
      remoteAddress: undefined,
      onError: () => {},
      onClosed: (info) => {
        this.ends.push(info)
        this.times.ended = clock.now()
        this.log(`ended ${JSON.stringify(info)}`)
      },
    })
    socket.onArrival = (byteCount) => {
      if (byteCount > 0) this.times.arrival = clock.now()
    }
    socket.onWritten = () => {
      this.times.written = clock.now()
    }
  }

  get driver(): SocketDriver {
    return this.heartbeat.driver!
  }

  get isOpen(): boolean {
    return this.ws.readyState === WebSocket.OPEN
  }

  log(what: string): void {
    this.#world.log(`${this.role} ${what}`)
  }

  start(): void {
    const { ws } = this
    ws.on('ping', (data) => {
      if (data.length > 0) this.pings.received.push(data.toString('latin1'))
      this.#crash('ping')
    })
    ws.on('pong', (data) => {
      if (data.length > 0) this.pongs.push(data.toString('latin1'))
    })
    ws.on('drain', () => {
      this.#world.note('a drain')
      this.owesDrain = false
    })
    ws.on('close', () => {
      this.closeEvents += 1
      this.#crash('close')
    })
    ws.on('error', () => {
      this.#errors += 1
    })
    if (this.profile.reader === 'listener') this.listen()
    const events: readonly Heard[] =
      this.profile.reader === 'listener' ? ['close', 'error', 'message'] : ['close', 'error']
    this.passing = new PassingListeners(ws, events, (event) => {
      if (event === 'message') return this.received.length
      return event === 'close' ? this.closeEvents : this.#errors
    })
    startReading(ws, new Uint8Array(0))
    const { connection } = this.driver
    const resume = connection.resume.bind(connection)
    connection.resume = () => {
      // It may pause again before anybody looks, with other input.
      this.heldWhilePaused = -1
      resume()
    }
    if (this.profile.reader === 'messages') this.#iterate()
    if (this.profile.reader === 'streams') this.#iterateStreams()
  }

  /** Listens to messages, if it has not begun to. */
  listen(): void {
    if (this.hasGivenUp || this.ws.listenerCount('message') > 0) return
    this.ws.on('message', (data) => {
      this.#crash('message')
      const isSilent = this.ws.isPaused && !this.socket.destroyed
      if (isSilent || (this.profile.reader === 'listener' && this.closeEvents > 0)) {
        this.broken ??= new InvariantBroken(Invariant.Silence, `a message while ${isSilent ? 'paused' : 'closed'}`)
      }
      this.#take(data as string | Buffer)
      return this.#crashLater()
    })
  }

  /** A step is over. */
  look(): void {
    if (this.isOpen) this.times.open = this.#world.clock.now()
    const { sentCloseCode, closeReceived } = this.driver.connection
    // Nothing is held for whoever comes after our own Close frame, also when it was not the application that closed.
    if (sentCloseCode !== 0 && !closeReceived && !this.#isListening) this.hasGivenUp = true
  }

  get #isListening(): boolean {
    const { reader } = this.profile
    return (reader !== 'late listener' && reader !== 'nobody') || this.ws.listenerCount('message') > 0
  }

  // What the application does ----------------------------------------------------------------------------------------

  send(isShort = false): void {
    if (!this.isOpen) return
    const { random, note } = this.#world
    const isLong = !isShort && random.below(this.profile.longOneIn) === 0
    const length = random.below(isLong ? this.#longest : 200)
    if (!this.#isTaken(length)) return
    const data = this.#draw(length)
    const sent = this.#record(fingerprint(data))
    this.log(`sends ${sent.print}`)
    const { dropped, bufferedAmount: before } = this.ws
    const { highWaterMark, maxBackpressure } = this.profile.options
    // Every message that waits counts 128 bytes more.
    const waiting = this.sent.filter(({ fate }) => fate === 'open').length
    if (before + Buffer.byteLength(data) + 14 + waiting * 128 > maxBackpressure) this.happened.wasFull = true
    const wasGoingOn = this.ws.send(data, (error) => {
      sent.calls += 1
      const isLeftOut = (error as { code?: string } | null | undefined)?.code === 'ERR_MESSAGE_DROPPED'
      sent.fate = !error ? 'done' : isLeftOut ? 'left out' : 'failed'
      if (isLeftOut) note('a message left out')
      this.#crash('callback')
    })
    const { bufferedAmount } = this.ws
    const hasDropped = this.ws.dropped > dropped
    const isFull = bufferedAmount >= highWaterMark || hasDropped || !this.isOpen
    // With 'drop-oldest' it may be another one that was left out; and a callback may have crashed meanwhile.
    const isOther = hasDropped && this.profile.options.slowConsumer === 'drop-oldest'
    const isKnown = !isOther && !this.happened.crash
    must(
      !isKnown || wasGoingOn !== isFull,
      Invariant.Drain,
      () => `send said ${wasGoingOn} with ${bufferedAmount} bytes waiting`,
    )
    if (!wasGoingOn && this.isOpen) {
      note('a send that says wait')
      this.owesDrain = true
    }
  }

  /** Several in one write. */
  sendMany(): void {
    if (this.isOpen) this.ws.cork(() => [this.send(true), this.ping(), this.send(true)])
  }

  /** A message that comes piece by piece, whenever the simulation feeds it. */
  stream(): void {
    if (!this.isOpen || this.peer.profile.reader === 'nobody') return
    const { random, note } = this.#world
    const isBinary = random.below(2) === 0
    const { maxFragments } = this.peer.profile.options
    const most = this.profile.keepsLimits ? Math.min(8, maxFragments - 1) : 8
    const pieces = Array.from({ length: 1 + random.below(most) }, (_, i) => {
      const length = random.below(Math.min(LONGEST_PIECE, this.#longest / most))
      return i === 0
        ? this.#draw(Math.max(length, 20), isBinary)
        : isBinary
          ? Buffer.alloc(length, i)
          : 'è'.repeat(length >> 1)
    })
    const failsAt = this.profile.sourcesFail ? random.below(pieces.length) : -1
    const whole = isBinary ? Buffer.concat(pieces as Buffer[]) : (pieces as string[]).join('')
    this.#checkAbove(Buffer.byteLength(whole), pieces.length + 1)
    const sent = this.#record(fingerprint(whole))
    this.hasStreamed = true
    this.log(`streams ${sent.print} in ${pieces.length} pieces`)
    const { feeding, happened } = this
    async function* source(): AsyncGenerator<string | Buffer> {
      for (const [i, piece] of pieces.entries()) {
        await feeding.pass()
        if (i === failsAt) {
          happened.failedSource = true
          throw new SourceFailed('the source fails')
        }
        yield piece
      }
    }
    note('a streamed message')
    this.ws.sendStream(source()).then(
      () => {
        sent.calls += 1
        sent.fate = 'done'
      },
      (error) => {
        sent.calls += 1
        // Where nothing was sent yet, the connection goes on without it.
        sent.fate = error instanceof SourceFailed ? 'left out' : 'failed'
      },
    )
  }

  ping(): void {
    if (!this.isOpen) return
    const { random } = this.#world
    const payload = Buffer.alloc(1 + random.below(125), `${this.pings.sent.length}.`)
    this.pings.sent.push(payload.toString('latin1'))
    this.ws.ping(payload)
  }

  close(): void {
    const { random } = this.#world
    if (!this.#isListening) this.hasGivenUp = true
    if (this.isOpen) {
      this.sentBeforeClose = this.sent.length
      this.pingsBeforeClose = this.pings.sent.length
      const code = random.pick([1000, 1001, 3000, 4999, undefined])
      this.closedWith = { code, reason: code === undefined ? '' : `bye ${random.below(1000)}` }
      this.log(`closes with ${code}`)
      this.ws.close(code, code === undefined ? undefined : this.closedWith.reason)
    } else this.ws.close(1000)
  }

  terminate(): void {
    if (this.socket.destroyed) return
    this.happened.terminated = true
    this.ws.terminate()
  }

  // How it takes its messages ----------------------------------------------------------------------------------------

  async #iterate(): Promise<void> {
    this.isReaderDone = false
    for await (const { data } of this.ws.messages({ highWaterMark: 8192 })) {
      this.#world.note('a message taken by iterating')
      this.#take(data as string | Buffer)
      await this.reading.pass()
    }
    this.isReaderDone = true
  }

  async #iterateStreams(): Promise<void> {
    this.isReaderDone = false
    for await (const stream of this.ws.streams({ highWaterMark: 8192 })) {
      const pieces: Buffer[] = []
      try {
        for await (const piece of stream) {
          pieces.push(piece)
          await this.reading.pass()
        }
      } catch (error) {
        // A fault of the peer breaks it off too; what that was is told by the connection itself.
        if (!(error instanceof ConnectionClosedError || error instanceof ProtocolError)) throw error
        this.#world.note('a message broken off')
        continue
      }
      this.#world.note(pieces.length > 1 ? 'a message taken in pieces' : 'a message taken as a stream')
      const whole = Buffer.concat(pieces)
      this.#take(stream.isBinary ? whole : whole.toString())
    }
    this.isReaderDone = true
  }

  #take(data: string | Buffer): void {
    const print = fingerprint(data)
    this.log(`takes ${print}`)
    const length = Buffer.byteLength(data)
    if (length > this.profile.options.maxPayload) {
      this.broken ??= new InvariantBroken(Invariant.Limits, `a message of ${length} bytes is above maxPayload`)
    }
    this.received.push(print)
    if (typeof data === 'string') return
    if (this.profile.handsOver) {
      this.#world.note('a message handed over')
      const { buffer } = data
      if (data.length > 0) structuredClone(buffer, { transfer: [buffer as ArrayBuffer] })
    } else this.kept.push({ data, print })
  }

  #crash(where: Crash): void {
    if (where !== this.profile.crash || this.#crashesLeft-- !== 0) return
    this.#crashed(where)
    throw new Error(`the handler of ${where} crashes`)
  }

  #crashLater(): Promise<never> | undefined {
    if (this.profile.crash !== 'async message' || this.#crashesLeft-- !== 0) return undefined
    this.#crashed('async message')
    return Promise.reject(new Error('the async handler rejects'))
  }

  #crashed(where: Crash): void {
    this.log(`crashes in ${where}`)
    this.happened.crash = true
    // What was held for listeners is not for an application that failed.
    if (this.profile.reader === 'late listener') this.hasGivenUp = true
    // What rejects is heard of later.
    this.happened.crashWhileOpen = this.isOpen && where !== 'async message'
    this.#world.note(`a crash in: ${where}`)
  }

  // ------------------------------------------------------------------------------------------------------------------

  /** Whether the other end takes so much more, or reads on at least. */
  #isTaken(length: number): boolean {
    // Text may take twice as many bytes.
    this.#bytesSent += length * 2 + 100
    return this.peer.profile.reader !== 'nobody' || this.#bytesSent <= MOST_FOR_NOBODY
  }

  get #longest(): number {
    return this.profile.keepsLimits ? Math.min(LONGEST_MESSAGE, this.peer.profile.options.maxPayload) : LONGEST_MESSAGE
  }

  /** A message that no other of this end is like. */
  #draw(length: number, isBinary = this.#world.random.below(2) === 0): string | Buffer {
    const number = `${this.sent.length}:`
    const fill = Math.max(0, length - number.length)
    const data = isBinary ? Buffer.alloc(fill + number.length, number) : number + 'é'.repeat(fill >> 1)
    this.#checkAbove(Buffer.byteLength(data), 1)
    return data
  }

  #checkAbove(length: number, fragments: number): void {
    const { maxPayload, maxFragments } = this.peer.profile.options
    this.longest = Math.max(this.longest, length)
    if (length > maxPayload || fragments > maxFragments) this.happened.aboveLimit = true
  }

  #record(print: string): Sent {
    const sent: Sent = { print, fate: 'open', calls: 0 }
    this.sent.push(sent)
    return sent
  }
}

class SourceFailed extends Error {}

/** What says which message it is. */
export function fingerprint(data: string | Buffer): string {
  const kind = typeof data === 'string' ? 'text' : 'binary'
  return `${kind} ${data.length} ${createHash('sha1').update(data).digest('hex').slice(0, 16)}`
}
