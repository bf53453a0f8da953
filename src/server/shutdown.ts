import { StatusCode } from '../frames/status-code.ts'
import { limitOption } from '../protocol/options.ts'
import type { Clock } from '../socket/clock.ts'
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

/** How a shutdown went. */
export interface ShutdownReport {
  /** Connections that took part in the closing handshake. */
  readonly closed: number
  /** Connections that had to be terminated. */
  readonly terminated: number
}

/** Closes connections one by one over `jitterMs`, and terminates those that have not ended after `graceMs`. */
export async function closeAll<Data>(
  clients: Iterable<WebSocket<Data>>,
  clock: Clock,
  closeTimeout: number,
  options: ShutdownOptions,
): Promise<ShutdownReport> {
  const { code = StatusCode.GoingAway, reason = '', signal } = options
  const graceMs = limitOption('graceMs', options.graceMs, closeTimeout)
  const jitterMs = limitOption('jitterMs', options.jitterMs, 0)
  const waiting = new Set(clients)
  const count = waiting.size
  if (count === 0) return { closed: 0, terminated: 0 }
  let terminated = 0
  const terminateRest = (): void => {
    terminated += waiting.size
    for (const ws of waiting) ws.terminate()
  }
  const timers: unknown[] = []
  const over = [...waiting].map(async (ws, i) => {
    if (jitterMs === 0) ws.close(code, reason)
    else timers.push(clock.setTimeout(() => ws.close(code, reason), (jitterMs * i) / count))
    const info = await ws.closed
    waiting.delete(ws)
    return info
  })
  timers.push(clock.setTimeout(terminateRest, jitterMs + graceMs))
  signal?.addEventListener('abort', terminateRest, { once: true })
  if (signal?.aborted) terminateRest()
  await Promise.all(over)
  for (const timer of timers) clock.clearTimeout(timer)
  signal?.removeEventListener('abort', terminateRest)
  return { closed: count - terminated, terminated }
}
