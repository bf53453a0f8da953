import { WebSocketServer } from '../../src/server/server.ts'
import { announce } from './serve.ts'

// The options of permessage-deflate are the first argument, as JSON.
const perMessageDeflate = JSON.parse(process.argv[2] ?? 'true') as object
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', backlog: 1024, perMessageDeflate })
server.on('connection', (ws) => {
  ws.on('message', (data, isBinary) => {
    ws.send(data, { binary: isBinary })
  })
})
announce((await server.listening).port)
