import type { PerMessageDeflateOptions } from '../../src/extensions/index.ts'
import { WebSocketServer } from '../../src/server/index.ts'
import { within } from './deadline.ts'

/** How the server saw a connection end. */
export interface SeenClose {
  readonly code: number
  readonly reason: string
}

/**
 * An echo server on a free port that also does what a few text messages ask for, so that a foreign client can bring about what
 * only the server may do:
 *
 * - `!close 4000 some reason` closes with that status code and reason, `!close` without any;
 * - `!fragments a b c` answers with one message in as many fragments as there are words, the words joined;
 * - `!terminate` drops the connection without a Close frame.
 */
export class EchoServer {
  readonly server: WebSocketServer
  readonly port: number
  readonly #closes: SeenClose[] = []
  #wake: () => void = () => {}

  private constructor(server: WebSocketServer, port: number) {
    this.server = server
    this.port = port
    server.on('connection', (ws) => {
      ws.on('message', (data, isBinary) => {
        const [command, ...words] = typeof data === 'string' ? data.split(' ') : []
        if (command === '!close') {
          const [code, ...reason] = words
          if (code === undefined) ws.close()
          else ws.close(Number(code), reason.join(' '))
        } else if (command === '!fragments') {
          for (const [i, word] of words.entries()) ws.send(word, { fin: i === words.length - 1 })
        } else if (command === '!terminate') {
          ws.terminate()
        } else {
          ws.send(data, { binary: isBinary })
        }
      })
      ws.on('close', (code, reason) => {
        this.#closes.push({ code, reason: reason.toString() })
        this.#wake()
      })
    })
  }

  static async start(perMessageDeflate: boolean | PerMessageDeflateOptions = false): Promise<EchoServer> {
    // Pages of the tests come from other ports, and so from other origins.
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', origins: 'any', perMessageDeflate })
    const { port } = await within(server.listening, 'the server to listen')
    return new EchoServer(server, port)
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/`
  }

  /** How the next connection ended that was not asked about yet. */
  async nextClose(): Promise<SeenClose> {
    const seen = async () => {
      while (this.#closes.length === 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
      return this.#closes.shift()!
    }
    return await within(seen(), 'the server to see a close')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => resolve())
    })
    for (const ws of this.server.clients) ws.terminate()
    await within(closed, 'the server to close')
  }
}
