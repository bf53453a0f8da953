// Hono's node server: upgradeWebSocket beside plain routes.
import { serve, upgradeWebSocket } from '@hono/node-server'
import { Hono } from 'hono'
import WebSocket, { WebSocketServer } from 'ws'
import { check, run, within } from './report.mjs'

run(async () => {
  const app = new Hono()
  let sawClose
  const closedWith = new Promise((resolve) => {
    sawClose = resolve
  })
  app.get('/page', (c) => c.text('page'))
  app.get(
    '/ws',
    upgradeWebSocket((c) => ({
      onOpen: (_, ws) => ws.send(`hello ${c.req.query('who')}`),
      onMessage: (event, ws) => ws.send(event.data),
      onClose: (event) => sawClose(event.code),
    })),
  )
  const server = await within(
    new Promise((resolve) => {
      const wss = new WebSocketServer({ noServer: true })
      const made = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1', websocket: { server: wss } }, () =>
        resolve(made),
      )
    }),
    'the server',
  )
  const { port } = server.address()
  const ws = new WebSocket(`ws://127.0.0.1:${port}/ws?who=ada`)
  const messages = []
  ws.on('message', (data, isBinary) => messages.push(isBinary ? [...data].join() : String(data)))
  await within(new Promise((resolve) => ws.once('message', resolve)), 'the greeting')
  check(messages[0] === 'hello ada', 'upgradeWebSocket with query')
  ws.send('text')
  await within(new Promise((resolve) => ws.once('message', resolve)), 'the echo')
  ws.send(Buffer.from([1, 2, 3]))
  await within(new Promise((resolve) => ws.once('message', resolve)), 'the echo')
  check(messages.slice(1).join('|') === 'text|1,2,3', 'echo of text and binary')
  check((await (await fetch(`http://127.0.0.1:${port}/page`)).text()) === 'page', 'plain route beside it')
  ws.close(4001, 'done')
  check((await within(closedWith, 'the end')) === 4001, 'close code')
})
