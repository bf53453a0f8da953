import { Recorder } from '../../src/inspector/record/recorder.ts'
import { WebSocketServer } from '../../src/server/server.ts'
import { announce } from './serve.ts'

const server = new WebSocketServer({ port: 0, host: '127.0.0.1', backlog: 1024, maxPayload: 16 << 20 })
server.observe(new Recorder())
server.on('connection', (ws) => {
  ws.on('message', (data, isBinary) => {
    ws.send(data, { binary: isBinary })
  })
})
announce((await server.listening).port)
