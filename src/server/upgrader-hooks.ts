import type { Duplex } from 'node:stream'
import type { HandshakeError } from '../errors.ts'
import type { WebSocket } from '../socket/websocket.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { EditLines } from './response-lines.ts'
import type { AnyRequest } from './upgrade-request.ts'

/** What the `Upgrader` tells the server. */
export interface UpgraderHooks<Data> {
  /** What all connections may hold. */
  readonly budget: MemoryBudget
  /** Whether new connections are refused with 503. */
  readonly isDraining: () => boolean
  /** Whether a request is for this server. */
  readonly shouldHandle: (request: AnyRequest) => boolean
  /** Lets the application add to the lines of the response; null when it does not want to. */
  readonly editLines: (request: AnyRequest) => EditLines | null
  /** Offers a request that is no opening handshake. @returns whether the application took the socket over */
  readonly clientError: (error: HandshakeError, socket: Duplex, request: AnyRequest) => boolean
  /** Last look at a refusal before it is sent. */
  readonly refusal: (error: HandshakeError) => HandshakeError
  /** A connection is over. */
  readonly onClosed: (ws: WebSocket<Data>) => void
  /**
   * Something went wrong with one handshake or connection. `isUnseen`: it is the application's own fault and nobody
   * listened to it.
   */
  readonly onError: (
    error: Error,
    isUnseen: boolean,
    ws: WebSocket<Data> | undefined,
    request: AnyRequest | undefined,
  ) => void
}
