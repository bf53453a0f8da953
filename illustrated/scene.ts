/* The session on the page: what the server says in it, and what the page in the browser does. */
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from '../src/index.ts'

/** Path of the request-target. */
export const PATH = '/illustrated'

/** What the page says first. */
export const GREETING = 'Hello'

/** The reply in fragments, and what the Ping between them carries. */
const FRAGMENTS = ['One message, ', 'two frames.'] as const
const PING = 'still there?'

/** From so many bytes on the server compresses: the last message of the session is longer, the fragments are not. */
const THRESHOLD = 64

/** The message that is worth compressing: the opcodes, of which RFC 6455 §11.8 has a table. */
const OPCODES = JSON.stringify([
  { opcode: 0, name: 'continuation', control: false, use: 'goes on with a message' },
  { opcode: 1, name: 'text', control: false, use: 'begins a message in UTF-8' },
  { opcode: 2, name: 'binary', control: false, use: 'begins a message of bytes' },
  { opcode: 8, name: 'close', control: true, use: 'says goodbye, and why' },
  { opcode: 9, name: 'ping', control: true, use: 'asks whether you are there' },
  { opcode: 10, name: 'pong', control: true, use: 'says yes' },
])

/** How the page closes. */
const CLOSING = { code: 1000, reason: 'done' } as const

/** The server of the session, on a free port; pages of `origin` may come. */
export async function openServer(origin: string): Promise<{ server: WebSocketServer; port: number }> {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    origins: [origin],
    perMessageDeflate: { threshold: THRESHOLD },
  })
  server.on('connection', (ws) => {
    ws.on('message', () => {
      ws.send(FRAGMENTS[0], { fin: false })
      ws.ping(PING)
      ws.send(FRAGMENTS[1], { fin: true })
    })
    ws.on('pong', () => ws.send(OPCODES))
  })
  const { port } = (await server.listening) as AddressInfo
  return { server, port }
}

/** What the page does, as a program for the browser; its value is what `onclose` was told. */
export function pageProgram(port: number): string {
  return `new Promise((resolve) => {
    const ws = new WebSocket('ws://localhost:${port}${PATH}')
    let messages = 0
    ws.onopen = () => ws.send('${GREETING}')
    ws.onmessage = () => { if (++messages === 2) ws.close(${CLOSING.code}, '${CLOSING.reason}') }
    ws.onclose = ({ code, reason }) => resolve({ code, reason })
  })`
}
