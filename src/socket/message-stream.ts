import { UsageError } from '../errors.ts'
import { asBuffer, decodeUtf8 } from '../frames/bytes.ts'
import { GrowingBytes } from '../protocol/growing-bytes.ts'
import { type ArrivalSource, Arrivals } from './arrivals.ts'
import type { PieceQueue } from './piece-queue.ts'
import type { WaitOptions } from './waiters.ts'

/**
 * One message while it arrives, from `ws.streams()`. It is read once: as pieces, whole, or as a Web stream. While it is
 * not read, TCP tells the peer to wait.
 *
 * Text has been checked as far as it came, but a piece may end inside a character: `text()` puts them together.
 * Reading throws a `ConnectionClosedError` or `ProtocolError` when the connection ends inside the message.
 *
 * @example
 * for await (const message of ws.streams()) {
 *   for await (const piece of message) file.write(piece)
 * }
 */
export class MessageStream implements AsyncIterable<Buffer> {
  /** Whether the message is binary, RFC 6455 §5.6. */
  readonly isBinary: boolean
  readonly #queue: PieceQueue
  readonly #signal: AbortSignal | undefined
  #isTaken = false
  #readable: ReadableStream<Uint8Array> | null = null

  /** Made by `ws.streams()`. @internal */
  constructor(queue: PieceQueue, signal: AbortSignal | undefined) {
    this.isBinary = queue.isBinary
    this.#queue = queue
    this.#signal = signal
  }

  /** Whether somebody reads, or has read, this message. */
  get isTaken(): boolean {
    return this.#isTaken
  }

  /**
   * The pieces, as they arrive; each is the reader's own. Leaving the loop discards the rest.
   *
   * @throws UsageError when the message is read a second time
   */
  [Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    return this.#pieces(this.#signal, () => this.#take())
  }

  /** The whole message. It is held in memory: `maxPayload` says how much that can be. @throws as reading does */
  async bytes(options: WaitOptions = {}): Promise<Buffer> {
    return asBuffer((await this.#collect(options)).take())
  }

  /** The whole message as a string; of a binary one, what is not UTF-8 becomes U+FFFD. @throws as reading does */
  async text(options: WaitOptions = {}): Promise<string> {
    const collected = await this.#collect(options)
    const text = decodeUtf8(collected.bytes, 0, collected.length)
    collected.clear()
    return text
  }

  /** The whole message as the value that its JSON stands for. @throws SyntaxError when it is no JSON; as reading does */
  async json(options: WaitOptions = {}): Promise<unknown> {
    return JSON.parse(await this.text(options))
  }

  /** The message as a Web stream; nothing is read ahead of its reader, and cancelling it discards the rest. */
  get readable(): ReadableStream<Uint8Array> {
    if (this.#readable === null) {
      this.#take()
      const pieces = this.#pieces(this.#signal, () => {})
      this.#readable = new ReadableStream<Uint8Array>(
        {
          pull: async (controller) => {
            const { done, value } = await pieces.next()
            if (done) controller.close()
            else controller.enqueue(value)
          },
          cancel: () => this.discard(),
        },
        { highWaterMark: 0 },
      )
    }
    return this.#readable
  }

  /** Lets go of the message: what has arrived is freed, what still comes is dropped. The connection goes on. */
  discard(): void {
    this.#isTaken = true
    this.#queue.discard()
  }

  async #collect({ signal = this.#signal }: WaitOptions): Promise<GrowingBytes> {
    const collected = new GrowingBytes()
    const queue = this.#queue
    try {
      for await (const piece of this.#pieces(signal, () => this.#take())) {
        collected.append(piece, 0, piece.length)
        queue.readerBytes = collected.capacity
      }
      return collected
    } finally {
      queue.readerBytes = 0
    }
  }

  /** @param take - makes the message this reader's */
  #pieces(signal: AbortSignal | undefined, take: () => void): Arrivals<Buffer> {
    const queue = this.#queue
    const source: ArrivalSource<Buffer> = {
      begin: (looker) => {
        take()
        queue.looker = looker
      },
      take: () => queue.take(),
      isOver: () => !queue.isArriving,
      // Whoever leaves before he began lets go of it, too, if it is nobody else's.
      end: (hasBegun) => (hasBegun || !this.#isTaken) && this.discard(),
    }
    return new Arrivals(source, signal)
  }

  #take(): void {
    if (this.#isTaken) throw new UsageError('the message was read or discarded already; it is read once')
    this.#isTaken = true
  }
}
