import type { OpeningRequest, OpeningResponse } from './client-options.ts'

/** What a binary message can arrive as. */
export type BinaryType = 'nodebuffer' | 'arraybuffer' | 'blob' | 'fragments'

/** What a `message` carries: text as a string (or a Buffer, by option), binary by `binaryType`. */
export type MessageData = string | Buffer | ArrayBuffer | Blob | Buffer[]

/** Events of a `WebSocket`, with the arguments of their listeners. */
export interface WebSocketEvents {
  /** The connection of a client is open. */
  open: []
  /** Only on a client: the server switches protocols. Comes before its answer is checked and before `open`. */
  upgrade: [response: OpeningResponse]
  /** Only on a client: a redirect is followed; the request is the new one, not sent yet. */
  redirect: [url: string, request: OpeningRequest]
  /**
   * Only on a client: the server refused. Whoever listens takes the response over: there will be no `error`, and `close`
   * comes when the response is over.
   */
  'unexpected-response': [request: OpeningRequest, response: OpeningResponse]
  /**
   * A whole message arrived, RFC 6455 §6.2. `data` is the listener's, to keep, to change and to transfer. Short messages
   * of the same read may lie beside it in `data.buffer`, and go with it when that is transferred; nothing else does.
   */
  message: [data: MessageData, isBinary: boolean]
  /**
   * The connection is over. `code` is the Connection Close Code, RFC 6455 §7.1.5: 1005 without a status code, 1006
   * without a Close frame.
   */
  close: [code: number, reason: Buffer]
  /** A Ping arrived and, unless `autoPong` is off, was answered, RFC 6455 §5.5.2. */
  ping: [data: Buffer]
  /** A Pong arrived, RFC 6455 §5.5.3. */
  pong: [data: Buffer]
  /** `send()` had said false; now there is room again. */
  drain: []
  /** Something went wrong; `close` follows. Without a listener it only goes to the server's `connectionError`. */
  error: [error: Error]
}
