import { once } from 'node:events'
import { connect, createServer, type Server, type Socket, type TcpSocketConnectOpts } from 'node:net'
import { portOf } from './port.ts'

/** Both ends of a TCP connection. */
export interface SocketPair {
  readonly client: Socket
  /** As a server gets it. */
  readonly accepted: Socket
}

/** Makes TCP connections, and ends them with the server that accepts them. */
export class SocketPairs implements AsyncDisposable {
  readonly #sockets: Socket[] = []

  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  static async listen(): Promise<SocketPairs> {
    const server = createServer({ allowHalfOpen: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new SocketPairs(server)
  }

  /** @param options - of the client's end, besides its address */
  async make(options: Partial<TcpSocketConnectOpts> = {}): Promise<SocketPair> {
    const accepting = once(this.#server, 'connection')
    const client = connect({ ...options, port: portOf(this.#server), host: '127.0.0.1' })
    const [accepted] = (await accepting) as [Socket]
    this.#sockets.push(client, accepted)
    return { client, accepted }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets.splice(0)) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
