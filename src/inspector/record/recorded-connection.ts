/*
 * One connection as it is recorded: a tap on its transport. Chunks are kept as they came, secrets aside; heads, frames and
 * messages are found in them by the engine while they come. The latest of it is in a ring, everybody who watches is told at once.
 */
import { HandshakeError } from '../../errors.ts'
import { Opcode } from '../../frames/opcode.ts'
import type { CloseInfo } from '../../socket/close-info.ts'
import type { ConnectionTap, ObservedConnection } from '../../socket/taps.ts'
import { requestOf } from '../annotate/annotate.ts'
import { Annotator } from '../annotate/annotator.ts'
import type { Annotation, Direction, HeadUnit } from '../annotate/types.ts'
import { sha1 } from '../node-tools.ts'
import type { Session } from '../session.ts'
import { frameEntry, messageEntry, noiseEntry } from './describe.ts'
import {
  type CloseEntry,
  type ConnectionSummary,
  type Entry,
  type NewEntry,
  ShownBytes,
  type StateEntry,
} from './entry.ts'
import { type Chunk, HeadGate } from './head-gate.ts'
import { Lane, type LaneOutput } from './lane.ts'
import { Ring, type Slot } from './ring.ts'
import { sessionOf } from './session-of.ts'

/** Bounds of what is kept of each connection. */
export interface RecordLimits {
  readonly entries: number
  readonly bytes: number
}

/** Who is told what happens. */
export interface RecordListener {
  entry(connection: RecordedConnection, entry: Entry): void
  /** Its summary changed, though nothing happened on it. */
  changed(connection: RecordedConnection): void
}

/** Bytes of a client that wait for the response which says what they mean; a server keeps no more of them. */
const MOST_EARLY = 1 << 20

/** What is known of one direction. */
interface Side {
  readonly gate: HeadGate
  /** Offset behind what was let through. */
  at: number
  lane: Lane | null
  /** Whether bytes behind the head are not looked into: the handshake was refused. */
  isOpaque: boolean
  isRebuilt: boolean
  frames: number
}

/** See the head of this file. */
export class RecordedConnection implements ConnectionTap {
  readonly id: number
  readonly about: ObservedConnection
  readonly startedAt: string
  readonly #listener: RecordListener
  readonly #now: () => number
  readonly #began: number
  readonly #ring: Ring
  /** Heads stay: what follows means nothing without them. */
  readonly #heads: Entry[] = []
  readonly #sides: Readonly<Record<Direction, Side>>
  #lab: ConnectionSummary['lab'] = null
  #seq = 0
  #lastMs = 0
  #state: StateEntry['state'] = 'CONNECTING'
  #isForgotten = false
  #request: Annotation | null = null
  #target = ''
  #extensions = ''
  #protocol = ''
  #verdicts = 0
  /** Chunks of the client behind its head, before the response. */
  #early: Uint8Array[] = []
  #earlyBytes = 0
  #close: CloseEntry['info'] | null = null

  constructor(
    id: number,
    about: ObservedConnection,
    options: {
      readonly limits: RecordLimits
      readonly redacts: boolean
      readonly now: () => number
      readonly startedAt: string
      readonly listener: RecordListener
    },
  ) {
    this.id = id
    this.about = about
    this.startedAt = options.startedAt
    this.#listener = options.listener
    this.#now = options.now
    this.#began = options.now()
    this.#ring = new Ring(options.limits.entries, options.limits.bytes)
    const side = (): Side => ({
      gate: new HeadGate(options.redacts),
      ...{ at: 0, lane: null, isOpaque: false, isRebuilt: false, frames: 0 },
    })
    this.#sides = { c2s: side(), s2c: side() }
    this.#add({ kind: 'state', state: 'CONNECTING', by: null })
  }

  /** Whether it is over. */
  get isOver(): boolean {
    return this.#state === 'CLOSED'
  }

  get summary(): ConnectionSummary {
    const { c2s, s2c } = this.#sides
    return {
      id: this.id,
      startedAt: this.startedAt,
      remoteAddress: this.about.remoteAddress ?? null,
      remotePort: this.about.remotePort ?? null,
      localPort: this.about.localPort ?? null,
      isEncrypted: this.about.isEncrypted,
      lab: this.#lab,
      state: this.#state,
      target: this.#target,
      extensions: this.#extensions,
      protocol: this.#protocol,
      frames: { c2s: c2s.frames, s2c: s2c.frames },
      bytes: { c2s: c2s.at, s2c: s2c.at },
      verdicts: this.#verdicts,
      droppedEntries: this.#ring.dropped,
      close: this.#close,
    }
  }

  /** What is kept: the heads, then the latest entries. */
  entries(): Entry[] {
    const kept = [...this.#ring].map(({ entry }) => entry)
    const first = kept[0]?.seq ?? this.#seq
    return [...this.#heads.filter(({ seq }) => seq < first), ...kept]
  }

  /** What is kept, with the bytes of the chunks; an iteration sees what is there when it begins. */
  get ring(): Iterable<Slot> {
    return this.#ring
  }

  /** What is kept as a session: from the first byte on, or from the first whole frames that are kept. */
  session(): Session {
    return sessionOf(this.summary, this.#ring)
  }

  /** Says that the lab made it. @param end - which end of it is the lab's */
  mark(end: 'client' | 'server'): void {
    this.#lab = end
    this.#listener.changed(this)
  }

  /** Keeps nothing of it any more, though it may go on. */
  forget(): void {
    this.#isForgotten = true
    this.#ring.clear()
    this.#heads.length = 0
    this.#early.length = 0
    for (const side of [this.#sides.c2s, this.#sides.s2c]) side.lane = null
  }

  // The tap -----------------------------------------------------------------------------------------------------------

  received(bytes: Uint8Array, isRebuilt: boolean): void {
    if (isRebuilt) this.#sides.c2s.isRebuilt = true
    this.#push('c2s', bytes)
  }

  sent(bytes: Uint8Array): void {
    this.#push('s2c', bytes)
  }

  receivedEnd(): void {
    this.#end('c2s', 'fin')
  }

  sentEnd(): void {
    this.#end('s2c', 'fin')
  }

  opened(): void {
    this.#turn('OPEN', null)
  }

  refused(error: Error): void {
    const requirement = error instanceof HandshakeError ? error.requirement : null
    this.#add({ kind: 'error', message: error.message, requirement })
  }

  closing(by: 'local' | 'remote'): void {
    this.#turn('CLOSING', by === 'local' ? 'server' : 'client')
  }

  failed(error: Error): void {
    this.#add({ kind: 'error', message: error.message, requirement: null })
    this.#end('c2s', 'reset')
  }

  destroyed(): void {
    this.#end('s2c', 'reset')
  }

  closed(info: CloseInfo | null): void {
    for (const direction of ['c2s', 's2c'] as const) this.#release(direction)
    if (info !== null) {
      const { code, reason, sentCode, initiator, cause, requirement, wasClean } = info
      this.#close = { code, reason, sentCode, initiator, cause, requirement, wasClean }
      this.#add({ kind: 'close', side: 'server', info: this.#close })
    }
    this.#turn('CLOSED', null)
  }

  // What becomes of it ------------------------------------------------------------------------------------------------

  #turn(state: StateEntry['state'], by: StateEntry['by']): void {
    if (this.#state === state || this.#state === 'CLOSED') return
    this.#state = state
    this.#add({ kind: 'state', state, by })
  }

  #end(direction: Direction, how: 'fin' | 'reset'): void {
    this.#release(direction)
    this.#add({ kind: 'end', direction, how })
  }

  /** No more bytes come this way. */
  #release(direction: Direction): void {
    const side = this.#sides[direction]
    for (const chunk of side.gate.end()) this.#pass(direction, chunk)
    if (side.lane !== null) this.#take(direction, side.lane.end())
  }

  #push(direction: Direction, bytes: Uint8Array): void {
    if (this.#isForgotten) return
    const side = this.#sides[direction]
    const wasWhole = side.gate.headLength >= 0
    const chunks = side.gate.push({ bytes, atMs: this.#time() })
    let before = side.at
    for (const chunk of chunks) this.#pass(direction, chunk)
    if (side.gate.headLength < 0) return
    if (!wasWhole) {
      this.#readHead(direction, chunks)
      before = side.gate.headLength
    }
    // What the chunks hold behind the head.
    let at = side.at - chunks.reduce((length, chunk) => length + chunk.bytes.length, 0)
    for (const chunk of chunks) {
      const rest = chunk.bytes.subarray(Math.max(0, Math.min(before - at, chunk.bytes.length)))
      at += chunk.bytes.length
      if (rest.length > 0) this.#read(direction, rest)
    }
  }

  #pass(direction: Direction, { bytes, atMs }: Chunk): void {
    const side = this.#sides[direction]
    const at = side.at
    side.at += bytes.length
    this.#add({ kind: 'chunk', direction, at, end: side.at }, bytes, 0, atMs)
  }

  #readHead(direction: Direction, chunks: readonly Chunk[]): void {
    const side = this.#sides[direction]
    const head = new Uint8Array(side.gate.headLength)
    let at = 0
    for (const { bytes } of chunks) {
      const piece = bytes.subarray(0, head.length - at)
      head.set(piece, at)
      at += piece.length
    }
    const request = this.#request === null ? null : requestOf(this.#request)
    const annotator = new Annotator({ direction, start: 'head', sha1, ...(request === null ? {} : { request }) })
    annotator.push(head)
    annotator.end()
    const annotation = annotator.annotation()
    const [unit] = annotation.units
    const isHead = unit?.kind === 'head'
    if (isHead) {
      this.#note(direction, unit)
      const { index, startLine, verdicts } = unit
      this.#verdicts += verdicts.length
      const { redacted } = side.gate
      const { isRebuilt } = side
      const wire = new ShownBytes(head)
      this.#add({
        kind: 'head',
        direction,
        index,
        at: 0,
        end: head.length,
        startLine,
        wire,
        redacted,
        isRebuilt,
        verdicts,
      })
      this.#heads.push(this.#lastEntry!)
    }
    if (direction === 'c2s') {
      this.#request = annotation
      return
    }
    const isAccepted = isHead && / 101(?: |$)/.test(unit.startLine)
    this.#sides.c2s.isOpaque = !isAccepted
    side.isOpaque = !isAccepted
    if (!isAccepted) return
    // Who only stands between two others hears it from the bytes alone.
    this.#turn('OPEN', null)
    this.#extensions = annotation.extensionsFrom === 'response' ? annotation.extensions : ''
    side.lane = new Lane('s2c', this.#extensions, head.length, 1)
    this.#sides.c2s.lane = new Lane('c2s', this.#extensions, Math.max(0, this.#sides.c2s.gate.headLength), 1)
    for (const bytes of this.#early.splice(0)) this.#read('c2s', bytes)
  }

  /** What the list of connections says of it. */
  #note(direction: Direction, { startLine, fields }: HeadUnit): void {
    if (direction === 'c2s') this.#target = startLine.split(' ')[1] ?? ''
    else this.#protocol = fields.find(({ name }) => name.toLowerCase() === 'sec-websocket-protocol')?.value ?? ''
  }

  #read(direction: Direction, bytes: Uint8Array): void {
    const { lane, isOpaque } = this.#sides[direction]
    if (lane !== null) this.#take(direction, lane.push(bytes))
    else if (direction === 'c2s' && !isOpaque && this.#earlyBytes < MOST_EARLY) {
      this.#earlyBytes += bytes.length
      this.#early.push(bytes)
    }
  }

  #take(direction: Direction, { units, messages }: LaneOutput): void {
    for (const unit of units) {
      this.#verdicts += unit.unit.verdicts.length
      if (unit.unit.kind === 'frame') {
        this.#sides[direction].frames++
        if (unit.unit.opcode === Opcode.Close) this.#turn('CLOSING', direction === 'c2s' ? 'client' : 'server')
        const entry = frameEntry(direction, unit, unit.unit)
        this.#add(entry, null, entry.wire.bytes.length)
      } else if (unit.unit.kind === 'noise') this.#add(noiseEntry(direction, unit, unit.unit))
    }
    for (const message of messages) {
      const entry = messageEntry(direction, message)
      this.#add(entry, null, entry.bytes?.bytes.length ?? 0)
    }
  }

  #lastEntry: Entry | null = null

  #add(entry: NewEntry, bytes: Uint8Array | null = null, cost = 0, atMs = this.#time()): void {
    if (this.#isForgotten) return
    // Time does not fall, though a head was held.
    this.#lastMs = Math.max(this.#lastMs, atMs)
    const placed: Entry = Object.assign(entry, { seq: this.#seq++, atMs: this.#lastMs })
    this.#lastEntry = placed
    this.#ring.push(placed, bytes, cost)
    this.#listener.entry(this, placed)
  }

  #time(): number {
    return Math.round((this.#now() - this.#began) * 1000) / 1000
  }
}
