import { createServer } from 'node:net'
import { serve } from './serve.ts'

const ANSWER = Buffer.from(
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
)

// Answers whatever comes with the same bytes, unread: what a connection costs before any protocol.
serve(
  createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    socket.on('data', () => socket.write(ANSWER))
  }),
)
