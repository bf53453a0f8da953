import { Duplex, type DuplexOptions } from 'node:stream'
import { ConnectionClosedError } from '../errors.ts'
import type { MessageData } from './events.ts'
import { toBytes } from './payload.ts'
import type { WebSocket } from './websocket.ts'

/**
 * A WebSocket as a Node stream. What is written as a string is sent as a text message, bytes as a binary one. Reading
 * gives the bytes of all messages one after the other, while they arrive; with `readableObjectMode` it gives each message
 * whole, text as a string and binary as a Buffer.
 *
 * Whoever does not read stops the peer, and a write is done when the operating system has it. `end()` closes the
 * connection; its readable side ends with the connection, with an error if that broke. `destroy()` terminates it.
 *
 * @param ws - an open connection whose messages nobody else takes
 * @param options - those of `stream.Duplex`, but for `writableObjectMode`
 */
export function createWebSocketStream<Data>(ws: WebSocket<Data>, options: DuplexOptions = {}): Duplex {
  const chunks = options.readableObjectMode === true ? wholeMessages(ws) : pieces(ws)
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
      stream.destroy(error as Error)
    }
    isPulling = false
  }

  const finish = async (stream: Duplex): Promise<void> => {
    const { wasClean, code, reason } = await ws.closed
    if (wasClean) stream.push(null)
    else stream.destroy(new ConnectionClosedError(code, reason))
  }

  return new Duplex({
    ...options,
    objectMode: false,
    writableObjectMode: false,
    decodeStrings: false,
    read() {
      void pull(this)
    },
    write(chunk: string | Buffer, _encoding, done) {
      ws.send(chunk, done)
    },
    final(done) {
      ws.close(1000)
      void ws.closed.then(() => done())
    },
    destroy(error, done) {
      ws.terminate()
      done(error)
    },
  })
}

async function* pieces<Data>(ws: WebSocket<Data>): AsyncGenerator<Buffer, void, undefined> {
  for await (const message of ws.streams()) yield* message
}

async function* wholeMessages<Data>(ws: WebSocket<Data>): AsyncGenerator<string | Buffer, void, undefined> {
  for await (const { data, isBinary } of ws) yield isBinary ? Buffer.from(await bytesOf(data)) : String(data)
}

async function bytesOf(data: MessageData): Promise<Uint8Array> {
  return data instanceof Blob ? new Uint8Array(await data.arrayBuffer()) : toBytes(data)
}
