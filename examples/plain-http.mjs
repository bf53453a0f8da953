// Beside plain HTTP: one port, pages from node:http, and WebSockets on the path /chat.
//
//   node examples/plain-http.mjs 8080
import { createServer } from 'node:http'
import { WebSocketServer } from 'framewright'

const http = createServer((_request, response) => response.end('a page\n'))

// Upgrade requests for other paths are left to other listeners, or refused when there are none.
const chat = new WebSocketServer({ server: http, path: '/chat' })
chat.on('connection', (ws) => {
  ws.on('message', (data) => {
    for (const client of chat.clients) client.send(data)
  })
})

http.listen(Number(process.argv[2] ?? 8080), () => console.log(`listening on ${http.address().port}`))
