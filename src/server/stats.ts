import type { Socket } from 'node:net'
import { CloseCause, type CloseInfo } from '../socket/close-info.ts'
import type { Traffic } from '../socket/traffic.ts'
import { transportOf, type WebSocket } from '../socket/websocket.ts'
import type { MemoryBudget } from './memory-budget.ts'

/** What a server has done, and is doing; see `WebSocketServer.stats()`. */
export interface ServerStats {
  /** Open connections. */
  readonly connections: number
  /** Opening handshakes: under way now, and since the start accepted, and refused or broken off. */
  readonly handshakes: { readonly pending: number; readonly accepted: number; readonly refused: number }
  /** Whole messages since the start. */
  readonly messages: { readonly received: number; readonly sent: number }
  /** Bytes since the start, as the sockets counted them: frames and opening handshakes, below TLS what TLS makes of them. */
  readonly bytes: { readonly received: number; readonly sent: number }
  /** Connections that ended since the start, by cause. */
  readonly closes: Readonly<Record<CloseCause, number>>
  /** Bytes that were sent and not yet handed to the operating system, over all connections. */
  readonly bufferedBytes: number
  /** Bytes of memory that may be held for all connections, and that are; see `memoryBudget`. */
  readonly memory: { readonly budget: number; readonly held: number }
}

/** Counts handshakes and ends. */
export class Tally {
  accepted = 0
  refused = 0
  readonly #closes = Object.fromEntries(Object.values(CloseCause).map((cause) => [cause, 0])) as Record<
    CloseCause,
    number
  >

  closed({ cause }: CloseInfo): void {
    this.#closes[cause]++
  }

  get closes(): Record<CloseCause, number> {
    return { ...this.#closes }
  }
}

/** What goes into {@link ServerStats} besides the open connections. */
export interface StatsSource {
  readonly tally: Readonly<Tally>
  readonly traffic: Traffic
  readonly pendingHandshakes: number
}

/**
 * Adds up what a server says of itself.
 *
 * @param over - bytes of connections that are over
 */
export function statsOf<Data>(
  open: ReadonlySet<WebSocket<Data>>,
  over: ServerStats['bytes'],
  { tally, traffic, pendingHandshakes }: StatsSource,
  budget: MemoryBudget,
): ServerStats {
  let { received, sent } = over
  let bufferedBytes = 0
  for (const ws of open) {
    const { bytesRead, bytesWritten } = bytesOf(ws)
    received += bytesRead
    sent += bytesWritten
    bufferedBytes += ws.bufferedAmount
  }
  return {
    connections: open.size,
    handshakes: { pending: pendingHandshakes, accepted: tally.accepted, refused: tally.refused },
    messages: { received: traffic.messagesReceived, sent: traffic.messagesSent },
    bytes: { received, sent },
    closes: tally.closes,
    bufferedBytes,
    memory: { budget: budget.limit, held: budget.held },
  }
}

/** What a net.Socket has counted; nothing on another Duplex. */
export function bytesOf<Data>(ws: WebSocket<Data>): { bytesRead: number; bytesWritten: number } {
  const { bytesRead = 0, bytesWritten = 0 } = (transportOf(ws) ?? {}) as Partial<Socket>
  return { bytesRead, bytesWritten }
}
