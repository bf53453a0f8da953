// socket.io over WebSocket only: rooms, the broadcast that frames once for all, acknowledgements, binary, reconnection.
import { createServer } from 'node:http'
import { Server } from 'socket.io'
import { io as connect } from 'socket.io-client'
import { Sender, WebSocketServer } from 'ws'
import { check, listen, run, within } from './report.mjs'

run(async () => {
  const frame = Sender.frame
  let framedOnce = 0
  Sender.frame = (...args) => {
    framedOnce++
    return frame(...args)
  }
  const http = createServer()
  const io = new Server(http, { transports: ['websocket'], wsEngine: WebSocketServer, serveClient: false })
  io.on('connection', (socket) => {
    socket.join('room')
    socket.on('echo', (...args) => args.pop()(...args))
    socket.on('drop', () => socket.conn.transport.socket.terminate())
  })
  const port = await listen(http)
  const clients = await Promise.all(
    [1, 2, 3].map(async () => {
      const client = connect(`http://127.0.0.1:${port}`, {
        transports: ['websocket'],
        reconnectionDelay: 10,
        forceNew: true,
      })
      await within(new Promise((resolve) => client.once('connect', resolve)), 'a client to connect')
      return client
    }),
  )
  const [first] = clients
  const bytes = Buffer.from([0, 1, 255])
  const [text, binary] = await within(
    new Promise((resolve) => first.emit('echo', 'grüße', bytes, (...args) => resolve(args))),
    'the acknowledgement',
  )
  check(text === 'grüße' && bytes.equals(binary), 'acknowledgement with text and binary')

  const heard = Promise.all(clients.map((client) => new Promise((resolve) => client.once('news', resolve))))
  io.to('room').emit('news', 'to all')
  check(
    (await within(heard, 'the broadcast')).every((news) => news === 'to all'),
    'broadcast to a room of 3',
  )
  check(framedOnce > 0, 'the broadcast was framed once with Sender.frame')

  const again = new Promise((resolve) => first.once('connect', resolve))
  first.emit('drop')
  await within(again, 'the reconnection')
  check(first.connected, 'reconnection after a dropped connection')
  const after = new Promise((resolve) => first.once('news', resolve))
  io.to('room').emit('news', 'once more')
  check((await within(after, 'the second broadcast')) === 'once more', 'broadcast after the reconnection')
  for (const client of clients) client.close()
  await within(new Promise((resolve) => io.close(resolve)), 'the server to close')
  check(true, 'close of the server')
})
