import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { concat } from '../support/chunkings.ts'
import { clientClose, clientFrame } from '../support/client-frames.ts'
import { readFrames } from '../support/connection-pair.ts'
import { within } from '../support/deadline.ts'
import { effort } from '../support/effort.ts'
import { upgradeRequest } from '../support/raw-socket.ts'
import { exchange, inParallel, WireServer } from './wire.ts'

const KIB = 1024
const MIB = 1024 * KIB
/** The longest message, by `EFFORT`: beyond a MiB another length is only more of the same. */
const LONGEST = effort < 1 ? MIB + 1 : 16 * MIB

let server: WireServer

beforeAll(async () => {
  server = await WireServer.start()
})

afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
})

/** Bytes without a short period, so that a piece that is lost, doubled or moved shows. */
function binary(length: number): Uint8Array {
  let state = 0x2545f491 ^ length
  return Uint8Array.from({ length }, () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state
  })
}

/** UTF-8 of exactly this many bytes, with characters of every length, so that cuts fall inside them. */
function text(length: number): Uint8Array {
  const words = new TextEncoder().encode('αβγ Ω grüße 你好 𝄞 plain words, ')
  const bytes = new Uint8Array(length).fill(0x2e)
  for (let at = 0; at + words.length <= length; at += words.length) bytes.set(words, at)
  return bytes
}

const KINDS = [
  { kind: 'text', opcode: 0x1, make: text },
  { kind: 'binary', opcode: 0x2, make: binary },
] as const

/** The frames of one message, its payload in pieces of `size` bytes. */
function fragments(opcode: number, payload: Uint8Array, size: number): Uint8Array {
  const frames: Uint8Array[] = []
  for (let at = 0; at === 0 || at < payload.length; at += size) {
    const piece = payload.subarray(at, at + size)
    frames.push(clientFrame({ opcode: at === 0 ? opcode : 0x0, fin: at + size >= payload.length, payload: piece }))
  }
  return concat(...frames)
}

/** Pieces of `size` bytes for the wire. */
function* pieces(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function expectEcho(opcode: number, payload: Uint8Array, chunks: readonly Uint8Array[]): Promise<void> {
  const { bytes, ended } = await exchange(server.port, [...chunks, clientClose(1000)])
  const frames = readFrames(bytes)
  expect(ended).toBe('end')
  expect(frames.map((frame) => [frame.opcode, frame.fin, frame.maskingKey])).toEqual([
    [opcode, true, null],
    [0x8, true, null],
  ])
  expect(frames[0]!.payload.length).toBe(payload.length)
  // Not `toEqual`, which would take a minute to say what differs in 16 MiB.
  expect(Buffer.compare(frames[0]!.payload, payload)).toBe(0)
}

const IDS = '[6455-5.2-9] [6455-5.2-1] [6455-5.4-7] [6455-6.1-4] [6455-6.1-6] [6455-6.1-9] [6455-5.1-4] [6455-5.2-2]'

describe.each(KINDS)('echo of $kind', ({ opcode, make }) => {
  const SMALL = [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 31, 64, 124, 125, 126, 127, 128, 255, 256, 257, 1000, 1023, 4096]
  it.each(SMALL)(`gives %i bytes back, whole and in writes of 1 and 997 bytes ${IDS}`, async (length) => {
    const payload = make(length)
    const frame = clientFrame({ opcode, payload })
    await inParallel([frame.length, 1, 997], (size) => expectEcho(opcode, payload, [...pieces(frame, size)]))
  })

  const LARGE = [65_534, 65_535, 65_536, 65_537, 128 * KIB, MIB - 1, MIB, MIB + 1, 4 * MIB, 8 * MIB, 16 * MIB]
  it.each(LARGE.filter((length) => length <= LONGEST))(
    `gives %i bytes back, whole and in odd writes ${IDS}`,
    async (length) => {
      const payload = make(length)
      const frame = clientFrame({ opcode, payload })
      for (const size of [frame.length, length > MIB ? 65_521 : 4093]) {
        await expectEcho(opcode, payload, [...pieces(frame, size)])
      }
    },
  )

  const FRAGMENTED = [
    { length: 64 * KIB, size: 1 },
    { length: 64 * KIB, size: 125 },
    { length: 64 * KIB, size: 126 },
    { length: MIB, size: 65_535 },
    { length: MIB, size: 65_536 },
    { length: 4 * MIB, size: 64 },
    { length: 4 * MIB, size: 256 },
    { length: 4 * MIB, size: KIB },
    { length: 4 * MIB, size: 4 * KIB },
    { length: 4 * MIB, size: 16 * KIB },
    { length: 4 * MIB, size: 64 * KIB },
    { length: 4 * MIB, size: 256 * KIB },
    { length: 4 * MIB, size: MIB },
    { length: 4 * MIB, size: 4 * MIB },
    { length: 16 * MIB, size: MIB + 1 },
  ]
  it.each(FRAGMENTED.map(({ length, size }) => ({ length: Math.min(length, LONGEST), size })))(
    'joins a message of $length bytes in fragments of $size [6455-5.4-3] [6455-5.4-6] [6455-5.4-7] [6455-5.4-12] [6455-5.4-13]',
    async ({ length, size }) => {
      const payload = make(length)
      const stream = fragments(opcode, payload, size)
      await expectEcho(opcode, payload, [...pieces(stream, 65_521)])
    },
  )

  it('keeps the order of many messages, in one write and in many [6455-6.2-4] [6455-6.2-1] [6455-5.1-7]', async () => {
    const payloads = Array.from({ length: 500 }, (_, i) => make((i * 37) % 700))
    const stream = concat(...payloads.map((payload) => clientFrame({ opcode, payload })), clientClose(1000))
    await inParallel([stream.length, 61, 1021], async (size) => {
      const { bytes } = await exchange(server.port, [...pieces(stream, size)])
      const frames = readFrames(bytes)
      expect(frames.map(({ payload }) => payload.length)).toEqual([...payloads.map(({ length }) => length), 2])
      expect(frames.slice(0, -1).every(({ payload }, i) => Buffer.compare(payload, payloads[i]!) === 0)).toBe(true)
    })
  })

  it('refuses one byte more than maxPayload, in one frame and in fragments, and takes exactly as many [6455-10.4-2] [6455-10.4-1]', async () => {
    await using small = await WireServer.start({ maxPayload: 1000 })
    await inParallel([1001, 500, 1], async (size) => {
      const { bytes } = await exchange(small.port, [fragments(opcode, make(1001), size)])
      const [frame, ...rest] = readFrames(bytes)
      expect([frame!.opcode, frame!.payload[0], frame!.payload[1], rest.length]).toEqual([0x8, 0x03, 0xf1, 0])
    })
    const { bytes } = await exchange(small.port, [fragments(opcode, make(1000), 1), clientClose(1000)])
    expect(Buffer.compare(readFrames(bytes)[0]!.payload, make(1000))).toBe(0)
  })
})

describe('a peer that sends and does not read', () => {
  it('gets every echo, whole and in order, once it reads [6455-10.4-1] [6455-5.4-3]', async () => {
    const payload = binary(256 * KIB)
    const frame = clientFrame({ opcode: 0x2, payload })
    const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.pause()
    socket.write(upgradeRequest(server.port))
    for (let i = 0; i < 32; i += 1) socket.write(frame)
    await within(
      new Promise<void>((resolve) => {
        socket.write(clientClose(1000), () => resolve())
      }),
      'the kernel and the server to take 8 MiB',
    )
    const received: Buffer[] = []
    const ended = new Promise((resolve) => socket.on('end', resolve))
    socket.on('data', (chunk) => received.push(chunk)).resume()
    await within(ended, 'the end')
    socket.end()
    const bytes = Buffer.concat(received)
    const frames = readFrames(new Uint8Array(bytes.subarray(bytes.indexOf('\r\n\r\n') + 4)))
    expect(frames.map(({ opcode }) => opcode)).toEqual([...Array.from({ length: 32 }, () => 0x2), 0x8])
    expect(frames.slice(0, -1).every((echo) => Buffer.compare(echo.payload, payload) === 0)).toBe(true)
  })
})
