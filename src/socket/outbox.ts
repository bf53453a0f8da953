/*
 * The messages of one connection that were sent and that the transport cannot take yet.
 *
 * Theory of operation
 * -------------------
 * While the transport takes everything at once, messages go straight through to it. As soon as it does not, they wait
 * here, not yet framed, until it has nothing left to send: then a batch of them is framed and written, and so on. So
 * messages can still be dropped, a prepared message costs nothing but its place, and control frames, which do not come
 * through here, overtake all that waits.
 *
 * A message that is streamed has the wire for itself from its first fragment to its last (RFC 6455 §5.4); it takes its
 * turn like any other, and what is sent meanwhile waits behind it.
 */
import { UsageError, WebSocketError } from '../errors.ts'
import { copyOf, isValidUtf8, utf8Length } from '../frames/bytes.ts'
import { headerLength } from '../frames/header.ts'
import { type Guard, toError } from '../ground/application.ts'
import { Deadline } from '../ground/deadline.ts'
import { Queue } from '../ground/queue.ts'
import { COPY_UP_TO } from '../protocol/output.ts'
import { PreparedMessage } from '../protocol/prepared-message.ts'
import { CloseCause } from './close-info.ts'
import type { OutboxOptions } from './outbox-options.ts'
import type { Payload } from './payload.ts'
import type { SendCallback } from './send-callbacks.ts'
import { actionFor, SlowConsumerAction } from './slow-consumer.ts'
import type { SocketDriver } from './socket-driver.ts'
import type { Turn } from './turn.ts'
import { Waiters } from './waiters.ts'

/** What an {@link Outbox} tells its connection. */
export interface OutboxOwner extends Guard {
  /** `send` had said false; now there is room again. */
  roomAgain(): void
  /** Why what waits will not be sent. */
  endError(): Error
}

interface Message {
  readonly payload: Payload
  readonly isBinary: boolean
  /** Whether it may be compressed, as its sender or the options want it. */
  readonly compress: boolean
  readonly callback: SendCallback | undefined
  /** Bytes of its frame. */
  readonly bytes: number
}

/** What is counted for a message besides its frame, so that small ones do not pile up for nothing. */
const MESSAGE_COST = 128
/** Bytes that are framed before they are written: enough for the cost of a write not to matter. */
const BATCH = 64 << 10

/** Messages that wait for the transport. */
export class Outbox {
  readonly #driver: SocketDriver
  readonly #options: OutboxOptions
  readonly #owner: OutboxOwner
  readonly #room = new Waiters()
  readonly #waiting: Queue<Message | Turn> = new Queue()
  #bytes = 0
  /** Who has the wire for himself. */
  #turn: Turn | null = null
  /** Whether the transport was given fragments beyond what it can take: they do not wait here. */
  #hasFragments = false
  #owesDrain = false
  #dropped = 0
  /** Until when what waits has to be fewer than `softBackpressure`; null when it is. */
  #softDeadline: Deadline | null = null
  /** Whether that has passed, so that `softBackpressure` is the limit until what waits was fewer. */
  #isOverdue = false

  constructor(driver: SocketDriver, options: OutboxOptions, owner: OutboxOwner) {
    this.#driver = driver
    this.#options = options
    this.#owner = owner
  }

  /** Bytes that were sent and have not been handed to the operating system; frame headers count. */
  get bufferedAmount(): number {
    return this.#bytes + this.#driver.bufferedAmount
  }

  /** As {@link bufferedAmount}, with what objects take, and without prepared messages: these are the application's. */
  get heldBytes(): number {
    let held = this.#driver.bufferedAmount + this.#waiting.length * MESSAGE_COST
    for (const item of this.#waiting)
      if (!isTurn(item) && !(item.payload instanceof PreparedMessage)) held += item.bytes
    return held
  }

  /** Messages that were dropped because the peer was too slow. */
  get dropped(): number {
    return this.#dropped
  }

  /** Whether nothing waits, so that a message may go straight to the transport. */
  get isEmpty(): boolean {
    return this.#turn === null && this.#waiting.isEmpty
  }

  /** Whether a message is being streamed. */
  get isStreaming(): boolean {
    return this.#turn !== null
  }

  /**
   * Sends a message as soon as its turn comes.
   *
   * @returns false when `highWaterMark` bytes wait, or the message was dropped
   * @throws UsageError when it could not be sent now either; what a function of the options throws
   */
  enqueue(
    payload: Payload,
    isBinary: boolean,
    compress: boolean | undefined,
    callback: SendCallback | undefined,
  ): boolean {
    // @req 6455-5.6-1
    if (!isBinary && payload instanceof Uint8Array && !isValidUtf8(payload, 0, payload.length)) {
      throw new UsageError('send: text that is not valid UTF-8 (6455-5.6-1)')
    }
    const { connection } = this.#driver
    // @req 6455-5.4-4
    if (this.#turn === null && connection.isSendingFragments) {
      throw new UsageError('send: a fragmented message is open (6455-5.4-4)')
    }
    // The application is asked while it sends, as without a wait, and not when there is nobody to hear what it throws.
    const mayCompress = connection.mayCompress(payload, isBinary, compress)
    const bytes = this.#frameLength(payload)
    if (!this.#makeRoom(bytes, callback)) return false
    // As when they go straight through: short bytes are copied, long ones stay the caller's.
    const isCopied = payload instanceof Uint8Array && payload.length <= COPY_UP_TO
    const kept = isCopied ? copyOf(payload, 0, payload.length) : payload
    this.#waiting.push({ payload: kept, isBinary, compress: mayCompress, callback, bytes })
    this.#bytes += bytes
    this.#options.memory?.kept(bytes + MESSAGE_COST)
    this.#driver.expectDrain()
    this.#watch()
    return this.#report()
  }

  /** Sends a fragment of a message behind everything that waits. @throws UsageError while a message is streamed */
  sendFragment(
    payload: string | Uint8Array,
    isBinary: boolean,
    fin: boolean,
    compress?: boolean,
    callback?: SendCallback,
  ): boolean {
    this.sendAll()
    if (this.#turn !== null)
      throw new UsageError('send: a message is being streamed; its fragments go first (6455-5.4-4)')
    // Whatever the policy drops: of a message that has begun no part can be left out.
    const bytes = this.#frameLength(payload)
    if (!this.#fits(bytes) && this.#choose(bytes) !== 'keep') return this.#refuseSlow(callback)
    this.#driver.connection.sendFragment(payload, isBinary, fin, compress)
    this.#driver.sent(callback)
    this.#hasFragments = !this.#driver.isWritable
    this.#watch()
    return this.#report()
  }

  /** Lines up for the wire. `begin` may be called before this returns. */
  takeTurn(turn: Turn): void {
    this.#waiting.push(turn)
    this.#pump()
  }

  /** Gives the wire, or the place in the line, back. */
  endTurn(turn: Turn): void {
    if (this.#turn === turn) {
      this.#turn = null
      this.#pump()
      return
    }
    this.#waiting.take((item) => item === turn)
  }

  /** Resolves when less than `highWaterMark` bytes wait. */
  async drained(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    for (;;) {
      if (!this.#driver.canSend) throw this.#owner.endError()
      if (this.#hasRoom()) return
      this.#oweDrain()
      await this.#room.wait(signal)
    }
  }

  /** The transport has nothing left to send. */
  writable(): void {
    this.#hasFragments = false
    this.#turn?.writable()
    this.#pump()
    if (this.#owesDrain && this.#hasRoom()) {
      this.#owesDrain = false
      this.#room.wake()
      this.#owner.roomAgain()
    } else if (this.#owesDrain) this.#driver.expectDrain()
  }

  /** Sends all that waits, up to a streamed message, whether or not the transport can take it. */
  sendAll(): void {
    if (this.#turn === null && !this.#waiting.isEmpty) this.#batch(true)
  }

  /** What waits will not be sent. */
  abandon(): void {
    this.#forgive()
    const waiting = this.#waiting.takeAll()
    const turn = this.#turn
    this.#bytes = 0
    this.#turn = null
    this.#room.wake()
    if (waiting.length === 0 && turn === null) return
    const error = this.#owner.endError()
    turn?.fail(error)
    for (const item of waiting) {
      if (isTurn(item)) item.fail(error)
      else if (item.callback !== undefined) this.#driver.refuse(item.callback, error)
    }
  }

  /** There is no more room: whoever sent was told, or is about to be, and hears when there is. @returns false */
  expectRoom(): false {
    this.#oweDrain()
    return false
  }

  #report(): boolean {
    return this.bufferedAmount < this.#options.highWaterMark || this.expectRoom()
  }

  #oweDrain(): void {
    this.#owesDrain = true
    this.#driver.expectDrain()
  }

  #hasRoom(): boolean {
    return this.bufferedAmount < Math.max(this.#options.highWaterMark, 1)
  }

  #frameLength(payload: Payload): number {
    const isMasked = this.#driver.connection.role === 'client'
    const length =
      typeof payload === 'string'
        ? utf8Length(payload)
        : payload instanceof Uint8Array
          ? payload.length
          : payload.payload.length
    return headerLength(length, isMasked) + length
  }

  /** @returns whether the message may wait here; if not, it has been dealt with */
  #makeRoom(bytes: number, callback: SendCallback | undefined): boolean {
    if (this.#fits(bytes)) return true
    const action = this.#choose(bytes)
    if (action === 'keep') return true
    if (action === 'close') return this.#refuseSlow(callback)
    if (action === 'drop-oldest') while (!this.#fits(bytes) && this.#dropOldest());
    if (this.#fits(bytes)) return true
    this.#drop(callback)
    this.#oweDrain()
    return false
  }

  /** A message that finds nothing before it always fits: `maxBackpressure` bounds what waits, not what may be sent. */
  #fits(bytes: number): boolean {
    const { maxBackpressure, softBackpressure } = this.#options
    const waiting = this.bufferedAmount + this.#waiting.length * MESSAGE_COST
    const limit = this.#isOverdue ? Math.min(softBackpressure, maxBackpressure) : maxBackpressure
    return waiting === 0 || waiting + bytes + MESSAGE_COST <= limit
  }

  /** @param bytes - of the message for which there is no room; 0: what waits has been too much for too long */
  #choose(bytes: number): SlowConsumerAction {
    try {
      const { bufferedAmount, dropped } = this
      return actionFor(this.#options.slowConsumer, { bufferedAmount, messageBytes: bytes, dropped })
    } catch (error) {
      this.#owner.handlerFailed(toError(error), 'the option slowConsumer')
      return SlowConsumerAction.DropNewest
    }
  }

  #closeSlow(): void {
    this.#driver.closeFor(CloseCause.SlowConsumer, 1013, 'the peer reads too slowly')
    this.abandon()
  }

  #refuseSlow(callback: SendCallback | undefined): false {
    this.#closeSlow()
    if (callback !== undefined) this.#driver.refuse(callback, this.#owner.endError())
    return false
  }

  #isSlow(): boolean {
    const { softBackpressure } = this.#options
    const given = this.#driver.bufferedAmount
    const waiting = this.#bytes + this.#waiting.length * MESSAGE_COST
    // A message on its way that alone is more was taken all the same: what waits behind it counts.
    return (given > softBackpressure && !this.#hasFragments ? 0 : given) + waiting > softBackpressure
  }

  /** Sees when more waits than `softBackpressure`, and when no more. */
  #watch(): void {
    const { clock, softBackpressureMs } = this.#options
    if (!this.#isSlow()) this.#forgive()
    else if (!this.#isOverdue) {
      const expire = (): void => this.#expire()
      // What was lost because we came late is given back: in one turn a peer takes no more than the kernel holds.
      this.#softDeadline ??= new Deadline(clock, softBackpressureMs, expire, () => this.#isSlow())
    }
  }

  #forgive(): void {
    this.#softDeadline?.cancel()
    this.#softDeadline = null
    this.#isOverdue = false
  }

  #expire(): void {
    this.#softDeadline = null
    this.#isOverdue = this.#isSlow()
    if (!this.#isOverdue) return
    const action = this.#choose(0)
    if (action === 'close') this.#closeSlow()
    else if (action === 'drop-oldest') {
      while (this.#isSlow() && this.#dropOldest());
      this.#watch()
    }
  }

  #dropOldest(): boolean {
    const oldest = this.#waiting.take((item) => !isTurn(item)) as Message | undefined
    if (oldest === undefined) return false
    this.#bytes -= oldest.bytes
    this.#drop(oldest.callback)
    return true
  }

  #drop(callback: SendCallback | undefined): void {
    this.#dropped++
    if (callback === undefined) return
    this.#driver.refuse(callback, new WebSocketError('ERR_MESSAGE_DROPPED', 'dropped: the peer reads too slowly'))
  }

  /** Gives the transport what it can take. */
  #pump(): void {
    while (this.#turn === null && !this.#waiting.isEmpty && this.#driver.isWritable) {
      this.#batch(false)
      this.#driver.flush()
    }
    if (!this.isEmpty) this.#driver.expectDrain()
    if (this.#softDeadline !== null || this.#isOverdue) this.#watch()
  }

  /** Frames messages, in order, up to a streamed one. @param all - otherwise until there is enough for a write */
  #batch(all: boolean): void {
    if (!this.#driver.canSend) {
      this.abandon()
      return
    }
    while (!this.#waiting.isEmpty && this.#turn === null && (all || this.#wantsMore())) {
      const item = this.#waiting.shift()!
      if (isTurn(item)) {
        this.#turn = item
        item.begin()
      } else {
        this.#bytes -= item.bytes
        this.#sendWaiting(item)
      }
    }
  }

  /** Its sender is gone: what is wrong with the message by now, or with how it is compressed, is told by its callback. */
  #sendWaiting({ payload, isBinary, compress, callback }: Message): void {
    try {
      this.#driver.connection.sendMessage(payload, isBinary, compress)
      if (callback !== undefined) this.#driver.addCallback(callback)
    } catch (thrown) {
      const error = toError(thrown)
      if (callback === undefined) this.#owner.handlerFailed(error, 'send() of a message that waited')
      else this.#driver.refuse(callback, error)
    }
  }

  #wantsMore(): boolean {
    const { pendingOutput, waitingFrames } = this.#driver.connection
    return pendingOutput < BATCH && waitingFrames === 0
  }
}

function isTurn(item: Message | Turn): item is Turn {
  return 'begin' in item
}
