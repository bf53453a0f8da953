import { constants, inflateRawSync } from 'node:zlib'
import { Connection } from '../../../src/protocol/connection.ts'
import { serverExtension } from '../../support/deflate.ts'
import { RecordingListener } from '../../support/recording-listener.ts'
import { FuzzInput, must } from '../input.ts'

const LIMIT = 8192
const TAIL = Uint8Array.of(0, 0, 0xff, 0xff)

class Listener extends RecordingListener {
  readonly messages: Uint8Array[] = []

  override message(_isBinary: boolean, bytes: Uint8Array, start: number, end: number): void {
    this.messages.push(bytes.slice(start, end))
  }
}

/**
 * The payload of compressed messages, in one fragment or two: what is delivered is what zlib makes of it and never longer than
 * the limit; what is not delivered ends the connection with 1002, 1007 or 1009.
 */
export function fuzz(data: Uint8Array): void {
  const input = new FuzzInput(data)
  const cut = input.byte()
  const payload = input.rest().subarray(0, 60_000)
  const listener = new Listener()
  const extension = serverExtension('permessage-deflate; client_no_context_takeover')
  const connection = new Connection(listener, { role: 'server', maxPayload: LIMIT, extension })
  const at = cut % (payload.length + 1)
  if (cut < 128) connection.receive(frame(0xc2, payload))
  else {
    connection.receive(frame(0x42, payload.subarray(0, at)))
    connection.receive(frame(0x80, payload.subarray(at)))
  }
  const [message] = listener.messages
  if (message === undefined) {
    const { violation } = connection
    must(violation !== null || connection.isDecoding, () => 'neither a message nor a violation')
    if (violation !== null) must([1002, 1007, 1009].includes(violation.statusCode), () => `${violation.statusCode}`)
  } else {
    must(message.length <= LIMIT, () => `${message.length} bytes are more than the limit`)
    // RFC 7692 §7.2.3.4: behind a last block there may be more; zlib's own function stops there.
    const first = inflated(payload)
    must(Buffer.compare(message.subarray(0, first.length), first) === 0, () => 'another text than that of zlib')
  }
  connection.transportClosed()
}

function inflated(payload: Uint8Array): Uint8Array {
  return inflateRawSync(Buffer.concat([payload, TAIL]), {
    finishFlush: constants.Z_SYNC_FLUSH,
    maxOutputLength: 2 * LIMIT,
  })
}

/** A masked frame with the key 00000000. */
function frame(byte0: number, payload: Uint8Array): Uint8Array {
  const { length } = payload
  const header = length < 126 ? [byte0, 0x80 | length] : [byte0, 0xfe, length >>> 8, length & 255]
  return Buffer.concat([Uint8Array.from([...header, 0, 0, 0, 0]), payload])
}
