import { UsageError } from '../errors.ts'
import { decodeUtf8, encodeUtf8, isValidUtf8, joined } from '../frames/bytes.ts'
import { describeUnknown, type OptionNames } from '../ground/option-names.ts'
import { PreparedMessage } from '../protocol/prepared-message.ts'
import type { BinaryType } from './events.ts'

/** What `ping` and `pong` take. A number is sent as its decimal digits, a list of bytes as these bytes joined. */
export type ControlPayload = string | ArrayBuffer | SharedArrayBuffer | ArrayBufferView | number | readonly Uint8Array[]

/**
 * What `send` takes: what {@link ControlPayload} says, a Blob, which is read first and keeps its place, and a message that
 * `prepareMessage` made.
 */
export type Sendable = ControlPayload | Blob | PreparedMessage

/** Options of one `send()`. */
export interface SendOptions {
  /** Whether the message is binary. Default: a string is not, bytes are. */
  binary?: boolean | undefined
  /** Whether this is the last fragment of its message, RFC 6455 §5.4. Default true. */
  fin?: boolean | undefined
  /**
   * Whether the message may be compressed, if that was negotiated; below `threshold` it never is. Default: what the
   * option `perMessageDeflate.compress` says. In a message of fragments only the first one decides. RFC 7692 §6.1.
   */
  compress?: boolean | undefined
}

const sendOptionNames: OptionNames<SendOptions> = { binary: true, fin: true, compress: true }

/** A method of `WebSocket` that is told of an option which `send()` does not have. @internal */
export const unknownOption = Symbol('framewright.unknownOption')

/**
 * Looks for an option that `send()` does not have, and tells `owner`.
 *
 * Perf: `npm run bench -- echo`; it is asked for each message that is sent with options, and makes nothing.
 */
export function checkSendOptions(
  owner: { [unknownOption](name: string, message: string): void },
  options: SendOptions,
): void {
  for (const name in options) {
    if (!(name in sendOptionNames)) owner[unknownOption](name, describeUnknown('send', name, sendOptionNames))
  }
}

/** What a message is once it came through {@link toMessage}. */
export type Payload = string | Uint8Array | PreparedMessage

/** What `send` was given, as the outbox takes it. @throws as {@link toPayload} */
export function toMessage(data: unknown): Payload {
  return data instanceof PreparedMessage ? data : toPayload(data)
}

/**
 * The bytes or the text of what an application wants to send: exactly its bytes, whatever view it is.
 *
 * @throws UsageError when it is none of {@link ControlPayload}
 */
export function toPayload(data: unknown): string | Uint8Array {
  if (typeof data === 'string') return data
  if (data instanceof Uint8Array) return data
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  if (data instanceof ArrayBuffer || data instanceof SharedArrayBuffer) return new Uint8Array(data)
  if (typeof data === 'number') return String(data)
  if (Array.isArray(data) && data.every((part) => part instanceof Uint8Array)) return joined(data)
  throw new UsageError(`cannot send a value of type ${data === null ? 'null' : typeof data}; give a string or bytes`)
}

/** As {@link toPayload}, with a string turned into its UTF-8. */
export function toBytes(data: unknown): Uint8Array {
  const payload = toPayload(data)
  return typeof payload === 'string' ? encodeUtf8(payload) : payload
}

/**
 * The text whose UTF-8 `bytes` are.
 *
 * @throws UsageError when they are not UTF-8
 */
export function toText(bytes: Uint8Array): string {
  if (!(bytes instanceof Uint8Array)) throw new UsageError('the reason is neither a string nor a Uint8Array')
  if (!isValidUtf8(bytes, 0, bytes.length)) throw new UsageError('the reason is not valid UTF-8 (6455-5.5.1-3)')
  return decodeUtf8(bytes, 0, bytes.length)
}

const BINARY_TYPES: readonly unknown[] = ['nodebuffer', 'arraybuffer', 'blob', 'fragments'] satisfies BinaryType[]

/** Checks what an application sets `binaryType` to. @throws UsageError */
export function checkBinaryType(type: BinaryType): BinaryType {
  if (BINARY_TYPES.includes(type)) return type
  throw new UsageError(`binaryType is ${String(type)}; it must be one of ${BINARY_TYPES.join(', ')}`)
}

/** A copy of `bytes` as an application asks for it by `binaryType`. */
export function toBinaryType(type: 'arraybuffer' | 'blob', bytes: Uint8Array): ArrayBuffer | Blob {
  return type === 'blob' ? new Blob([bytes as Uint8Array<ArrayBuffer>]) : new Uint8Array(bytes).buffer
}
