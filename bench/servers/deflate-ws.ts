import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { serve } from './serve.ts'

// The options of permessage-deflate are the first argument, as JSON.
const perMessageDeflate = JSON.parse(process.argv[2] ?? 'true')
const http = createServer()
new WebSocketServer({ server: http, perMessageDeflate }).on('connection', (ws) => {
  ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }))
})
serve(http)
