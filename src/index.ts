/** `framewright`: a WebSocket server and client, RFC 6455, over `node:net`. */
export {
  ConnectionClosedError,
  HandshakeError,
  ProtocolError,
  UsageError,
  WebSocketError,
} from './errors.ts'
export { Opcode } from './frames/opcode.ts'
export { StatusCode as CloseCode } from './frames/status-code.ts'
export {
  type Authorize,
  type AuthorizeContext,
  type ConnectionErrorMessage,
  Rejection,
  reject,
  type ShutdownOptions,
  type ShutdownReport,
  type UpgradeRequest,
  WebSocketServer,
  type WebSocketServerEvents,
  type WebSocketServerOptions,
} from './server/index.ts'
export {
  type Clock,
  CloseCause,
  type CloseInfo,
  type HeartbeatOptions,
  type MessageData,
  MessageStream,
  type ReceivedMessage,
  type ReceiveOptions,
  type Sendable,
  type SendCallback,
  type SendOptions,
  type SocketOptions,
  type WaitOptions,
  WebSocket,
  type WebSocketEvents,
} from './socket/index.ts'
