import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { RecordedConnection } from '../../inspector/record/recorded-connection.ts'
import { Recorder } from '../../inspector/record/recorder.ts'
import type { ConnectTarget } from '../../socket/client-options.ts'
import { dialTarget } from './forward.ts'
import { showEntry } from './show-entry.ts'

/** The transport of a client that prints every frame both ways, for `createConnection`. */
export function seenTransport(target: ConnectTarget, isInsecure: boolean, print: (line: string) => void): Duplex {
  const { host, port, secure } = target
  const socket = dialTarget({ host, port, isSecure: secure, isInsecure })
  const recorder = new Recorder()
  recorder.listen({
    entry: (_, entry) => {
      for (const line of showEntry(entry)) print(line)
    },
  })
  const about = { remoteAddress: undefined, remotePort: undefined, localAddress: undefined, localPort: undefined }
  return new SeenTransport(socket, recorder.begin({ ...about, isEncrypted: secure }))
}

/** Hands bytes on unchanged, and records them. */
class SeenTransport extends Duplex {
  readonly #socket: Socket
  readonly #recorded: RecordedConnection

  constructor(socket: Socket, recorded: RecordedConnection) {
    super({ allowHalfOpen: true })
    this.#socket = socket
    this.#recorded = recorded
    socket.on('data', (chunk: Buffer) => {
      recorded.sent(new Uint8Array(chunk))
      if (!this.push(chunk)) socket.pause()
    })
    socket.on('end', () => {
      recorded.sentEnd()
      this.push(null)
    })
    socket.on('error', (error) => this.destroy(error))
    socket.on('close', () => this.destroy())
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#recorded.received(new Uint8Array(chunk), false)
    this.#socket.write(chunk, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#recorded.receivedEnd()
    this.#socket.end(done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy()
    this.#recorded.closed(null)
    done(error)
  }
}
