import { Duplex, type DuplexOptions } from 'node:stream'
import { ConnectionClosedError } from '../errors.ts'
import { asBuffer } from '../frames/bytes.ts'
import { toError } from '../ground/application.ts'
import type { MessageData } from './events.ts'
import { toBytes } from './payload.ts'
import type { WebSocket } from './websocket.ts'

/**
 * A WebSocket as a Node stream. What is written as a string is sent as a text message, bytes as a binary one, a string in
 * another encoding than UTF-8 too (`write('ff00', 'hex')`). On a client that is CONNECTING all waits until it is open, or
 * fails with what kept it from that. Reading
 * gives the bytes of all messages one after the other, while they arrive; with `readableObjectMode` it gives each message
 * whole, text as a string and binary as a Buffer.
 *
 * Whoever does not read stops the peer, and a write is done when the operating system has it. `end()` closes the
 * connection; its readable side ends with the connection, with an error if that broke. `destroy()` terminates it.
 *
 * @param ws - a connection whose messages nobody else takes
 * @param options - those of `stream.Duplex`, but for `writableObjectMode`
 * @throws UsageError when the object was made without a URL and holds no connection
 */
export function createWebSocketStream<Data>(ws: WebSocket<Data>, options: DuplexOptions = {}): Duplex {
  const opened = ws.readyState === ws.CONNECTING ? untilOpen(ws) : null
  const chunks = options.readableObjectMode === true ? wholeMessages(ws, opened) : pieces(ws, opened)
  let isPulling = false

  const pull = async (stream: Duplex): Promise<void> => {
    if (isPulling) return
    isPulling = true
    try {
      for (let wantsMore = true; wantsMore; ) {
        const { done, value } = await chunks.next()
        if (done) await finish(stream)
        wantsMore = !done && stream.push(value)
      }
    } catch (error) {
      stream.destroy(toError(error))
    }
    isPulling = false
  }

  const finish = async (stream: Duplex): Promise<void> => {
    const { wasClean, code, reason } = await ws.closed
    if (wasClean) stream.push(null)
    else stream.destroy(new ConnectionClosedError(code, reason))
  }

  const stream = new Duplex({
    ...options,
    objectMode: false,
    writableObjectMode: false,
    decodeStrings: false,
    read() {
      void pull(this)
    },
    write(chunk: string | Buffer, encoding, done) {
      const data = typeof chunk === 'string' && !isUtf8(encoding) ? Buffer.from(chunk, encoding) : chunk
      if (opened === null) ws.send(data, done)
      else opened.then(() => ws.send(data, done)).catch(done)
    },
    final(done) {
      if (opened === null) ws.close(1000)
      else opened.then(() => ws.close(1000)).catch(done)
      void ws.closed.then(() => done())
    },
    destroy(error, done) {
      ws.terminate()
      done(error)
    },
  })
  opened?.catch((error: Error) => stream.destroy(error))
  return stream
}

/** @throws UsageError when the object is made for a server, and will not open */
function untilOpen<Data>(ws: WebSocket<Data>): Promise<void> {
  const { closed } = ws
  return new Promise((resolve, reject) => {
    ws.once('open', resolve)
    void closed.then(({ error, code, reason }) => {
      ws.off('open', resolve)
      reject(error ?? new ConnectionClosedError(code, reason))
    })
  })
}

/** Whether a string that is written with this encoding is text as it stands; others are a way to write bytes. */
function isUtf8(encoding: string): boolean {
  return /^utf-?8$/i.test(encoding)
}

async function* pieces<Data>(
  ws: WebSocket<Data>,
  opened: Promise<void> | null,
): AsyncGenerator<Buffer, void, undefined> {
  await opened
  for await (const message of ws.streams()) yield* message
}

async function* wholeMessages<Data>(
  ws: WebSocket<Data>,
  opened: Promise<void> | null,
): AsyncGenerator<string | Buffer, void, undefined> {
  await opened
  for await (const { data, isBinary } of ws) yield isBinary ? asBuffer(await bytesOf(data)) : String(data)
}

async function bytesOf(data: MessageData): Promise<Uint8Array> {
  return data instanceof Blob ? new Uint8Array(await data.arrayBuffer()) : toBytes(data)
}
