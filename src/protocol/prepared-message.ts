import { UsageError } from '../errors.ts'
import { isValidUtf8, utf8Length, writeUtf8 } from '../frames/bytes.ts'
import { FIN, headerLength, writeHeader } from '../frames/header.ts'
import { Opcode } from '../frames/opcode.ts'
import { checkOptionNames, type OptionNames } from '../ground/option-names.ts'
import { type PreparedFrame, PreparedVariants } from './prepared-variants.ts'

/** Options of {@link prepareMessage}. */
export interface PrepareOptions {
  /** Whether the message is binary. Default: a string is not, bytes are. */
  binary?: boolean | undefined
}

/**
 * A message that was framed once, for many connections. Every server connection writes the same bytes; a client masks
 * each copy with a key of its own, as RFC 6455 §5.3 wants it. Made by {@link prepareMessage}.
 *
 * With permessage-deflate it is also compressed once for all connections that compress alike: with the same window and
 * level, and without context takeover for what we send. With takeover the compressed bytes depend on what the connection
 * sent before (RFC 7692 §7.2.1), so there it is compressed for each.
 */
export class PreparedMessage implements PreparedFrame {
  /** Whether the message is binary. */
  readonly isBinary: boolean
  /** The whole frame as a server sends it without extensions. Not to be changed. */
  readonly frame: Uint8Array
  /** The payload, where it lies in `frame`. Not to be changed. */
  readonly payload: Uint8Array
  /** What extensions made of it. @internal */
  readonly variants: PreparedVariants

  /** Prefer {@link prepareMessage}. @param frame - FIN set, not masked @param header - length of its header */
  constructor(isBinary: boolean, frame: Uint8Array, header: number) {
    this.isBinary = isBinary
    this.frame = frame
    this.payload = frame.subarray(header)
    this.variants = new PreparedVariants(this)
  }

  /** The first byte of the frame: FIN and the opcode, RFC 6455 §5.2. */
  get byte0(): number {
    return FIN | (this.isBinary ? Opcode.Binary : Opcode.Text)
  }
}

const prepareOptionNames = { binary: true } satisfies OptionNames<PrepareOptions>

/**
 * Frames a message once, so that sending it to many connections costs a write each and nothing more.
 *
 * @param data - a string, or bytes, which are copied
 * @returns what every `send()` takes
 * @throws UsageError when `data` is neither, or text bytes are not valid UTF-8
 */
export function prepareMessage(data: string | Uint8Array, options: PrepareOptions = {}): PreparedMessage {
  const isText = typeof data === 'string'
  if (!isText && !(data instanceof Uint8Array)) {
    throw new UsageError('prepareMessage: the data is neither a string nor a Uint8Array')
  }
  checkOptionNames('prepareMessage', options, prepareOptionNames)
  const isBinary = options.binary ?? !isText
  // @req 6455-5.6-1
  if (!isBinary && !isText && !isValidUtf8(data, 0, data.length)) {
    throw new UsageError('prepareMessage: text that is not valid UTF-8 (6455-5.6-1)')
  }
  const length = isText ? utf8Length(data) : data.length
  const header = headerLength(length, false)
  const frame = new Uint8Array(header + length)
  writeHeader(frame, 0, FIN | (isBinary ? Opcode.Binary : Opcode.Text), 0, length)
  if (isText) writeUtf8(data, frame, header)
  else frame.set(data, header)
  return new PreparedMessage(isBinary, frame, header)
}
