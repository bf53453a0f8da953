import { serializeSession } from '../session.ts'
import { pcapngOf } from './pcapng.ts'
import type { RecordedConnection } from './recorded-connection.ts'

/** Formats of an export, by the ends of file names, and their media types. */
const TYPES = {
  hex: 'text/plain; charset=utf-8',
  jsonl: 'application/jsonl',
  pcapng: 'application/x-pcapng',
} as const

/** How a connection can be written to a file. */
export type ExportFormat = keyof typeof TYPES

/** Whether there is such a format. */
export function isExportFormat(format: string): format is ExportFormat {
  return Object.hasOwn(TYPES, format)
}

/** What is kept of a connection as a file. */
export function exportAs(format: ExportFormat, connection: RecordedConnection): { type: string; body: Buffer } {
  const type = TYPES[format]
  if (format === 'hex') return { type, body: Buffer.from(hexOf(connection)) }
  if (format === 'jsonl') return { type, body: Buffer.from(serializeSession(connection.session())) }
  return { type, body: Buffer.from(pcapngOf(connection)) }
}

/** As `tshark -q -z follow,tcp,raw` prints it, which `framewright explain` reads: what the server sent stands behind a tab. */
function hexOf(connection: RecordedConnection): string {
  const { remoteAddress, remotePort, localPort } = connection.summary
  const line = '='.repeat(67)
  const head = [
    line,
    'Follow: tcp,raw',
    `Filter: framewright connection ${connection.id}`,
    `Node 0: ${remoteAddress ?? 'client'}:${remotePort ?? 0}`,
    `Node 1: server:${localPort ?? 0}`,
  ]
  const chunks = connection.session().events.flatMap((event) => {
    if (event.kind !== 'bytes') return []
    return `${event.direction === 's2c' ? '\t' : ''}${Buffer.from(event.bytes).toString('hex')}`
  })
  return [...head, ...chunks, line, ''].join('\n')
}
