// With Fastify: app.server is the http server below it, and a WebSocketServer attaches to that.
//
//   node examples/fastify.mjs 8080
import Fastify from 'fastify'
import { WebSocketServer } from 'framewright'

const app = Fastify()
app.get('/', () => 'a page\n')

const sockets = new WebSocketServer({ server: app.server, path: '/ws' })
sockets.on('connection', (ws) => {
  ws.on('message', (data) => ws.send(data))
})
// Fastify waits for its connections to end: these have to be told.
app.addHook('preClose', async () => {
  await sockets.shutdown()
})

await app.listen({ port: Number(process.argv[2] ?? 8080) })
console.log(`listening on ${app.server.address().port}`)

process.once('SIGTERM', () => app.close())
