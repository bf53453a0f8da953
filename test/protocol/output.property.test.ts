import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FIN } from '../../src/frames/header.ts'
import { Opcode } from '../../src/frames/opcode.ts'
import { Output, SlabPool } from '../../src/protocol/output.ts'
import { concat } from '../support/chunkings.ts'
import { readFrames } from '../support/connection-pair.ts'
import { FC_TIMEOUT_MS, fcOptions } from '../support/fc-options.ts'

/** One connection on a shared pool, with a transport that reads what it was given when it likes to. */
class Writer {
  readonly output: Output
  /** The payloads in the order they were given. */
  readonly given: Uint8Array[] = []
  /** What was released: copies of what the transport has read, and references to what it has not. */
  #read: Uint8Array[] = []
  /** What was taken and not released yet. */
  #queued: Uint8Array[] = []

  constructor(pool: SlabPool, key: number | null) {
    let next = key ?? 0
    this.output = new Output(pool, key === null ? null : () => (next += 0x01010101))
  }

  append(length: number, seed: number): void {
    const payload = Uint8Array.from({ length }, (_, i) => (i * 7 + seed) & 0xff)
    this.given.push(payload)
    this.output.frame(FIN | Opcode.Binary, payload, 0, length)
  }

  text(length: number): void {
    const text = 'é€a'.repeat(length)
    this.given.push(new TextEncoder().encode(text))
    this.output.textFrame(FIN | Opcode.Text, text)
  }

  take(): void {
    this.#queued.push(...this.output.take())
  }

  /** A transport that has sent everything has read all that it ever got; any other reads it at the very end. */
  release(consumed: boolean): void {
    this.#read.push(...this.#queued)
    this.#queued = []
    if (consumed) this.#read = this.#read.map((chunk) => Uint8Array.from(chunk))
    this.output.release(consumed)
  }

  finish(): Uint8Array {
    this.take()
    return concat(...this.#read, ...this.#queued)
  }
}

const writer = fc.nat(2)
const command = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('append'), writer, length: fc.nat(300), seed: fc.nat(255) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('append'),
      writer,
      length: fc.integer({ min: 10_000, max: 17_000 }),
      seed: fc.nat(255),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('text'), writer, length: fc.nat(60) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('take'), writer }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release'), writer, consumed: fc.boolean() }) },
) as fc.Arbitrary<{
  do: 'append' | 'text' | 'take' | 'release'
  writer: number
  length: number
  seed: number
  consumed: boolean
}>

describe('outputs that share a pool', () => {
  it(
    'put the bytes they were given on the wire, whenever their transports read them',
    () => {
      fc.assert(
        fc.property(fc.array(command, { maxLength: 80 }), (commands) => {
          const pool = new SlabPool()
          const writers = [new Writer(pool, null), new Writer(pool, 0x12345678), new Writer(pool, null)]
          for (const step of commands) {
            const writer = writers[step.writer]!
            if (step.do === 'append') writer.append(step.length, step.seed)
            else if (step.do === 'text') writer.text(step.length)
            else if (step.do === 'take') writer.take()
            else writer.release(step.consumed)
          }
          for (const writer of writers) {
            const payloads = readFrames(writer.finish()).map(({ payload }) => payload)
            expect(payloads.length).toBe(writer.given.length)
            payloads.forEach((payload, i) => {
              if (Buffer.compare(payload, writer.given[i]!) !== 0) expect.fail(`payload ${i} is not what was given`)
            })
          }
        }),
        fcOptions(300),
      )
    },
    FC_TIMEOUT_MS,
  )

  it(
    'fill one slab for ever when every transport sends at once',
    () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(writer, fc.nat(3000)), { maxLength: 200 }), (sends) => {
          const pool = new SlabPool()
          const slab = pool.current
          const outputs = [new Output(pool, null), new Output(pool, () => 1), new Output(pool, null)]
          for (const [i, length] of sends) {
            outputs[i]!.frame(FIN | Opcode.Binary, new Uint8Array(length), 0, length)
            outputs[i]!.take()
            outputs[i]!.release(true)
          }
          expect(pool.current === slab).toBe(true)
          expect(slab.at).toBe(0)
        }),
        fcOptions(100),
      )
    },
    FC_TIMEOUT_MS,
  )
})
