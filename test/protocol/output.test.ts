import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { FIN } from '../../src/frames/header.ts'
import { Opcode } from '../../src/frames/opcode.ts'
import { Output, SlabPool } from '../../src/protocol/output.ts'
import { concat } from '../support/chunkings.ts'
import { readFrames } from '../support/connection-pair.ts'
import { hex, toHex } from '../support/hex.ts'

const BINARY = FIN | Opcode.Binary
const TEXT = FIN | Opcode.Text
const SLAB = 131_072

/** An output of a server, which masks nothing. */
const serverOutput = (pool = new SlabPool()): Output => new Output(pool, null)

/** An output of a client with masking-keys that are easy to see. */
function clientOutput(pool = new SlabPool()): { output: Output; keys: number[] } {
  const keys: number[] = []
  const maskingKey = (): number => {
    keys.push(0xa1b2c300 + keys.length)
    return keys.at(-1)!
  }
  return { output: new Output(pool, maskingKey), keys }
}

function append(output: Output, payload: Uint8Array): void {
  output.frame(BINARY, payload, 0, payload.length)
}

/** Takes everything as a transport that sends at once. */
function takeAll(output: Output): Uint8Array {
  const bytes = concat(...output.take())
  output.release(true)
  return bytes
}

/** Bytes of which each depends on its place, so that none can be lost, doubled or moved unseen. */
function pattern(length: number, seed = 0): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i += 1) bytes[i] = (i * 31 + (i >>> 8) * 7 + seed) & 0xff
  return bytes
}

const span = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)
const SIZES = [...span(0, 130), ...[16_384, 65_536].flatMap((size) => [size - 1, size, size + 1]), 65_535 - 14, 200_000]

/** Leaves `left` bytes of the slab free. @returns how many bytes were written */
function fillSlab(output: Output, left: number): number {
  for (let i = 0; i < 7; i++) append(output, new Uint8Array(16_384))
  append(output, new Uint8Array(SLAB - 7 * 16_388 - 4 - left))
  return SLAB - left
}

describe('a slab that is nearly full', () => {
  it.each([0, 1, 16, 60, 101, 102, 124, 125, 126])(
    'of %d free bytes takes a text or leaves it to the next slab, whole',
    (left) => {
      for (const text of ['a'.repeat(100), '€'.repeat(41), 'é'.repeat(300), 'a'.repeat(16_384)]) {
        const output = serverOutput()
        const filled = fillSlab(output, left)
        output.textFrame(TEXT, text)
        const frames = readFrames(takeAll(output).subarray(filled))
        expect(frames.map(({ payload }) => Buffer.from(payload).toString())).toEqual([text])
      }
    },
  )

  it('takes the range of a payload that would not fit itself', () => {
    const payload = pattern(16_000)
    for (const [start, end] of [
      [0, 90],
      [100, 190],
      [15_910, 16_000],
    ] as const) {
      const output = serverOutput()
      const filled = fillSlab(output, 92)
      output.frame(BINARY, payload, start, end)
      expect(readFrames(takeAll(output).subarray(filled))[0]?.payload).toEqual(payload.slice(start, end))
    }
  })
})

describe('Output.pending', () => {
  it('is the length of all frames, wherever they lie in the slab', () => {
    const output = serverOutput()
    append(output, pattern(10))
    append(output, pattern(20))
    output.textFrame(TEXT, 'abc')
    expect(output.pending).toBe(12 + 22 + 5)
    takeAll(output)
    expect(output.pending).toBe(0)
  })
})

describe('Output.frame', () => {
  it.each([
    { role: 'server', make: () => serverOutput() },
    { role: 'client', make: () => clientOutput().output },
  ])(
    'puts the bytes that a $role gives on the wire, at every size (§5.2) [6455-5.2-6] [6455-6.1-9]',
    ({ role, make }) => {
      for (const size of SIZES) {
        const output = make()
        const payload = pattern(size)
        const given = payload.slice()
        append(output, payload)
        const header = (size < 126 ? 2 : size < 65_536 ? 4 : 10) + (role === 'client' ? 4 : 0)
        expect(output.pending).toBe(header + size)
        const bytes = takeAll(output)
        expect(output.pending).toBe(0)
        expect(bytes).toHaveLength(header + size)
        const [frame] = readFrames(bytes)
        expect(frame).toMatchObject({ fin: true, opcode: Opcode.Binary })
        expect(Buffer.compare(frame!.payload, payload)).toBe(0)
        // Masking in place must not touch what belongs to the caller.
        expect(Buffer.compare(payload, given)).toBe(0)
      }
    },
  )

  it.each([
    { role: 'server', make: () => serverOutput() },
    { role: 'client', make: () => clientOutput().output },
  ])('takes a range, at every size, on a $role', ({ make }) => {
    for (const size of SIZES) {
      const output = make()
      const chunk = pattern(size + 10)
      output.frame(BINARY, chunk, 3, 3 + size)
      output.frame(BINARY, chunk, 0, size)
      output.frame(BINARY, chunk, 10, 10 + size)
      const frames = readFrames(takeAll(output))
      expect(frames.map(({ payload }) => payload.length)).toEqual([size, size, size])
      for (const [i, start] of [3, 0, 10].entries()) {
        expect(Buffer.compare(frames[i]!.payload, chunk.subarray(start, start + size))).toBe(0)
      }
    }
  })

  it('copies payload up to 16 KiB, so that its owner may change it at once', () => {
    const output = serverOutput()
    const payload = pattern(16_384)
    append(output, payload)
    expect(output.hasBorrowed).toBe(false)
    const expected = payload.slice()
    payload.fill(0)
    expect(Buffer.compare(readFrames(takeAll(output))[0]!.payload, expected)).toBe(0)
  })

  it('passes a larger payload of a server on by reference, and says so until it is taken', () => {
    const output = serverOutput()
    const payload = pattern(16_385)
    append(output, payload)
    expect(output.hasBorrowed).toBe(true)
    const [header, body] = output.take()
    expect(output.hasBorrowed).toBe(false)
    expect(toHex(header!)).toBe('82 7e 40 01')
    expect(body!.buffer).toBe(payload.buffer)
    expect(body).toHaveLength(16_385)
  })

  it('copies a larger payload of a client, which is masked (§5.3) [6455-6.1-8]', () => {
    const { output } = clientOutput()
    const payload = pattern(16_385)
    append(output, payload)
    expect(output.hasBorrowed).toBe(false)
    const chunks = output.take()
    expect(chunks).toHaveLength(1)
    expect(chunks[0]!.buffer).not.toBe(payload.buffer)
  })
})

describe('masking', () => {
  it('masks no frame of a server (§5.1) [6455-5.1-4]', () => {
    const output = serverOutput()
    append(output, hex('01 02'))
    output.textFrame(TEXT, 'ab')
    append(output, new Uint8Array(20_000))
    expect(readFrames(takeAll(output)).map(({ maskingKey }) => maskingKey)).toEqual([null, null, null])
  })

  it('masks every frame of a client with a fresh key, small or large, text or bytes (§5.3) [6455-5.3-2] [6455-6.1-8]', () => {
    const { output, keys } = clientOutput()
    append(output, hex('01 02'))
    append(output, hex(''))
    output.textFrame(TEXT, 'ab')
    output.textFrame(TEXT, 'x'.repeat(20_000))
    append(output, new Uint8Array(20_000))
    output.frame(FIN | Opcode.Ping, hex(''), 0, 0)
    const frames = readFrames(takeAll(output))
    expect(keys).toHaveLength(6)
    expect(frames.map(({ maskingKey }) => toHex(Uint8Array.from(maskingKey!)))).toEqual(
      span(0, 5).map((i) => `a1 b2 c3 0${i}`),
    )
  })

  it('writes the key with its most significant byte first, and masks with it (§5.7 example)', () => {
    const output = new Output(new SlabPool(), () => 0x37fa213d)
    output.textFrame(TEXT, 'Hello')
    expect(toHex(takeAll(output))).toBe('81 85 37 fa 21 3d 7f 9f 4d 51 58')
  })

  it('takes keys from the whole 32-bit range, signed or unsigned', () => {
    for (const [key, bytes] of [
      [0xffff_ffff, [255, 255, 255, 255]],
      [-1, [255, 255, 255, 255]],
      [0x8000_0001, [128, 0, 0, 1]],
      [-0x7fff_ffff, [128, 0, 0, 1]],
      [0, [0, 0, 0, 0]],
    ] as const) {
      const output = new Output(new SlabPool(), () => key)
      append(output, pattern(100))
      const [frame] = readFrames(takeAll(output))
      expect(frame!.maskingKey).toEqual(bytes)
      expect(frame!.payload).toEqual(pattern(100))
    }
  })
})

describe('Output.textFrame', () => {
  /** Text of exactly `length` bytes: two-, three- and four-byte characters, filled up with ASCII. */
  function textOf(length: number, character: string): string {
    const width = new TextEncoder().encode(character).length
    return 'x'.repeat(length % width) + character.repeat(Math.floor(length / width))
  }

  const boundaries = [0, 1, 2, 3, 4, 40, 41, 42, 43, 44, 123, 124, 125, 126, 127, 128, 16_383, 16_384, 16_385]
  const lengths = [...boundaries, 65_533, 65_534, 65_535, 65_536, 65_537, 200_000]

  it.each([
    { name: 'one-byte', character: 'a' },
    { name: 'two-byte', character: 'é' },
    { name: 'three-byte', character: '€' },
    { name: 'four-byte', character: '🌍' },
    { name: 'mixed', character: 'aé€🌍' },
  ])('writes $name characters at each size of the header, with the shortest length (§5.2) [6455-5.2-6]', (row) => {
    for (const length of lengths) {
      const text = textOf(length, row.character)
      const expected = Buffer.from(text, 'utf8')
      expect(expected).toHaveLength(length)
      for (const { output, header } of [
        { output: serverOutput(), header: 0 },
        { output: clientOutput().output, header: 4 },
      ]) {
        output.textFrame(TEXT, text)
        const bytes = takeAll(output)
        expect(bytes).toHaveLength(header + (length < 126 ? 2 : length < 65_536 ? 4 : 10) + length)
        const [frame, ...others] = readFrames(bytes)
        expect(others).toEqual([])
        expect(Buffer.compare(frame!.payload, expected)).toBe(0)
      }
    }
  })

  it('writes lone surrogates as U+FFFD and nothing else, so that what is sent is UTF-8 (§5.6) [6455-5.6-1]', () => {
    for (const count of [1, 42, 43, 6000]) {
      const output = serverOutput()
      output.textFrame(TEXT, '\udc00'.repeat(count))
      const [frame] = readFrames(takeAll(output))
      expect(Buffer.from(frame!.payload).toString('utf8')).toBe('\ufffd'.repeat(count))
    }
  })

  it('keeps long text out of the slab, in one piece with its header', () => {
    const pool = new SlabPool()
    const output = serverOutput(pool)
    output.textFrame(TEXT, 'x'.repeat(16_385))
    expect(pool.current.at).toBe(0)
    const chunks = output.take()
    expect(chunks).toHaveLength(1)
    expect(output.hasBorrowed).toBe(false)
  })
})

describe('the order of the output', () => {
  it('is the order of the calls, over small, large and long frames', () => {
    for (const { output } of [{ output: serverOutput() }, clientOutput()]) {
      const large = pattern(20_000)
      append(output, hex('01'))
      append(output, large)
      append(output, hex('02'))
      output.textFrame(TEXT, 'x'.repeat(20_000))
      output.textFrame(TEXT, 'y')
      append(output, large)
      append(output, large)
      const frames = readFrames(takeAll(output))
      expect(frames.map(({ payload }) => payload.length)).toEqual([1, 20_000, 1, 20_000, 1, 20_000, 20_000])
    }
  })

  it('is one range for all small frames, so that they leave in one write', () => {
    const output = serverOutput()
    for (let i = 0; i < 100; i += 1) append(output, Uint8Array.of(i))
    expect(output.take()).toHaveLength(1)
  })

  it('goes on behind what was taken and not released yet', () => {
    const pool = new SlabPool()
    const output = serverOutput(pool)
    append(output, hex('01'))
    const before = output.take()
    append(output, hex('02'))
    append(output, hex('03'))
    const after = output.take()
    expect(toHex(concat(...before))).toBe('82 01 01')
    expect(toHex(concat(...after))).toBe('82 01 02 82 01 03')
  })

  it('has nothing to give after it gave all, and survives a release without a take', () => {
    const output = serverOutput()
    expect(output.take()).toEqual([])
    output.release(true)
    append(output, hex('01'))
    output.take()
    output.release(true)
    output.release(false)
    expect(output.take()).toEqual([])
    expect(output.pending).toBe(0)
  })
})

describe('the slab', () => {
  it('is filled from the start again as soon as everything has left: steady traffic allocates nothing', () => {
    const pool = new SlabPool()
    const slab = pool.current
    const output = serverOutput(pool)
    for (let i = 0; i < 100; i += 1) {
      const payload = pattern(10_000, i)
      append(output, payload)
      expect(Buffer.compare(readFrames(takeAll(output))[0]!.payload, payload)).toBe(0)
    }
    expect(pool.current === slab).toBe(true)
    expect(slab.at).toBe(0)
    expect(slab.users).toBe(0)
  })

  it('is shared: frames of connections that take turns stay apart and in order', () => {
    const pool = new SlabPool()
    const outputs = [serverOutput(pool), clientOutput(pool).output, serverOutput(pool)]
    for (let round = 0; round < 20; round += 1) {
      for (const [i, output] of outputs.entries()) append(output, pattern(50 + i, round))
    }
    expect(pool.current.users).toBe(3)
    for (const [i, output] of outputs.entries()) {
      const frames = readFrames(concat(...output.take()))
      expect(frames.map(({ payload }) => payload)).toEqual(span(0, 19).map((round) => pattern(50 + i, round)))
    }
    for (const output of outputs) output.release(true)
    expect(pool.current.at).toBe(0)
  })

  it('gives each connection one range per uninterrupted run, and joins short ones', () => {
    const pool = new SlabPool()
    const [a, b] = [serverOutput(pool), serverOutput(pool)]
    append(a, hex('01'))
    append(a, hex('02'))
    append(b, hex('03'))
    append(a, hex('04'))
    append(b, hex('05'))
    expect(b.take().map(toHex)).toEqual(['82 01 03 82 01 05'])
    expect(a.take().map(toHex)).toEqual(['82 01 01 82 01 02 82 01 04'])
  })

  it('joins pieces of up to 1,024 bytes, up to 64 KiB and what the last one adds, and leaves longer ones apart', () => {
    const pool = new SlabPool()
    const [a, b] = [serverOutput(pool), serverOutput(pool)]
    const payloads: Uint8Array[] = []
    const alternate = (length: number, count: number): void => {
      for (let i = 0; i < count; i++) {
        const payload = pattern(length, i)
        payloads.push(payload)
        append(a, payload)
        append(b, hex('00'))
      }
    }
    alternate(10, 3)
    alternate(1020, 1)
    alternate(1021, 2)
    alternate(1020, 70)
    const pieces = a.take()
    expect(pieces.map(({ length }) => length)).toEqual([3 * 12 + 1024, 1025, 1025, 64 * 1024, 6 * 1024])
    expect(readFrames(concat(...pieces)).map(({ payload }) => payload)).toEqual(payloads)
    a.release(true)
    b.abandon()
    expect([pool.current.users, pool.current.at]).toEqual([0, 0])
  })

  it('keeps what it joined until the transport says that it is done with it', () => {
    const pool = new SlabPool()
    const slab = pool.current
    const [a, b] = [serverOutput(pool), serverOutput(pool)]
    for (const payload of [hex('01'), hex('02')]) {
      append(a, payload)
      append(b, payload)
    }
    b.abandon()
    const [joined] = a.take()
    a.release(false)
    append(b, hex('03'))
    expect(toHex(joined!)).toBe('82 01 01 82 01 02')
    b.abandon()
    expect(slab.at).toBeGreaterThan(0)
    a.release(true)
    expect([slab.at, slab.users, slab.pins]).toEqual([0, 0, 0])
  })

  it('is not filled again while another connection has not released its bytes', () => {
    const pool = new SlabPool()
    const [a, b] = [serverOutput(pool), serverOutput(pool)]
    append(a, hex('01'))
    append(b, hex('02'))
    const waiting = b.take()
    takeAll(a)
    append(a, hex('03'))
    takeAll(a)
    expect(toHex(concat(...waiting))).toBe('82 01 02')
    expect(pool.current.at).toBe(9)
    b.release(true)
    expect(pool.current.at).toBe(0)
  })

  it('is not filled again while somebody may read from it at an unknown later time', () => {
    const pool = new SlabPool()
    const slab = pool.current
    const [a, b] = [serverOutput(pool), serverOutput(pool)]
    append(a, hex('01'))
    const queued = a.take()
    a.release(false)
    expect(slab.users).toBe(0)
    for (let i = 0; i < 200; i += 1) {
      append(b, pattern(1000, i))
      takeAll(b)
    }
    expect(toHex(concat(...queued))).toBe('82 01 01')
    expect(pool.current === slab).toBe(false)
    expect(pool.current.pins).toBe(0)
  })

  it('is used again when its transport has sent all it got', () => {
    const pool = new SlabPool()
    const first = pool.current
    const [a, b] = [serverOutput(pool), serverOutput(pool)]
    append(a, hex('01'))
    a.take()
    a.release(false)
    append(a, hex('02'))
    a.take()
    a.release(false)
    for (let i = 0; i < 20; i += 1) append(b, pattern(16_000, i))
    const second = pool.current
    expect(second === first).toBe(false)
    takeAll(b)
    expect(first.at).toBeGreaterThan(0)
    a.release(true)
    expect(first.at).toBe(0)
    for (let i = 0; i < 9; i += 1) append(b, pattern(16_000, i))
    expect(readFrames(takeAll(b))).toHaveLength(9)
  })

  it('is never used again when the transport that may read from it was forgotten', () => {
    const pool = new SlabPool()
    const slab = pool.current
    const [a, b] = [serverOutput(pool), serverOutput(pool)]
    append(a, hex('01'))
    const queued = a.take()
    a.release(false)
    a.abandon()
    for (let i = 0; i < 100; i += 1) {
      append(b, pattern(16_000, i))
      takeAll(b)
      expect(slab.pins).toBe(1)
    }
    expect(toHex(concat(...queued))).toBe('82 01 01')
  })

  it('is not kept for a transport that never says that it is done', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const pool = new SlabPool()
    const output = serverOutput(pool)
    const slabs: Array<WeakRef<object>> = []
    for (let i = 0; i < 8 * 10; i += 1) {
      append(output, pattern(16_000, i))
      output.take()
      output.release(false)
      if (slabs.at(-1)?.deref() !== pool.current) slabs.push(pool.current.weak)
    }
    expect(slabs).toHaveLength(10)
    // What a WeakRef was asked for lives until the end of the turn.
    await new Promise(setImmediate)
    collect()
    expect(slabs.map((slab) => slab.deref() === undefined)).toEqual([...Array(9).fill(true), false])
    // What is left of it comes back all the same.
    expect(pool.current.at).toBeGreaterThan(0)
    output.release(true)
    expect(pool.current.at).toBe(0)
  })

  it('is never used again when it was given away too long ago to be remembered', () => {
    const pool = new SlabPool()
    const output = serverOutput(pool)
    const slabs: Array<typeof pool.current> = []
    const taken: Uint8Array[][] = []
    for (let i = 0; i < 8 * 40; i += 1) {
      append(output, pattern(16_000, i))
      taken.push(output.take())
      output.release(false)
      if (slabs.at(-1) !== pool.current) slabs.push(pool.current)
    }
    expect(slabs).toHaveLength(40)
    output.release(true)
    expect(slabs.map(({ pins }) => pins)).toEqual([...Array(32).fill(1), ...Array(8).fill(0)])
    for (let i = 0; i < 8 * 40; i += 1) append(output, pattern(16_000, 1))
    for (const [i, chunks] of taken.slice(0, 8 * 32).entries()) {
      expect(Buffer.compare(concat(...chunks).subarray(4), pattern(16_000, i))).toBe(0)
    }
  })

  it('comes back when it was full, and everything in it has left', () => {
    const pool = new SlabPool()
    const output = serverOutput(pool)
    const slabs = new Set()
    for (let round = 0; round < 20; round += 1) {
      for (let i = 0; i < 12; i += 1) {
        append(output, pattern(16_000, i))
        slabs.add(pool.current)
      }
      expect(readFrames(takeAll(output))).toHaveLength(12)
    }
    expect(slabs.size).toBe(2)
  })

  it('is replaced when a frame does not fit, and the frame stands whole in the new one', () => {
    const pool = new SlabPool()
    const slab = pool.current
    const output = serverOutput(pool)
    for (let i = 0; i < 8; i += 1) append(output, pattern(16_376, i))
    expect(slab.at).toBe(8 * 16_380)
    append(output, pattern(29, 9))
    expect(pool.current === slab).toBe(true)
    append(output, hex('01'))
    expect(pool.current === slab).toBe(false)
    const chunks = output.take()
    expect(chunks.map(({ length }) => length)).toEqual([SLAB - 1, 3])
    expect(readFrames(concat(...chunks))).toHaveLength(10)
    output.release(true)
    expect(pool.current.at).toBe(0)
    expect(pool.current.users).toBe(0)
  })

  it('is filled to its last byte', () => {
    const pool = new SlabPool()
    const slab = pool.current
    const output = serverOutput(pool)
    for (let i = 0; i < 8; i += 1) append(output, pattern(16_378, i))
    for (let i = 0; i < 8; i += 1) output.textFrame(TEXT, '')
    expect(slab.at).toBe(SLAB)
    expect(pool.current === slab).toBe(true)
    expect(readFrames(takeAll(output))).toHaveLength(16)
  })

  it('is only pinned by the connection that has bytes in it', () => {
    const pool = new SlabPool()
    const [a, b] = [serverOutput(pool), serverOutput(pool)]
    append(a, hex('01'))
    b.release(false)
    expect(pool.current.pins).toBe(0)
    takeAll(a)
    expect(pool.current.at).toBe(0)
  })

  it('keeps what was appended between take and release', () => {
    for (const consumed of [true, false]) {
      const pool = new SlabPool()
      const [a, b] = [serverOutput(pool), serverOutput(pool)]
      append(a, hex('01'))
      a.take()
      append(a, hex('02'))
      a.release(consumed)
      append(b, hex('03'))
      append(a, hex('04'))
      expect(toHex(concat(...a.take()))).toBe('82 01 02 82 01 04')
      a.release(true)
      expect(toHex(takeAll(b))).toBe('82 01 03')
      expect(pool.current.users).toBe(0)
      expect(pool.current.at).toBe(0)
    }
  })

  it('is not used for the payload of large frames', () => {
    const pool = new SlabPool()
    const output = serverOutput(pool)
    append(output, pattern(1 << 20))
    expect(pool.current.at).toBe(10)
    const client = clientOutput(pool).output
    append(client, pattern(1 << 20))
    expect(pool.current.at).toBe(10)
  })
})
