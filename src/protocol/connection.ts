/*
 * One WebSocket connection after its opening handshake, RFC 6455 §5.4-§7, for both roles and without I/O.
 *
 * Theory of operation
 * -------------------
 * A driver moves bytes: `receive` and `receiveEnd` take what the transport gave, `send…`, `ping`, `close` say what the
 * application wants. Events come through the listener during these calls. After ANY call the driver does one flush:
 *
 *   1. write `takeOutput()`, then call `outputWritten`;
 *   2. act on `transportIntent`: end its direction, start the close timer;
 *   3. if `hasRetained`: call `readRetained()` in a later turn of the event loop.
 *
 * Rules for editors
 * 1. A fault of the peer never throws: it becomes a Close frame, a stored violation and an intent. Only the caller's
 *    own fault throws, as UsageError.
 * 2. `state.ts` says what the halves mean; nothing else remembers how far the closing handshake is.
 * 3. No clock, no randomness, no promise in here.
 */
import { UsageError } from '../errors.ts'
import { readStatusCode } from '../frames/close-code.ts'
import { MAX_REASON_LENGTH, readReason, serializeClosePayload } from '../frames/close-payload.ts'
import type { Role } from '../frames/header.ts'
import { Opcode } from '../frames/opcode.ts'
import { StatusCode } from '../frames/status-code.ts'
import type { Violation } from '../frames/violation.ts'
import { EncodedOutput } from './encoded-output.ts'
import type { ConnectionListener, MessageSink } from './listener.ts'
import { type ConnectionOptions, checkConnectionOptions } from './options.ts'
import { Output } from './output.ts'
import type { PreparedMessage } from './prepared-message.ts'
import { Reader, type ReaderTarget } from './reader.ts'
import { closeBody, notOpen, Sender } from './sender.ts'
import { ReadyState, ReceiveHalf, readyStateOf, SendHalf, TransportIntent } from './state.ts'

/** Pongs that may wait for a peer that does not read before nothing more is parsed. Same as one read. */
const MAX_PONG_BYTES = 64 << 10
const NO_BYTES = new Uint8Array(0)

/** The sans-I/O state machine of RFC 6455 for both roles. */
export class Connection implements ReaderTarget {
  /** Which end we are. */
  readonly role: Role
  readonly #listener: ConnectionListener
  readonly #output: Output
  readonly #encoded: EncodedOutput | null
  readonly #sender: Sender
  readonly #reader: Reader
  readonly #autoPong: boolean

  #receiveHalf: ReceiveHalf = ReceiveHalf.Open
  #intent: TransportIntent = TransportIntent.None
  #closeCode: number = StatusCode.AbnormalClosure
  #closeReason = ''
  #violation: Violation | null = null

  #pongBytes = 0

  /** @throws UsageError when a client gets no `maskingKey`, or a limit is no limit */
  constructor(listener: ConnectionListener, options: ConnectionOptions) {
    const { role, maskingKey, extension = null } = options
    // @req 6455-5.3-3
    if (role === 'client' && maskingKey === undefined) {
      throw new UsageError('a client connection needs the option maskingKey (6455-5.3-3)')
    }
    this.role = role
    this.#listener = listener
    this.#autoPong = options.autoPong !== false
    const checked = checkConnectionOptions(options)
    this.#output = new Output(checked.slabPool, role === 'client' ? maskingKey! : null)
    this.#encoded = extension === null ? null : new EncodedOutput(this.#output, extension.encoder(), () => this.woken())
    this.#sender = new Sender(this.#output, this.#encoded)
    this.#reader = new Reader(this, checked, extension)
  }

  /** OPEN, CLOSING or CLOSED; a connection begins OPEN. RFC 6455 §7.1. */
  get readyState(): ReadyState {
    return readyStateOf(this.#receiveHalf, this.#sender.half)
  }

  /** The Connection Close Code, RFC 6455 §7.1.5: of the first Close frame received, 1005 without one in it, else 1006. */
  get closeCode(): number {
    return this.#closeCode
  }

  /** The Connection Close Reason, RFC 6455 §7.1.6. */
  get closeReason(): string {
    return this.#closeReason
  }

  /** The status code of the Close frame we sent: 0 when none was, 1005 when it had no body. */
  get sentCloseCode(): number {
    return this.#sender.sentCloseCode
  }

  /** Whether a message was begun with `sendFragment` and not ended. */
  get isSendingFragments(): boolean {
    return this.#sender.isFragmenting
  }

  /** Whether the peer's Close frame has arrived. */
  get closeReceived(): boolean {
    return this.#closeCode !== StatusCode.AbnormalClosure
  }

  /** The rule for which we failed the connection, or null. */
  get violation(): Violation | null {
    return this.#violation
  }

  /** What the driver shall do with the transport after it wrote the output. */
  get transportIntent(): TransportIntent {
    // Our direction ends behind what waits.
    const isEarly = this.#intent === TransportIntent.HalfClose && this.#sender.isWaiting
    return isEarly ? TransportIntent.ExpectClose : this.#intent
  }

  /** Bytes of frames that were not taken yet. */
  get pendingOutput(): number {
    return this.#output.pending
  }

  /** Bytes of messages that wait for one that an extension encodes elsewhere; they are no output yet. */
  get waitingOutput(): number {
    return this.#encoded?.waitingBytes ?? 0
  }

  /** How many frames wait so. */
  get waitingFrames(): number {
    return this.#encoded === null ? 0 : this.#encoded.waiting
  }

  /** Frees what an extension that was not used for a while can do without; called now and then. @param now - milliseconds */
  rest(now: number): void {
    this.#encoded?.rest(now)
  }

  /** How many frames have waited so and went into the output. */
  get releasedFrames(): number {
    return this.#encoded === null ? 0 : this.#encoded.done
  }

  /** Whether output refers to memory of the caller: then the driver flushes before it returns to the caller. */
  get hasBorrowedOutput(): boolean {
    return this.#output.hasBorrowed
  }

  /** Bytes of memory held for messages and bytes that are not delivered yet. */
  get bufferedInput(): number {
    return this.#reader.bufferedLength
  }

  /** Bytes of memory that an extension holds: states, and what it works on. What `waitingOutput` counts is not among them. */
  get extensionBytes(): number {
    return this.#reader.decoderBytes + (this.#encoded === null ? 0 : this.#encoded.heldBytes)
  }

  /** Bytes that an extension has made of what came, so far. */
  get decodedBytes(): number {
    return this.#reader.decodedBytes
  }

  /** Whether `pause` is in force. */
  get paused(): boolean {
    return this.#reader.isPaused
  }

  /** Whether an extension decodes a frame elsewhere: what the peer sent is not all delivered yet. */
  get isDecoding(): boolean {
    return this.#reader.isDecoding
  }

  /** Whether bytes wait for `readRetained`: call it in a later turn of the event loop. */
  get hasRetained(): boolean {
    return this.#reader.hasRetained
  }

  /** Whether the driver should go on reading from the transport; once the connection is failed or closed, to discard. */
  get wantsBytes(): boolean {
    return this.#reader.wantsBytes
  }

  /** Takes bytes from the peer; any cut will do. They are unmasked in place, and may be reused when this returns. */
  receive(bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.#reader.receive(bytes, start, end)
  }

  /** A copy of bytes that a listener is shown just now, to keep and to give away: beside it lies only what came with it. */
  keep(bytes: Uint8Array, start: number, end: number): Uint8Array {
    return this.#reader.keep(bytes, start, end)
  }

  /** Takes the end of the peer's direction of the transport, in order behind the bytes before it. */
  receiveEnd(): void {
    this.#reader.receiveEnd()
  }

  /** Says that the transport is gone in both directions. Nothing is delivered after this. */
  transportClosed(): void {
    this.#receiveHalf = ReceiveHalf.Ended
    this.#sender.end()
    this.#sender.abandon()
    this.#reader.close()
    this.#output.abandon()
  }

  /** Stops reading behind the frame in hand; what follows is retained. */
  pause(): void {
    this.#reader.pause()
  }

  /** Ends a `pause` and reads what was retained. */
  resume(): void {
    this.#reader.resume()
  }

  /** Reads what was retained when the work budget of a turn was spent, or before `outputDrained`; not while paused. */
  readRetained(): void {
    this.#reader.readRetained()
  }

  /** Takes what is to be written, in order. Call `outputWritten` after the write. */
  takeOutput(): Uint8Array[] {
    return this.#output.take()
  }

  /**
   * Says that the taken output was handed to the transport.
   *
   * @param consumed - true: the transport has copied or sent all that it ever got, so its memory may be used again; may
   * be said again later, when it was false at first
   */
  outputWritten(consumed: boolean): void {
    this.#output.release(consumed)
    if (consumed) this.outputDrained()
  }

  /** Says that the transport has nothing left to send. A connection stalled by unread Pongs then waits for `readRetained`. */
  outputDrained(): void {
    this.#pongBytes = 0
    this.#reader.unstall()
  }

  /**
   * Sends a message in one frame, RFC 6455 §6.1.
   *
   * @param payload - a string, bytes, or a prepared message; long bytes must not change until they were written
   * @param isBinary - whether the message is binary; default: bytes are, a string is not; a prepared message knows
   * @param compress - whether an extension may compress it; default: its options decide
   * @throws UsageError when the connection is not OPEN, a fragmented message is open, or text is not UTF-8
   */
  sendMessage(
    payload: string | Uint8Array | PreparedMessage,
    isBinary = typeof payload !== 'string',
    compress?: boolean,
  ): void {
    this.#requireOpen('sendMessage')
    this.#sender.message(payload, isBinary, compress)
  }

  /** What to give `sendMessage` as `compress` if it sends the message later. @throws what a function of the options throws */
  mayCompress(payload: string | Uint8Array | PreparedMessage, isBinary: boolean, compress?: boolean): boolean {
    return this.#encoded?.wants(payload, isBinary, compress) === true
  }

  /**
   * Sends one fragment of a message, RFC 6455 §5.4. The first call of a message says whether it is binary.
   *
   * @param payload - as in `sendMessage`; a string must not end inside a surrogate pair
   * @param isBinary - only looked at in the first fragment
   * @param fin - whether this is the last fragment
   * @param compress - as in `sendMessage`; only looked at in the first fragment
   * @throws UsageError when the connection is not OPEN or text is not UTF-8
   */
  sendFragment(payload: string | Uint8Array, isBinary: boolean, fin: boolean, compress?: boolean): void {
    this.#requireOpen('sendFragment')
    this.#sender.fragment(payload, isBinary, fin, compress)
  }

  /** Sends a Ping, RFC 6455 §5.5.2. @param payload - at most 125 bytes @throws UsageError when not OPEN, or too long */
  sendPing(payload: Uint8Array = NO_BYTES): void {
    this.#requireOpen('sendPing')
    this.#sender.control(Opcode.Ping, payload, 0, payload.length)
  }

  /**
   * Sends a Pong that nobody asked for, or an answer when `autoPong` is off, RFC 6455 §5.5.3. As `sendPing`, but a Ping
   * is also answered after our own Close frame, until the peer's arrives.
   */
  sendPong(payload: Uint8Array = NO_BYTES): void {
    // @req 6455-5.5.2-2
    if (this.#receiveHalf !== ReceiveHalf.Open) throw notOpen('sendPong')
    this.#sender.control(Opcode.Pong, payload, 0, payload.length)
  }

  /**
   * Starts the closing handshake, RFC 6455 §7.1.2. Does nothing when it has begun.
   *
   * @param statusCode - 1000-1003, 1007-1014 or 3000-4999; omitted: the Close frame has no body
   * @param reason - at most 123 bytes of UTF-8; needs a status code
   * @throws UsageError when the code may not be sent (1010 only by clients), or the reason does not fit
   */
  close(statusCode?: number, reason = ''): void {
    // @req 6455-7.1.2-1
    const body = closeBody(this.role, statusCode, reason)
    if (this.readyState !== ReadyState.OPEN) return
    this.#sender.close(body)
    this.#intent = TransportIntent.ExpectClose
  }

  /**
   * Fails the connection, RFC 6455 §7.1.7: sends a Close frame that names the rule, reads nothing more, ends the
   * transport. Does nothing when the peer has closed, failed or ended already.
   *
   * @throws UsageError when the status code may not be sent, or the message is longer than a reason
   */
  fail(violation: Violation): void {
    if (this.#receiveHalf !== ReceiveHalf.Open) return
    const reason = `${violation.id} ${violation.message}`.slice(0, MAX_REASON_LENGTH)
    const body = serializeClosePayload(violation.statusCode, reason)
    this.#violation = violation
    // @req 6455-7.1.7-7
    this.#receiveHalf = ReceiveHalf.Failed
    this.#reader.stop()
    this.#sender.abandon()
    // @req 6455-7.1.7-5 @req 6455-10.7-3 @req 6455-5.1-3 @req 6455-5.1-6
    if (this.#sender.half === SendHalf.Open) this.#sender.close(body)
    // @req 6455-7.1.7-3 @req 6455-7.1.7-1
    this.#endSending()
    this.#listener.failed(violation)
  }

  /** Called when a message is there. @internal */
  message(isBinary: boolean, bytes: Uint8Array, start: number, end: number, owned: boolean): void {
    this.#listener.message(isBinary, bytes, start, end, owned)
  }

  /** Called when a message begins that is cut. @internal */
  messageStart(isBinary: boolean): MessageSink | null {
    return this.#listener.messageStart?.(isBinary) ?? null
  }

  /** Called by the reader: the peer's direction has ended. @internal */
  streamEnded(): void {
    this.#reader.stop()
    this.#receiveHalf = ReceiveHalf.Ended
    this.#endSending()
  }

  /** Called when an extension has done something elsewhere. @internal */
  woken(): void {
    this.#listener.woken?.()
  }

  /** Called by the reader: RFC 6455 §5.5. @internal */
  controlFrame(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    // @req 6455-5.4-5 @req 6455-6.2-2
    if (opcode === Opcode.Ping) {
      // @req 6455-5.5.2-2 @req 6455-5.5.2-3 @req 6455-5.5.3-1 @req 6455-5.5.3-2
      if (this.#autoPong) this.#answerPing(bytes, start, end)
      this.#listener.ping(bytes, start, end)
    } else if (opcode === Opcode.Pong) {
      // @req 6455-5.5.3-3
      this.#listener.pong(bytes, start, end)
    } else this.#receiveClose(bytes, start, end)
  }

  #answerPing(bytes: Uint8Array, start: number, end: number): void {
    this.#sender.control(Opcode.Pong, bytes, start, end)
    this.#pongBytes += end - start + 2
    if (this.#pongBytes > MAX_PONG_BYTES) this.#reader.stall()
  }

  /** RFC 6455 §5.5.1, §7.1.4-§7.1.6. */
  #receiveClose(bytes: Uint8Array, start: number, end: number): void {
    // @req 6455-5.5.1-9 @req 6455-7.1.5-1 @req 6455-7.1.5-2 @req 6455-7.1.5-3 @req 6455-7.1.6-1
    this.#closeCode = readStatusCode(bytes, start, end)
    this.#closeReason = readReason(bytes, start, end)
    // Whoever is interrupted hears with what.
    if (this.#sender.half === SendHalf.Open) this.#listener.closing?.()
    if (this.#receiveHalf !== ReceiveHalf.Open) return
    this.#receiveHalf = ReceiveHalf.CloseReceived
    this.#reader.stop()
    // @req 6455-5.5.1-7 @req 6455-5.5.1-8
    if (this.#sender.half === SendHalf.Open) this.#sender.close(serializeClosePayload(this.#closeCode))
    // @req 6455-5.5.1-10 @req 6455-5.5.1-11 @req 6455-7.1.1-3 @req 6455-7.1.1-5 @req 6455-5.5.1-12 @req 6455-7.1.1-6
    if (this.role === 'server') this.#endSending()
    else this.#intent = TransportIntent.ExpectClose
    this.#listener.closeReceived(this.#closeCode, this.#closeReason)
  }

  #requireOpen(what: string): void {
    // @req 6455-6.1-2 @req 6455-6.1-3 @req 6455-5.5.1-6
    if (this.#receiveHalf !== ReceiveHalf.Open || this.#sender.half !== SendHalf.Open) throw notOpen(what)
  }

  #endSending(): void {
    this.#sender.end()
    this.#intent = TransportIntent.HalfClose
  }
}
