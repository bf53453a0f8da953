/** One connection: the transport, the timers, the object that applications hold. */

export { type Clock, systemClock } from './clock.ts'
export { CloseCause, type CloseInfo } from './close-info.ts'
export type { MessageData, WebSocketEvents } from './events.ts'
export type { HeartbeatOptions } from './heartbeat.ts'
export type { ReceivedMessage, ReceiveOptions } from './inbox.ts'
export { MessageStream } from './message-stream.ts'
export type { SocketOptions } from './options.ts'
export type { Sendable } from './payload.ts'
export type { SendCallback } from './socket-driver.ts'
export type { WaitOptions } from './waiters.ts'
export { type SendOptions, WebSocket } from './websocket.ts'
