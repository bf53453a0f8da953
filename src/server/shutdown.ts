import { UsageError } from '../errors.ts'
import { StatusCode } from '../frames/status-code.ts'
import type { Clock } from '../ground/clock.ts'
import { Deadline } from '../ground/deadline.ts'
import { checkOptionNames, type OptionNames } from '../ground/option-names.ts'
import { limitOption } from '../protocol/options.ts'
import { closeBody } from '../protocol/sender.ts'
import type { WebSocket } from '../socket/websocket.ts'

/** Options of `WebSocketServer.shutdown()`. */
export interface ShutdownOptions {
  /** Milliseconds the clients have to answer the Close frame before they are terminated. Default: `closeTimeout`. */
  graceMs?: number
  /** Status code of the Close frame. Default 1001, "going away"; 1012 says that the service restarts. */
  code?: number
  /** Reason in the Close frame; at most 123 bytes. Default none. */
  reason?: string
  /** Milliseconds over which the Close frames are spread, so that not all clients come back at once. Default 0. */
  jitterMs?: number
  /** Aborted: terminate everybody now. */
  signal?: AbortSignal
}

const shutdownOptionNames = {
  graceMs: true,
  code: true,
  reason: true,
  jitterMs: true,
  signal: true,
} satisfies OptionNames<ShutdownOptions>

/** How a shutdown went. */
export interface ShutdownReport {
  /** Connections that took part in the closing handshake to its end. */
  readonly closed: number
  /** Connections that we had to end without it. Those of which the transport broke by itself are neither. */
  readonly terminated: number
}

/** {@link ShutdownOptions} after the checks. */
export interface CheckedShutdownOptions {
  readonly graceMs: number
  readonly code: number
  readonly reason: string
  readonly jitterMs: number
  readonly signal: AbortSignal | undefined
}

/** Checks the options of a shutdown before anything is closed. @throws UsageError that names the option which is wrong */
export function checkShutdownOptions(options: ShutdownOptions, closeTimeout: number): CheckedShutdownOptions {
  checkOptionNames('shutdown', options, shutdownOptionNames)
  const { code = StatusCode.GoingAway, reason = '', signal } = options
  closeBody('server', code, reason)
  const jitterMs = limitOption('jitterMs', options.jitterMs, 0)
  if (jitterMs === Number.POSITIVE_INFINITY)
    throw new UsageError('option jitterMs is Infinity; the last must be closed')
  return { graceMs: limitOption('graceMs', options.graceMs, closeTimeout), code, reason, jitterMs, signal }
}

/** Closes connections one by one over `jitterMs`, and terminates those that have not ended after `graceMs`. */
export async function closeAll<Data>(
  clients: Iterable<WebSocket<Data>>,
  clock: Clock,
  options: CheckedShutdownOptions,
): Promise<ShutdownReport> {
  const { code, reason, graceMs, jitterMs, signal } = options
  const waiting = new Set(clients)
  const count = waiting.size
  if (count === 0) return { closed: 0, terminated: 0 }
  const terminateRest = (): void => {
    for (const ws of waiting) ws.terminate()
  }
  const deadlines: Deadline[] = []
  const over = [...waiting].map(async (ws, i) => {
    if (jitterMs === 0) ws.close(code, reason)
    else deadlines.push(new Deadline(clock, (jitterMs * i) / count, () => ws.close(code, reason)))
    const info = await ws.closed
    waiting.delete(ws)
    return info
  })
  // Those who were closed late, too, get the time to answer.
  deadlines.push(new Deadline(clock, jitterMs + graceMs, terminateRest, () => true))
  signal?.addEventListener('abort', terminateRest, { once: true })
  if (signal?.aborted) terminateRest()
  const infos = await Promise.all(over)
  for (const deadline of deadlines) deadline.cancel()
  signal?.removeEventListener('abort', terminateRest)
  return {
    closed: infos.filter((info) => info.wasClean).length,
    terminated: infos.filter((info) => !info.wasClean && info.initiator === 'local').length,
  }
}
