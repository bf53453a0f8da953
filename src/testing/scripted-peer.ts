import type { Duplex } from 'node:stream'
import { UsageError } from '../errors.ts'
import { serializeClosePayload } from '../frames/close-payload.ts'
import { Opcode } from '../frames/opcode.ts'
import { type Frame, parseFrames } from '../frames/parse-frames.ts'
import { type FrameInit, serializeFrame } from '../frames/serializer.ts'
import type { WebSocket } from '../socket/websocket.ts'
import { memoryPair } from './memory-duplex.ts'
import { type PairOptions, serverOn } from './pair.ts'

/** Any key will do where nobody listens; a fixed one makes runs repeatable. */
const MASKING_KEY = Uint8Array.of(0x12, 0x34, 0x56, 0x78)

const NO_BYTES = new Uint8Array(0)

/** A client that does exactly what a test says, right or wrong, and shows every frame it gets. */
export class ScriptedPeer {
  readonly #socket: Duplex
  #unread: Uint8Array = NO_BYTES
  readonly #frames: Frame[] = []
  readonly #waiting: Array<{ resolve: (frame: Frame) => void; reject: (error: Error) => void }> = []
  #isOver = false

  /** Prefer {@link scriptedPeer}. @internal */
  constructor(socket: Duplex) {
    this.#socket = socket
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('end', () => this.#over())
    socket.on('close', () => this.#over())
  }

  /** Whether the server ended its direction. */
  get isEnded(): boolean {
    return this.#isOver
  }

  /** Sends bytes as they are. */
  sendBytes(bytes: Uint8Array): void {
    this.#socket.write(bytes)
  }

  /** Sends a frame, legal or not. Default: masked, as a client must; `maskingKey: null` leaves it unmasked. */
  sendFrame(frame: FrameInit): void {
    this.sendBytes(serializeFrame({ maskingKey: MASKING_KEY, ...frame }))
  }

  /** Sends a text message. */
  sendText(text: string): void {
    this.sendFrame({ opcode: Opcode.Text, payload: Buffer.from(text) })
  }

  /** Sends a binary message. */
  sendBinary(payload: Uint8Array): void {
    this.sendFrame({ opcode: Opcode.Binary, payload })
  }

  /** Sends a Close frame. @throws UsageError when the code cannot stand in one */
  sendClose(code?: number, reason?: string): void {
    this.sendFrame({ opcode: Opcode.Close, payload: serializeClosePayload(code, reason) })
  }

  /** The next frame from the server. Rejects when the server ends without one. */
  nextFrame(): Promise<Frame> {
    const frame = this.#frames.shift()
    if (frame !== undefined) return Promise.resolve(frame)
    if (this.#isOver) return Promise.reject(new UsageError('nextFrame: the server ended the connection'))
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /** The next frame, which must be a text message, as a string. Rejects when it is another. */
  async nextText(): Promise<string> {
    const { opcode, payload } = await this.nextFrame()
    if (opcode !== Opcode.Text) throw new UsageError(`nextText: the frame has opcode ${opcode}`)
    return Buffer.from(payload).toString()
  }

  /** Reads no more, until {@link resume}: a peer that is slow. */
  pause(): void {
    this.#socket.pause()
  }

  /** Reads on. */
  resume(): void {
    this.#socket.resume()
  }

  /** Ends our direction without a Close frame. */
  end(): void {
    this.#socket.end()
  }

  /** Vanishes. */
  destroy(): void {
    this.#socket.destroy()
  }

  #receive(chunk: Uint8Array): void {
    const bytes = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk])
    const { frames, rest } = parseFrames(bytes, { role: 'client', maxPayload: Number.POSITIVE_INFINITY })
    this.#unread = rest
    for (const frame of frames) {
      const first = this.#waiting.shift()
      if (first === undefined) this.#frames.push(frame)
      else first.resolve(frame)
    }
  }

  #over(): void {
    this.#isOver = true
    for (const { reject } of this.#waiting.splice(0)) {
      reject(new UsageError('nextFrame: the server ended the connection'))
    }
  }
}

/**
 * A WebSocket of a server, and a peer that does what a test says.
 *
 * @example
 * const { ws, peer } = scriptedPeer()
 * chat(ws)
 * peer.sendText('hello')
 * expect(await peer.nextText()).toBe('hello yourself')
 */
export function scriptedPeer<Data = undefined>(
  options: Omit<PairOptions<Data>, 'client'> = {},
): { ws: WebSocket<Data>; peer: ScriptedPeer } {
  const [serverEnd, clientEnd] = memoryPair()
  return { ws: serverOn(serverEnd, options), peer: new ScriptedPeer(clientEnd) }
}
