import fc from 'fast-check'
import { concat } from './chunkings.ts'
import { clientFrame } from './client-frames.ts'

/*
 * Streams of frames for property tests. The bytes are built by `clientFrame`, which knows nothing of `src/`.
 */

export interface StreamContext {
  readonly role: 'server' | 'client'
  readonly rsv1Owned: boolean
}

export const streamContext: fc.Arbitrary<StreamContext> = fc.record({
  role: fc.constantFrom('server', 'client'),
  rsv1Owned: fc.boolean(),
})

/** One character of each length in UTF-8; no surrogate, which is none. */
const character = fc
  .oneof(
    fc.integer({ min: 0x0, max: 0x7f }),
    fc.integer({ min: 0x80, max: 0x7ff }),
    fc.integer({ min: 0x800, max: 0xd7ff }),
    fc.integer({ min: 0xe000, max: 0xffff }),
    fc.integer({ min: 0x1_0000, max: 0x10_ffff }),
  )
  .map((codePoint) => String.fromCodePoint(codePoint))

/** Text of any characters. */
export function textOf(maxLength: number): fc.Arbitrary<string> {
  return fc.array(character, { maxLength }).map((characters) => characters.join(''))
}

const key = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255))

interface Control {
  readonly opcode: number
  readonly payload: Uint8Array
}

/** A Close frame may stand anywhere: the parser only reads it, and what is legal behind it is not its business. */
const control: fc.Arbitrary<Control> = fc.oneof(
  fc.record({
    opcode: fc.constantFrom(9, 10),
    payload: fc.oneof(
      { weight: 9, arbitrary: fc.uint8Array({ maxLength: 8 }) },
      { weight: 1, arbitrary: fc.uint8Array({ minLength: 120, maxLength: 125, size: 'max' }) },
    ),
  }),
  fc.record({
    opcode: fc.constant(8),
    payload: fc.oneof(
      fc.constant(new Uint8Array(0)),
      fc.tuple(fc.constantFrom(1000, 1003, 1007, 1014, 3000, 4999), textOf(20)).map(([statusCode, reason]) => {
        return Uint8Array.of(statusCode >> 8, statusCode & 0xff, ...new TextEncoder().encode(reason))
      }),
    ),
  }),
)

interface Message {
  readonly opcode: number
  readonly payload: Uint8Array
  readonly compressed: boolean
  /** Where the payload is cut into fragments; equal positions make empty ones. */
  readonly cuts: readonly number[]
  /** Control frames, and behind how many fragments each of them stands. */
  readonly controls: ReadonlyArray<readonly [number, Control]>
}

const message: fc.Arbitrary<Message> = fc
  .record({
    text: fc.option(textOf(30)),
    data: fc.oneof(
      { weight: 9, arbitrary: fc.uint8Array({ maxLength: 40 }) },
      { weight: 1, arbitrary: fc.uint8Array({ minLength: 120, maxLength: 300, size: 'max' }) },
    ),
    compressed: fc.boolean(),
    cuts: fc.oneof(fc.constant<number[]>([]), fc.array(fc.nat(130), { maxLength: 4 })),
    controls: fc.array(fc.tuple(fc.nat(5), control), { maxLength: 3 }),
  })
  .map(({ text, data, ...rest }) => {
    return text === null
      ? { ...rest, opcode: 2, payload: data }
      : { ...rest, opcode: 1, payload: new TextEncoder().encode(text) }
  })

/** The frames of a stream that breaks no rule, each as bytes. */
export function legalFrames({ role, rsv1Owned }: StreamContext): fc.Arbitrary<Uint8Array[]> {
  return fc.array(fc.tuple(message, key), { maxLength: 5 }).map((messages) => {
    return messages.flatMap(([{ opcode, payload, compressed, cuts, controls }, maskingKey]) => {
      const frames: Uint8Array[] = []
      const write = (opcode: number, payload: Uint8Array, fin: boolean, rsv: number): void => {
        // Another key for each frame, so that one that is kept by mistake shows.
        const own = maskingKey.map((octet) => (octet + 37 * frames.length) & 0xff)
        frames.push(clientFrame({ opcode, payload, fin, rsv, maskingKey: role === 'server' ? own : null }))
      }
      const ends = [...cuts.map((cut) => Math.min(cut, payload.length)).sort((a, b) => a - b), payload.length]
      for (const [i, end] of ends.entries()) {
        const isLast = i === ends.length - 1
        const rsv = i === 0 && compressed && rsv1Owned ? 4 : 0
        write(i === 0 ? opcode : 0, payload.subarray(i === 0 ? 0 : ends[i - 1], end), isLast, rsv)
        for (const [behind, { opcode, payload }] of controls) if (behind === i) write(opcode, payload, true, 0)
      }
      return frames
    })
  })
}

/** Any frame at all: every opcode, bit, form of the length and body, most of them illegal somewhere. */
const anyFrame: fc.Arbitrary<Uint8Array> = fc
  .record({
    opcode: fc.nat(15),
    fin: fc.boolean(),
    rsv: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(7) }),
    maskingKey: fc.option(key),
    payload: fc.oneof(fc.uint8Array({ maxLength: 10 }), textOf(5)),
    lengthBits: fc.constantFrom<(7 | 16 | 64)[]>(7, 7, 7, 16, 64),
  })
  .map(clientFrame)

/** Bytes that stand where a frame should. */
const garbage = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  fc
    .tuple(
      fc.constantFrom(0x01, 0x02, 0x81, 0x82, 0x80, 0x00),
      fc.constantFrom(0x7f, 0xff),
      fc.uint8Array({ maxLength: 14 }),
    )
    .map(([byte0, byte1, rest]) => Uint8Array.of(byte0, byte1, ...rest)),
)

type Edit = readonly [kind: 'change' | 'insert' | 'delete' | 'truncate', position: number, octet: number]

const edits: fc.Arbitrary<Edit[]> = fc.array(
  fc.tuple(fc.constantFrom('change', 'change', 'insert', 'delete', 'truncate'), fc.nat(400), fc.nat(255)),
  { maxLength: 3 },
)

function edited(bytes: Uint8Array, edits: readonly Edit[]): Uint8Array {
  const octets = [...bytes]
  for (const [kind, position, octet] of edits) {
    const at = position % (octets.length + 1)
    if (kind === 'truncate') octets.length = at
    else octets.splice(at, kind === 'insert' ? 0 : 1, ...(kind === 'delete' ? [] : [octet]))
  }
  return Uint8Array.from(octets)
}

/** A legal stream, spoiled: a few octets changed, put in, taken out or cut off. */
export function mutatedStream(context: StreamContext): fc.Arbitrary<Uint8Array> {
  return fc.tuple(legalFrames(context), edits).map(([frames, changes]) => edited(concat(...frames), changes))
}

/** A legal stream that goes on with frames of any kind, or with garbage. */
export function derailedStream(context: StreamContext): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(legalFrames(context), fc.array(anyFrame, { maxLength: 3 }), garbage, legalFrames(context))
    .map(([before, frames, bytes, after]) => concat(...before, ...frames, bytes, ...after))
}

/** Where a stream is cut: nowhere, at a few places, or often. */
export const cutPositions: fc.Arbitrary<number[]> = fc.oneof(
  fc.constant<number[]>([]),
  fc.array(fc.nat(400), { maxLength: 4 }),
  fc.array(fc.nat(200), { minLength: 30, maxLength: 80, size: 'max' }),
)
