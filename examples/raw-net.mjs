// On a socket of your own: whatever accepts connections, handleSocket reads the request from it and answers.
//
//   node examples/raw-net.mjs 8080
import { createServer } from 'node:net'
import { WebSocketServer } from 'framewright'

const server = new WebSocketServer({ noServer: true })
server.on('connection', (ws) => {
  ws.on('message', (data) => ws.send(data))
})

// allowHalfOpen: whoever has sent its last byte still gets its answer. noDelay: small frames do not wait.
const net = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => server.handleSocket(socket))
net.listen(Number(process.argv[2] ?? 8080), () => console.log(`listening on ${net.address().port}`))
