import { UsageError } from '../errors.ts'
import { Opcode } from '../frames/opcode.ts'
import { parseFrames } from '../frames/parse-frames.ts'
import { serializeFrame } from '../frames/serializer.ts'
import { hook } from '../ground/application.ts'
import type { SendCallback } from '../socket/send-callbacks.ts'
import type { WebSocket } from '../socket/websocket.ts'

/** What `Sender.frame` is told of a frame. */
export interface SenderFrameOptions {
  /** Whether this is the last fragment. */
  fin: boolean
  opcode: number
  rsv1?: boolean
  /** Whether the payload is masked, as by a client; needs `maskBuffer` or `generateMask`. */
  mask?: boolean
  /** Stands here because `ws` has it: the payload is always copied. */
  readOnly?: boolean
  /** The masking-key. */
  maskBuffer?: Uint8Array
  /** Fills four bytes with the masking-key. */
  generateMask?: (mask: Buffer) => void
}

/** The little of ws's `Sender` that adapters use to frame a message once and write it to many connections. */
export class Sender {
  readonly #ws: WebSocket

  constructor(ws: WebSocket) {
    this.#ws = ws
  }

  /**
   * A frame as bytes, in a list as `ws` gives it.
   *
   * @throws UsageError when the frame cannot be written, or is to be masked without a key
   */
  static frame(data: Uint8Array, options: SenderFrameOptions): Buffer[] {
    const { fin, opcode, rsv1 = false, mask = false } = options
    const frame = serializeFrame({ fin, opcode, rsv1, payload: data, maskingKey: mask ? maskingKeyOf(options) : null })
    return [Buffer.from(frame.buffer, frame.byteOffset, frame.length)]
  }

  /**
   * Sends frames that were made by {@link frame}, unmasked and not compressed. They are taken apart and sent like any
   * other message, so that limits, order and role are kept.
   *
   * @throws UsageError when the bytes are no whole data frames
   */
  sendFrame(list: readonly Uint8Array[], callback?: SendCallback): void {
    const bytes = list.length === 1 ? list[0]! : Buffer.concat(list)
    const { frames, rest, violation } = parseFrames(bytes, { role: 'client' })
    if (violation !== null || rest.length > 0 || frames.length === 0) {
      throw new UsageError('sendFrame: the bytes are not whole frames, unmasked and without extensions')
    }
    for (const [i, { opcode, fin, payload }] of frames.entries()) {
      const binary = opcode === Opcode.Binary
      this.#ws.send(payload, { binary, fin, compress: false }, i === frames.length - 1 ? callback : undefined)
    }
  }
}

function maskingKeyOf({ maskBuffer, generateMask }: SenderFrameOptions): Uint8Array {
  if (generateMask === undefined) {
    if (maskBuffer === undefined) throw new UsageError('Sender.frame: mask needs maskBuffer or generateMask')
    return maskBuffer
  }
  const mask = Buffer.alloc(4)
  hook('generateMask', generateMask, mask)
  return mask
}
