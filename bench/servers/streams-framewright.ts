import { WebSocketServer } from '../../src/server/server.ts'
import { announce } from './serve.ts'

// Takes each message in pieces while it arrives, and answers with the number of its bytes.
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', maxPayload: Number.POSITIVE_INFINITY })
server.on('connection', async (ws) => {
  for await (const message of ws.streams()) {
    let length = 0
    for await (const piece of message) length += piece.length
    ws.send(String(length))
  }
})
announce((await server.listening).port)
