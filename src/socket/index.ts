/** One connection: the transport, the timers, the object that applications hold. */

export { type Clock, systemClock } from '../ground/clock.ts'
export type { ClientOptions, ConnectTarget, OpeningRequest, OpeningResponse, RequestFields } from './client-options.ts'
export { CloseCause, type CloseInfo } from './close-info.ts'
export type { ConnectionErrorMessage } from './diagnostics.ts'
export type {
  SocketCloseEvent,
  SocketErrorEvent,
  SocketEvent,
  SocketEventHandler,
  SocketEventListener,
  SocketEventMap,
  SocketListenerOptions,
  SocketMessageEvent,
} from './event-target.ts'
export type { BinaryType, MessageData, WebSocketEvents } from './events.ts'
export type { HeartbeatOptions } from './heartbeat.ts'
export type { ReceivedMessage, ReceiveOptions } from './inbox.ts'
export { MessageStream } from './message-stream.ts'
export type { SocketOptions } from './options.ts'
export type { SendStreamOptions, StreamSource } from './outgoing-stream.ts'
export type { ControlPayload, Sendable, SendOptions } from './payload.ts'
export type { RateLimitOptions } from './rate-limiter.ts'
export type { SendCallback } from './send-callbacks.ts'
export { type Backpressure, SlowConsumerAction, type SlowConsumerPolicy } from './slow-consumer.ts'
export type { ConnectionObserver, ConnectionTap, ObservedConnection } from './taps.ts'
export type { RateOptions } from './token-bucket.ts'
export type { WaitOptions } from './waiters.ts'
export { WebSocket } from './websocket.ts'
export { createWebSocketStream } from './websocket-stream.ts'
