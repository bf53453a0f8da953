import { constants, deflateRawSync } from 'node:zlib'
import { Connection } from '../../../src/protocol/connection.ts'
import { turn } from '../../support/deferred.ts'
import { serverExtension } from '../../support/deflate.ts'
import { RecordingListener } from '../../support/recording-listener.ts'
import { FuzzInput, must } from '../input.ts'

const LIMIT = 1 << 20
/** Bytes of DEFLATE data that an input is repeated to, at most. */
const MOST = 16 << 10
/** What one write inflates to: all behind it is inflated on another thread. */
const BEGIN = deflateRawSync(Buffer.alloc(64 << 10), { finishFlush: constants.Z_SYNC_FLUSH })

class Listener extends RecordingListener {
  messages = 0

  override message(_isBinary: boolean, _bytes: Uint8Array, start: number, end: number): void {
    must(end - start <= LIMIT, () => `${end - start} bytes are more than the limit`)
    this.messages += 1
  }
}

/**
 * A compressed message that is so long that its end is inflated on another thread: the input, repeated as often as it
 * says. It ends as a message or with a violation, and with no more work than so few bytes are worth.
 */
export async function fuzz(data: Uint8Array): Promise<void> {
  const input = new FuzzInput(data)
  const times = 1 + input.byte() * 64
  const piece = input.rest()
  if (piece.length === 0) return
  const most = Math.max(1, Math.min(times, Math.floor(MOST / piece.length)))
  const payload = Buffer.concat([BEGIN, ...Array<Uint8Array>(most).fill(piece)])
  const listener = new Listener()
  const extension = serverExtension('permessage-deflate; client_no_context_takeover')
  const connection = new Connection(listener, { role: 'server', maxPayload: LIMIT, extension })
  const { length } = payload
  connection.receive(Buffer.concat([Uint8Array.of(0xc2, 0xfe, length >>> 8, length & 255, 0, 0, 0, 0), payload]))
  while (connection.isDecoding) await turn()
  const { violation } = connection
  must((listener.messages === 1) === (violation === null), () => 'neither a message nor a violation, or both')
  if (violation !== null) must([1002, 1007, 1009].includes(violation.statusCode), () => `${violation.statusCode}`)
  connection.transportClosed()
}
