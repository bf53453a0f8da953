import { createServer } from 'node:net'
import { serve } from './serve.ts'

// Sends back what comes, byte by byte the same: no protocol at all.
serve(
  createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => socket.write(chunk))
  }),
)
