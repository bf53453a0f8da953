// express-ws: routes with parameters, middleware, broadcast over getWss().clients; handleUpgrade beside Express 5.
import { createServer } from 'node:http'
import express from 'express'
import expressWs from 'express-ws'
import WebSocket, { WebSocketServer } from 'ws'
import { check, listen, run, within } from './report.mjs'

const message = (ws) => within(new Promise((resolve) => ws.once('message', resolve)), 'a message')
const open = async (url) => {
  const ws = new WebSocket(url)
  await within(new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject)), 'open')
  return ws
}

run(async () => {
  const app = express()
  const http = createServer(app)
  const { getWss } = expressWs(app, http)
  app.use((request, _, next) => {
    request.user = 'ada'
    next()
  })
  app.get('/', (_, response) => response.send('page'))
  app.ws('/room/:name', (ws, request) => {
    ws.on('message', (data) => ws.send(`${request.user}@${request.params.name}: ${data}`))
  })
  const port = await listen(http)
  const [a, b] = [await open(`ws://127.0.0.1:${port}/room/one`), await open(`ws://127.0.0.1:${port}/room/two`)]
  a.send('hi')
  check(String(await message(a)) === 'ada@one: hi', 'route with parameter and middleware')
  const heard = Promise.all([message(a), message(b)])
  for (const client of getWss().clients) client.send('news')
  check(
    (await heard).every((data) => String(data) === 'news'),
    'broadcast over getWss().clients',
  )
  check((await (await fetch(`http://127.0.0.1:${port}/`)).text()) === 'page', 'plain route beside it')

  const second = createServer(express().get('/', (_, response) => response.send('page')))
  const wss = new WebSocketServer({ noServer: true })
  second.on('upgrade', (request, socket, head) => {
    wss.handleUpgrade(request, socket, head, (ws) =>
      ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary })),
    )
  })
  const c = await open(`ws://127.0.0.1:${await listen(second)}/`)
  c.send(Buffer.from([1, 2]))
  check(Buffer.from([1, 2]).equals(await message(c)), 'handleUpgrade beside Express')
  for (const ws of [a, b, c]) ws.close()
  await within(Promise.all([a, b, c].map((ws) => new Promise((resolve) => ws.once('close', resolve)))), 'the ends')
  check(true, 'close of the clients')
})
