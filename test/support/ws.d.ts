/** The little of the `ws` package's client that the tests use; the package carries no types of its own. */
declare module 'ws' {
  import { EventEmitter } from 'node:events'

  interface SendOptions {
    binary?: boolean
    fin?: boolean
    compress?: boolean
  }

  interface DeflateOptions {
    serverNoContextTakeover?: boolean
    clientNoContextTakeover?: boolean
    serverMaxWindowBits?: number
    clientMaxWindowBits?: number
    threshold?: number
  }

  export class WebSocket extends EventEmitter<{
    open: []
    message: [data: Buffer, isBinary: boolean]
    close: [code: number, reason: Buffer]
    ping: [data: Buffer]
    pong: [data: Buffer]
    error: [error: Error]
    'unexpected-response': [request: unknown, response: { statusCode: number; headers: Record<string, string> }]
  }> {
    constructor(
      url: string | null,
      protocols?: string | readonly string[],
      options?: {
        perMessageDeflate?: boolean | DeflateOptions
        headers?: Record<string, string>
        ca?: Buffer
        rejectUnauthorized?: boolean
      },
    )
    readonly readyState: number
    readonly protocol: string
    readonly extensions: string
    send(data: string | Uint8Array, options?: SendOptions): void
    ping(data?: string | Uint8Array): void
    pong(data?: string | Uint8Array): void
    close(code?: number, reason?: string): void
    terminate(): void
  }

  export class WebSocketServer extends EventEmitter<{
    listening: []
    connection: [ws: WebSocket]
    error: [error: Error]
  }> {
    constructor(options: {
      port?: number
      host?: string
      server?: object
      noServer?: boolean
      maxPayload?: number
      perMessageDeflate?: boolean | DeflateOptions
    })
    readonly clients: Set<WebSocket>
    address(): { port: number }
    close(callback: () => void): void
  }
}
