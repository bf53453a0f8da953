// crossws' node adapter with our server in place of the one it brings: peers, pub/sub, compression flags, close.
import { createServer } from 'node:http'
import nodeAdapter from 'crossws/adapters/node'
import WebSocket, { WebSocketServer } from 'ws'
import { check, listen, run, within } from './report.mjs'

run(async () => {
  const closes = []
  const ws = nodeAdapter({
    wss: new WebSocketServer({ noServer: true }),
    hooks: {
      open: (peer) => peer.subscribe('room'),
      message: (peer, message) =>
        message.text() === 'shout' ? peer.publish('room', 'heard') : peer.send(message.text()),
      close: (_, details) => closes.push(details.code),
    },
  })
  const http = createServer()
  http.on('upgrade', (request, socket, head) => ws.handleUpgrade(request, socket, head))
  const port = await listen(http)
  const [a, b] = await Promise.all(
    [1, 2].map(async () => {
      const client = new WebSocket(`ws://127.0.0.1:${port}/`)
      await within(new Promise((resolve) => client.once('open', resolve)), 'open')
      return client
    }),
  )
  const next = (client) =>
    within(new Promise((resolve) => client.once('message', (data) => resolve(String(data)))), 'a message')
  a.send('hello')
  check((await next(a)) === 'hello', 'echo')
  const heard = next(b)
  a.send('shout')
  check((await heard) === 'heard', 'publish to another peer')
  check(ws.peers.size === 2 || [...ws.peers.values()].flatMap((set) => [...set]).length === 2, 'peers')
  a.close(4002, 'bye')
  await within(
    (async () => {
      while (closes.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    })(),
    'the close hook',
  )
  check(closes[0] === 4002, 'close code')
})
