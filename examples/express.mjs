// With Express: it has no hook for upgrades, so they come from the http server, and handleUpgrade takes those it is given.
//
//   node examples/express.mjs 8080
import { createServer } from 'node:http'
import express from 'express'
import { WebSocketServer } from 'framewright'

const app = express()
app.get('/', (_request, response) => response.send('a page\n'))

const sockets = new WebSocketServer({ noServer: true })
const http = createServer(app)
http.on('upgrade', (request, socket, head) => {
  if (request.url !== '/ws') {
    socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    return
  }
  // A request that is no opening handshake is answered with the status code that says why; the callback is not called.
  sockets.handleUpgrade(request, socket, head, (ws) => {
    ws.on('message', (data) => ws.send(data))
  })
})

http.listen(Number(process.argv[2] ?? 8080), () => console.log(`listening on ${http.address().port}`))
