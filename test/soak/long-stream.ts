import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { type MessageStream, WebSocket } from '../../src/index.ts'
import type { ConnectionInFlight } from './in-flight.ts'

/** Bytes of a piece that a source gives. */
const PIECE = 16 << 10
/** Bytes of a message: some twenty seconds at the pace of its reader. */
const MESSAGE = 64 << 20
/** Bytes that a client sends beyond what came back: so much that the reader's queue is never empty. */
const WINDOW = 1 << 20
/** Bytes that a reader keeps before it makes its peer wait. */
const HELD = 256 << 10
/** Between two pieces that the server takes. */
const READER_PAUSE_MS = 4

/** The path of a connection that streams. */
export const STREAM_PATH = '/stream/'

/** What is streamed: the number of each group of four bytes, counted through the message. */
function fill(piece: Buffer, at: number): Buffer {
  for (let i = 0; i < piece.length; i += 4) piece.writeUInt32LE((at + i) >>> 2, i)
  return piece
}

/** @returns whether the bytes are those that stand at `at` */
function isRight(piece: Buffer, at: number): boolean {
  for (let i = 0; i < piece.length; i++) {
    const position = at + i
    if (piece[i] !== (((position >>> 2) >>> (8 * (position & 3))) & 0xff)) return false
  }
  return true
}

/** The server's part: takes what comes, piece by piece and slower than it comes, and streams it back. */
export async function echoSlowly(ws: WebSocket, onWrong: (what: string) => void): Promise<void> {
  for await (const stream of ws.streams({ highWaterMark: HELD })) await ws.sendStream(slowly(stream, onWrong))
}

async function* slowly(stream: MessageStream, onWrong: (what: string) => void): AsyncGenerator<Uint8Array> {
  let at = 0
  for await (const piece of stream) {
    await pause(READER_PAUSE_MS)
    if (!isRight(piece, at)) onWrong(`the piece at ${at} has other bytes than were sent`)
    at += piece.length
    yield handedOver(piece)
  }
}

/** What lies alone in its memory goes to another owner, as to a worker: the memory that we got is detached then. */
export function handedOver(data: Uint8Array): Uint8Array {
  const { buffer, length } = data
  if (length < buffer.byteLength) return data
  return new Uint8Array(structuredClone(buffer, { transfer: [buffer as ArrayBuffer] }))
}

/**
 * The client's part: streams, reads back, and checks every byte, until it is stopped and the message in hand is through.
 *
 * @returns what went wrong, or null
 */
export async function playStream(
  port: number,
  index: number,
  flight: ConnectionInFlight,
  stop: AbortSignal,
): Promise<string | null> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}${STREAM_PATH}${index}`, [], {
    // Every other one is compressed: what comes out then comes from other memory.
    perMessageDeflate: index % 2 === 1,
    handshakeTimeout: 120_000,
    closeTimeout: 60_000,
    heartbeat: false,
    maxPayload: Number.POSITIVE_INFINITY,
    maxFragments: Number.POSITIVE_INFINITY,
  })
  let wrong: string | null = null
  let [streamed, cameBack] = [0, 0]
  let wake = (): void => {}
  ws.on('error', (error) => {
    wrong ??= error.message
  })
  ws.on('close', () => wake())

  async function* source(): AsyncGenerator<Buffer> {
    for (let at = 0; at < MESSAGE && !stop.aborted && ws.readyState === ws.OPEN; at += PIECE) {
      while (flight.bytes >= WINDOW && ws.readyState === ws.OPEN) await changed()
      flight.sent(PIECE)
      yield fill(Buffer.allocUnsafe(PIECE), at)
    }
  }
  async function readBack(): Promise<void> {
    for await (const stream of ws.streams()) {
      let at = 0
      for await (const piece of stream) {
        if (!isRight(piece, at)) wrong ??= `the piece at ${at} came back with other bytes than were sent`
        at += piece.length
        flight.cameBack(piece.length)
        wake()
      }
      cameBack++
      wake()
    }
  }
  async function changed(): Promise<void> {
    await new Promise<void>((resolve) => {
      wake = resolve
    })
  }

  await Promise.race([once(ws, 'open'), ws.closed])
  const back = readBack().catch((error: Error) => {
    wrong ??= `reading: ${error.message}`
  })
  while (!stop.aborted && ws.readyState === ws.OPEN) {
    streamed++
    await ws.sendStream(source()).catch((error: Error) => {
      wrong ??= `sending: ${error.message}`
    })
  }
  while (cameBack < streamed && ws.readyState === ws.OPEN) await changed()
  ws.close(1000, 'done')
  const { cause, wasClean } = await ws.closed
  await back
  flight.over()
  return wrong ?? (wasClean ? null : `the close is not clean: ${cause}`)
}
