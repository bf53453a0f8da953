import { Duplex, type DuplexOptions } from 'node:stream'
import type { WebSocket } from '../socket/websocket.ts'

/**
 * A WebSocket as a Node stream, as `ws` makes it: everything that is written goes as binary messages, it may be called
 * while CONNECTING, and the readable side ends with the connection however that ended. The `createWebSocketStream` of
 * `framewright` keeps text apart and gives an error when the connection broke.
 *
 * @param ws - a connection whose messages nobody else takes
 * @param options - those of `stream.Duplex`; with `readableObjectMode` text is read as strings
 */
export function createWebSocketStream<Data>(ws: WebSocket<Data>, options: DuplexOptions = {}): Duplex {
  const opened = new Promise<void>((resolve) => {
    if (ws.readyState === ws.CONNECTING) ws.once('open', resolve)
    else resolve()
  })
  let hasFailed = false

  const stream = new Duplex({
    ...options,
    objectMode: false,
    writableObjectMode: false,
    read() {
      ws.resume()
    },
    write(chunk: Buffer, _encoding, done) {
      opened.then(() => ws.send(chunk, done)).catch(done)
    },
    final(done) {
      void opened.then(() => ws.close())
      void ws.closed.then(() => done())
    },
    destroy(error, done) {
      // What failed ends by itself, with a Close frame if one can be sent.
      if (!hasFailed) ws.terminate()
      void ws.closed.then(() => done(error))
    },
  })

  ws.on('message', (data, isBinary) => {
    const isText = !isBinary && stream.readableObjectMode
    if (!stream.push(isText ? String(data) : data)) ws.pause()
  })
  ws.on('error', (error) => {
    hasFailed = true
    stream.destroy(error)
  })
  void ws.closed.then(() => {
    if (!stream.destroyed) stream.push(null)
  })
  return stream
}
