/** `framewright/protocol`: the state machine of RFC 6455 §5.4-§7 for both roles, without I/O. */
export { Connection } from './connection.ts'
export { defaultLimits, type ProtocolLimits } from './limits.ts'
export type { ConnectionListener } from './listener.ts'
export { SlabPool } from './output.ts'
export { ReadyState, TransportIntent } from './state.ts'
