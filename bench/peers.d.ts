/** The little of other packages that the benches use; they are installed beside the benches, not in the project. */
declare module 'tinybench' {
  export interface BenchOptions {
    now?: () => number
    time?: number
    iterations?: number
    warmup?: boolean
    throws?: boolean
  }
  export class Bench {
    constructor(options: BenchOptions)
    readonly tasks: ReadonlyArray<{ readonly result: { state: string } | { state: string; latency: { mean: number } } }>
    add(name: string, fn: () => void): this
    run(): Promise<unknown>
  }
}

declare module 'ws' {
  import { EventEmitter } from 'node:events'
  import type { Server } from 'node:http'

  export class WebSocketServer extends EventEmitter<{ connection: [ws: WebSocket] }> {
    constructor(options: { server: Server; perMessageDeflate: boolean | object; maxPayload?: number })
    readonly clients: Set<WebSocket>
  }
  export const Sender: {
    frame(
      data: Uint8Array,
      options: {
        fin: boolean
        rsv1: boolean
        opcode: number
        mask: boolean
        readOnly: boolean
        generateMask?: (mask: Uint8Array) => void
      },
    ): Uint8Array[]
  }
}

declare module 'websocket' {
  import { EventEmitter } from 'node:events'
  import type { Server } from 'node:http'

  type Message = { type: 'utf8'; utf8Data: string } | { type: 'binary'; binaryData: Buffer }
  interface Connection extends EventEmitter<{ message: [message: Message] }> {
    sendUTF(text: string): void
    sendBytes(bytes: Buffer): void
  }
  const websocket: {
    server: new (options: {
      httpServer: Server
      autoAcceptConnections: boolean
      maxReceivedFrameSize: number
      maxReceivedMessageSize: number
      fragmentOutgoingMessages: boolean
    }) => EventEmitter<{ connect: [connection: Connection] }>
  }
  export default websocket
}

declare module 'websocket-driver' {
  import type { IncomingMessage } from 'node:http'

  interface Driver {
    readonly io: NodeJS.ReadWriteStream
    readonly messages: NodeJS.ReadWriteStream
    start(): void
  }
  const driver: { http(request: IncomingMessage, options: { maxLength: number }): Driver }
  export default driver
}

declare module 'echarts' {
  interface RenderApi {
    value(dimension: number): number | string
    coord(data: ReadonlyArray<number | string>): number[]
    size?(data: readonly number[]): number[] | number
  }
  export interface SeriesOption {
    type: 'custom'
    data: unknown
    encode: object
    renderItem(params: unknown, api: RenderApi): object
  }
  export function init(
    dom: null,
    theme: null,
    options: { renderer: 'svg'; ssr: true; width: number; height: number },
  ): { setOption(option: object): void; renderToSVGString(): string; dispose(): void }
}
