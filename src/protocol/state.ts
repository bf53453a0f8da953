/*
 * Theory of operation
 * -------------------
 * Each direction of a connection ends for itself, so the closing handshake (RFC 6455 §7.1.2-§7.1.4) is a pair:
 *
 *   receive half: Open -> CloseReceived | Failed -> Ended      what the peer may still say to us
 *   send half:    Open -> CloseSent             -> Ended      what we may still say to the peer
 *
 * CloseReceived: the peer's Close frame arrived; whatever follows is discarded (§5.5.1).
 * Failed: we failed the connection; whatever follows is discarded (§7.1.7).
 * CloseSent: our Close frame went out; no data may follow it (§5.5.1), only Pongs (§5.5.2).
 * Ended: that direction of the transport is over.
 *
 * `readyState` is a function of the pair and stands nowhere else.
 */

/** What the peer may still say to us. */
export const ReceiveHalf = { Open: 0, CloseReceived: 1, Failed: 2, Ended: 3 } as const
export type ReceiveHalf = (typeof ReceiveHalf)[keyof typeof ReceiveHalf]

/** What we may still say to the peer. */
export const SendHalf = { Open: 0, CloseSent: 1, Ended: 2 } as const
export type SendHalf = (typeof SendHalf)[keyof typeof SendHalf]

/** The state of a connection, with the values that browsers gave it. CONNECTING belongs to the opening handshake. */
export const ReadyState = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 } as const
export type ReadyState = (typeof ReadyState)[keyof typeof ReadyState]

/** RFC 6455 §7.1.3: a Close frame in either direction puts the connection in CLOSING; §7.1.4: CLOSED. */
export function readyStateOf(receiveHalf: ReceiveHalf, sendHalf: SendHalf): ReadyState {
  // @req 6455-7.1.3-1
  if (receiveHalf === ReceiveHalf.Open && sendHalf === SendHalf.Open) return ReadyState.OPEN
  if (receiveHalf === ReceiveHalf.Ended && sendHalf === SendHalf.Ended) return ReadyState.CLOSED
  return ReadyState.CLOSING
}

/** What the driver shall do with the transport once the output is written. */
export const TransportIntent = {
  /** Nothing. */
  None: 0,
  /** Wait for the peer, but not for ever: start the close timer. */
  ExpectClose: 1,
  /** End our direction (FIN), start the close timer, and read and discard until the peer ends its own. */
  HalfClose: 2,
} as const
export type TransportIntent = (typeof TransportIntent)[keyof typeof TransportIntent]
