// An echo server of the `ws` package, as its documentation has it: `node test/support/ws-echo.mjs [port]`.
import { WebSocketServer } from 'ws'

const server = new WebSocketServer({ host: '127.0.0.1', port: Number(process.argv[2] ?? 0) })
server.on('listening', () => console.log(`ws://127.0.0.1:${server.address().port}/`))
server.on('connection', (ws) => {
  ws.on('error', () => {})
  ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }))
})
