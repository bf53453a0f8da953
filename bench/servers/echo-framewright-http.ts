import { createServer } from 'node:http'
import { WebSocketServer } from '../../src/server/server.ts'
import { serve } from './serve.ts'

const http = createServer()
new WebSocketServer({ server: http, maxPayload: 16 << 20 }).on('connection', (ws) => {
  ws.on('message', (data, isBinary) => {
    ws.send(data, { binary: isBinary })
  })
})
serve(http)
