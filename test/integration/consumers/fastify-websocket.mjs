// @fastify/websocket: routes with hooks, real clients, a refusal by a hook, injectWS without a port, close of the server.
import websocket from '@fastify/websocket'
import Fastify from 'fastify'
import WebSocket from 'ws'
import { check, run, within } from './report.mjs'

const message = (ws) => within(new Promise((resolve) => ws.once('message', resolve)), 'a message')

run(async () => {
  const app = Fastify()
  await app.register(websocket, { options: { maxPayload: 1 << 20 } })
  app.get('/echo', { websocket: true }, (socket, request) => {
    socket.on('message', (data) => socket.send(`${request.query.who}: ${data}`))
  })
  app.get('/secret', { websocket: true, preValidation: (_, reply) => reply.code(403).send('no') }, () => {})
  app.get('/news', { websocket: true }, () => {})
  app.get('/plain', () => 'page')
  await app.ready()

  const injected = await within(app.injectWS('/echo?who=test'), 'injectWS')
  injected.send('hi')
  check(String(await message(injected)) === 'test: hi', 'injectWS, without a port')
  injected.terminate()

  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address()
  const ws = new WebSocket(`ws://127.0.0.1:${port}/echo?who=ada`)
  await within(new Promise((resolve) => ws.once('open', resolve)), 'open')
  ws.send('hello')
  check(String(await message(ws)) === 'ada: hello', 'route with query')
  const refused = new WebSocket(`ws://127.0.0.1:${port}/secret`)
  const error = await within(new Promise((resolve) => refused.once('error', resolve)), 'the refusal')
  check(error.message === 'Unexpected server response: 403', 'hook that refuses')
  check((await (await fetch(`http://127.0.0.1:${port}/plain`)).text()) === 'page', 'plain route beside it')

  const listeners = await Promise.all(
    [1, 2].map(async () => {
      const client = new WebSocket(`ws://127.0.0.1:${port}/news`)
      await within(new Promise((resolve) => client.once('open', resolve)), 'open')
      return client
    }),
  )
  const heard = Promise.all(listeners.map(message))
  for (const client of app.websocketServer.clients) client.send('news')
  check(
    (await heard).every((data) => String(data) === 'news'),
    'broadcast over websocketServer.clients',
  )
  const closed = Promise.all(
    [ws, ...listeners].map((client) => new Promise((resolve) => client.once('close', resolve))),
  )
  await within(app.close(), 'the server to close')
  check(
    (await within(closed, 'the clients to close')).every((code) => code === 1005),
    'close of the server',
  )
})
