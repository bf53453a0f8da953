import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { serve } from './serve.ts'

// With WS_NO_BUFFER_UTIL in the environment it unmasks in JavaScript, as it does unless bufferutil is installed too.
const http = createServer()
new WebSocketServer({ server: http, perMessageDeflate: false, maxPayload: 16 << 20 }).on('connection', (ws) => {
  ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }))
})
serve(http)
