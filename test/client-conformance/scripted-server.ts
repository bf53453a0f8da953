import { createHash } from 'node:crypto'
import { WebSocket, type WebSocketEvents } from '../../src/index.ts'
import { inWords } from '../conformance/wire.ts'
import { type ClientFrame, clientFrame } from '../support/client-frames.ts'
import { readFrames } from '../support/connection-pair.ts'
import { within } from '../support/deadline.ts'
import { isPeerGone } from '../support/peer-gone.ts'
import { describeBytes, describeText } from '../support/recording-listener.ts'
import { ScriptedHttp, type SeenRequest } from '../support/scripted-http.ts'

/*
 * The client of this package against a server that says exactly what a case wants. The counterpart of `../conformance`: cases are
 * data, the bytes are written in many cuts, and every connection is read until the client ends it.
 */

/** A response that accepts the request, for a case to spoil. Its accept value is computed from the RFC, not by `src/`. */
export function acceptance(request: SeenRequest): { statusLine: string; lines: string[] } {
  const key = request.fields.get('sec-websocket-key') ?? ''
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  return {
    statusLine: 'HTTP/1.1 101 Switching Protocols',
    lines: ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`],
  }
}

export function headOf({ statusLine, lines }: { statusLine: string; lines: readonly string[] }): Buffer {
  return Buffer.from([statusLine, ...lines, '', ''].join('\r\n'), 'latin1')
}

/** A frame as a server sends it: not masked. */
export function serverFrame(frame: ClientFrame): Uint8Array {
  return clientFrame({ maskingKey: null, ...frame })
}

/** A Close frame of a server; without a status code it has no body. */
export function serverClose(statusCode?: number, reason: Uint8Array | string = ''): Uint8Array {
  if (statusCode === undefined) return serverFrame({ opcode: 0x8 })
  const body = Buffer.concat([Uint8Array.of(statusCode >>> 8, statusCode & 0xff), Buffer.from(reason as string)])
  return serverFrame({ opcode: 0x8, payload: new Uint8Array(body) })
}

/** What happened on both sides. */
export interface Conversation {
  /** What the application was told, one line per event. */
  readonly events: string[]
  /** The frames that the client sent, in words. */
  readonly sent: string[]
  /** Whether every frame of the client was masked, and how many different keys there were. */
  readonly areMasked: boolean
  readonly keys: number
  readonly url: string
}

/** How the application uses the client in a case. */
export type Use = (ws: WebSocket) => void

/**
 * One connection: the server answers the request with `answer`, written chunk by chunk, and ends TCP once the client has sent its
 * Close frame or ended.
 *
 * @param reply what the server answers to the client's Close frame
 */
export async function converse(
  answer: (request: SeenRequest) => readonly Uint8Array[],
  use: Use = () => {},
  protocols: readonly string[] = [],
  reply: Uint8Array = new Uint8Array(0),
): Promise<Conversation> {
  const received: Buffer[] = []
  let serverDone: () => void = () => {}
  const finished = new Promise<void>((resolve) => {
    serverDone = resolve
  })
  await using server = await ScriptedHttp.start((request) => {
    const { socket } = request
    socket.setNoDelay(true)
    socket.on('data', (chunk) => {
      received.push(chunk)
      // The server ends TCP first, RFC 6455 §7.1.1.
      if (hasClose(Buffer.concat(received))) socket.end(reply)
    })
    socket.on('end', () => socket.end())
    socket.on('close', () => serverDone())
    void writeAll(request, answer(request))
  })
  const events: string[] = []
  const ws = new WebSocket(server.url, [...protocols])
  record(ws, events)
  use(ws)
  const closed = new Promise<void>((resolve) => {
    ws.once('close', () => resolve())
  })
  await within(closed, () => `the client to close; so far ${events.join(', ')}`)
  await within(finished, 'the server to see the end')
  const bytes = new Uint8Array(Buffer.concat(received))
  const frames = readFrames(bytes)
  return {
    events,
    sent: inWords(bytes),
    areMasked: frames.every(({ maskingKey }) => maskingKey !== null),
    keys: new Set(frames.map(({ maskingKey }) => String(maskingKey))).size,
    url: server.url,
  }
}

async function writeAll({ socket }: SeenRequest, chunks: readonly Uint8Array[]): Promise<void> {
  for (const chunk of chunks) {
    if (socket.destroyed) return
    await new Promise<void>((resolve, reject) => {
      socket.write(chunk, (error) => (error == null || isPeerGone(error) ? resolve() : reject(error)))
    })
  }
}

function hasClose(bytes: Buffer): boolean {
  try {
    return readFrames(new Uint8Array(bytes)).some(({ opcode }) => opcode === 0x8)
  } catch (error) {
    // More will come.
    if (error instanceof Error && error.message.startsWith('a frame is cut')) return false
    throw error
  }
}

function record(ws: WebSocket, events: string[]): void {
  const on = <Name extends keyof WebSocketEvents>(
    name: Name,
    line: (...args: WebSocketEvents[Name]) => string,
  ): void => {
    ws.on(name, ((...args: WebSocketEvents[Name]) => events.push(line(...args))) as never)
  }
  on('open', () => `open${ws.protocol === '' ? '' : ` ${ws.protocol}`}`)
  on('message', (data, isBinary) =>
    isBinary ? describeBytes('binary', data as Buffer) : describeText('text', Buffer.from(data as string)),
  )
  on('ping', (data) => describeBytes('ping', data))
  on('pong', (data) => describeBytes('pong', data))
  on('error', (error) => `error ${(error as Error & { requirement?: string }).requirement ?? error.message}`)
  on('close', (code, reason) => `close ${code} ${JSON.stringify(reason.toString())}`)
}
