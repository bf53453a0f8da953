import { prepareMessage } from '../../src/protocol/prepared-message.ts'
import { WebSocketServer } from '../../src/server/server.ts'
import { announce } from './serve.ts'

const server = new WebSocketServer({
  port: 0,
  host: '127.0.0.1',
  backlog: 1024,
  maxBackpressure: Number(process.argv[2] ?? 16 << 20),
  slowConsumer: 'drop-oldest',
})
server.on('connection', (ws) => {
  ws.on('message', (data, isBinary) => {
    const message = prepareMessage(data as Buffer, { binary: isBinary })
    for (const client of server.clients) client.send(message)
  })
})
announce((await server.listening).port)
