import { UsageError } from '../errors.ts'
import { checkBytes } from './argument.ts'
import { FIN, headerLength, MASK, MAX_CONTROL_PAYLOAD, RSV1, RSV2, RSV3, writeHeader } from './header.ts'
import { applyMaskInRange, keyToInteger } from './mask.ts'
import { isControl } from './opcode.ts'

/** What {@link serializeFrame} needs to know of a frame. Every field of a parsed `Frame` may stand here too. */
export interface FrameInit {
  /** Whether this is the final fragment of its message, §5.2; default true. */
  readonly fin?: boolean
  /** Reserved bits; default false. Only an extension may set one, §5.2. */
  readonly rsv1?: boolean
  readonly rsv2?: boolean
  readonly rsv3?: boolean
  /** 0-15. */
  readonly opcode: number
  /** Four bytes: the frame is masked with them, as a client must; absent or null: it is not, as from a server. §5.3. */
  readonly maskingKey?: Uint8Array | null
  /** Payload data, unmasked; default empty. It is copied, never changed. */
  readonly payload?: Uint8Array
}

/**
 * A frame as bytes, RFC 6455 §5.2. The length takes its shortest form and the payload is masked if a key is given.
 *
 * Bits and opcodes go out as asked for, legal or not, so that tests and tools can make any frame; only what no
 * header can express is refused.
 *
 * @throws UsageError when the opcode is not 0-15, key or payload are not bytes, the key has not four of them, or a control
 *   frame is too long
 */
export function serializeFrame(frame: FrameInit): Uint8Array {
  const { opcode, maskingKey = null, payload } = frame
  if (!Number.isInteger(opcode) || opcode < 0 || opcode > 15) {
    throw new UsageError(`opcode ${opcode}; it has four bits: a whole number from 0 to 15 (6455-5.2)`)
  }
  if (maskingKey !== null) {
    checkBytes('maskingKey', maskingKey)
    if (maskingKey.length !== 4) {
      throw new UsageError(`masking-key of ${maskingKey.length} bytes; it has four (6455-5.3)`)
    }
  }
  if (payload !== undefined) checkBytes('payload', payload)
  const payloadLength = payload === undefined ? 0 : payload.length
  if (isControl(opcode) && payloadLength > MAX_CONTROL_PAYLOAD) {
    throw new UsageError(`control frame of ${payloadLength} bytes; at most 125 fit (6455-5.5-1)`)
  }
  const byte0 =
    (frame.fin === false ? 0 : FIN) |
    (frame.rsv1 ? RSV1 : 0) |
    (frame.rsv2 ? RSV2 : 0) |
    (frame.rsv3 ? RSV3 : 0) |
    opcode
  const bytes = new Uint8Array(headerLength(payloadLength, maskingKey !== null) + payloadLength)
  let at = writeHeader(bytes, 0, byte0, maskingKey === null ? 0 : MASK, payloadLength)
  if (maskingKey !== null) {
    bytes.set(maskingKey, at)
    at += 4
  }
  if (payload !== undefined) bytes.set(payload, at)
  if (maskingKey !== null) applyMaskInRange(bytes, at, bytes.length, keyToInteger(maskingKey), 0)
  return bytes
}
