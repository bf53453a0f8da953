import { ProtocolError } from '../errors.ts'
import type { Violation } from '../frames/violation.ts'
import type { Connection } from '../protocol/connection.ts'

/** Why a connection ended: one word for people, logs and counters. */
export const CloseCause = {
  /** We called `close()` and the peer answered. */
  ClosedByUs: 'closed-by-us',
  /** The peer sent a Close frame first. */
  ClosedByPeer: 'closed-by-peer',
  /** The peer broke a rule of the protocol; `requirement` says which. */
  ProtocolViolation: 'protocol-violation',
  /** The peer went past a limit such as `maxPayload`; `requirement` says which rule it stands under. */
  LimitExceeded: 'limit-exceeded',
  /** The peer sent more than `rateLimit` allows; it got 1008. */
  RateLimit: 'rate-limit',
  /** A handler of the application threw or rejected; the peer got 1011. */
  HandlerError: 'handler-error',
  /** Nothing came from the peer for the time `heartbeat` allows. */
  HeartbeatTimeout: 'heartbeat-timeout',
  /** The peer did not take part in the closing handshake within `closeTimeout`. */
  CloseTimeout: 'close-timeout',
  /** The peer took nothing of what was sent for too long. */
  WriteStall: 'write-stall',
  /** The peer took too little of what was sent, and `slowConsumer` says that this ends the connection. */
  SlowConsumer: 'slow-consumer',
  /** All connections of the server held more than `memoryBudget`, and this one held most for longest. */
  MemoryBudget: 'memory-budget',
  /** The source of a streamed message failed, or was aborted, after a part of it was sent. */
  StreamAborted: 'stream-aborted',
  /** We called `terminate()`. */
  Terminated: 'terminated',
  /** The transport reported an error, for instance a reset. */
  TransportError: 'transport-error',
  /** The opening handshake of a client did not come to a connection; the `error` before says why. */
  HandshakeFailed: 'handshake-failed',
  /** The transport ended without a Close frame. */
  TransportEnded: 'transport-ended',
} as const
export type CloseCause = (typeof CloseCause)[keyof typeof CloseCause]

/** How a connection ended. */
export interface CloseInfo {
  /** The Connection Close Code, RFC 6455 §7.1.5: 1005 without a status code, 1006 without a Close frame. */
  readonly code: number
  /** The Connection Close Reason, RFC 6455 §7.1.6. */
  readonly reason: string
  /** The status code we sent: 0 when we sent no Close frame, 1005 when it had no body. */
  readonly sentCode: number
  /** Who began the end: we, the peer, or nobody (the transport broke). */
  readonly initiator: 'local' | 'remote' | 'none'
  readonly cause: CloseCause
  /**
   * The error behind the cause: why the opening handshake failed, what the transport said, what the handler threw, which
   * rule was broken. Null when there is none.
   */
  readonly error: Error | null
  /** Id of the requirement that was broken, or null. */
  readonly requirement: string | null
  /** Whether both Close frames were exchanged, §7.1.4. */
  readonly wasClean: boolean
}

/**
 * Tells how a connection ended.
 *
 * @param forced - what the driver itself decided, or null
 * @param closedFirst - whether our Close frame was first
 * @param error - what stands behind `forced`, if that is known
 */
export function closeInfoOf(
  connection: Connection,
  forced: CloseCause | null,
  closedFirst: boolean,
  error: Error | null,
): CloseInfo {
  const wasClean = connection.closeReceived && connection.sentCloseCode !== 0
  const { violation } = connection
  const cause = forced ?? causeOf(connection, wasClean, closedFirst)
  return {
    code: connection.closeCode,
    reason: connection.closeReason,
    sentCode: connection.sentCloseCode,
    initiator: cause === CloseCause.ClosedByPeer ? 'remote' : isTransport(cause) ? 'none' : 'local',
    cause,
    error: error ?? (violation === null ? null : protocolErrorOf(violation)),
    requirement: violation === null ? null : violation.id,
    wasClean,
  }
}

/** A violation as an error. */
export function protocolErrorOf({ id, statusCode, message }: Violation): ProtocolError {
  return new ProtocolError(id, statusCode, message)
}

function causeOf(connection: Connection, wasClean: boolean, closedFirst: boolean): CloseCause {
  if (connection.violation !== null) {
    const { statusCode } = connection.violation
    return statusCode === 1008 || statusCode === 1009 || statusCode === 1013
      ? CloseCause.LimitExceeded
      : CloseCause.ProtocolViolation
  }
  if (wasClean) return closedFirst ? CloseCause.ClosedByUs : CloseCause.ClosedByPeer
  return CloseCause.TransportEnded
}

function isTransport(cause: CloseCause): boolean {
  return cause === CloseCause.TransportEnded || cause === CloseCause.TransportError
}
