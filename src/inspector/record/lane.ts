import { isControl, Opcode } from '../../frames/opcode.ts'
import { serializeFrame } from '../../frames/serializer.ts'
import { Annotator } from '../annotate/annotator.ts'
import type {
  AnnotateContext,
  Direction,
  FrameUnit,
  InflateContext,
  Inflated,
  Message,
  Unit,
} from '../annotate/types.ts'
import { inflate, sha1 } from '../node-tools.ts'

/** Most bytes of a frame, of an open message, and of a message inflated, that are looked into; beyond that only sizes are told. */
export const MOST_BYTES = 1 << 20

/** Most frames of an open message whose bytes are kept for its end. */
const MOST_PARTS = 1000

const NO_KEY = Uint8Array.of(0, 0, 0, 0)

/** A unit, and where it stands in its direction of the connection. */
export interface LaneUnit {
  readonly index: number
  readonly unit: Unit
  /** Index of the message it belongs to, or null. */
  readonly message: number | null
}

/** A message that is complete. */
export interface LaneMessage {
  readonly index: number
  /** Indexes of its frames, as far as they are known. */
  readonly frames: readonly number[]
  readonly message: Message
}

/** What became whole. Indexes go on through the connection. */
export interface LaneOutput {
  readonly units: readonly LaneUnit[]
  readonly messages: readonly LaneMessage[]
}

const NOTHING: LaneOutput = { units: [], messages: [] }

/** One direction of a connection behind its head: frames and messages out of chunks, with bounded memory however long it is. */
export class Lane {
  readonly #direction: Direction
  readonly #extensions: string
  #annotator: Annotator
  #doesInflate = true
  /** Offset in the stream behind what was pushed. */
  #at: number
  /** Bytes to come of a frame that is too long to be looked into. */
  #skip = 0
  /** Whether a fragmented message is open, and whether its beginning is not known any more. */
  #isOpen = false
  #openBytes = 0
  #openParts = 0
  /** Messages that are not complete. */
  #unfinished: Message[] = []
  /** Added to the indexes of the annotator in use. */
  #unitBase: number
  #messageBase = 0
  /** Index of the first unit that the annotator in use has read. */
  #firstKnown: number
  #unitCount: number
  #messageCount = 0
  #isOver = false

  /**
   * @param extensions - agreed on, as in `Sec-WebSocket-Extensions`
   * @param at - offset of the first byte in the stream
   * @param index - of the first unit
   */
  constructor(direction: Direction, extensions: string, at: number, index: number) {
    this.#direction = direction
    this.#extensions = extensions
    this.#at = at
    this.#unitBase = index
    this.#firstKnown = index
    this.#unitCount = index
    this.#annotator = this.#begin(at, false)
  }

  push(bytes: Uint8Array): LaneOutput {
    if (this.#isOver) return NOTHING
    const skipped = Math.min(this.#skip, bytes.length)
    this.#skip -= skipped
    this.#at += bytes.length
    if (skipped === bytes.length) return NOTHING
    this.#annotator.push(bytes.subarray(skipped))
    const output = this.#take()
    if (this.#annotator.pendingLength > MOST_BYTES) return join(output, this.#elide())
    if (this.#isOpen && (this.#openBytes > MOST_BYTES || this.#openParts > MOST_PARTS)) this.#forget()
    return output
  }

  /** No more bytes come: what is cut is told as it is. */
  end(): LaneOutput {
    if (this.#isOver) return NOTHING
    this.#isOver = true
    this.#annotator.end()
    return this.#take()
  }

  #begin(at: number, isMessageOpen: boolean): Annotator {
    const prime = isMessageOpen ? this.#opening() : null
    const context: AnnotateContext = {
      direction: this.#direction,
      start: 'frames',
      extensions: this.#extensions,
      at: at - (prime?.length ?? 0),
      sha1,
      ...(this.#doesInflate ? { inflate: inflateBounded } : {}),
    }
    const annotator = new Annotator(context)
    if (prime === null) return annotator
    // The rules on fragments hold for what follows, though the beginning of the message is not there any more.
    annotator.push(prime)
    this.#unfinished = [...annotator.take().messages]
    this.#unitBase--
    return annotator
  }

  /** An empty first fragment; binary, since text may be cut inside a character. */
  #opening(): Uint8Array {
    const maskingKey = this.#direction === 'c2s' ? NO_KEY : null
    return serializeFrame({ opcode: Opcode.Binary, fin: false, maskingKey })
  }

  /** Gives up the frame that is being read: it is too long. */
  #elide(): LaneOutput {
    this.#annotator.end()
    const output = this.#take()
    const frame = output.units.at(-1)?.unit
    if (frame?.kind !== 'frame' || frame.payloadLength === null) {
      this.#isOver = true
      return output
    }
    const end = frame.at + frame.headerLength + frame.payloadLength
    this.#skip = end - this.#at
    this.#restart(end)
    return output
  }

  /** Lets go of what is known of a message that does not end. */
  #forget(): void {
    this.#annotator.end()
    const { units } = this.#annotator.take()
    const cut = units.at(-1)
    const rest = cut?.kind === 'frame' && cut.isCut ? cut.wire : new Uint8Array(0)
    this.#restart(this.#at - rest.length)
    this.#annotator.push(rest)
  }

  #restart(at: number): void {
    // What later messages refer back to is not known.
    this.#doesInflate = false
    this.#unitBase = this.#unitCount
    this.#firstKnown = this.#unitCount
    this.#messageBase = this.#messageCount - (this.#isOpen ? 1 : 0)
    this.#unfinished = []
    this.#openBytes = 0
    this.#openParts = 0
    this.#annotator = this.#begin(at, this.#isOpen)
  }

  #take(): LaneOutput {
    const gathered = this.#annotator.take()
    const units = gathered.units.map((unit) => {
      const message = unit.kind !== 'frame' || unit.message === null ? null : unit.message + this.#messageBase
      return { index: unit.index + this.#unitBase, unit, message }
    })
    for (const { index, unit } of units) {
      this.#unitCount = index + 1
      if (unit.kind === 'frame') this.#follow(unit)
    }
    this.#unfinished.push(...gathered.messages)
    for (const { index } of gathered.messages) this.#messageCount = index + this.#messageBase + 1
    const finished = this.#unfinished.filter(({ isComplete }) => isComplete)
    this.#unfinished = this.#unfinished.filter(({ isComplete }) => !isComplete).slice(-1)
    const messages = finished.map((message) => ({
      index: message.index + this.#messageBase,
      frames: message.frames.map((index) => index + this.#unitBase).filter((index) => index >= this.#firstKnown),
      message,
    }))
    return { units, messages }
  }

  #follow(frame: FrameUnit): void {
    if (isControl(frame.opcode) || frame.opcode > Opcode.Binary) return
    const isFirst = frame.opcode !== Opcode.Continuation
    if (isFirst && !frame.fin) {
      this.#isOpen = true
      this.#openBytes = 0
      this.#openParts = 0
    } else if (!isFirst && frame.fin) this.#isOpen = false
    this.#openBytes += frame.wire.length
    this.#openParts++
  }
}

/** A bomb is not for the one who looks on. */
function inflateBounded(data: Uint8Array, context: InflateContext): Inflated {
  const isOurs = context.maxLength > MOST_BYTES
  const result = inflate(data, isOurs ? { ...context, maxLength: MOST_BYTES } : context)
  return result === 'too-long' && isOurs ? undefined : result
}

function join(a: LaneOutput, b: LaneOutput): LaneOutput {
  return { units: [...a.units, ...b.units], messages: [...a.messages, ...b.messages] }
}
