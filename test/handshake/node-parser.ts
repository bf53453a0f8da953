import { createServer, type IncomingMessage, type Server } from 'node:http'
import { Duplex } from 'node:stream'
import { latin1 } from './heads.ts'

/** What Node's own HTTP parser makes of a stream. */
export interface NodeVerdict {
  /** `upgrade` when the parser stopped after the head and handed the stream over. */
  readonly kind: 'upgrade' | 'request' | 'refused' | 'incomplete'
  readonly url?: string | undefined
  readonly rawHeaders?: readonly string[]
  /** What followed the head of an upgrade, one character per octet. */
  readonly rest?: string
}

/** A real `http.Server` with its strict parser, fed through streams in memory. */
export class NodeParser {
  readonly #server: Server = createServer({ insecureHTTPParser: false })
  readonly #verdicts = new WeakMap<Duplex, NodeVerdict>()

  constructor() {
    this.#server.on('upgrade', ({ url, rawHeaders }: IncomingMessage, socket: Duplex, rest: Uint8Array) => {
      this.#verdicts.set(socket, { kind: 'upgrade', url, rawHeaders, rest: latin1(rest) })
    })
    this.#server.on('request', ({ url, rawHeaders, socket }: IncomingMessage) => {
      this.#verdicts.set(socket, { kind: 'request', url, rawHeaders })
    })
    this.#server.on('clientError', (_error, socket: Duplex) => {
      if (!this.#verdicts.has(socket)) this.#verdicts.set(socket, { kind: 'refused' })
    })
  }

  async verdictOn(octets: Uint8Array): Promise<NodeVerdict> {
    const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
    this.#server.emit('connection', socket)
    socket.push(octets)
    await new Promise(setImmediate)
    socket.destroy()
    return this.#verdicts.get(socket) ?? { kind: 'incomplete' }
  }
}
