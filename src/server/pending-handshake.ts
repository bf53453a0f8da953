/*
 * A socket from its accept to the end of its opening handshake.
 *
 * Theory of operation
 * -------------------
 * The socket has its listeners from the first tick, and keeps them: they speak to whoever it belongs to. Bytes go to the
 * head reader until the head is complete; what comes after it, while the application makes up its mind, is kept up to a
 * limit and becomes the first frame bytes. It ends in exactly one of three ways: it is accepted (`release`, and the
 * socket speaks to the connection, or `giveUp`, and it is the application's), `refuse`d (an HTTP response, then the end;
 * nothing more is parsed) or gone.
 */
import type { Duplex } from 'node:stream'
import { HandshakeError } from '../errors.ts'
import type { RequestHead } from '../handshake/head.ts'
import type { HeadLimits } from '../handshake/head-limits.ts'
import { RequestHeadReader } from '../handshake/head-reader.ts'
import { rejectUpgrade } from '../handshake/server-handshake.ts'
import type { Clock } from '../socket/clock.ts'
import { stopListening, type TransportListener } from '../socket/transport-listeners.ts'
import type { WebSocket } from '../socket/websocket.ts'
import type { Dated } from './deadlines.ts'
import type { AnyRequest } from './upgrade-request.ts'

/** Bytes that may wait behind the head while the application decides; then TCP makes the peer wait. */
const MOST_HELD = 64 << 10

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
  /** The head is complete. */
  headReceived(pending: PendingHandshake<Data>, head: RequestHead, text: string): void
  /** The handshake is over, one way or the other. `error`: why it was refused or broke, if it was or did. */
  handshakeOver(pending: PendingHandshake<Data>, error: Error | null): void
}

/** One opening handshake under way. */
export class PendingHandshake<Data> implements TransportListener, Dated {
  readonly socket: Duplex
  readonly due: number
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
  /** What gives a refused peer up, until it is gone. */
  #closeTimer: unknown

  /** @param head - bytes behind a head that `node:http` has read; null when we read the head ourselves */
  constructor(
    owner: PendingOwner<Data>,
    socket: Duplex,
    accepted: Accepted<Data>,
    request: AnyRequest | undefined,
    head: Uint8Array | null,
  ) {
    this.#owner = owner
    this.socket = socket
    this.accepted = accepted
    this.request = request
    this.due = owner.clock.now() + owner.handshakeTimeout
    this.#state = head === null ? State.ReadingHead : State.Deciding
    this.#reader = head === null ? new RequestHeadReader(owner.headLimits) : null
    this.#held = head ?? NO_BYTES
  }

  /** Aborted when the handshake ends without a connection. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    return this.#abort.signal
  }

  /** Whether nobody has decided yet. */
  get isOpen(): boolean {
    return this.#state === State.ReadingHead || this.#state === State.Deciding
  }

  /** Accepted: whoever takes the socket listens to it next. @returns the bytes that came behind the head */
  release(): Uint8Array {
    this.#over(State.Released, null)
    const held = this.#held
    this.#held = NO_BYTES
    return held
  }

  /** The application takes the socket, which is one like any other again. */
  giveUp(): void {
    this.release()
    stopListening(this.socket)
  }

  /** Refused: answers and ends the socket. Does nothing when the handshake is over. */
  refuse(error: HandshakeError): void {
    if (!this.isOpen) return
    const { socket } = this
    const { clock, closeTimeout } = this.#owner
    this.#over(State.Refused, error)
    // @req 6455-4.2.1-1 @req 6455-10.7-4: the answer ends the socket; what follows on it is not looked at.
    socket.end(rejectUpgrade(error))
    socket.resume()
    this.#closeTimer = clock.setTimeout(() => socket.destroy(), closeTimeout)
  }

  /** Gives up without an answer. */
  drop(error: Error): void {
    if (!this.isOpen) return
    this.#over(State.Gone, error)
    this.socket.destroy()
  }

  // @req 6455-7.2.2-1
  expire(): void {
    this.refuse(new HandshakeError('6455-7.2.2-1', 408, 'the opening handshake takes too long'))
  }

  receive(chunk: Uint8Array, length: number): boolean {
    if (this.#state === State.Deciding) return this.#hold(chunk, length)
    if (this.#state === State.ReadingHead) this.#readHead(length === chunk.length ? chunk : chunk.subarray(0, length))
    return true
  }

  receiveEnd(): void {
    const message =
      this.#state === State.ReadingHead
        ? 'the request ends before its head is complete'
        : 'the peer ended its side before it was answered'
    this.refuse(new HandshakeError('6455-4.2.1-1', 400, message))
  }

  transportDrained(): void {}

  transportFailed(error: Error): void {
    if (this.isOpen) this.#over(State.Gone, error)
  }

  transportClosed(): void {
    this.#owner.clock.clearTimeout(this.#closeTimer)
    if (this.isOpen) this.#over(State.Gone, null)
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
    // The chunk may be overwritten before they are wanted.
    if (leftover.length > 0) this.#held = Uint8Array.prototype.slice.call(leftover)
    this.#owner.headReceived(this, head, reader.text)
  }

  #over(state: number, error: Error | null): void {
    this.#state = state
    this.#reader = null
    this.#owner.handshakeOver(this, error)
    if (state !== State.Released) this.#abort?.abort(error ?? new Error('the peer went away'))
  }

  /** @returns whether there is room for more */
  #hold(chunk: Uint8Array, length: number): boolean {
    const joined = new Uint8Array(this.#held.length + length)
    joined.set(this.#held)
    joined.set(length === chunk.length ? chunk : chunk.subarray(0, length), this.#held.length)
    this.#held = joined
    return joined.length <= MOST_HELD
  }
}
