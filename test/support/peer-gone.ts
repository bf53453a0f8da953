/** What Node says of a write, or of a dial, to a peer that has ended or broken the connection. */
const CODES: ReadonlySet<string | undefined> = new Set(['EPIPE', 'ECONNRESET', 'ECONNABORTED', 'ERR_STREAM_DESTROYED'])

/** Whether the error says that the peer has gone, and nothing else. */
export function isPeerGone(error: unknown): boolean {
  return error instanceof Error && CODES.has((error as NodeJS.ErrnoException).code)
}
