import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { acceptKey } from '../../src/handshake/key.ts'
import { within } from './deadline.ts'

/** A request as the scripted server saw it. */
export interface SeenRequest {
  readonly head: string
  /** The value of a field, names in lower case. */
  readonly fields: ReadonlyMap<string, string>
  readonly socket: Socket
}

/** A TCP server that reads request heads and answers each with what a test says. */
export class ScriptedHttp {
  readonly requests: SeenRequest[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(answer: (request: SeenRequest) => void) {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      socket.on('error', () => {})
      let text = ''
      const onData = (chunk: Buffer): void => {
        text += chunk.toString('latin1')
        if (!text.includes('\r\n\r\n')) return
        socket.off('data', onData)
        const lines = text.split('\r\n').slice(1, -2)
        const fields = new Map(lines.map((line) => [line.split(': ', 1)[0]!.toLowerCase(), line.replace(/^.*?: /, '')]))
        const request = { head: text, fields, socket }
        this.requests.push(request)
        answer(request)
      }
      socket.on('data', onData)
    })
  }

  static async start(answer: (request: SeenRequest) => void): Promise<ScriptedHttp> {
    const http = new ScriptedHttp(answer)
    http.#server.listen(0, '127.0.0.1')
    await within(once(http.#server, 'listening'), 'the scripted server to listen')
    return http
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await within(once(this.#server, 'close'), 'the scripted server to close')
  }
}

/** The answer that accepts a request, with more field lines if wanted. */
export function accepting(request: SeenRequest, fieldLines: readonly string[] = []): string {
  const key = request.fields.get('sec-websocket-key') ?? ''
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptKey(key)}`,
    ...fieldLines,
    '',
    '',
  ].join('\r\n')
}
