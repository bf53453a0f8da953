import { createServer, type IncomingMessage, type Server } from 'node:http'
import { Duplex } from 'node:stream'

/** What Node's own HTTP parser makes of a stream. */
export type NodeVerdict =
  | {
      readonly kind: 'upgrade'
      readonly url: string
      readonly rawHeaders: readonly string[]
      readonly rest: Uint8Array
    }
  | { readonly kind: 'request' | 'refused' | 'incomplete' }

/** A real `http.Server` with its strict parser, fed through streams in memory. */
export class NodeParser {
  readonly #server: Server = createServer({ insecureHTTPParser: false })

  constructor() {
    this.#server.on(
      'upgrade',
      (request: IncomingMessage, socket: Duplex & { verdict?: NodeVerdict }, rest: Uint8Array) => {
        socket.verdict = { kind: 'upgrade', url: request.url!, rawHeaders: request.rawHeaders, rest }
      },
    )
    this.#server.on('request', ({ socket }: { socket: Duplex & { verdict?: NodeVerdict } }) => {
      socket.verdict ??= { kind: 'request' }
    })
    this.#server.on('clientError', (_error, socket: Duplex & { verdict?: NodeVerdict }) => {
      socket.verdict ??= { kind: 'refused' }
    })
  }

  async verdictOn(octets: Uint8Array): Promise<NodeVerdict> {
    const socket: Duplex & { verdict?: NodeVerdict } = new Duplex({
      read() {},
      write: (_chunk, _encoding, done) => done(),
    })
    this.#server.emit('connection', socket)
    socket.push(octets)
    await new Promise(setImmediate)
    const verdict = socket.verdict ?? { kind: 'incomplete' }
    socket.destroy()
    return verdict
  }
}
