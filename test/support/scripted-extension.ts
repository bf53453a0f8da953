import type { Decoder, DecoderHost, Encoder, Extension } from '../../src/extensions/extension.ts'
import type { FrameSink } from '../../src/frames/frame-sink.ts'
import type { Violation } from '../../src/frames/violation.ts'

/**
 * An extension that does what a test says, when it says so: a frame with RSV1 is decoded elsewhere until `finish`, a
 * payload that begins with `later` is encoded elsewhere until its job is run.
 */
export class ScriptedExtension implements Extension {
  readonly agreed = 'scripted'
  /** What the connection asked for, in order. */
  readonly decoders: ScriptedDecoder[] = []
  readonly encoders: ScriptedEncoder[] = []

  decoder(next: FrameSink, host: DecoderHost, maxPayload: number): ScriptedDecoder {
    const decoder = new ScriptedDecoder(next, host, maxPayload)
    this.decoders.push(decoder)
    return decoder
  }

  encoder(): ScriptedEncoder {
    const encoder = new ScriptedEncoder()
    this.encoders.push(encoder)
    return encoder
  }
}

/** Hands frames on as they come; those with RSV1 later. */
export class ScriptedDecoder implements Decoder {
  readonly maxPayload: number
  /** As how many decoded bytes a data frame counts. */
  cost = 0
  closed = 0
  heldBytes = 0
  readonly #next: FrameSink
  readonly #host: DecoderHost
  #deliver: (() => void) | null = null
  #isWaiting = false

  constructor(next: FrameSink, host: DecoderHost, maxPayload: number) {
    this.#next = next
    this.#host = host
    this.maxPayload = maxPayload
  }

  get isBusy(): boolean {
    return this.#deliver !== null
  }

  /** What was done elsewhere is done. */
  finish(): void {
    this.#isWaiting = this.#host.isPaused
    if (!this.#isWaiting) this.#handOn()
  }

  proceed(): void {
    if (!this.#isWaiting) return
    this.#isWaiting = false
    this.#handOn()
  }

  close(): void {
    this.closed += 1
    this.#deliver = null
  }

  dataFrame(opcode: number, fin: boolean, rsv1: boolean, bytes: Uint8Array, start: number, end: number): void {
    if (rsv1) {
      const copy = bytes.slice(start, end)
      this.#deliver = () => this.#next.dataFrame(opcode, fin, false, copy, 0, copy.length)
      this.#host.held()
      return
    }
    this.#host.decoded(this.cost)
    this.#next.dataFrame(opcode, fin, false, bytes, start, end)
  }

  dataFrameStart(opcode: number, fin: boolean, _rsv1: boolean, payloadLength: number): void {
    this.#next.dataFrameStart(opcode, fin, false, payloadLength)
  }

  dataFramePayload(bytes: Uint8Array, start: number, end: number): void {
    this.#next.dataFramePayload(bytes, start, end)
  }

  dataFrameEnd(fin: boolean): void {
    this.#next.dataFrameEnd(fin)
  }

  controlFrame(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    this.#next.controlFrame(opcode, bytes, start, end)
  }

  violation(violation: Violation): void {
    this.#next.violation(violation)
  }

  #handOn(): void {
    const deliver = this.#deliver
    this.#deliver = null
    deliver?.()
    this.#host.woken()
  }
}

/** One piece of memory for all encoders, as the contract allows: a result is overwritten by the next one. */
const scratch = new Uint8Array(64 << 10)

/** Puts brackets around a message: `(` in front of each fragment, `)` behind the last. Of `nothing` it makes no byte. */
export class ScriptedEncoder implements Encoder {
  variant: string | null = null
  heldBytes = 0
  /** Whether `begin` finds memory. */
  hasMemory = true
  /** What was asked: `wants`, `begin`, `encode`, `later`, `rest`, `close`, `forVariant`. */
  readonly calls: string[] = []
  /** What is being encoded elsewhere. */
  readonly jobs: Array<() => void> = []
  /** The encoders of variants, which belong to no connection. */
  readonly others: ScriptedEncoder[] = []

  get output(): Uint8Array {
    return scratch
  }

  wants(payload: string | Uint8Array, isBinary: boolean, compress: boolean | undefined): boolean {
    this.calls.push(`wants ${textOf(payload)} ${isBinary ? 'binary' : 'text'} ${compress}`)
    return compress ?? true
  }

  forVariant(): ScriptedEncoder {
    const other = new ScriptedEncoder()
    other.hasMemory = this.hasMemory
    this.others.push(other)
    return other
  }

  begin(): boolean {
    this.calls.push('begin')
    return this.hasMemory
  }

  encode(payload: string | Uint8Array, fin: boolean): number {
    const text = textOf(payload)
    this.calls.push(`encode ${text}`)
    if (text === 'nothing') return 0
    return text.startsWith('later') ? -1 : new TextEncoder().encodeInto(bracketed(text, fin), scratch).written
  }

  encodeLater(payload: Uint8Array, fin: boolean, done: (encoded: Uint8Array) => void): void {
    this.calls.push(`later ${textOf(payload)}`)
    this.jobs.push(() => done(new TextEncoder().encode(bracketed(textOf(payload), fin))))
  }

  /** The job that was given first is done. */
  finish(): void {
    this.jobs.shift()?.()
  }

  rest(now: number): void {
    this.calls.push(`rest ${now}`)
  }

  close(): void {
    this.calls.push('close')
  }
}

function bracketed(text: string, fin: boolean): string {
  return `(${text}${fin ? ')' : ''}`
}

function textOf(payload: string | Uint8Array): string {
  return typeof payload === 'string' ? payload : new TextDecoder().decode(payload)
}
