import { MessageChannel } from 'node:worker_threads'
import { deflateRawSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { WebSocketServer as CompatServer } from '../../src/compat/index.ts'
import { WebSocketServer, type WebSocketServerOptions } from '../../src/server/index.ts'
import type { WebSocket } from '../../src/socket/index.ts'
import { concat } from '../support/chunkings.ts'
import { clientClose, clientFrame } from '../support/client-frames.ts'
import { within } from '../support/deadline.ts'
import { openRawWebSocket, type RawSocket } from '../support/raw-socket.ts'

/** What an application got. */
interface Got {
  readonly bytes: Uint8Array
  /** In which step of the peer it came. */
  readonly step: number
  /** Node's pool when it came. */
  readonly pool: ArrayBufferLike
}

const LENGTHS = [0, 1, 20, 64, 65, 125, 125, 300, 900, 1024, 1025, 5000, 16_384, 16_385, 20_000, 125, 30]
const SHORT = Array.from({ length: 40 }, (_, i) => 100 + i)

function binary(byte: number, length: number): Uint8Array {
  return clientFrame({ opcode: 2, payload: new Uint8Array(length).fill(byte) })
}

function compressed(byte: number, length: number): Uint8Array {
  const deflated = deflateRawSync(new Uint8Array(length).fill(byte), { finishFlush: 2 })
  return clientFrame({ opcode: 2, rsv: 4, payload: deflated.subarray(0, -4) })
}

function fragmented(byte: number, ...lengths: number[]): Uint8Array {
  return concat(
    ...lengths.map((length, i) =>
      clientFrame({
        opcode: i === 0 ? 2 : 0,
        fin: i === lengths.length - 1,
        payload: new Uint8Array(length).fill(byte),
      }),
    ),
  )
}

/** What a peer sends, read by read, and how many things the application gets of it. */
function steps(byte: number): ReadonlyArray<{ readonly bytes: Uint8Array; readonly count: number }> {
  const long = binary(byte, 40_000)
  const short = binary(byte, 125)
  const one = (bytes: Uint8Array, count = 1) => ({ bytes, count })
  return [
    one(concat(...LENGTHS.map((length) => binary(byte, length))), LENGTHS.length),
    one(concat(...SHORT.map((length) => binary(byte, length))), SHORT.length),
    one(short),
    one(short.subarray(0, 70), 0),
    one(concat(short.subarray(70), short), 2),
    one(long.subarray(0, 30_000), 0),
    one(long.subarray(30_000)),
    one(fragmented(byte, 100, 100, 100)),
    one(fragmented(byte, 6000, 6000, 6000)),
    one(fragmented(byte, 0, 0)),
    one(fragmented(byte, 30_000, 10_000)),
    one(clientFrame({ opcode: 1, payload: new Uint8Array(200).fill(byte) })),
    one(concat(...[9, 10].map((opcode) => clientFrame({ opcode, payload: new Uint8Array(100).fill(byte) }))), 2),
    one(concat(compressed(byte, 500), compressed(byte, 700), compressed(byte, 9000)), 3),
    one(compressed(byte, 200_000)),
    one(short),
    one(clientClose(1000, String.fromCharCode(byte).repeat(100))),
  ]
}

const A = 0x41
const B = 0x42

/** How an application gives memory away, or destroys it. */
const DETACHING: Record<string, (data: Uint8Array) => void> = {
  structuredClone: ({ buffer }) => structuredClone(null, { transfer: [buffer as ArrayBuffer] }),
  postMessage: (data) => {
    const { port1, port2 } = new MessageChannel()
    port1.postMessage(data, [data.buffer as ArrayBuffer])
    port1.close()
    port2.close()
  },
  'enqueue on a stream of bytes': (data) => {
    if (data.length === 0) return
    new ReadableStream({ type: 'bytes', start: (controller) => controller.enqueue(data as Uint8Array<ArrayBuffer>) })
  },
  // Node 22 on.
  'ArrayBuffer.transfer': ({ buffer }) => (buffer as { transfer?: () => void }).transfer?.(),
}

/** Makes an application note what it gets. */
type Listen = (ws: WebSocket, take: (bytes: Uint8Array) => void) => void

const byEvents: Listen = (ws, take) => {
  ws.on('message', (data) => take(bytesOf(data)))
  ws.on('ping', take)
  ws.on('pong', take)
  ws.on('close', (_, reason) => take(reason))
}

const asArrayBuffers: Listen = (ws, take) => {
  ws.binaryType = 'arraybuffer'
  byEvents(ws, take)
}

const asFragments: Listen = (ws, take) => {
  ws.binaryType = 'fragments'
  byEvents(ws, take)
}

function bytesOf(data: unknown): Uint8Array {
  if (Array.isArray(data)) return data[0] as Uint8Array
  return data instanceof ArrayBuffer ? new Uint8Array(data) : (data as Uint8Array)
}

interface Peer {
  readonly raw: RawSocket
  readonly got: Got[]
  readonly byte: number
  step: number
}

const WAYS: Record<string, [make: (options: WebSocketServerOptions) => WebSocketServer, listen: Listen]> = {
  'events of framewright': [(options) => new WebSocketServer(options), byEvents],
  'events of framewright, binaryType arraybuffer': [(options) => new WebSocketServer(options), asArrayBuffers],
  'events of framewright, binaryType fragments': [(options) => new WebSocketServer(options), asFragments],
  'events of framewright/ws': [(options) => new CompatServer(options) as WebSocketServer, byEvents],
}

/** Two peers whose reads take turns. @param onGot - called for each thing that the application gets */
async function feed(way: string, onGot: (peer: Peer, bytes: Uint8Array) => void): Promise<[Got[], Got[]]> {
  const [make, listen] = WAYS[way]!
  const server = make({
    port: 0,
    host: '127.0.0.1',
    textFormat: 'buffer',
    perMessageDeflate: { threshold: 0, clientMaxWindowBits: 15, serverMaxWindowBits: 15 },
  })
  let wake = () => {}
  try {
    await server.listening
    const { port } = server.address() as { port: number }
    const peers: Peer[] = []
    server.on('connection', (ws) => {
      const peer = peers.at(-1)!
      listen(ws, (bytes) => {
        peer.got.push({ bytes, step: peer.step, pool: Buffer.from('x').buffer })
        onGot(peer, bytes)
        wake()
      })
    })
    for (const byte of [A, B]) {
      const peer = { raw: undefined as unknown as RawSocket, got: [], byte, step: 0 }
      peers.push(peer)
      const { raw } = await openRawWebSocket(port, ['Sec-WebSocket-Extensions: permessage-deflate'])
      peer.raw = raw
    }
    const all = peers.map(({ byte }) => steps(byte))
    for (let i = 0; i < all[0]!.length; i += 1) {
      for (const [p, peer] of peers.entries()) {
        const { bytes, count } = all[p]![i]!
        const wanted = peer.got.length + count
        peer.step = i
        await peer.raw.write(bytes)
        if (i === all[0]!.length - 1) peer.raw.end()
        const arrived = (async () => {
          while (peer.got.length < wanted) await new Promise<void>((resolve) => (wake = resolve))
        })()
        await within(arrived, () => `${wanted} things in step ${i}; there are ${peer.got.length}`)
      }
    }
    for (const { raw } of peers) raw.destroy()
    return [peers[0]!.got, peers[1]!.got]
  } finally {
    server.close()
  }
}

function isIntact(bytes: Uint8Array, byte: number): boolean {
  return bytes.every((one) => one === byte)
}

describe.each(Object.keys(WAYS))('what an application gets by %s', (way) => {
  let gotten: [Got[], Got[]]

  beforeAll(async () => {
    gotten = await feed(way, () => {})
  })

  it('lies in no memory of another connection', () => {
    const [a, b] = gotten
    const buffers = new Set(a.map(({ bytes }) => bytes.buffer))
    expect(b.filter(({ bytes }) => buffers.has(bytes.buffer))).toEqual([])
  })

  it('lies in no memory of another read', () => {
    for (const got of gotten) {
      const reads = new Map<ArrayBufferLike, number>()
      for (const { bytes, step } of got) {
        expect(reads.get(bytes.buffer) ?? step).toBe(step)
        reads.set(bytes.buffer, step)
      }
    }
  })

  it('does not lie in the pool of Node', () => {
    const pools = new Set(gotten.flat().map(({ pool }) => pool))
    expect(gotten.flat().filter(({ bytes }) => pools.has(bytes.buffer))).toEqual([])
  })

  it('has nothing around it but what came in the same read, whatever of its ArrayBuffer is looked at', () => {
    for (const [i, byte] of [A, B].entries()) {
      for (const got of gotten[i]!) {
        expect(isIntact(got.bytes, byte)).toBe(true)
        const strange = new Uint8Array(got.bytes.buffer).filter((one) => one !== byte && one !== 0)
        expect(strange).toHaveLength(0)
      }
    }
  })

  it('keeps at most 64 KiB more than itself, and 8 KiB where all is short', () => {
    for (const { bytes, step } of gotten.flat()) {
      const more = bytes.buffer.byteLength - bytes.length
      expect(more).toBeLessThanOrEqual(64 << 10)
      if (step === 1) expect(more).toBeLessThanOrEqual(8 << 10)
    }
  })

  it('is alone when it came alone', () => {
    const alone = gotten.flat().filter(({ step }) => step === 2 || step === 15)
    expect(alone.map(({ bytes }) => [bytes.length, bytes.buffer.byteLength])).toEqual(Array(4).fill([125, 125]))
  })

  it.each(Object.keys(DETACHING))(
    'can be given away by %s, at no cost for other connections and reads',
    async (how) => {
      const lengths: number[] = []
      const broken: Uint8Array[] = []
      const [, b] = await feed(way, ({ byte }, bytes) => {
        if (!isIntact(bytes, byte)) broken.push(bytes.slice())
        // The second one keeps what it gets.
        if (byte !== A) return
        lengths.push(bytes.length)
        DETACHING[how]!(bytes)
      })
      const [whole] = gotten
      expect(broken).toEqual([])
      expect(lengths).toEqual(whole.map(({ bytes }) => bytes.length))
      expect(b.map(({ bytes }) => bytes.length)).toEqual(whole.map(({ bytes }) => bytes.length))
      expect(b.filter(({ bytes }) => !isIntact(bytes, B))).toEqual([])
    },
  )
})
