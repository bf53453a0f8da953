/*
 * The messages of one connection that have arrived and nobody has taken yet.
 *
 * Theory of operation
 * -------------------
 * While somebody listens to `message` and nothing waits, messages pass this by. Otherwise they wait here in order, whole
 * or still arriving, for one of three consumers: a listener that comes late, `messages()`, or `streams()`. What waits is
 * counted; `isFull` asks the session to hold, so that 64 KiB later TCP tells the peer to wait:
 *
 *   nobody takes messages: full behind the first one, so that nothing is lost and little is held;
 *   somebody iterates:     full from `highWaterMark` on, until half of it was taken.
 *
 * A consumer that leaves takes nothing with it: what waits is there for the next one.
 */
import { UsageError } from '../errors.ts'
import { asBuffer } from '../frames/bytes.ts'
import type { OptionNames } from '../ground/option-names.ts'
import { Queue } from '../ground/queue.ts'
import { limitOption } from '../protocol/options.ts'
import { type ArrivalSource, Arrivals, type Looker } from './arrivals.ts'
import type { MessageData } from './events.ts'
import { MessageStream } from './message-stream.ts'
import { type PieceOwner, PieceQueue } from './piece-queue.ts'
import type { WaitOptions } from './waiters.ts'

/** Options of `ws.messages()` and `ws.streams()`. */
export interface ReceiveOptions extends WaitOptions {
  /** Bytes that may wait for the consumer before reading stops. Default 256 KiB. */
  readonly highWaterMark?: number
}

/** Every option of {@link ReceiveOptions}. */
export const receiveOptionNames = { signal: true, highWaterMark: true } satisfies OptionNames<ReceiveOptions>

/** A whole message, as iteration gives it. */
export interface ReceivedMessage {
  /** Text as a string (or a Buffer, by `textFormat`), binary by `binaryType`. */
  readonly data: MessageData
  readonly isBinary: boolean
}

/** What an {@link Inbox} needs to know of its connection. */
export interface InboxOwner {
  /** {@link Inbox.isFull} has changed. */
  fullnessChanged(): void
  /** A message that a late listener waits for is complete. */
  messageReady(): void
  /** Why a message that was begun will never be complete. */
  endError(): Error
  /** A copy of bytes that just came, for the application to keep. */
  keep(bytes: Uint8Array, start: number, end: number): Buffer
  toData(isBinary: boolean, bytes: Uint8Array, start: number, end: number, owned: boolean): MessageData
}

/** A message that waits. What it is given out as is settled when it is taken. */
interface WaitingMessage {
  readonly isBinary: boolean
  readonly bytes: Buffer
}

/** What is counted for a message besides its bytes, so that empty ones do not pile up for nothing. */
const MESSAGE_COST = 128
const HIGH_WATER_MARK = 256 << 10

function costOf({ bytes }: WaitingMessage): number {
  return bytes.length + MESSAGE_COST
}

/** Messages that wait for whoever takes them. */
export class Inbox implements PieceOwner {
  /** Since when nobody has been there to take what waits, as far as its owner has looked; -1: somebody is, or nothing waits. */
  heldSince = -1
  readonly #owner: InboxOwner
  /** Whoever iterates. */
  #looker: Looker | null = null
  readonly #waiting: Queue<WaitingMessage | PieceQueue> = new Queue()
  /** The message that arrives, or was the last to do so in pieces; also when its reader has it. */
  #arriving: PieceQueue | null = null
  #cost = 0
  #consumer: 'messages' | 'streams' | null = null
  #highWaterMark = HIGH_WATER_MARK
  #isFull = false
  #isOver = false
  #isAbandoned = false

  constructor(owner: InboxOwner) {
    this.#owner = owner
  }

  /** Whether messages may pass by: nothing waits, and nobody iterates. */
  get isIdle(): boolean {
    return this.#waiting.isEmpty && this.#consumer === null
  }

  /** Whether an iteration takes the messages. */
  get consumer(): 'messages' | 'streams' | null {
    return this.#consumer
  }

  /** Whether reading should stop. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Bytes that wait, with what their objects take. */
  get cost(): number {
    return this.#cost
  }

  /** Bytes of memory that are held for what waits, and for the message that arrives. */
  get heldBytes(): number {
    return this.#cost + (this.#arriving === null ? 0 : this.#arriving.gatheredBytes)
  }

  /** A message that arrived in one piece. */
  message(isBinary: boolean, bytes: Uint8Array, start: number, end: number, owned: boolean): void {
    if (this.#consumer === 'streams') {
      const queue = this.start(isBinary)
      if (end > start) queue.piece(bytes, start, end)
      queue.end()
      return
    }
    if (this.#isAbandoned) return
    const message = { isBinary, bytes: owned ? asBuffer(bytes) : this.keep(bytes, start, end) }
    this.#waiting.push(message)
    this.held(costOf(message))
    this.#looker?.look()
  }

  /** A message begins whose pieces are wanted, or for which nobody is there yet. */
  start(isBinary: boolean): PieceQueue {
    const queue = new PieceQueue(isBinary, this)
    this.#arriving = queue
    if (this.#isAbandoned) queue.discard()
    else {
      this.#waiting.push(queue)
      this.#look()
      this.#looker?.look()
    }
    return queue
  }

  /**
   * The next message for a listener, if it is complete. One that still arrives is put together from now on, and
   * `messageReady` tells when it is there.
   */
  takeWhole(): ReceivedMessage | null {
    for (;;) {
      const { first } = this.#waiting
      if (first === undefined) return null
      if (!(first instanceof PieceQueue)) {
        this.#waiting.shift()
        this.held(-costOf(first))
        return this.#whole(first.isBinary, first.bytes)
      }
      first.collect()
      if (first.isArriving) {
        this.#look()
        return null
      }
      this.#waiting.shift()
      this.#look()
      // A message that will never be complete is none.
      if (first.isBroken) continue
      return this.#whole(first.isBinary, first.takeWhole())
    }
  }

  /** The messages from now on, one by one; ends when the connection has ended. */
  messages(options: ReceiveOptions): Arrivals<ReceivedMessage> {
    const source: ArrivalSource<ReceivedMessage> = {
      begin: (looker) => this.#claim('messages', options, looker),
      take: () => this.takeWhole(),
      isOver: () => this.#isOver,
      end: (hasBegun) => hasBegun && this.#release(),
    }
    return new Arrivals(source, options.signal)
  }

  /** The messages from now on, each while it arrives; ends when the connection has ended. */
  streams(options: ReceiveOptions): Arrivals<MessageStream> {
    let given: MessageStream[] = []
    let areSeen = false
    const discard = (): void => {
      for (const stream of given) if (!stream.isTaken) stream.discard()
      given = []
    }
    const source: ArrivalSource<MessageStream> = {
      begin: (looker) => this.#claim('streams', options, looker),
      // Whoever asks twice at once has not seen the first one yet.
      asked: () => areSeen && discard(),
      take: () => {
        const queue = this.#takeQueue()
        if (queue === null) return null
        const stream = new MessageStream(queue, options.signal)
        given.push(stream)
        areSeen = false
        void Promise.resolve().then(() => {
          areSeen = true
        })
        return stream
      },
      isOver: () => this.#isOver,
      end: (hasBegun) => {
        discard()
        if (hasBegun) this.#release()
      },
    }
    return new Arrivals(source, options.signal)
  }

  /** The connection has ended: what waits may still be taken. */
  over(): void {
    this.#isOver = true
    this.#looker?.look()
  }

  /** Nobody will take messages any more: what waits is freed, what still comes is dropped. */
  abandon(): void {
    this.#isAbandoned = true
    for (const message of this.#waiting.takeAll()) {
      if (message instanceof PieceQueue) message.discard()
      else this.#cost -= costOf(message)
    }
    this.#look()
  }

  /** As {@link abandon}, and what its reader has not taken yet of the message that arrives is freed too. */
  giveWay(): void {
    this.abandon()
    this.#arriving?.breakOff()
    this.#arriving = null
  }

  held(change: number): void {
    this.#cost += change
    this.#look()
  }

  keep(bytes: Uint8Array, start: number, end: number): Buffer {
    return this.#owner.keep(bytes, start, end)
  }

  collected(): void {
    this.#looker?.look()
    this.#owner.messageReady()
  }

  endError(): Error {
    return this.#owner.endError()
  }

  #takeQueue(): PieceQueue | null {
    const first = this.#waiting.shift()
    if (first === undefined) return null
    if (first instanceof PieceQueue) {
      this.#look()
      return first
    }
    this.held(-costOf(first))
    return PieceQueue.whole(first.isBinary, first.bytes)
  }

  #whole(isBinary: boolean, bytes: Buffer): ReceivedMessage {
    return { data: this.#owner.toData(isBinary, bytes, 0, bytes.length, true), isBinary }
  }

  #claim(consumer: 'messages' | 'streams', { highWaterMark }: ReceiveOptions, looker: Looker): void {
    if (this.#consumer !== null) throw new UsageError(`${consumer}: the messages are being iterated already`)
    this.#highWaterMark = limitOption('highWaterMark', highWaterMark, HIGH_WATER_MARK, 1)
    this.#consumer = consumer
    this.#looker = looker
    this.#look()
  }

  #release(): void {
    this.#consumer = null
    this.#looker = null
    this.#look()
    if (!this.#waiting.isEmpty) this.#owner.messageReady()
  }

  #look(): void {
    const isFull = this.#judge()
    if (isFull === this.#isFull) return
    this.#isFull = isFull
    this.#owner.fullnessChanged()
  }

  #judge(): boolean {
    const { first } = this.#waiting
    // A message that is being put together has to arrive.
    const hasPartial = first instanceof PieceQueue && first.isCollecting
    if (this.#consumer === null && this.#waiting.length > (hasPartial ? 1 : 0)) return true
    return this.#isFull ? this.#cost > this.#highWaterMark / 2 : this.#cost >= this.#highWaterMark
  }
}
