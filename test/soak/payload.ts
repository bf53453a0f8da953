import { crc32 } from 'node:zlib'
import { seededRandom } from '../support/seeded-random.ts'
import { MAX_SIZE, type PlannedMessage } from './plan.ts'

/** Eight hexadecimal digits of the sequence number and eight of the checksum. Shorter messages have neither. */
const HEAD = 16

/** Text that deflates well, and bytes that do not; a message is a piece of one of them. */
const TEXT = noise(2 * MAX_SIZE, (random) => 97 + Math.floor(random * random * 26))
const BINARY = noise(2 * MAX_SIZE, (random) => Math.floor(random * 256))

/** The payload of message number `sequence`. */
export function makePayload({ size, isText }: PlannedMessage, sequence: number): Buffer {
  const start = (sequence * 7919) % MAX_SIZE
  const source = isText ? TEXT : BINARY
  if (size < HEAD) return source.subarray(start, start + size)
  const payload = Buffer.allocUnsafe(size)
  payload.write(hex(sequence), 0, 'latin1')
  source.copy(payload, HEAD, start, start + size - HEAD)
  payload.write(hex(crc32(payload.subarray(HEAD), sequence)), 8, 'latin1')
  return payload
}

/**
 * Holds what has arrived against what should have.
 *
 * @returns what is wrong, or null
 */
export function checkPayload(
  planned: PlannedMessage,
  sequence: number,
  payload: Uint8Array,
  isBinary: boolean,
): string | null {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length)
  const carried = bytes.length < HEAD ? null : Number.parseInt(bytes.toString('latin1', 0, 8), 16)
  if (carried !== null && carried !== sequence) {
    const what = carried < sequence ? 'again' : carried > sequence ? 'too early' : 'with a broken number'
    return `message ${carried} came ${what} where ${sequence} was due`
  }
  if (isBinary === planned.isText) return `message ${sequence} came as ${isBinary ? 'binary' : 'text'}`
  if (bytes.length !== planned.size) return `message ${sequence} has ${bytes.length} bytes, ${planned.size} were sent`
  if (carried === null) {
    return bytes.equals(makePayload(planned, sequence)) ? null : `message ${sequence} has other bytes than were sent`
  }
  const checksum = bytes.toString('latin1', 8, HEAD)
  return checksum === hex(crc32(bytes.subarray(HEAD), sequence)) ? null : `message ${sequence} has a wrong checksum`
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0')
}

function noise(length: number, octet: (random: number) => number): Buffer {
  const random = seededRandom(length)
  const bytes = Buffer.allocUnsafe(length)
  for (let i = 0; i < length; i++) bytes[i] = octet(random())
  return bytes
}
