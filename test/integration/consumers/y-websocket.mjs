// y-websocket's provider against a server made of y-protocols: two documents that converge, awareness, reconnection.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import WebSocket, { WebSocketServer } from 'ws'
import * as awarenessProtocol from 'y-protocols/awareness'
import * as syncProtocol from 'y-protocols/sync'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { check, run, within } from './report.mjs'

const SYNC = 0
const AWARENESS = 1

/** What y-websocket's own server does with a connection. */
function serve(wss) {
  const doc = new Y.Doc()
  wss.on('connection', (ws) => {
    ws.binaryType = 'arraybuffer'
    const send = (encoder) => ws.readyState === ws.OPEN && ws.send(encoding.toUint8Array(encoder), {}, () => {})
    const onUpdate = (update) => {
      const encoder = encoding.createEncoder()
      encoding.writeVarUint(encoder, SYNC)
      syncProtocol.writeUpdate(encoder, update)
      send(encoder)
    }
    doc.on('update', onUpdate)
    ws.on('message', (message) => {
      if (!(message instanceof ArrayBuffer)) throw new Error('binaryType arraybuffer was not obeyed')
      const decoder = decoding.createDecoder(new Uint8Array(message))
      const type = decoding.readVarUint(decoder)
      if (type === SYNC) {
        const encoder = encoding.createEncoder()
        encoding.writeVarUint(encoder, SYNC)
        syncProtocol.readSyncMessage(decoder, encoder, doc, ws)
        if (encoding.length(encoder) > 1) send(encoder)
      } else if (type === AWARENESS) {
        for (const client of wss.clients) if (client !== ws) client.send(message)
      }
    })
    ws.on('close', () => doc.off('update', onUpdate))
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, SYNC)
    syncProtocol.writeSyncStep1(encoder, doc)
    send(encoder)
  })
}

const until = (isTrue, what) =>
  within(
    (async () => {
      while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5))
    })(),
    what,
  )

run(async () => {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  serve(wss)
  await within(new Promise((resolve) => wss.once('listening', resolve)), 'the server')
  const url = `ws://127.0.0.1:${wss.address().port}`
  const [a, b] = [new Y.Doc(), new Y.Doc()].map((doc) => {
    const options = { WebSocketPolyfill: WebSocket, disableBc: true, maxBackoffTime: 20 }
    return { doc, provider: new WebsocketProvider(url, 'room', doc, options) }
  })
  await until(() => a.provider.synced && b.provider.synced, 'both to be synced')
  check(true, 'synchronisation of two documents')
  a.doc.getText('t').insert(0, 'hello')
  b.doc.getText('t').insert(0, 'world ')
  const text = (side) => side.doc.getText('t').toString()
  await until(() => text(a) === text(b) && text(a).length === 11, 'the documents to converge')
  check(text(a).includes('hello'), 'concurrent edits converge')
  a.provider.awareness.setLocalStateField('user', 'ada')
  await until(() => [...b.provider.awareness.getStates().values()].some(({ user }) => user === 'ada'), 'awareness')
  check(awarenessProtocol.outdatedTimeout > 0, 'awareness reaches the other side')
  for (const client of wss.clients) client.terminate()
  await until(() => !a.provider.wsconnected, 'the connection to drop')
  a.doc.getText('t').insert(0, 'again ')
  await until(() => text(b).startsWith('again '), 'the edit to arrive after the reconnection')
  check(true, 'an edit made while offline arrives after the reconnection')
  a.provider.destroy()
  b.provider.destroy()
})
