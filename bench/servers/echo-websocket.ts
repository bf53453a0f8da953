import { createServer } from 'node:http'
import websocket from 'websocket'
import { serve } from './serve.ts'

// WebSocket-Node. It cuts what it sends into frames of 16 KiB unless told otherwise.
const http = createServer()
const most = 16 << 20
const server = new websocket.server({
  httpServer: http,
  autoAcceptConnections: true,
  maxReceivedFrameSize: most,
  maxReceivedMessageSize: most,
  fragmentOutgoingMessages: false,
})
server.on('connect', (connection) => {
  connection.on('message', (message) => {
    if (message.type === 'utf8') connection.sendUTF(message.utf8Data)
    else connection.sendBytes(message.binaryData)
  })
})
serve(http)
