import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { connect, type Socket as TcpSocket } from 'node:net'
import { WebSocket, WebSocketServer, type WebSocketServerOptions } from '../../src/index.ts'
import type { ClientOptions } from '../../src/socket/index.ts'
import { within } from './deadline.ts'
import { turn, until } from './deferred.ts'
import { openRawWebSocket } from './raw-socket.ts'

const CHANNEL = 'framewright:connectionError'

/** What a scenario needs to have one hook fail: servers and clients that it need not end, and an ear for what is told. */
export class HookBench {
  /** What a hook does: it throws a hostile value, at once or by a promise. */
  readonly fail: () => never
  /** Every report of a fault: on the diagnostics channel, printed, or thrown at the caller. */
  readonly reports: unknown[] = []
  /** Warnings as Node would print them. */
  printed = ''
  /** Whatever would have ended the process. */
  readonly fatal: unknown[] = []
  /** Who prints warnings otherwise. */
  readonly #printers: NodeJS.WarningListener[]
  readonly #servers: WebSocketServer[] = []
  readonly #clients: WebSocket[] = []
  readonly #sockets: TcpSocket[] = []

  /** @param isLate - whether hooks fail by a promise that rejects */
  constructor(make: () => unknown, isLate: boolean) {
    const fail = (): never => {
      throw make()
    }
    this.fail = isLate ? ((async () => fail()) as () => never) : fail
    subscribe(CHANNEL, this.#note)
    this.#printers = process.listeners('warning')
    process.removeAllListeners('warning').on('warning', this.#noteWarning)
    process.on('uncaughtException', this.#noteFatal)
    process.on('unhandledRejection', this.#noteFatal)
  }

  /** A server on a free port. */
  async serve(options: WebSocketServerOptions = {}): Promise<WebSocketServer> {
    const server = this.use(new WebSocketServer({ port: 0, host: '127.0.0.1', ...options }))
    await within(server.listening, 'a server to listen')
    return server
  }

  use(server: WebSocketServer): WebSocketServer {
    this.#servers.push(server)
    return server
  }

  /** A client of a server; what its constructor throws is a report. */
  dial(
    server: WebSocketServer | number,
    options: ClientOptions = {},
    scheme = 'ws',
    host = '127.0.0.1',
  ): WebSocket | null {
    const port = typeof server === 'number' ? server : portOf(server)
    try {
      const ws = new WebSocket(`${scheme}://${host}:${port}/`, ['chat'], options)
      this.#clients.push(ws)
      return ws
    } catch (error) {
      this.reports.push(error)
      return null
    }
  }

  /** Both ends of an open connection. */
  async pair(
    options: WebSocketServerOptions = {},
    client: ClientOptions = {},
  ): Promise<{ server: WebSocketServer; ws: WebSocket; client: WebSocket }> {
    const server = await this.serve({ subprotocols: ['chat'], ...options })
    const connected = once(server, 'connection')
    const dialled = this.dial(server, client)!
    await within(once(dialled, 'open'), 'open')
    const [ws] = (await within(connected, 'the connection')) as [WebSocket]
    return { server, ws, client: dialled }
  }

  /** A connection whose peer does not read. */
  async deafPeer(options: WebSocketServerOptions): Promise<{ ws: WebSocket; peer: TcpSocket }> {
    const server = await this.serve(options)
    const connected = once(server, 'connection')
    const { raw } = await openRawWebSocket(portOf(server))
    this.#sockets.push(raw.socket)
    raw.socket.pause()
    const [ws] = (await within(connected, 'the connection')) as [WebSocket]
    return { ws, peer: raw.socket }
  }

  /** Opens a connection, and resets it. */
  async reset(server: WebSocketServer): Promise<void> {
    const { raw } = await openRawWebSocket(portOf(server))
    raw.socket.resetAndDestroy()
  }

  /** A TCP connection that says something. */
  say(server: WebSocketServer, text: string): void {
    const socket = connect(portOf(server), '127.0.0.1', () => socket.write(text))
    socket.on('error', () => {})
    this.#sockets.push(socket)
  }

  /** Waits for a report, or for what would have ended the process. */
  async reported(): Promise<void> {
    await until(() => this.reports.length > 0 || this.fatal.length > 0, 'a report of what was thrown')
  }

  /** Another client is served: the process and its server go on. */
  async serves(): Promise<void> {
    const server = await this.serve({ subprotocols: ['chat'] })
    server.on('connection', (ws) => ws.on('message', (data) => ws.send(data)))
    const client = this.dial(server)!
    await within(once(client, 'open'), 'open')
    client.send('still there?')
    await within(once(client, 'message'), 'an echo')
  }

  /** Ends everything, and lets what fails late fail. */
  async end(): Promise<void> {
    for (const client of this.#clients) client.terminate()
    for (const socket of this.#sockets) socket.destroy()
    for (const server of this.#servers) await within(server.shutdown({ graceMs: 0 }), 'the shutdown')
    for (let i = 0; i < 4; i++) await turn()
    unsubscribe(CHANNEL, this.#note)
    process.off('warning', this.#noteWarning)
    for (const printer of this.#printers) process.on('warning', printer)
    process.off('uncaughtException', this.#noteFatal)
    process.off('unhandledRejection', this.#noteFatal)
  }

  readonly #note = (message: unknown): void => {
    this.reports.push((message as { error: unknown }).error)
  }
  readonly #noteWarning = (warning: Error): void => {
    if (warning.name === 'ApplicationWarning') this.reports.push(warning)
    // What Node prints of it.
    this.printed += `${warning}\n${(warning as { detail?: string }).detail}\n`
  }
  readonly #noteFatal = (thrown: unknown): void => {
    this.fatal.push(thrown)
  }
}

/** Where a server listens. */
export function portOf(server: WebSocketServer): number {
  return (server.address() as { port: number }).port
}
