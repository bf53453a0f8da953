import { UsageError } from '../../errors.ts'
import { MASK, type Role } from '../../frames/header.ts'
import { isControl, Opcode } from '../../frames/opcode.ts'
import { type Agreed, agreedOn, NOTHING_AGREED } from './extensions.ts'
import { announcedLength, Frame } from './frame-unit.ts'
import { isHead, LONGEST_HEAD, readHead } from './head-unit.ts'
import { extendedLength, type Fault, headerFaults } from './header-faults.ts'
import { lengthFault } from './length-fault.ts'
import { Messages } from './messages.ts'
import { Noise, recognise } from './noise.ts'
import { Pending } from './pending.ts'
import type { AnnotateContext, Annotation, Direction, Message, NoiseKind, Stop, Unit, Verdict } from './types.ts'
import { dataAfterClose, verdictOf } from './verdicts.ts'

const Phase = { Start: 0, Head: 1, Frames: 2, Noise: 3 } as const
type Phase = (typeof Phase)[keyof typeof Phase]

const LF = 0x0a
const CR = 0x0d

/** What an {@link Annotator} has gathered since it was asked last. */
export interface Gathered {
  readonly units: readonly Unit[]
  readonly messages: readonly Message[]
}

/**
 * Annotates one direction of a connection while it arrives, in any cuts. Chunks are kept, not copied, as long as a unit of
 * theirs is: they must not be changed afterwards.
 *
 * All faults are reported, and decoding goes on behind them; `stop` says where the receiver would have stopped.
 */
export class Annotator {
  readonly #context: AnnotateContext
  readonly #messages: Messages
  readonly #maxPayload: number
  readonly #maxFragments: number
  #direction: Direction | null
  #phase: Phase
  #agreed: Agreed | null = null
  #extensionsFrom: Annotation['extensionsFrom'] = 'none'
  #units: Unit[] = []
  #frames: Frame[] = []
  #unitCount = 0
  /** Offset in the stream of the first byte that is in no unit yet. */
  #at: number
  /** Bytes that wait for more. */
  readonly #pending = new Pending()
  /** How far the bytes of a head were searched for its end. */
  #searched = 0
  #noise: Noise | null = null
  #noiseKind: NoiseKind = 'unreadable'
  #stop: Stop | null = null
  #isOver = false

  /** @throws UsageError when direction and role contradict each other, or the extensions are no list. */
  constructor(context: AnnotateContext = {}) {
    const { direction, role, at = 0, start = 'auto', maxPayload = Number.POSITIVE_INFINITY } = context
    const said = role === undefined ? undefined : role === 'server' ? 'c2s' : 's2c'
    if (direction !== undefined && direction !== 'c2s' && direction !== 's2c') {
      throw new UsageError(`direction is ${JSON.stringify(direction)}; it is "c2s" or "s2c"`)
    }
    if (direction !== undefined && said !== undefined && direction !== said) {
      throw new UsageError(
        `direction ${direction} is what a ${role} sends, not what it receives; leave one of them out`,
      )
    }
    this.#context = context
    this.#direction = direction ?? said ?? null
    this.#phase = start === 'auto' ? Phase.Start : start === 'head' ? Phase.Head : Phase.Frames
    if (start !== 'auto' && this.#direction === null) throw new UsageError(`start "${start}" needs a direction`)
    this.#at = at
    this.#maxPayload = maxPayload
    this.#maxFragments = context.maxFragments ?? Number.POSITIVE_INFINITY
    this.#messages = new Messages({ inflate: context.inflate, maxPayload })
    if (context.extensions !== undefined) {
      // Read once to see that it can be read, and again when the direction is known.
      try {
        agreedOn(context.extensions, 'c2s')
      } catch (cause) {
        throw new UsageError(`extensions: ${(cause as Error).message}`)
      }
      this.#extensionsFrom = 'told'
    }
  }

  /** Which way the bytes go; null as long as it is neither told nor seen. */
  get direction(): Direction | null {
    return this.#direction
  }

  /** Where the receiver stops reading; null as long as it goes on. */
  get stop(): Stop | null {
    return this.#stop
  }

  /** Bytes that are in no unit yet. */
  get pendingLength(): number {
    return this.#pending.length
  }

  /** @throws UsageError after {@link end}. */
  push(chunk: Uint8Array): void {
    if (this.#isOver) throw new UsageError('the stream was ended; a new one needs a new Annotator')
    const pending = this.#pending
    if (pending.length > 0) {
      pending.append(chunk, 0)
      const at = this.#read(pending.bytes, 0, pending.length, false)
      if (at > 0) pending.drop(at)
      return
    }
    const at = this.#read(chunk, 0, chunk.length, false)
    if (at < chunk.length) pending.append(chunk, at)
  }

  /** No more bytes come: what is cut becomes a unit that says so. */
  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#read(this.#pending.bytes, 0, this.#pending.length, true)
    this.#pending.drop(this.#pending.length)
    const broken = this.#stop === null ? this.#messages.judgeOpen(null) : null
    if (broken !== null) this.#stopAt(broken)
  }

  /** All that is known so far. */
  annotation(): Annotation {
    const direction = this.#direction ?? 'c2s'
    return {
      v: 1,
      direction,
      isDirectionGuessed: this.#context.direction === undefined && this.#context.role === undefined,
      role: roleOf(direction),
      extensions: this.#agreedFor(direction).text,
      extensionsFrom: this.#extensionsFrom,
      units: this.#units,
      messages: this.#messages.list,
      stop: this.#stop,
    }
  }

  /** Takes what was gathered: it is let go of, and indexes go on. For streams that are followed for long. */
  take(): Gathered {
    const gathered = { units: this.#units, messages: this.#messages.list }
    this.#units = []
    this.#frames = []
    this.#messages.list = []
    return gathered
  }

  /** @returns the position behind the last unit that is whole */
  #read(bytes: Uint8Array, start: number, end: number, isFinal: boolean): number {
    let at = start
    while (at < end) {
      const next = this.#readUnit(bytes, at, end, isFinal)
      if (next === at) {
        if (this.#isBetween) continue
        return at
      }
      this.#at += next - at
      at = next
    }
    return at
  }

  /** Whether the last step only found out what comes, and used no byte. */
  #isBetween = false

  #readUnit(bytes: Uint8Array, at: number, end: number, isFinal: boolean): number {
    this.#isBetween = false
    switch (this.#phase) {
      case Phase.Start:
        this.#begin(bytes, at, end, isFinal)
        return at
      case Phase.Head:
        return this.#readHead(bytes, at, end, isFinal)
      case Phase.Frames:
        return this.#readFrame(bytes, at, end, isFinal)
      default:
        this.#growNoise(bytes, at, end, [])
        return end
    }
  }

  #turnTo(phase: Phase): void {
    this.#phase = phase
    this.#isBetween = true
  }

  /** Finds out what the stream begins with. */
  #begin(bytes: Uint8Array, at: number, end: number, isFinal: boolean): void {
    const what = recognise(bytes, at, end)
    if (what === 'unsure' && !isFinal) return
    const head = what === 'http-request' ? 'c2s' : what === 'http-response' ? 's2c' : null
    if (this.#direction === null) {
      if (head === null && end - at < 2 && !isFinal) return
      const isMasked = end - at < 2 || (bytes[at + 1]! & MASK) !== 0
      const isForeign = what === 'tls' || what === 'http2'
      this.#direction = head ?? (isMasked || isForeign ? 'c2s' : 's2c')
    }
    this.#turnTo(head === this.#direction ? Phase.Head : Phase.Frames)
  }

  #readHead(bytes: Uint8Array, at: number, end: number, isFinal: boolean): number {
    const direction = this.#direction!
    const limit = Math.min(end, at + LONGEST_HEAD)
    let headEnd = -1
    for (let i = at + this.#searched; i < limit && headEnd < 0; i++) {
      if (endsWithEmptyLine(bytes, at, i) && isHead(bytes.subarray(at, i + 1), direction)) headEnd = i + 1
    }
    this.#searched = limit - at
    const isTooLong = limit === at + LONGEST_HEAD
    if (headEnd < 0) {
      if (!isFinal && !isTooLong) return at
      headEnd = limit
    }
    this.#searched = 0
    const place = { index: this.#unitCount, at: this.#at, isUnread: this.#stop !== null }
    const { unit, extensions, isRefusal } = readHead(bytes.subarray(at, headEnd), place, direction, this.#context)
    if (extensions !== '' && this.#extensionsFrom !== 'told') {
      this.#extensionsFrom = direction === 'c2s' ? 'offered' : 'response'
      this.#setAgreed(agreedOn(extensions, direction))
    }
    this.#add(unit)
    const [verdict] = unit.verdicts
    if (verdict !== undefined) this.#stop ??= { reason: 'handshake', unit: unit.index, at: verdict.at, verdict }
    if (isTooLong) this.#turnToNoise('unreadable')
    else if (isRefusal) this.#turnToNoise('http-body')
    else this.#phase = Phase.Frames
    return headEnd
  }

  #turnToNoise(what: NoiseKind): void {
    this.#phase = Phase.Noise
    this.#noiseKind = what
  }

  #growNoise(bytes: Uint8Array, at: number, end: number, verdicts: readonly Verdict[]): void {
    if (this.#noise === null) {
      this.#noise = new Noise(this.#unitCount, this.#at, this.#noiseKind, this.#stop !== null, verdicts)
      this.#add(this.#noise)
    }
    this.#noise.grow(bytes, at, end)
  }

  #add(unit: Unit): void {
    this.#units.push(unit)
    this.#unitCount++
  }

  #setAgreed(agreed: Agreed): void {
    this.#agreed = agreed
    this.#messages.takesOver = agreed.takesOver
  }

  #agreedFor(direction: Direction): Agreed {
    if (this.#agreed === null) {
      const { extensions } = this.#context
      this.#setAgreed(extensions === undefined ? NOTHING_AGREED : agreedOn(extensions, direction))
    }
    return this.#agreed!
  }

  #readFrame(bytes: Uint8Array, at: number, end: number, isFinal: boolean): number {
    const available = end - at
    if (available < 2 && !isFinal) return at
    const { rsv1Owned } = this.#agreedFor(this.#direction!)
    const faults = available < 2 ? [] : this.#judgeHeader(bytes[at]!, bytes[at + 1]!, rsv1Owned)
    if (faults.length > 0) {
      const what = recognise(bytes, at, end)
      if (what === 'unsure' && !isFinal) return at
      if (what !== null && what !== 'unsure') {
        return this.#readNoise(what, faults, bytes, at, end)
      }
    }
    const byte1 = available < 2 ? 0 : bytes[at + 1]!
    const headerLength = 2 + extendedLength(byte1) + ((byte1 & MASK) === 0 ? 0 : 4)
    const payloadLength = available < 2 ? null : announcedLength(bytes, at, end)
    const whole = headerLength + (payloadLength ?? 0)
    if ((available < headerLength || available < whole) && !isFinal) return at
    const isCut = available < whole || available < 2
    const next = isCut ? end : at + whole
    if (payloadLength !== null) {
      const limits = { maxPayload: this.#maxPayload, maxFragments: this.#maxFragments }
      const fault = lengthFault(bytes, at, payloadLength, { rsv1Owned, open: this.#messages.open, ...limits })
      if (fault !== null) faults.push(fault)
    }
    const place = { index: this.#unitCount, at: this.#at, isCut, isUnread: this.#stop !== null, rsv1Owned }
    const frame = new Frame(place, bytes, at, next - at, faults)
    this.#add(frame)
    this.#frames.push(frame)
    this.#judgeFrame(frame)
    return next
  }

  #judgeHeader(byte0: number, byte1: number, rsv1Owned: boolean): Fault[] {
    const context = { role: roleOf(this.#direction!), rsv1Owned, messageOpen: this.#messages.open !== null }
    const faults = headerFaults(byte0, byte1, context)
    return faults.length === 0 ? [] : [...faults]
  }

  /** What begins here is known, and no frame: nor is what follows. */
  #readNoise(what: NoiseKind, faults: readonly Fault[], bytes: Uint8Array, at: number, end: number): number {
    const verdicts = faults.map((fault) => verdictOf(fault, this.#at))
    this.#turnToNoise(what)
    this.#growNoise(bytes, at, end, verdicts)
    this.#stop ??= { reason: 'not-websocket', unit: this.#unitCount - 1, at: this.#at, verdict: verdicts[0] ?? null }
    return end
  }

  #judgeFrame(frame: Frame): void {
    const hadFaults = frame.hasVerdicts
    // What the receiver had read of an open message when this frame came is judged first.
    if (this.#stop === null && hadFaults) this.#stopAt(this.#messages.judgeOpen(frame) ?? frame)
    const broken = this.#messages.add(frame)
    if (this.#stop !== null) {
      if (this.#stop.reason === 'close' && frame.isUnread && !isControl(frame.opcode)) {
        frame.addVerdict(dataAfterClose(frame.at))
      }
      return
    }
    if (frame.hasVerdicts && broken === null) this.#stopAt(this.#messages.judgeOpen(frame) ?? frame)
    else if (broken !== null) this.#stopAt(broken)
    else if (frame.opcode === Opcode.Close && !frame.isCut) this.#stopAtClose(frame)
  }

  #stopAtClose(frame: Frame): void {
    const broken = this.#messages.judgeOpen(frame)
    if (broken !== null) this.#stopAt(broken)
    else this.#stop = { reason: 'close', unit: frame.index, at: frame.end, verdict: null }
  }

  #stopAt(frame: Frame): void {
    const verdict = frame.verdicts[0]!
    this.#stop = { reason: 'violation', unit: frame.index, at: verdict.at, verdict }
    for (let i = this.#frames.length - 1; i >= 0 && this.#frames[i]!.index > frame.index; i--) {
      this.#frames[i]!.isUnread = true
    }
  }
}

function roleOf(direction: Direction): Role {
  return direction === 'c2s' ? 'server' : 'client'
}

/** Whether the byte at `i` ends an empty line, of CR LF or of LF alone. */
function endsWithEmptyLine(bytes: Uint8Array, start: number, i: number): boolean {
  if (bytes[i] !== LF) return false
  const before = i > start && bytes[i - 1] === CR ? i - 1 : i
  return before === start || bytes[before - 1] === LF
}
