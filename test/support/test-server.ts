import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocketServer, type WebSocketServerOptions } from '../../src/server/index.ts'
import type { WebSocket } from '../../src/socket/index.ts'
import { within } from './deadline.ts'
import { openRawWebSocket, RawSocket, upgradeRequest } from './raw-socket.ts'

/** A server on a free port of this machine that notes what its `connectionError` says. */
export class TestServer<Data = unknown> {
  readonly server: WebSocketServer<Data>
  readonly port: number
  readonly errors: Array<{ readonly error: Error; readonly ws: unknown; readonly request: unknown }> = []

  private constructor(server: WebSocketServer<Data>, port: number) {
    this.server = server
    this.port = port
    server.on('connectionError', (error, ws, request) => this.errors.push({ error, ws, request }))
  }

  /** @param echo - whether every message is sent back */
  static async start<Data = unknown>(
    options: WebSocketServerOptions<Data> = {},
    echo = true,
  ): Promise<TestServer<Data>> {
    const server = new WebSocketServer<Data>({ port: 0, host: '127.0.0.1', ...options })
    if (echo) echoOn(server)
    const { port } = (await within(server.listening, 'the server to listen')) as AddressInfo
    return new TestServer(server, port)
  }

  /** The next connection that opens. */
  async nextConnection(): Promise<WebSocket<Data>> {
    const [ws] = (await within(once(this.server, 'connection'), 'a connection')) as [WebSocket<Data>]
    return ws
  }

  /** Opens a connection and gives both of its ends. */
  async open(fieldLines: readonly string[] = []): Promise<{ raw: RawSocket; ws: WebSocket<Data>; head: string }> {
    const [ws, { raw, head }] = await Promise.all([this.nextConnection(), openRawWebSocket(this.port, fieldLines)])
    return { raw, ws, head }
  }

  /** Sends a request and gives what comes back until the end of the stream. */
  async refusal(fieldLines: readonly string[] = [], target = '/'): Promise<string> {
    using raw = await RawSocket.connect(this.port)
    await raw.write(upgradeRequest(this.port, fieldLines, target))
    return Buffer.from(await raw.readToEnd()).toString('latin1')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await stop(this.server)
  }
}

/** Sends every message back. */
export function echoOn<Data>(server: WebSocketServer<Data>): void {
  server.on('connection', (ws) => {
    ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }))
  })
}

/** Terminates everybody and waits until the server is closed. */
export async function stop<Data>(server: WebSocketServer<Data>): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  for (const ws of server.clients) ws.terminate()
  await within(closed, 'the server to close')
}

/** The status of an HTTP response. */
export function statusOf(response: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(response)?.[1])
}
