/*
 * Sends one message of unknown length in fragments, RFC 6455 §5.4, as its source gives them. The source is asked for
 * more only when the transport has nothing left to send, so what waits is one fragment, or a few small ones that leave
 * in one write, and a Ping, a Pong or a Close frame never waits for more than that.
 */
import { UsageError } from '../errors.ts'
import { hookLater } from '../ground/application.ts'
import { checkOptionNames, type OptionNames } from '../ground/option-names.ts'
import { setImmediate } from '../ground/scheduling.ts'
import { limitOption } from '../protocol/options.ts'
import { CloseCause } from './close-info.ts'
import type { Outbox } from './outbox.ts'
import { type ControlPayload, toPayload } from './payload.ts'
import type { SocketDriver } from './socket-driver.ts'
import type { Turn } from './turn.ts'
import type { WaitOptions } from './waiters.ts'

/** Where a streamed message comes from: a Web stream, a Node stream, a generator, an array of pieces. */
export type StreamSource = AsyncIterable<ControlPayload> | Iterable<ControlPayload> | ReadableStream<ControlPayload>

/** Options of `ws.sendStream()`. `signal` aborted: the connection is closed, if a part of the message was sent. */
export interface SendStreamOptions extends WaitOptions {
  /** Whether the message is binary. Default: as its first piece; without any piece it is an empty text. */
  readonly binary?: boolean | undefined
  /** Whether the message may be compressed, as in `send()`. */
  readonly compress?: boolean | undefined
  /** Most bytes of a fragment; longer pieces are cut, so that control frames come in between. Default 64 KiB. */
  readonly fragmentSize?: number | undefined
  /**
   * Whether messages that are sent after this call wait for the end of this one, as they would for any other. Default
   * true. With false it lines up only when its source has given its first piece.
   */
  readonly inOrder?: boolean | undefined
}

const sendStreamOptionNames = {
  signal: true,
  binary: true,
  compress: true,
  fragmentSize: true,
  inOrder: true,
} satisfies OptionNames<SendStreamOptions>

/** {@link SendStreamOptions.fragmentSize} when none is given. */
const FRAGMENT_SIZE = 64 << 10

/** What may be sent in one turn of the event loop, so that a transport that takes everything does not starve the rest. */
const BYTES_PER_TURN = 64 << 10

const NO_BYTES = new Uint8Array(0)

const SOURCE = 'the source of sendStream'

/** One streamed message on its way. */
export class OutgoingStream implements Turn {
  readonly #driver: SocketDriver
  readonly #outbox: Outbox
  readonly #iterator: AsyncIterator<ControlPayload> | Iterator<ControlPayload>
  readonly #options: SendStreamOptions
  readonly #fragmentSize: number
  /** Wakes the one wait that is under way. */
  #wake: (() => void) | null = null
  #isTurn = false
  #failure: { readonly error: unknown } | null = null
  #isBinary: boolean | undefined
  #hasBegun = false
  /** Whether the source has nothing more to say. */
  #isOver = false
  #bytesThisTurn = 0
  /** The first half of a surrogate pair at the end of the last piece. */
  #carry = ''

  /** @throws UsageError when `source` is none, or an option is wrong */
  constructor(driver: SocketDriver, outbox: Outbox, source: StreamSource, options: SendStreamOptions) {
    checkOptionNames('sendStream', options, sendStreamOptionNames)
    this.#driver = driver
    this.#outbox = outbox
    this.#iterator = iteratorOf(source)
    this.#options = options
    this.#fragmentSize = limitOption('fragmentSize', options.fragmentSize, FRAGMENT_SIZE, 4)
    this.#isBinary = options.binary
  }

  begin(): void {
    this.#isTurn = true
    this.#look()
  }

  writable(): void {
    this.#look()
  }

  fail(error: unknown): void {
    this.#failure ??= { error }
    this.#look()
  }

  /** Sends the message. Resolves when all of it was handed to the operating system. */
  async run(): Promise<void> {
    const { signal, inOrder = true } = this.#options
    const abort = (): void => this.fail(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    if (signal?.aborted) abort()
    try {
      if (inOrder) this.#outbox.takeTurn(this)
      let next = await this.#pull()
      if (!inOrder) this.#outbox.takeTurn(this)
      await this.#until(() => this.#isTurn)
      while (!next.done) {
        await this.#send(toPayload(next.value))
        next = await this.#pull()
      }
      await this.#end()
    } catch (error) {
      this.#breakOff()
      throw error
    } finally {
      signal?.removeEventListener('abort', abort)
      this.#outbox.endTurn(this)
    }
  }

  /** The next piece of the source; does not wait for one that is not needed any more. */
  #pull(): Promise<IteratorResult<ControlPayload>> {
    return new Promise((resolve, reject) => {
      this.#wake = () => {
        if (this.#failure !== null) reject(this.#failure.error)
      }
      this.#wake()
      this.#next().then(resolve, reject)
    })
  }

  async #next(): Promise<IteratorResult<ControlPayload>> {
    try {
      const next = await hookLater(SOURCE, () => this.#iterator.next())
      if (typeof next !== 'object' || next === null) throw new UsageError('sendStream: the source is no iterator')
      if (next.done === true) this.#isOver = true
      return next
    } catch (error) {
      // A source that failed has ended: it is not asked to end once more.
      this.#isOver = true
      throw error
    }
  }

  #until(isMet: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#wake = () => {
        if (this.#failure !== null) reject(this.#failure.error)
        else if (isMet()) resolve()
        else this.#driver.expectDrain()
      }
      this.#wake()
    })
  }

  #look(): void {
    this.#wake?.()
  }

  async #send(piece: string | Uint8Array): Promise<void> {
    this.#isBinary ??= typeof piece !== 'string'
    if (typeof piece === 'string') {
      let text = this.#carry + piece
      this.#carry = ''
      if (isHighSurrogate(text, text.length - 1)) {
        this.#carry = text.slice(-1)
        text = text.slice(0, -1)
      }
      // A UTF-16 code unit takes at most three bytes.
      const units = Math.max(2, Math.floor(this.#fragmentSize / 3))
      for (let at = 0; at < text.length; ) {
        let end = Math.min(at + units, text.length)
        if (end < text.length && isHighSurrogate(text, end - 1)) end--
        await this.#fragment(text.slice(at, end), end - at)
        at = end
      }
      return
    }
    if (this.#carry !== '') throw new UsageError('sendStream: a character is cut and not completed (6455-5.6-1)')
    for (let at = 0; at < piece.length; at += this.#fragmentSize) {
      const end = Math.min(at + this.#fragmentSize, piece.length)
      await this.#fragment(at === 0 && end === piece.length ? piece : piece.subarray(at, end), end - at)
    }
  }

  /** Sends a fragment and waits until the transport wants more, so that its memory is free again. */
  async #fragment(payload: string | Uint8Array, length: number): Promise<void> {
    if (this.#failure !== null) throw this.#failure.error
    this.#driver.connection.sendFragment(payload, this.#isBinary === true, false, this.#options.compress)
    this.#hasBegun = true
    this.#driver.sent(undefined)
    this.#bytesThisTurn += length
    if (this.#bytesThisTurn >= BYTES_PER_TURN) {
      this.#bytesThisTurn = 0
      await this.#nextTurn()
    }
    if (!this.#driver.isWritable) await this.#until(() => this.#driver.isWritable)
  }

  #nextTurn(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#wake = () => {
        if (this.#failure !== null) reject(this.#failure.error)
      }
      setImmediate(resolve)
    })
  }

  async #end(): Promise<void> {
    if (this.#carry !== '') await this.#fragment(this.#carry, 1)
    if (this.#failure !== null) throw this.#failure.error
    await new Promise<void>((resolve, reject) => {
      this.#driver.connection.sendFragment(NO_BYTES, this.#isBinary === true, true, this.#options.compress)
      this.#hasBegun = false
      this.#driver.sent((error) => (error ? reject(error) : resolve()))
      // What was sent meanwhile may follow.
      this.#outbox.endTurn(this)
    })
  }

  /** The peer must not take what it has for the whole message: the connection ends, properly. */
  #breakOff(): void {
    this.#wake = null
    if (this.#hasBegun && this.#driver.canSend) {
      this.#driver.closeFor(CloseCause.StreamAborted, 1011, 'a streamed message could not be completed')
      this.#outbox.abandon()
    }
    // A source that is in the middle of something ends when it is done with that; what it says then is of no interest.
    if (this.#isOver) return
    hookLater(SOURCE, () => this.#iterator.return?.()).catch(() => {})
  }
}

function iteratorOf(source: StreamSource): AsyncIterator<ControlPayload> | Iterator<ControlPayload> {
  // Text and bytes are iterable too, but as characters and numbers, which nobody means.
  const isSource = typeof source === 'object' && source !== null && !ArrayBuffer.isView(source)
  if (isSource && Symbol.asyncIterator in source) return source[Symbol.asyncIterator]()
  if (isSource && Symbol.iterator in source) return source[Symbol.iterator]()
  throw new UsageError('sendStream: the source is not iterable; send() takes whole messages')
}

function isHighSurrogate(text: string, at: number): boolean {
  const unit = text.charCodeAt(at)
  return unit >= 0xd800 && unit <= 0xdbff
}
