import { createServer } from 'node:net'
import { FIXED_ANSWER } from './fixed-answer.ts'
import { serve } from './serve.ts'

// Answers whatever comes with the same bytes, unread: what a connection costs before any protocol.
serve(
  createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    socket.on('data', () => socket.write(FIXED_ANSWER))
  }),
)
