import { HandshakeError } from '../../src/errors.ts'

export const SAMPLE_KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
export const SAMPLE_ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

/** The field lines of the smallest opening handshake. */
export const MINIMAL_LINES: readonly string[] = [
  'Host: server.example.com',
  'Upgrade: websocket',
  'Connection: Upgrade',
  `Sec-WebSocket-Key: ${SAMPLE_KEY}`,
  'Sec-WebSocket-Version: 13',
]

/** What Chromium sends. */
export const BROWSER_HEAD = [
  'GET /chat?room=1 HTTP/1.1',
  'Host: localhost:8080',
  'Connection: Upgrade',
  'Pragma: no-cache',
  'Cache-Control: no-cache',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  'Upgrade: websocket',
  'Origin: http://localhost:8080',
  'Sec-WebSocket-Version: 13',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Accept-Language: en-US,en;q=0.9',
  `Sec-WebSocket-Key: ${SAMPLE_KEY}`,
  'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
  '',
  '',
].join('\r\n')

export function head(startLine: string, lines: readonly string[]): string {
  return [startLine, ...lines, '', ''].join('\r\n')
}

/** One octet per character. */
export function octets(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0))
}

/** One character per octet. */
export function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (octet) => String.fromCharCode(octet)).join('')
}

/** The HandshakeError that `action` throws; anything else it does fails the test. */
export function refusal(action: () => unknown): HandshakeError {
  try {
    action()
  } catch (error) {
    if (error instanceof HandshakeError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

/** What an action comes to, in a form that can be compared: its value or the refusal. */
export function outcome<T>(action: () => T): T | { status: number; requirement: string; message: string } {
  try {
    return action()
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error
    return { status: error.httpStatus, requirement: error.requirement, message: error.message }
  }
}
