import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { serve } from './serve.ts'

// ws frames for each receiver; a Buffer is the form that costs it least.
const http = createServer()
const server = new WebSocketServer({ server: http, perMessageDeflate: false, maxPayload: 16 << 20 })
server.on('connection', (ws) => {
  ws.on('message', (data, isBinary) => {
    for (const client of server.clients) client.send(data, { binary: isBinary })
  })
})
serve(http)
