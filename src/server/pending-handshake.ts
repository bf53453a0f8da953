/*
 * A socket from its accept to the end of its opening handshake.
 *
 * Theory of operation
 * -------------------
 * The socket has its listeners from the first tick, and keeps them: they speak to whoever it belongs to. Bytes go to the
 * head reader until the head is complete; what comes after it, while the application makes up its mind, becomes the
 * first frame bytes: one read of it is kept, and TCP makes the peer wait with the rest. It ends in exactly one of three
 * ways: it is accepted (`release`, and the socket speaks to the connection, or `giveUp`, and it is the application's),
 * `refuse`d (an HTTP response, then the end; nothing more is parsed, nor read from a peer that sent more than a head may
 * have) or gone.
 */
import type { Duplex } from 'node:stream'
import { HandshakeError } from '../errors.ts'
import { joined } from '../frames/bytes.ts'
import type { Clock } from '../ground/clock.ts'
import { Deadline } from '../ground/deadline.ts'
import type { RequestHead } from '../handshake/head.ts'
import type { HeadLimits } from '../handshake/head-limits.ts'
import { RequestHeadReader } from '../handshake/head-reader.ts'
import { tapsOf } from '../socket/taps.ts'
import {
  destroyTransport,
  endTransport,
  pauseTransport,
  resumeTransport,
  stopListening,
  type TransportListener,
} from '../socket/transport-listeners.ts'
import type { WebSocket } from '../socket/websocket.ts'
import type { Observers } from './observers.ts'
import { sendable } from './refusal.ts'
import type { Awaited } from './tls-handshakes.ts'
import type { AnyRequest } from './upgrade-request.ts'

/** Milliseconds that a peer whose bytes we do not read any more has for our answer; that it leaves, we would not see. */
const DEAF_LINGER = 1000

const State = { ReadingHead: 0, Deciding: 1, Released: 2, Refused: 3, Gone: 4 } as const

const NO_BYTES = new Uint8Array(0)

/** Takes a connection; reading begins when it returns. */
export type Accepted<Data> = (ws: WebSocket<Data>, request: AnyRequest) => void

/** Whom a {@link PendingHandshake} tells how it goes. */
export interface PendingOwner<Data> {
  readonly clock: Clock
  readonly handshakeTimeout: number
  /** Milliseconds a refused peer has to end its side. */
  readonly closeTimeout: number
  readonly headLimits: HeadLimits
  readonly observers: Observers
  /** The head is complete. */
  headReceived(pending: PendingHandshake<Data>, head: RequestHead, text: string): void
  /** A refused peer has its answer, and is to leave. */
  lingers(pending: PendingHandshake<Data>): void
  /** A refused peer left, or was made to. */
  left(pending: PendingHandshake<Data>): void
  /** The handshake is over, one way or the other. `error`: why it was refused or broke, if it was or did. */
  handshakeOver(pending: PendingHandshake<Data>, error: Error | null): void
}

/** One opening handshake under way. */
export class PendingHandshake<Data> implements TransportListener, Awaited {
  readonly socket: Duplex
  readonly due: number
  /** What stands for it among the opening handshakes: itself, or the TLS handshake below, which began earlier. */
  readonly place: Awaited
  /** Who takes the connection. */
  readonly accepted: Accepted<Data>
  /** Undefined before the head is complete. */
  request: AnyRequest | undefined
  readonly #owner: PendingOwner<Data>
  /** Made when somebody asks for the signal: most handshakes need none. */
  #abort: AbortController | null = null
  #state: number
  #reader: RequestHeadReader | null
  #held: Uint8Array
  /** Bytes that came while we read the head ourselves, or after a refusal. */
  #received = 0
  /** What gives a refused peer up, until it is gone. */
  #closeDeadline: Deadline | null = null

  /** @param head - bytes behind a head that `node:http` has read; null when we read the head ourselves */
  constructor(
    owner: PendingOwner<Data>,
    socket: Duplex,
    accepted: Accepted<Data>,
    request: AnyRequest | undefined,
    head: Uint8Array | null,
    below?: Awaited,
  ) {
    this.#owner = owner
    this.socket = socket
    this.accepted = accepted
    this.request = request
    this.due = below?.due ?? owner.clock.now() + owner.handshakeTimeout
    this.place = below ?? this
    owner.observers.begin(socket, request, head)
    this.#state = head === null ? State.ReadingHead : State.Deciding
    this.#reader = head === null ? new RequestHeadReader(owner.headLimits) : null
    // A copy: frames are unmasked in place, and the caller's bytes are the caller's.
    this.#held = head === null || head.length === 0 ? NO_BYTES : new Uint8Array(head)
  }

  /** Aborted when the handshake ends without a connection. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    return this.#abort.signal
  }

  /** Whether the peer was refused, or is gone. */
  get isOver(): boolean {
    return this.#state === State.Refused || this.#state === State.Gone
  }

  /** Whether nobody has decided yet. */
  get isOpen(): boolean {
    return this.#state === State.ReadingHead || this.#state === State.Deciding
  }

  /** Accepted: whoever takes the socket listens to it next. @returns the bytes that came behind the head */
  release(): Uint8Array {
    tapsOf(this.socket)?.opened()
    return this.#letGo()
  }

  /** The application takes the socket, which is one like any other again. */
  giveUp(): void {
    this.#letGo()
    stopListening(this.socket)
    tapsOf(this.socket)?.transportClosed()
  }

  /** Refused: answers and ends the socket. Does nothing when the handshake is over. */
  refuse(error: HandshakeError): void {
    if (!this.isOpen) return
    const { socket } = this
    const { refusal, response } = sendable(error)
    this.#over(State.Refused, refusal)
    // @req 6455-4.2.1-1 @req 6455-10.7-4: the answer ends the socket; what follows on it is not looked at.
    endTransport(socket, response)
    this.#linger(this.#owner.closeTimeout)
    this.#owner.lingers(this)
    if (this.#isDeaf) this.#deafen()
    else resumeTransport(socket)
  }

  /** A refused peer has had its time. */
  leave(): void {
    this.#owner.left(this)
    destroyTransport(this.socket)
  }

  /** Gives up without an answer. */
  drop(error: Error): void {
    if (!this.isOpen) return
    this.#over(State.Gone, error)
    destroyTransport(this.socket)
  }

  // @req 6455-7.2.2-1
  expire(): void {
    this.refuse(new HandshakeError('6455-7.2.2-1', 408, 'the opening handshake takes too long'))
  }

  receive(chunk: Uint8Array, length: number): boolean {
    const bytes = length === chunk.length ? chunk : chunk.subarray(0, length)
    if (this.#state === State.Deciding) this.#hold(bytes)
    else {
      this.#received += length
      if (this.#state === State.ReadingHead) this.#readHead(bytes)
    }
    if (!this.#isDeaf) return true
    this.#deafen()
    return false
  }

  receiveEnd(): void {
    const message =
      this.#state === State.ReadingHead
        ? 'the request ends before its head is complete'
        : 'the peer ended its side before it was answered'
    this.refuse(new HandshakeError('6455-4.2.1-1', 400, message))
  }

  /** Looks at what became of the transport before anybody listened to it. */
  checkTransport(): void {
    const { socket } = this
    if (socket.destroyed || !socket.writable)
      this.drop(new Error('the transport was gone before the opening handshake'))
    else if (!socket.readable) this.receiveEnd()
    // Whoever paused it did so to hand it over.
    else if (socket.readableFlowing === false && !this.#isDeaf) resumeTransport(socket)
  }

  transportDrained(): void {}

  transportFailed(error: Error): void {
    if (this.isOpen) this.#over(State.Gone, error)
  }

  transportClosed(): void {
    if (this.#state === State.Refused) this.#owner.left(this)
    this.#closeDeadline?.cancel()
    if (this.isOpen) this.#over(State.Gone, null)
  }

  /** Whether nothing more is to be read for now: a read is up to 64 KiB, and another one would double what is held. */
  get #isDeaf(): boolean {
    if (this.#state === State.Deciding) return this.#held.length > 0
    // After a refusal we read on, to see the peer leave; not for one that sends and sends.
    return this.#state === State.Refused && this.#received > this.#owner.headLimits.maxHeadBytes
  }

  #deafen(): void {
    pauseTransport(this.socket)
    if (this.#state === State.Refused) this.#linger(Math.min(this.#owner.closeTimeout, DEAF_LINGER))
  }

  /** Gives a refused peer so many milliseconds to leave. */
  #linger(ms: number): void {
    this.#closeDeadline?.cancel()
    this.#closeDeadline = new Deadline(this.#owner.clock, ms, () => this.leave())
  }

  #readHead(chunk: Uint8Array): void {
    const reader = this.#reader!
    let head: RequestHead | null
    try {
      head = reader.receive(chunk)
    } catch (error) {
      this.refuse(error as HandshakeError)
      return
    }
    if (head === null) return
    this.#state = State.Deciding
    this.#reader = null
    const leftover = reader.takeLeftover()
    if (leftover.length > 0) this.#hold(leftover)
    this.#owner.headReceived(this, head, reader.text)
  }

  #letGo(): Uint8Array {
    this.#over(State.Released, null)
    const held = this.#held
    this.#held = NO_BYTES
    return held
  }

  #over(state: number, error: Error | null): void {
    this.#state = state
    this.#reader = null
    this.#owner.handshakeOver(this, error)
    if (error !== null) tapsOf(this.socket)?.refused(error)
    if (state === State.Released) return
    this.#held = NO_BYTES
    this.#abort?.abort(error ?? new Error('the peer went away'))
  }

  /** Keeps what came behind the head; the chunk may be overwritten before it is wanted. */
  #hold(bytes: Uint8Array): void {
    this.#held = joined([this.#held, bytes])
  }
}
