/*
 * A recorded connection as pcapng with link type 101 (raw IPv4): TCP packets made up around the chunks, so that Wireshark and
 * tshark read handshake and frames as from a wire. Chunk borders are packet borders, unless a chunk is longer than a packet can
 * be; verdicts are comments of the packet that they speak of. https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html
 */
import type { Direction, Verdict } from '../annotate/types.ts'
import type { SessionEvent } from '../session.ts'
import type { RecordedConnection } from './recorded-connection.ts'

const SECTION_HEADER = 0x0a0d0d0a
const INTERFACE_DESCRIPTION = 1
const ENHANCED_PACKET = 6
const RAW_IP = 101
const COMMENT = 1
const END_OF_OPTIONS = 0
/** Resolution of the time stamps: microseconds. */
const IP_HEADER = 20
const TCP_HEADER = 20
/** Most bytes of payload in one packet: the length of an IPv4 packet has 16 bits. */
const MOST_PAYLOAD = 0xffff - IP_HEADER - TCP_HEADER

const Flag = { Fin: 0x01, Syn: 0x02, Rst: 0x04, Psh: 0x08, Ack: 0x10 } as const

/** Addresses that belong to nobody, RFC 5737: those of the connection may be of IPv6, or none. */
const ADDRESSES: Readonly<Record<Direction, readonly number[]>> = { c2s: [192, 0, 2, 1], s2c: [192, 0, 2, 2] }

/** Ports of the client and of the server, where the connection has none. */
const CLIENT_PORT = 49152
const SERVER_PORT = 80

/** What is kept of a connection, as a file. */
export function pcapngOf(connection: RecordedConnection): Uint8Array {
  const { remotePort, localPort, startedAt } = connection.summary
  const ports = { c2s: remotePort ?? CLIENT_PORT, s2c: localPort ?? SERVER_PORT }
  const writer = new PacketWriter(ports, Date.parse(startedAt))
  writer.open()
  const verdicts = verdictsOf(connection)
  const session = connection.session()
  const at = firstOffsets(connection, session.events)
  for (const event of session.events) {
    if (event.kind === 'bytes') {
      const { direction, bytes } = event
      const start = at[direction]
      at[direction] += bytes.length
      writer.chunk(event.atMs, direction, bytes, (from, to) =>
        verdicts[direction].filter((one) => one.at >= start + from && one.at < start + to).map(commentOf),
      )
    } else if (event.kind === 'end') writer.end(event.atMs, event.direction)
    else if (event.kind === 'reset') writer.reset(event.atMs, event.direction)
  }
  return writer.bytes
}

function commentOf({ id, message, at, rule }: Verdict): string {
  return `${id} ${rule} at byte ${at}: ${message}`
}

function verdictsOf(connection: RecordedConnection): Record<Direction, Verdict[]> {
  const verdicts: Record<Direction, Verdict[]> = { c2s: [], s2c: [] }
  for (const entry of connection.entries()) {
    if (entry.kind === 'head' || entry.kind === 'frame' || entry.kind === 'noise') {
      verdicts[entry.direction].push(...entry.verdicts)
    }
  }
  return verdicts
}

/** Offset of the first byte of each direction: what is kept ends where the connection does. */
function firstOffsets(connection: RecordedConnection, events: readonly SessionEvent[]): Record<Direction, number> {
  const { c2s, s2c } = connection.summary.bytes
  const kept = { c2s: 0, s2c: 0 }
  for (const event of events) if (event.kind === 'bytes') kept[event.direction] += event.bytes.length
  return { c2s: c2s - kept.c2s, s2c: s2c - kept.s2c }
}

/** Writes blocks of pcapng. */
class PacketWriter {
  readonly #ports: Readonly<Record<Direction, number>>
  readonly #epochMs: number
  readonly #blocks: Uint8Array[] = []
  /** The sequence number that comes next; SYN takes one. */
  readonly #sequence: Record<Direction, number> = { c2s: 1000, s2c: 2000 }
  #identification = 0
  #isReset = false

  constructor(ports: Readonly<Record<Direction, number>>, epochMs: number) {
    this.#ports = ports
    this.#epochMs = epochMs
    const section = new DataView(new ArrayBuffer(16))
    section.setUint32(0, 0x1a2b3c4d, true)
    section.setUint16(4, 1, true)
    // The length of the section is not told.
    section.setBigInt64(8, -1n, true)
    this.#block(SECTION_HEADER, bytesOf(section))
    const description = new DataView(new ArrayBuffer(8))
    description.setUint16(0, RAW_IP, true)
    this.#block(INTERFACE_DESCRIPTION, bytesOf(description))
  }

  get bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#blocks))
  }

  /** The handshake of TCP. */
  open(): void {
    this.#packet(0, 'c2s', Flag.Syn, NO_BYTES, [])
    this.#packet(0, 's2c', Flag.Syn | Flag.Ack, NO_BYTES, [])
    this.#packet(0, 'c2s', Flag.Ack, NO_BYTES, [])
  }

  /** @param comments - on the bytes `[from, to)` of the chunk */
  chunk(atMs: number, direction: Direction, bytes: Uint8Array, comments: (from: number, to: number) => string[]): void {
    for (let from = 0; from < bytes.length; from += MOST_PAYLOAD) {
      const to = Math.min(bytes.length, from + MOST_PAYLOAD)
      this.#packet(atMs, direction, Flag.Psh | Flag.Ack, bytes.subarray(from, to), comments(from, to))
    }
  }

  end(atMs: number, direction: Direction): void {
    if (!this.#isReset) this.#packet(atMs, direction, Flag.Fin | Flag.Ack, NO_BYTES, [])
  }

  reset(atMs: number, direction: Direction): void {
    if (!this.#isReset) this.#packet(atMs, direction, Flag.Rst | Flag.Ack, NO_BYTES, [])
    this.#isReset = true
  }

  #packet(atMs: number, direction: Direction, flags: number, payload: Uint8Array, comments: readonly string[]): void {
    const packet = this.#ip(direction, flags, payload)
    const sequence = this.#sequence[direction]
    const taken = payload.length + ((flags & (Flag.Syn | Flag.Fin)) === 0 ? 0 : 1)
    this.#sequence[direction] = (sequence + taken) >>> 0
    const micros = BigInt(this.#epochMs) * 1000n + BigInt(Math.round(atMs * 1000))
    const head = new DataView(new ArrayBuffer(20))
    head.setUint32(4, Number(micros >> 32n), true)
    head.setUint32(8, Number(micros & 0xffff_ffffn), true)
    head.setUint32(12, packet.length, true)
    head.setUint32(16, packet.length, true)
    this.#block(ENHANCED_PACKET, bytesOf(head), padded(packet), optionsOf(comments))
  }

  #ip(direction: Direction, flags: number, payload: Uint8Array): Uint8Array {
    const other = direction === 'c2s' ? 's2c' : 'c2s'
    const length = IP_HEADER + TCP_HEADER + payload.length
    const packet = new Uint8Array(length)
    const view = new DataView(packet.buffer)
    packet[0] = 0x45
    view.setUint16(2, length)
    view.setUint16(4, this.#identification++ & 0xffff)
    // Not to be fragmented.
    packet[6] = 0x40
    packet[8] = 64
    packet[9] = 6
    packet.set(ADDRESSES[direction], 12)
    packet.set(ADDRESSES[other], 16)
    view.setUint16(10, checksum(packet.subarray(0, IP_HEADER), 0))
    view.setUint16(20, this.#ports[direction])
    view.setUint16(22, this.#ports[other])
    view.setUint32(24, this.#sequence[direction])
    if ((flags & Flag.Ack) !== 0) view.setUint32(28, this.#sequence[other])
    packet[32] = (TCP_HEADER / 4) << 4
    packet[33] = flags
    view.setUint16(34, 0xffff)
    packet.set(payload, IP_HEADER + TCP_HEADER)
    // The pseudo header: both addresses, the protocol, and the length of the segment.
    const pseudo = sum(packet.subarray(12, IP_HEADER)) + 6 + length - IP_HEADER
    view.setUint16(36, checksum(packet.subarray(IP_HEADER), pseudo))
    return packet
  }

  #block(type: number, ...parts: readonly Uint8Array[]): void {
    const body = Buffer.concat(parts)
    const length = 12 + body.length
    const edges = new DataView(new ArrayBuffer(12))
    edges.setUint32(0, type, true)
    edges.setUint32(4, length, true)
    edges.setUint32(8, length, true)
    const bytes = bytesOf(edges)
    this.#blocks.push(bytes.subarray(0, 8), body, bytes.subarray(8))
  }
}

const NO_BYTES = new Uint8Array(0)

function optionsOf(comments: readonly string[]): Uint8Array {
  if (comments.length === 0) return NO_BYTES
  const options = comments.map((comment) => option(COMMENT, Buffer.from(comment).subarray(0, 0xfff0)))
  return new Uint8Array(Buffer.concat([...options, option(END_OF_OPTIONS, NO_BYTES)]))
}

function option(code: number, value: Uint8Array): Uint8Array {
  const head = new DataView(new ArrayBuffer(4))
  head.setUint16(0, code, true)
  head.setUint16(2, value.length, true)
  return new Uint8Array(Buffer.concat([bytesOf(head), padded(value)]))
}

/** Blocks consist of whole words of four bytes. */
function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil(bytes.length / 4) * 4)
  whole.set(bytes)
  return whole
}

function bytesOf({ buffer }: DataView): Uint8Array {
  return new Uint8Array(buffer as ArrayBuffer)
}

/** RFC 1071: the sum of words of 16 bits. */
function sum(bytes: Uint8Array): number {
  let total = 0
  for (let i = 0; i < bytes.length; i += 2) total += (bytes[i]! << 8) | (bytes[i + 1] ?? 0)
  return total
}

function checksum(bytes: Uint8Array, start: number): number {
  let total = start + sum(bytes)
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16)
  return ~total & 0xffff
}
