/** `framewright/ws`: the names and defaults of `ws`, for what was written for it. See docs/migrating-from-ws.md. */
import '../client/dialler.ts'
import { extension, subprotocol } from './headers.ts'
import { PerMessageDeflate, Receiver } from './internals.ts'
import { Sender } from './sender.ts'
import { WebSocketServer } from './server.ts'
import { createWebSocketStream } from './stream.ts'
import { WebSocket } from './websocket.ts'

// `require('ws')` is the class with everything else as its members, and so is the default export.
Object.assign(WebSocket, {
  WebSocket,
  WebSocketServer,
  Server: WebSocketServer,
  createWebSocketStream,
  extension,
  PerMessageDeflate,
  Receiver,
  Sender,
  subprotocol,
})

export {
  createWebSocketStream,
  extension,
  PerMessageDeflate,
  Receiver,
  Sender,
  subprotocol,
  WebSocket,
  WebSocket as default,
  WebSocket as 'module.exports',
  WebSocketServer,
  WebSocketServer as Server,
}
