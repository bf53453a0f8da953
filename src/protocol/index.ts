/** `framewright/protocol`: the state machine of RFC 6455 §5.4-§7 for both roles, without I/O. */
export { Connection } from './connection.ts'
export type { ConnectionListener, MessageSink } from './listener.ts'
export { type ConnectionOptions, defaultLimits, type ProtocolLimits } from './options.ts'
export { SlabPool } from './output.ts'
export { PreparedMessage, type PrepareOptions, prepareMessage } from './prepared-message.ts'
export { ReadyState, TransportIntent } from './state.ts'
