/*
 * A socket from its accept to the end of its opening handshake.
 *
 * Theory of operation
 * -------------------
 * The socket has an `error` listener from the first tick. Bytes go to the head reader until the head is complete; what
 * comes after it, while the application makes up its mind, is kept up to a limit and becomes the first frame bytes. It
 * ends in exactly one of three ways: `release` (accepted: the listeners are gone and the socket is somebody else's),
 * `refuse` (an HTTP response, then the end; nothing more is parsed) or the socket is gone.
 */
import type { Duplex } from 'node:stream'
import { HandshakeError } from '../errors.ts'
import type { RequestHead } from '../handshake/head.ts'
import type { HeadLimits } from '../handshake/head-limits.ts'
import { RequestHeadReader } from '../handshake/head-reader.ts'
import { rejectUpgrade } from '../handshake/server-handshake.ts'
import type { Clock } from '../socket/clock.ts'

/** Bytes that may wait behind the head while the application decides; then TCP makes the peer wait. */
const MOST_HELD = 64 << 10

const State = { ReadingHead: 0, Deciding: 1, Released: 2, Refused: 3, Gone: 4 } as const

const NO_BYTES = new Uint8Array(0)

/** What a {@link PendingHandshake} needs. */
export interface PendingOptions {
  readonly clock: Clock
  readonly handshakeTimeout: number
  /** Milliseconds a refused peer has to end its side. */
  readonly closeTimeout: number
  readonly headLimits: HeadLimits
  /** The head is complete. */
  readonly onHead: (pending: PendingHandshake, head: RequestHead) => void
  /** The handshake is over, one way or the other. `error`: why it was refused or broke, if it was or did. */
  readonly onDone: (pending: PendingHandshake, error: Error | null) => void
}

/** One opening handshake under way. */
export class PendingHandshake {
  readonly socket: Duplex
  readonly #options: PendingOptions
  /** Made when somebody asks for the signal: most handshakes need none. */
  #abort: AbortController | null = null
  #state: number = State.ReadingHead
  #reader: RequestHeadReader | null
  #held: Uint8Array = NO_BYTES
  #timer: unknown

  /** @param head - bytes behind a head that `node:http` has read; null when we read the head ourselves */
  constructor(socket: Duplex, options: PendingOptions, head: Uint8Array | null) {
    this.socket = socket
    this.#options = options
    this.#reader = head === null ? new RequestHeadReader(options.headLimits) : null
    if (head !== null) {
      this.#state = State.Deciding
      this.#held = head
    }
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('error', this.#onError)
    socket.on('close', this.#onClose)
    // @req 6455-7.2.2-1
    this.#timer = options.clock.setTimeout(() => {
      this.refuse(new HandshakeError('6455-7.2.2-1', 408, 'the opening handshake takes too long'))
    }, options.handshakeTimeout)
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

  /** Accepted: lets go of the socket. @returns the bytes that came behind the head */
  release(): Uint8Array {
    this.#state = State.Released
    this.#finish(null)
    this.socket.off('error', this.#onError)
    this.socket.off('close', this.#onClose)
    const held = this.#held
    this.#held = NO_BYTES
    return held
  }

  /** Refused: answers and ends the socket. Does nothing when the handshake is over. */
  refuse(error: HandshakeError): void {
    if (!this.isOpen) return
    const { socket } = this
    const { clock, closeTimeout } = this.#options
    this.#state = State.Refused
    this.#finish(error)
    this.#abort?.abort(error)
    // @req 6455-4.2.1-1 @req 6455-10.7-4: the answer ends the socket; what follows on it is not looked at.
    socket.end(rejectUpgrade(error))
    socket.resume()
    const timer = clock.setTimeout(() => socket.destroy(), closeTimeout)
    socket.once('close', () => clock.clearTimeout(timer))
  }

  /** Gives up without an answer. */
  drop(error: Error): void {
    if (!this.isOpen) return
    this.#gone(error)
    this.socket.destroy()
  }

  #onData = (chunk: Uint8Array): void => {
    if (this.#state === State.Deciding) {
      this.#hold(chunk)
      return
    }
    let head: RequestHead | null
    try {
      head = this.#reader!.receive(chunk)
    } catch (error) {
      this.refuse(error as HandshakeError)
      return
    }
    if (head === null) return
    this.#state = State.Deciding
    this.#held = this.#reader!.takeLeftover()
    this.#reader = null
    this.#options.onHead(this, head)
  }

  #onEnd = (): void => {
    const message =
      this.#state === State.ReadingHead
        ? 'the request ends before its head is complete'
        : 'the peer ended its side before it was answered'
    this.refuse(new HandshakeError('6455-4.2.1-1', 400, message))
  }

  #onError = (error: Error): void => {
    if (this.isOpen) this.#gone(error)
  }

  #onClose = (): void => {
    if (this.isOpen) this.#gone(null)
  }

  #gone(error: Error | null): void {
    this.#state = State.Gone
    this.#finish(error)
    this.#abort?.abort(error ?? new Error('the peer went away'))
  }

  #finish(error: Error | null): void {
    this.#options.clock.clearTimeout(this.#timer)
    this.socket.off('data', this.#onData)
    this.socket.off('end', this.#onEnd)
    this.#options.onDone(this, error)
  }

  #hold(chunk: Uint8Array): void {
    const joined = new Uint8Array(this.#held.length + chunk.length)
    joined.set(this.#held)
    joined.set(chunk, this.#held.length)
    this.#held = joined
    if (joined.length > MOST_HELD) this.socket.pause()
  }
}
