import { createServer } from 'node:http'
import driver from 'websocket-driver'
import { serve } from './serve.ts'

// The protocol of faye-websocket, on the sockets of an http server.
const http = createServer()
http.on('connection', (socket) => socket.setNoDelay(true))
http.on('upgrade', (request, socket, head) => {
  const ws = driver.http(request, { maxLength: 16 << 20 })
  socket.on('error', () => socket.destroy())
  socket.pipe(ws.io).pipe(socket)
  ws.messages.on('data', (message) => ws.messages.write(message))
  ws.io.write(head)
  ws.start()
})
serve(http)
