/**
 * A little frame builder and reader for the client's side of the wire, written from RFC 6455 §5.2 alone. It shares no line
 * with `src/`, so that a mistake there cannot hide behind the same mistake here. Obvious rather than fast.
 */

/** What {@link clientFrame} puts on the wire; everything has the value of an ordinary frame unless said otherwise. */
export interface ClientFrame {
  readonly opcode: number
  readonly payload?: Uint8Array | string
  readonly fin?: boolean
  readonly rsv?: number
  /** Four octets; `null` for an unmasked frame, which a server must refuse. */
  readonly maskingKey?: readonly number[] | null
  /** Write the length in this many bits, minimal or not. */
  readonly lengthBits?: 7 | 16 | 64
}

/** A frame as the server sent it. */
export interface ServerFrame {
  readonly fin: boolean
  readonly rsv: number
  readonly opcode: number
  readonly masked: boolean
  readonly payload: Uint8Array
}

const DEFAULT_KEY = [0x37, 0xfa, 0x21, 0x3d]

export function clientFrame(frame: ClientFrame): Uint8Array {
  const { opcode, fin = true, rsv = 0, maskingKey = DEFAULT_KEY } = frame
  const payload = typeof frame.payload === 'string' ? new TextEncoder().encode(frame.payload) : (frame.payload ?? [])
  const bits = frame.lengthBits ?? (payload.length < 126 ? 7 : payload.length < 65_536 ? 16 : 64)

  const bytes: number[] = [(fin ? 0x80 : 0) | (rsv << 4) | opcode]
  const maskBit = maskingKey === null ? 0 : 0x80
  if (bits === 7) bytes.push(maskBit | payload.length)
  if (bits === 16) bytes.push(maskBit | 126, payload.length >>> 8, payload.length & 0xff)
  if (bits === 64) {
    bytes.push(maskBit | 127)
    for (let octet = 7; octet >= 0; octet -= 1) bytes.push(Math.floor(payload.length / 256 ** octet) % 256)
  }
  if (maskingKey !== null) bytes.push(...maskingKey)

  const wire = new Uint8Array(bytes.length + payload.length)
  wire.set(bytes)
  for (let i = 0; i < payload.length; i += 1) {
    const byte = payload[i] ?? 0
    wire[bytes.length + i] = maskingKey === null ? byte : byte ^ (maskingKey[i % 4] ?? 0)
  }
  return wire
}

export function clientText(text: string): Uint8Array {
  return clientFrame({ opcode: 0x1, payload: text })
}

export function clientBinary(payload: Uint8Array): Uint8Array {
  return clientFrame({ opcode: 0x2, payload })
}

/** A Close frame; without a status code its payload is empty. */
export function clientClose(statusCode?: number, reason = ''): Uint8Array {
  if (statusCode === undefined) return clientFrame({ opcode: 0x8 })
  const encoded = new TextEncoder().encode(reason)
  return clientFrame({ opcode: 0x8, payload: Uint8Array.of(statusCode >>> 8, statusCode & 0xff, ...encoded) })
}

/** Whatever can hand out the next n bytes, such as a `RawSocket`. */
export interface ByteReader {
  read(length: number): Promise<Uint8Array>
}

/** The next frame of the stream, whole. */
export async function readServerFrame(reader: ByteReader): Promise<ServerFrame> {
  const [first = 0, second = 0] = await reader.read(2)
  let length = second & 0x7f
  if (length >= 126) {
    const octets = await reader.read(length === 126 ? 2 : 8)
    length = octets.reduce((value, octet) => value * 256 + octet, 0)
  }
  const masked = (second & 0x80) !== 0
  const key = masked ? await reader.read(4) : undefined
  const payload = await reader.read(length)
  if (key !== undefined) {
    for (let i = 0; i < length; i += 1) payload[i] = (payload[i] ?? 0) ^ (key[i % 4] ?? 0)
  }
  return { fin: (first & 0x80) !== 0, rsv: (first >> 4) & 0x7, opcode: first & 0xf, masked, payload }
}

/** Status code and reason of a Close frame's payload; 1005 stands for "no status code". */
export function readClosePayload(payload: Uint8Array): { statusCode: number; reason: string } {
  if (payload.length < 2) return { statusCode: 1005, reason: '' }
  const statusCode = (payload[0] ?? 0) * 256 + (payload[1] ?? 0)
  return { statusCode, reason: new TextDecoder().decode(payload.subarray(2)) }
}
