import { Opcode } from '../../frames/opcode.ts'
import { Utf8Octets } from '../../frames/utf8-octets.ts'
import type { Frame } from './frame-unit.ts'
import { hex, textOf } from './text.ts'
import type { Message } from './types.ts'

/** A message in the making: it holds its frames, and joins their payloads when it is asked for them. */
export class Joined implements Message {
  readonly index: number
  readonly opcode: number
  readonly compressed: boolean
  readonly parts: Frame[] = []
  isComplete = false
  isBroken = false
  /** Payload bytes that its frames announce. */
  announced = 0
  wireLength = 0
  inflated: Uint8Array | null = null
  #utf8: Utf8Octets | null = null

  constructor(index: number, opcode: number, compressed: boolean) {
    this.index = index
    this.opcode = opcode
    this.compressed = compressed
  }

  get isText(): boolean {
    return this.opcode === Opcode.Text
  }

  /** Judges its text. */
  get utf8(): Utf8Octets {
    this.#utf8 ??= new Utf8Octets()
    return this.#utf8
  }

  get frames(): readonly number[] {
    return this.parts.map(({ index }) => index)
  }

  get joined(): Uint8Array {
    return this.joinedUpTo(this.parts.length)
  }

  get bytes(): Uint8Array | null {
    return this.compressed ? this.inflated : this.joined
  }

  get text(): string | null {
    const { bytes } = this
    return this.isText && bytes !== null ? textOf(bytes) : null
  }

  /** The payloads of its first frames, unmasked and joined. */
  joinedUpTo(count: number): Uint8Array {
    const payloads = this.parts.slice(0, count).map(({ plain }) => plain)
    if (payloads.length === 1) return payloads[0]!
    const joined = new Uint8Array(payloads.reduce((length, payload) => length + payload.length, 0))
    let at = 0
    for (const payload of payloads) {
      joined.set(payload, at)
      at += payload.length
    }
    return joined
  }

  add(frame: Frame): void {
    frame.message = this.index
    frame.part = this.parts.length
    frame.isText = this.isText
    frame.isCompressed = this.compressed
    this.parts.push(frame)
    this.announced += frame.payloadLength ?? 0
    this.wireLength += frame.end - frame.at - frame.headerLength
  }

  toJSON(): object {
    const { index, frames, opcode, compressed, isComplete, isBroken, wireLength, bytes, text } = this
    return {
      ...{ index, frames, opcode, compressed, isComplete, isBroken, wireLength },
      bytes: bytes === null ? null : hex(bytes),
      text,
    }
  }
}
