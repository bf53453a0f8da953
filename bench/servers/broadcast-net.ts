import { createServer, type Socket } from 'node:net'
import { FIXED_ANSWER } from './fixed-answer.ts'
import { serve } from './serve.ts'

// After the opening handshake everybody gets the very bytes that come from anybody, in one write for each.
const sockets = new Set<Socket>()
serve(
  createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    socket.once('data', () => {
      sockets.add(socket)
      socket.write(FIXED_ANSWER)
      socket.on('data', (chunk) => {
        for (const each of sockets) each.write(chunk)
      })
    })
  }),
)
