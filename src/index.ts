/** `framewright`: a WebSocket server and client, RFC 6455, over `node:net`. */
import './client/dialler.ts'

export {
  ConnectionClosedError,
  HandshakeError,
  ProtocolError,
  UsageError,
  WebSocketError,
} from './errors.ts'
export {
  type CompressRule,
  type DeflateMemory,
  deflateMemory,
  type PerMessageDeflateOptions,
} from './extensions/index.ts'
export { Opcode } from './frames/opcode.ts'
export { StatusCode as CloseCode } from './frames/status-code.ts'
export {
  Acceptance,
  type Admission,
  type Authorize,
  type AuthorizeContext,
  accept,
  type ConnectionChoices,
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
  type BinaryType,
  type ClientOptions,
  type Clock,
  CloseCause,
  type CloseInfo,
  type ConnectionErrorMessage,
  type ConnectTarget,
  type ControlPayload,
  type HeartbeatOptions,
  type MessageData,
  MessageStream,
  type OpeningRequest,
  type OpeningResponse,
  type ReceivedMessage,
  type ReceiveOptions,
  type RequestFields,
  type Sendable,
  type SendCallback,
  type SendOptions,
  type SocketCloseEvent,
  type SocketErrorEvent,
  type SocketEvent,
  type SocketEventHandler,
  type SocketEventListener,
  type SocketEventMap,
  type SocketMessageEvent,
  type SocketOptions,
  type WaitOptions,
  WebSocket,
  type WebSocketEvents,
} from './socket/index.ts'
