import type { Role } from '../../src/frames/header.ts'
import { Connection } from '../../src/protocol/connection.ts'
import type { ConnectionListener } from '../../src/protocol/listener.ts'
import type { ConnectionOptions } from '../../src/protocol/options.ts'
import { TransportIntent } from '../../src/protocol/state.ts'
import { concat } from './chunkings.ts'
import { type ClientFrame, clientFrame } from './client-frames.ts'
import { describeBytes, describeText, RecordingListener } from './recording-listener.ts'

/** A frame as it stood on the wire, with its payload unmasked. */
export interface WireFrame {
  readonly fin: boolean
  readonly opcode: number
  /** Null when the frame is not masked. */
  readonly maskingKey: readonly number[] | null
  readonly payload: Uint8Array
}

/** Reads whole frames, from RFC 6455 §5.2 alone: it shares no line with `src/`. Throws when the last one is cut. */
export function readFrames(bytes: Uint8Array): WireFrame[] {
  const frames: WireFrame[] = []
  let at = 0
  const next = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new Error(`a frame is cut at byte ${bytes.length}`)
    at += length
    return bytes.slice(at - length, at)
  }
  const integer = (octets: Uint8Array): number => octets.reduce((value, octet) => value * 256 + octet, 0)
  while (at < bytes.length) {
    const [first = 0, second = 0] = next(2)
    if ((first & 0x70) !== 0) throw new Error('a reserved bit is set')
    const length7 = second & 0x7f
    const payloadLength = length7 < 126 ? length7 : integer(next(length7 === 126 ? 2 : 8))
    const maskingKey = (second & 0x80) === 0 ? null : [...next(4)]
    const payload = next(payloadLength).map((octet, i) => octet ^ (maskingKey?.[i % 4] ?? 0))
    frames.push({ fin: (first & 0x80) !== 0, opcode: first & 0x0f, maskingKey, payload })
  }
  return frames
}

const NAMES = new Map([
  [0x0, 'continuation'],
  [0x1, 'text'],
  [0x2, 'binary'],
  [0x9, 'ping'],
  [0xa, 'pong'],
])

/** One line per frame, in the words of {@link RecordingListener}; `...` behind the name says that FIN is clear. */
export function describeFrames(bytes: Uint8Array): string[] {
  return readFrames(bytes).map(({ fin, opcode, payload }) => {
    if (opcode === 0x8) return describeClose(payload)
    const name = `${NAMES.get(opcode) ?? opcode}${fin ? '' : '...'}`
    return name === 'text' ? describeText(name, payload) : describeBytes(name, payload)
  })
}

function describeClose(payload: Uint8Array): string {
  if (payload.length === 0) return 'close'
  const [high = 0, low = 0] = payload
  return describeText(`close ${high * 256 + low}`, payload.subarray(2))
}

/** One connection without a transport: what the peer says is given by hand, what is sent is read from the bytes. */
export class Endpoint {
  readonly connection: Connection
  readonly listener: RecordingListener = new RecordingListener()
  /** The masking-keys that were asked for. */
  readonly keys: number[] = []
  #key = 0x37fa213d

  /** @param extend - may add to the listener what a listener need not have */
  constructor(
    role: Role,
    options: Partial<ConnectionOptions> = {},
    extend: (listener: RecordingListener) => ConnectionListener = (listener) => listener,
  ) {
    const maskingKey = (): number => {
      this.#key = (Math.imul(this.#key, 1_664_525) + 1_013_904_223) >>> 0
      this.keys.push(this.#key)
      return this.#key
    }
    this.connection = new Connection(extend(this.listener), { role, maskingKey, ...options })
  }

  /** A frame as the peer of this endpoint sends it: masked when that is the client. */
  peerFrame(opcode: number, payload: Uint8Array | string = '', more: Partial<ClientFrame> = {}): Uint8Array {
    return clientFrame({ opcode, payload, ...(this.connection.role === 'client' ? { maskingKey: null } : {}), ...more })
  }

  /** A Close frame of the peer; without a status code it has no body. */
  peerClose(statusCode?: number, reason = ''): Uint8Array {
    if (statusCode === undefined) return this.peerFrame(0x8)
    const body = concat(Uint8Array.of(statusCode >>> 8, statusCode & 0xff), new TextEncoder().encode(reason))
    return this.peerFrame(0x8, body)
  }

  /** Gives the connection bytes of the peer, in one chunk. */
  receive(...parts: readonly Uint8Array[]): void {
    this.connection.receive(concat(...parts))
  }

  /** Takes the output as a transport that sends at once. */
  takeBytes(): Uint8Array {
    const bytes = concat(...this.connection.takeOutput())
    this.connection.outputWritten(true)
    return bytes
  }

  /** The frames sent since the last call, in words. */
  takeSent(): string[] {
    return describeFrames(this.takeBytes())
  }

  /** The events since the last call. */
  takeEvents(): string[] {
    return this.listener.take()
  }
}

/** One end of a {@link ConnectionPair}: an endpoint with a driver, and the wire to its peer. */
export class PairEnd extends Endpoint {
  /** Everything that was written so far. */
  written: Uint8Array = new Uint8Array(0)
  /** How many of those bytes the peer was given. */
  delivered = 0
  isFinSent = false
  isFinDelivered = false

  /** What a driver does after every call. @param consumed - whether the transport sends at once */
  flush(consumed = true): void {
    this.written = concat(this.written, ...this.connection.takeOutput())
    this.connection.outputWritten(consumed)
    if (this.connection.transportIntent === TransportIntent.HalfClose) this.isFinSent = true
  }

  /** Gives the peer up to `length` bytes that are on the wire, and the end when they were the last. */
  deliver(peer: PairEnd, length = Number.POSITIVE_INFINITY): void {
    const until = Math.min(this.delivered + length, this.written.length)
    const chunk = this.written.slice(this.delivered, until)
    this.delivered = until
    if (chunk.length > 0) peer.connection.receive(chunk)
    if (this.isFinSent && !this.isFinDelivered && until === this.written.length) {
      this.isFinDelivered = true
      peer.connection.receiveEnd()
    }
  }
}

/** A client and a server joined by a wire that the test cuts, holds back and closes as it likes. */
export class ConnectionPair {
  readonly client: PairEnd
  readonly server: PairEnd

  /** @param options - for both ends; `clientOptions` and `serverOptions` add to them */
  constructor(
    options: Partial<ConnectionOptions> = {},
    clientOptions: Partial<ConnectionOptions> = {},
    serverOptions: Partial<ConnectionOptions> = {},
  ) {
    this.client = new PairEnd('client', { ...options, ...clientOptions })
    this.server = new PairEnd('server', { ...options, ...serverOptions })
  }

  get ends(): readonly [PairEnd, PairEnd] {
    return [this.client, this.server]
  }

  peerOf(end: PairEnd): PairEnd {
    return end === this.client ? this.server : this.client
  }

  /** Lets both drivers run until nothing moves any more; throws when that takes for ever. */
  settle(): void {
    for (let round = 0, isMoving = true; isMoving; round += 1) {
      if (round === 10_000) throw new Error('the connections do not come to rest')
      isMoving = false
      for (const end of this.ends) {
        end.flush()
        const mark = [end.delivered, end.isFinDelivered].join()
        end.deliver(this.peerOf(end))
        if (mark !== [end.delivered, end.isFinDelivered].join()) isMoving = true
        if (end.connection.hasRetained) {
          end.connection.readRetained()
          isMoving = true
        }
      }
    }
  }
}
