import { UsageError } from '../errors.ts'
import { isValidUtf8 } from '../frames/bytes.ts'
import { readStatusCode } from '../frames/close-code.ts'
import { serializeClosePayload } from '../frames/close-payload.ts'
import { FIN, MAX_CONTROL_PAYLOAD, type Role } from '../frames/header.ts'
import { Opcode, opcodeName } from '../frames/opcode.ts'
import { StatusCode } from '../frames/status-code.ts'
import { Utf8Validator } from '../frames/utf8.ts'
import type { EncodedOutput } from './encoded-output.ts'
import type { Output } from './output.ts'
import { PreparedMessage } from './prepared-message.ts'
import { SendHalf } from './state.ts'

const NO_BYTES = new Uint8Array(0)

/** The send half of a connection: turns messages and control frames into output, RFC 6455 §6.1. */
export class Sender {
  readonly #output: Output
  readonly #encoded: EncodedOutput | null
  #half: SendHalf = SendHalf.Open
  #sentCloseCode = 0
  /** Opcode of the message that is being sent in fragments; 0 when none is. */
  #openOpcode = 0
  #utf8: Utf8Validator | null = null
  /** The octets of a character that the text fragments so far left open. */
  #openCharacter: Uint8Array = NO_BYTES

  /** @param encoded - what an extension does to messages; null: nothing */
  constructor(output: Output, encoded: EncodedOutput | null = null) {
    this.#output = output
    this.#encoded = encoded
  }

  /** What we may still say to the peer. */
  get half(): SendHalf {
    return this.#half
  }

  /** The status code of the Close frame we sent: 0 when none was, 1005 when it had no body. */
  get sentCloseCode(): number {
    return this.#sentCloseCode
  }

  /** Whether a message was begun with `fragment` and not ended. */
  get isFragmenting(): boolean {
    return this.#openOpcode !== 0
  }

  /** Whether frames wait for one that is encoded elsewhere. */
  get isWaiting(): boolean {
    return this.#encoded !== null && this.#encoded.waiting > 0
  }

  message(payload: string | Uint8Array | PreparedMessage, isBinary: boolean, compress?: boolean): void {
    // @req 6455-5.4-4
    if (this.#openOpcode !== 0) throw new UsageError('sendMessage: a fragmented message is open (6455-5.4-4)')
    if (payload instanceof PreparedMessage) {
      if (this.#encoded === null) this.#output.prepared(payload)
      else this.#encoded.prepared(payload, compress)
      return
    }
    requirePayload('sendMessage', payload)
    // @req 6455-5.6-1
    if (!isBinary && typeof payload !== 'string' && !isValidUtf8(payload, 0, payload.length)) {
      throw new UsageError('sendMessage: text that is not valid UTF-8 (6455-5.6-1)')
    }
    // @req 6455-6.1-1 @req 6455-6.1-6 @req 6455-6.1-7 @req 6455-5.2-2
    this.#frame(FIN | (isBinary ? Opcode.Binary : Opcode.Text), payload, compress)
  }

  fragment(payload: string | Uint8Array, isBinary: boolean, fin: boolean, compress?: boolean): void {
    requirePayload('sendFragment', payload)
    const first = this.#openOpcode === 0
    const messageOpcode = first ? (isBinary ? Opcode.Binary : Opcode.Text) : this.#openOpcode
    if (messageOpcode === Opcode.Text) this.#checkTextFragment(payload, fin)
    // @req 6455-6.1-5 @req 6455-6.1-6 @req 6455-6.1-7
    this.#frame((fin ? FIN : 0) | (first ? messageOpcode : Opcode.Continuation), payload, compress)
    this.#openOpcode = fin ? 0 : messageOpcode
  }

  control(opcode: number, payload: Uint8Array, start: number, end: number): void {
    if (!(payload instanceof Uint8Array)) {
      throw new UsageError(`${opcodeName(opcode)} frame: the payload is not a Uint8Array`)
    }
    // @req 6455-5.5-1
    if (end - start > MAX_CONTROL_PAYLOAD) {
      throw new UsageError(`${opcodeName(opcode)} frame of ${end - start} bytes; at most 125 fit (6455-5.5-1)`)
    }
    this.#output.frame(FIN | opcode, payload, start, end)
  }

  /** The Close frame, after which no data follows. @param body - from `serializeClosePayload` */
  close(body: Uint8Array): void {
    if (this.#encoded === null) this.control(Opcode.Close, body, 0, body.length)
    else this.#encoded.close(FIN | Opcode.Close, body)
    this.#half = SendHalf.CloseSent
    this.#sentCloseCode = readStatusCode(body)
  }

  /** Our direction of the transport ends. */
  end(): void {
    this.#half = SendHalf.Ended
  }

  /** Forgets messages that wait, but our Close frame: the connection was failed, or is over. */
  abandon(): void {
    this.#encoded?.abandon()
  }

  #frame(byte0: number, payload: string | Uint8Array, compress: boolean | undefined): void {
    // @req 6455-6.1-4
    if (this.#encoded !== null) this.#encoded.data(byte0, payload, compress)
    else if (typeof payload === 'string') this.#output.textFrame(byte0, payload)
    else this.#output.frame(byte0, payload, 0, payload.length)
  }

  /** A call that throws leaves no trace: the open character is judged again, from its first octet, in the next one. */
  #checkTextFragment(payload: string | Uint8Array, fin: boolean): void {
    if (typeof payload === 'string') {
      // @req 6455-5.6-1
      if (this.#openCharacter.length > 0) throw cutCharacter()
      return
    }
    this.#utf8 ??= new Utf8Validator()
    this.#utf8.reset()
    this.#utf8.push(this.#openCharacter)
    // @req 6455-5.6-1
    if (!this.#utf8.push(payload)) throw new UsageError('sendFragment: text that is not valid UTF-8 (6455-5.6-1)')
    const complete = this.#utf8.isComplete
    if (fin && !complete) throw cutCharacter()
    this.#openCharacter = complete ? NO_BYTES : openCharacter(this.#openCharacter, payload)
  }
}

/**
 * The body of a Close frame that our caller asks for.
 *
 * @throws UsageError when the code may not be sent by this role, or the reason does not fit
 */
export function closeBody(role: Role, statusCode: number | undefined, reason: string): Uint8Array {
  // @req 6455-7.4.1-3
  if (statusCode === StatusCode.NoStatusReceived) {
    throw new UsageError('status code 1005 stands for a Close frame without a code; omit it instead (6455-7.4.1-3)')
  }
  // @req 6455-7.4.1-7
  if (statusCode === StatusCode.MandatoryExtension && role === 'server') {
    throw new UsageError('status code 1010 is only sent by clients (6455-7.4.1-7)')
  }
  // A caller without types: what is no text has a length and no UTF-8.
  if (typeof reason !== 'string') throw new UsageError('the close reason is not a string')
  return serializeClosePayload(statusCode, reason)
}

/** Callers without types: a number or another view would put bytes on the wire that nobody meant. */
function requirePayload(what: string, payload: string | Uint8Array): void {
  if (typeof payload !== 'string' && !(payload instanceof Uint8Array)) {
    throw new UsageError(`${what}: the payload is neither a string nor a Uint8Array`)
  }
}

function cutCharacter(): UsageError {
  return new UsageError('sendFragment: a character is cut and not completed (6455-5.6-1)')
}

/** The octets at the end of text that are no whole character yet, at most three. */
function openCharacter(before: Uint8Array, payload: Uint8Array): Uint8Array {
  let at = payload.length - 1
  while (at >= 0 && payload[at]! < 0xc0) at--
  // Continuation octets alone: they belong to the character that was open before.
  return Uint8Array.from(at >= 0 ? payload.subarray(at) : [...before, ...payload])
}

/** What a caller is told who sends too early or too late. */
export function notOpen(what: string): UsageError {
  return new UsageError(`${what}: the connection is not OPEN (6455-6.1-2)`)
}
