import { describe, expect, it } from 'vitest'
import { FIN } from '../../src/frames/header.ts'
import { Opcode } from '../../src/frames/opcode.ts'
import { Output, SlabPool } from '../../src/protocol/output.ts'
import { prepareMessage } from '../../src/protocol/prepared-message.ts'
import { concat } from '../support/chunkings.ts'
import { describeFrames } from '../support/connection-pair.ts'

const BINARY = FIN | Opcode.Binary
const LARGE = new Uint8Array(16_000)

type Slab = SlabPool['current']

/** Appends frames that fill `count` slabs and begin one more. @returns all of them, in order */
function fill(output: Output, pool: SlabPool, count: number): Slab[] {
  const slabs = new Set([pool.current])
  for (let i = 0; i < 8 * count + 1; i += 1) {
    output.frame(BINARY, LARGE, 0, LARGE.length)
    slabs.add(pool.current)
  }
  return [...slabs]
}

describe('Output.prepared', () => {
  it.each([
    { frame: 1024, shared: false },
    { frame: 1025, shared: true },
  ])('writes a frame of $frame bytes of a server as it is, from where it lies: $shared', ({ frame, shared }) => {
    const message = prepareMessage(new Uint8Array(frame - 4).fill(7))
    expect(message.frame).toHaveLength(frame)
    const output = new Output(new SlabPool(), null)
    output.frame(BINARY, LARGE, 0, 1)
    output.prepared(message)
    expect(output.pending).toBe(3 + frame)
    const chunks = output.take()
    expect(chunks.includes(message.frame)).toBe(shared)
    expect(Buffer.compare(concat(...chunks).subarray(3), message.frame)).toBe(0)
  })

  it('masks the payload of a client and leaves the message as it is (§5.3) [6455-5.3-2]', () => {
    const message = prepareMessage('abc')
    const output = new Output(new SlabPool(), () => 0x01020304)
    output.prepared(message)
    const bytes = concat(...output.take())
    expect([...bytes.subarray(0, 6)]).toEqual([0x81, 0x83, 1, 2, 3, 4])
    expect(describeFrames(bytes)).toEqual(['text "abc"'])
    expect(new TextDecoder().decode(message.payload)).toBe('abc')
  })
})

describe('Output.abandon', () => {
  it('forgets what was appended, and leaves the memory to the others', () => {
    const pool = new SlabPool()
    const slab = pool.current
    const output = new Output(pool, null)
    output.frame(BINARY, LARGE, 0, 10)
    output.abandon()
    expect(output.pending).toBe(0)
    expect(output.take()).toEqual([])
    expect([slab.users, slab.pins, slab.at]).toEqual([0, 0, 0])
  })
})

describe('slabs that one output has filled', () => {
  it('are all kept for a transport that may read from them, until it has sent what it got', () => {
    const pool = new SlabPool()
    const output = new Output(pool, null)
    const slabs = fill(output, pool, 2)
    expect(slabs).toHaveLength(3)
    output.take()
    output.release(false)
    expect(slabs.map(({ users, pins }) => [users, pins])).toEqual(Array(3).fill([0, 1]))
    expect(slabs.every(({ at }) => at > 0)).toBe(true)
    output.release(true)
    expect(slabs.map(({ pins, at }) => [pins, at])).toEqual(Array(3).fill([0, 0]))
  })

  it('are kept for later, eight besides the one in use', () => {
    const pool = new SlabPool()
    const output = new Output(pool, null)
    const before = new Set(fill(output, pool, 11))
    expect(before.size).toBe(12)
    output.take()
    output.release(true)
    const again = fill(output, pool, 11)
    expect(again.filter((slab) => before.has(slab))).toHaveLength(9)
  })
})
