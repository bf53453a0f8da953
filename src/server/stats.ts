import { CloseCause, type CloseInfo } from '../socket/close-info.ts'

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
