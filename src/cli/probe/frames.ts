/*
 * Frames of RFC 6455 §5.2 for a client that may break every rule, written from the RFC alone. The probe shares no line with the
 * server of this package: a fault there cannot hide behind the same fault here.
 */

/** A frame to send; what is left out is as an ordinary client has it. */
export interface FrameToSend {
  readonly opcode: number
  readonly payload?: Buffer | string
  readonly fin?: boolean
  /** RSV1 is 4, RSV2 is 2, RSV3 is 1. */
  readonly rsv?: number
  /** Four octets; null for an unmasked frame. */
  readonly key?: readonly number[] | null
  /** Write the length in this many bits, whether it needs them or not. */
  readonly lengthBits?: 7 | 16 | 64
  /** Announce this length instead of the payload's. */
  readonly announced?: bigint
}

/** A frame that the server sent. */
export interface ReceivedFrame {
  readonly fin: boolean
  readonly rsv: number
  readonly opcode: number
  readonly masked: boolean
  /** Whether the length stands in as few bytes as it can. */
  readonly minimal: boolean
  readonly payload: Buffer
}

export const CONTINUATION = 0x0
export const TEXT = 0x1
export const BINARY = 0x2
export const CLOSE = 0x8
export const PING = 0x9
export const PONG = 0xa

const ORDINARY_KEY = [0x37, 0xfa, 0x21, 0x3d]

export function frame(toSend: FrameToSend): Buffer {
  const { opcode, fin = true, rsv = 0, key = ORDINARY_KEY } = toSend
  const payload = Buffer.from(toSend.payload ?? '')
  const length = toSend.announced ?? BigInt(payload.length)
  const bits = toSend.lengthBits ?? (length < 126n ? 7 : length < 65_536n ? 16 : 64)
  const maskBit = key === null ? 0 : 0x80
  const header = Buffer.alloc(bits === 7 ? 2 : bits === 16 ? 4 : 10)
  header[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode
  header[1] = maskBit | (bits === 7 ? Number(length) : bits === 16 ? 126 : 127)
  if (bits === 16) header.writeUInt16BE(Number(length), 2)
  if (bits === 64) header.writeBigUInt64BE(length, 2)
  if (key === null) return Buffer.concat([header, payload])
  const masked = Buffer.from(payload.map((octet, i) => octet ^ key[i % 4]!))
  return Buffer.concat([header, Buffer.from(key), masked])
}

export function text(payload: Buffer | string): Buffer {
  return frame({ opcode: TEXT, payload })
}

export function ping(payload: Buffer | string = ''): Buffer {
  return frame({ opcode: PING, payload })
}

/** A Close frame; without a status code its body is empty. */
export function close(statusCode?: number, reason: Buffer | string = ''): Buffer {
  if (statusCode === undefined) return frame({ opcode: CLOSE })
  const code = Buffer.alloc(2)
  code.writeUInt16BE(statusCode)
  return frame({ opcode: CLOSE, payload: Buffer.concat([code, Buffer.from(reason)]) })
}

/** Frames that are looked at on one connection: many times what any check needs. */
const MOST_FRAMES = 10_000

/** The whole frames at the start of `bytes`; a frame that is cut counts as not there yet. */
export function readFrames(bytes: Buffer): ReceivedFrame[] {
  const frames: ReceivedFrame[] = []
  for (let at = 0; bytes.length - at >= 2 && frames.length < MOST_FRAMES; ) {
    const first = bytes[at]!
    const second = bytes[at + 1]!
    const masked = (second & 0x80) !== 0
    const length7 = second & 0x7f
    const lengthOctets = length7 === 126 ? 2 : length7 === 127 ? 8 : 0
    let start = at + 2 + lengthOctets
    if (bytes.length < start + (masked ? 4 : 0)) break
    const length =
      length7 === 126 ? bytes.readUInt16BE(at + 2) : length7 === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : length7
    const key = masked ? bytes.subarray(start, start + 4) : null
    if (masked) start += 4
    if (bytes.length < start + length) break
    const raw = bytes.subarray(start, start + length)
    frames.push({
      fin: (first & 0x80) !== 0,
      rsv: (first >> 4) & 7,
      opcode: first & 0xf,
      masked,
      minimal: lengthOctets === 0 || length >= (lengthOctets === 2 ? 126 : 65_536),
      payload: key === null ? raw : Buffer.from(raw.map((octet, i) => octet ^ key[i % 4]!)),
    })
    at = start + length
  }
  return frames
}

/** A whole message, its fragments joined. */
export interface ReceivedMessage {
  readonly opcode: number
  readonly payload: Buffer
}

/** The whole messages among frames; control frames between fragments are passed over. */
export function messagesOf(frames: readonly ReceivedFrame[]): ReceivedMessage[] {
  const messages: ReceivedMessage[] = []
  let open: { opcode: number; pieces: Buffer[] } | undefined
  for (const { opcode, fin, payload } of frames) {
    if (opcode >= 8) continue
    if (opcode !== CONTINUATION || open === undefined) open = { opcode, pieces: [] }
    open.pieces.push(payload)
    if (!fin) continue
    messages.push({ opcode: open.opcode, payload: Buffer.concat(open.pieces) })
    open = undefined
  }
  return messages
}

/** The status code of a Close frame; 1005 when it has none. */
export function statusCodeOf({ payload }: ReceivedFrame): number {
  return payload.length >= 2 ? payload.readUInt16BE(0) : 1005
}
