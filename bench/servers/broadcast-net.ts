import { createServer, type Socket } from 'node:net'
import { serve } from './serve.ts'

// Everybody gets the bytes that come from anybody, one write for each: no protocol at all.
const sockets = new Set<Socket>()
serve(
  createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      for (const each of sockets) each.write(chunk)
    })
  }),
)
