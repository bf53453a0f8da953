/**
 * What may occur in a run, and in how many of the thousand seeds of the tests it has to occur at least: about half of
 * what it does. A simulation in which something never occurs proves nothing about it.
 */
export const LEAST = {
  // The network.
  'a cut inside a header': 1,
  'a cut inside a payload': 1,
  'a cut between frames': 1,
  'a stall of the network': 1,
  'a full network': 1,
  'a reader that makes the network wait': 1,
  'a direction cut by the network': 1,
  'a FIN while the other direction is open': 1,
  'bytes behind the other direction’s FIN': 1,
  'a reset by the network': 1,
  'a reset of the peer': 1,
  'a reset because the peer has gone': 1,
  // Callbacks in another order.
  'a write done before its bytes arrive': 1,
  'a write done after its bytes arrived': 1,
  'a FIN done after it arrived': 1,
  'a close that comes late': 1,
  'timers that are due together run in another order': 1,
  'a clock that jumps': 1,
  // Frames.
  'a compressed message': 1,
  'a fragmented message': 1,
  'a control frame between fragments': 1,
  'a pong behind the close frame': 1,
  // Applications.
  'a pause': 1,
  'a send that says wait': 1,
  'a drain': 1,
  'a message left out': 1,
  'a streamed message': 1,
  'a message taken by iterating': 1,
  'a message taken in pieces': 1,
  'a message taken as a stream': 1,
  'a message broken off': 1,
  'a listener that comes late': 1,
  'a handler that crashes': 1,
  'a transport ended under the connection': 1,
  // Ends.
  'a clean close, begun by the server': 1,
  'a clean close, begun by the client': 1,
  'a clean close, begun by both': 1,
  'a close that only one end calls clean': 1,
  'a close without a status code': 1,
  'an end by 1008': 1,
  'an end by 1009': 1,
  'an end by 1013': 1,
  'closed-by-us': 1,
  'closed-by-peer': 1,
  'limit-exceeded': 1,
  'rate-limit': 1,
  'handler-error': 1,
  'heartbeat-timeout': 1,
  'close-timeout': 1,
  'write-stall': 1,
  'slow-consumer': 1,
  'stream-aborted': 1,
  terminated: 1,
  'transport-error': 1,
  'transport-ended': 1,
  'a healthy connection at the end': 1,
} as const satisfies Record<string, number>
export type Occurrence = keyof typeof LEAST
export type Note = (what: Occurrence) => void
