/* The session for Wireshark and tshark. */
import type { Session } from '../src/inspector/index.ts'
import { pcapngOf } from '../src/inspector/record/pcapng.ts'
import { RecordedConnection } from '../src/inspector/record/recorded-connection.ts'

const NO_LIMITS = { entries: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }

/** The session as pcapng: TCP packets made up around the recorded chunks, at the recorded times. */
export function pcapngFile(session: Session): Uint8Array {
  let now = 0
  const connection = new RecordedConnection(
    1,
    {
      remoteAddress: undefined,
      remotePort: undefined,
      localAddress: undefined,
      localPort: undefined,
      isEncrypted: false,
    },
    {
      limits: NO_LIMITS,
      redacts: false,
      now: () => now,
      startedAt: session.header.startedAt ?? new Date(0).toISOString(),
      listener: { entry() {}, changed() {} },
    },
  )
  for (const event of session.events) {
    now = event.atMs
    if (event.kind === 'bytes' && event.direction === 'c2s') connection.received(event.bytes, false)
    else if (event.kind === 'bytes') connection.sent(event.bytes)
    else if (event.kind === 'end' && event.direction === 'c2s') connection.receivedEnd()
    else if (event.kind === 'end') connection.sentEnd()
  }
  return pcapngOf(connection)
}
