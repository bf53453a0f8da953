import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { RecordedConnection } from '../../inspector/record/recorded-connection.ts'

/** Where a proxy sends what it gets. */
export interface ForwardTarget {
  readonly isSecure: boolean
  readonly host: string
  readonly port: number
  /** Whether a certificate that nobody vouches for will do. */
  readonly isInsecure: boolean
}

/** Connects to the target. */
export function dialTarget({ isSecure, host, port, isInsecure }: ForwardTarget): Socket {
  const plain = { host, port, allowHalfOpen: true, noDelay: true }
  return isSecure ? connectTls({ ...plain, servername: host, rejectUnauthorized: !isInsecure }) : connectTcp(plain)
}

/**
 * Hands bytes on, both ways and unchanged, ends and resets too, and records them. Who does not read makes the other wait.
 *
 * @returns when both sides are gone
 */
export async function forward(client: Socket, server: Socket, recorded: RecordedConnection): Promise<void> {
  const one = way(client, server, {
    bytes: (chunk) => recorded.received(chunk, false),
    end: () => recorded.receivedEnd(),
    broke: (error) => recorded.failed(error),
  })
  const other = way(server, client, {
    bytes: (chunk) => recorded.sent(chunk),
    end: () => recorded.sentEnd(),
    broke: (error) => {
      recorded.refused(error)
      recorded.destroyed()
    },
  })
  await Promise.all([one, other])
  recorded.closed(null)
}

function way(
  from: Socket,
  to: Socket,
  seen: { bytes(chunk: Uint8Array): void; end(): void; broke(error: Error): void },
): Promise<void> {
  return new Promise((resolve) => {
    from.on('data', (chunk: Buffer) => {
      seen.bytes(new Uint8Array(chunk))
      if (!to.write(chunk)) from.pause()
    })
    to.on('drain', () => from.resume())
    from.on('end', () => {
      seen.end()
      to.end()
    })
    from.on('error', (error) => {
      seen.broke(error)
      to.resetAndDestroy()
    })
    from.on('close', () => {
      to.end()
      resolve()
    })
  })
}
