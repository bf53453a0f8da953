import type { AnnotateContext } from '../../src/inspector/annotate/index.ts'
import { concat } from '../support/chunkings.ts'
import { type ClientFrame, clientFrame } from '../support/client-frames.ts'
import { compressed } from '../support/deflate.ts'

/** Bytes that break one rule that shows on the wire. */
export interface CatalogueEntry {
  readonly name: string
  readonly id: string
  readonly bytes: Uint8Array
  readonly context: AnnotateContext & { readonly direction: 'c2s' | 's2c' }
}

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

/** A good request, with lines changed (a value), left out (null) or added. */
function request(changes: Readonly<Record<string, string | null>> = {}, line = 'GET /chat HTTP/1.1'): Uint8Array {
  const fields: Record<string, string | null> = {
    Host: 'example.org',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': KEY,
    'Sec-WebSocket-Version': '13',
    ...changes,
  }
  return head(line, fields)
}

/** A good response to it, likewise. */
function response(
  changes: Readonly<Record<string, string | null>> = {},
  line = 'HTTP/1.1 101 Switching Protocols',
): Uint8Array {
  return head(line, {
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
    ...changes,
  })
}

function head(line: string, fields: Readonly<Record<string, string | null>>): Uint8Array {
  const lines = Object.entries(fields).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}\r\n`]))
  return new TextEncoder().encode(`${line}\r\n${lines.join('')}\r\n`)
}

function text(octets: string): Uint8Array {
  return Uint8Array.from(octets, (character) => character.charCodeAt(0))
}

function frame(name: string, id: string, ...frames: ClientFrame[]): CatalogueEntry {
  return {
    name,
    id,
    bytes: concat(...frames.map(clientFrame)),
    context: { direction: 'c2s', start: 'frames', extensions: '' },
  }
}

function deflated(name: string, id: string, ...frames: ClientFrame[]): CatalogueEntry {
  const entry = frame(name, id, ...frames)
  return { ...entry, context: { ...entry.context, extensions: 'permessage-deflate' } }
}

function close(name: string, id: string, ...payload: number[]): CatalogueEntry {
  return frame(name, id, { opcode: 8, payload: Uint8Array.from(payload) })
}

function asked(name: string, id: string, bytes: Uint8Array): CatalogueEntry {
  return { name, id, bytes, context: { direction: 'c2s', start: 'head' } }
}

function answered(name: string, id: string, bytes: Uint8Array): CatalogueEntry {
  const request = { key: KEY, subprotocols: ['chat'], offers: '' }
  return { name, id, bytes, context: { direction: 's2c', start: 'head', request } }
}

const long = new Uint8Array(126)

/** One input for each rule that shows on the wire, and a few more for rules with several faces. */
export const catalogue: readonly CatalogueEntry[] = [
  frame('an unmasked frame from a client', '6455-5.1-2', { opcode: 1, payload: 'Hello', maskingKey: null }),
  {
    ...frame('a masked frame from a server', '6455-5.1-5', { opcode: 1, payload: 'Hello' }),
    context: { direction: 's2c', start: 'frames', extensions: '' },
  },
  frame('RSV1 without an extension', '6455-5.2-3', { opcode: 1, rsv: 4 }),
  frame('RSV2', '6455-5.2-3', { opcode: 1, rsv: 2 }),
  frame('RSV3', '6455-5.2-3', { opcode: 1, rsv: 1 }),
  deflated('RSV1 on a Ping', '7692-6.1-4', { opcode: 9, rsv: 4 }),
  deflated('RSV1 on a continuation', '7692-6.1-4', { opcode: 2, fin: false }, { opcode: 0, rsv: 4 }),
  frame('the reserved data opcode 3', '6455-5.2-4', { opcode: 3 }),
  frame('the reserved control opcode B', '6455-5.2-4', { opcode: 11 }),
  frame('a Ping with FIN clear', '6455-5.4-2', { opcode: 9, fin: false }),
  frame('a Ping of 126 bytes', '6455-5.5-1', { opcode: 9, payload: long }),
  frame('a continuation of nothing', '6455-5.4-14', { opcode: 0 }),
  frame('a new message inside another', '6455-5.4-4', { opcode: 1, fin: false }, { opcode: 2 }),
  {
    ...frame('the top bit of a 64-bit length', '6455-5.2-5'),
    bytes: Uint8Array.of(0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4),
  },
  frame('5 in a 16-bit length', '6455-5.2-6', { opcode: 1, payload: 'Hello', lengthBits: 16 }),
  frame('5 in a 64-bit length', '6455-5.2-6', { opcode: 1, payload: 'Hello', lengthBits: 64 }),
  {
    ...frame('a message above the limit', '6455-10.4-2', { opcode: 1, payload: 'Hello' }),
    context: { direction: 'c2s', start: 'frames', extensions: '', maxPayload: 4 },
  },
  {
    ...frame('a fragment too many', '6455-10.4-1', { opcode: 1, fin: false }, { opcode: 0 }),
    context: { direction: 'c2s', start: 'frames', extensions: '', maxFragments: 1 },
  },
  frame('text that is not UTF-8', '6455-8.1-1', { opcode: 1, payload: Uint8Array.of(0xc3, 0x28) }),
  frame('text that ends inside a character', '6455-8.1-1', { opcode: 1, payload: Uint8Array.of(0xe2, 0x82) }),
  deflated('compressed text that is not UTF-8', '6455-8.1-1', {
    opcode: 1,
    rsv: 4,
    payload: compressed(Uint8Array.of(0xff)),
  }),
  deflated('a message that is no DEFLATE data', '7692-7.2.2-11', {
    opcode: 2,
    rsv: 4,
    payload: Uint8Array.of(0xff, 0xff),
  }),
  close('a Close body of one byte', '6455-5.5.1-2', 3),
  close('status code 999', '6455-7.4.2-1', 3, 0xe7),
  close('status code 1004', '6455-7.4.1-9', 3, 0xec),
  close('status code 1005', '6455-7.4.1-3', 3, 0xed),
  close('status code 1006', '6455-7.4.1-4', 3, 0xee),
  close('status code 1015', '6455-7.4.1-6', 3, 0xf7),
  close('status code 2999', '6455-7.4.2-2', 0x0b, 0xb7),
  close('status code 5000', '6455-7.4.2-4', 0x13, 0x88),
  close('a close reason that is not UTF-8', '6455-8.1-1', 3, 0xe8, 0xff),
  frame('a message behind a Close frame', '6455-5.5.1-6', { opcode: 8 }, { opcode: 1, payload: 'late' }),
  asked('POST', '6455-4.2.1-2', request({}, 'POST /chat HTTP/1.1')),
  asked('HTTP/1.0', '6455-4.2.1-3', request({}, 'GET /chat HTTP/1.0')),
  asked('a target that is no path', '6455-4.2.1-4', request({}, 'GET chat HTTP/1.1')),
  asked('no Host', '6455-4.2.1-5', request({ Host: null })),
  asked('no Upgrade', '6455-4.2.1-6', request({ Upgrade: null })),
  asked('Upgrade: h2c', '6455-4.2.1-6', request({ Upgrade: 'h2c' })),
  asked('Connection without Upgrade', '6455-4.2.1-7', request({ Connection: 'keep-alive' })),
  asked('a key of 15 bytes', '6455-4.2.1-8', request({ 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAA' })),
  asked('two keys', '6455-11.3.1-1', request({ 'sec-websocket-key': KEY })),
  asked('version 8', '6455-4.2.1-9', request({ 'Sec-WebSocket-Version': '8' })),
  asked('two versions', '6455-11.3.5-2', request({ 'sec-websocket-version': '13' })),
  asked('a subprotocol that is no token', '6455-4.1-33', request({ 'Sec-WebSocket-Protocol': 'a b' })),
  asked('a subprotocol twice', '6455-4.1-34', request({ 'Sec-WebSocket-Protocol': 'a, a' })),
  asked('an extension that is no token', '6455-9.1-1', request({ 'Sec-WebSocket-Extensions': 'a;;' })),
  asked('a body', '9112-6.3', request({ 'Content-Length': '5' })),
  asked('a space before a colon', '9112-5.1', text('GET / HTTP/1.1\r\nHost : a\r\n\r\n')),
  asked('lines that end with LF alone', '9112-2.2', text('GET / HTTP/1.1\nHost: a\n\n')),
  answered('status 200', '6455-4.1-38', response({}, 'HTTP/1.1 200 OK')),
  answered('Upgrade: h2c', '6455-4.1-39', response({ Upgrade: 'h2c' })),
  answered('no Connection', '6455-4.1-40', response({ Connection: null })),
  answered('a wrong accept value', '6455-4.1-41', response({ 'Sec-WebSocket-Accept': `${'A'.repeat(27)}=` })),
  answered('an extension not offered', '6455-4.1-42', response({ 'Sec-WebSocket-Extensions': 'permessage-deflate' })),
  answered('a subprotocol not offered', '6455-4.1-43', response({ 'Sec-WebSocket-Protocol': 'news' })),
  answered(
    'two subprotocols',
    '6455-11.3.4-2',
    response({ 'Sec-WebSocket-Protocol': 'chat', 'sec-websocket-protocol': 'chat' }),
  ),
]
