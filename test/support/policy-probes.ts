import { concat } from './chunkings.ts'
import {
  clientBinary,
  clientClose,
  clientFrame,
  clientText,
  readClosePayload,
  readServerFrame,
} from './client-frames.ts'
import { hex } from './hex.ts'
import { RawSocket, SAMPLE_KEY, upgradeRequest } from './raw-socket.ts'

/** What a server must do. */
export type Verdict =
  | { readonly status: number; readonly head?: RegExp }
  | { readonly closeCode: number }
  | { readonly echo: string }
  | { readonly pongs: readonly string[] }

/** One probe: bytes that are sent to a fresh connection, and what must come back. Points as in the policy's table. */
export interface PolicyProbe {
  readonly point: number
  readonly name: string
  readonly bytes: (port: number) => Uint8Array
  readonly verdict: Verdict
}

/** A probe with a request of its own. */
function request(
  point: number,
  name: string,
  lines: (port: number) => readonly string[],
  verdict: Verdict,
): PolicyProbe {
  return { point, name, bytes: (port) => Buffer.from(`${lines(port).join('\r\n')}\r\n\r\n`, 'latin1'), verdict }
}

/** A probe with the usual request and some lines changed: `null` takes a line away. */
function change(point: number, name: string, changes: Record<string, string | null>, verdict: Verdict): PolicyProbe {
  return request(point, name, (port) => changed(port, changes), verdict)
}

function changed(port: number, changes: Record<string, string | null>): string[] {
  const rest = { ...changes }
  const lines = upgradeRequest(port)
    .trimEnd()
    .split('\r\n')
    .flatMap((line) => {
      const name = line.startsWith('GET ') ? 'request-line' : line.slice(0, line.indexOf(':'))
      if (!(name in rest)) return [line]
      const value = rest[name]
      delete rest[name]
      return value === null || value === undefined ? [] : [value]
    })
  return [...lines, ...Object.values(rest).filter((line) => line !== null)]
}

/** A probe with frames behind the usual request. */
function frames(point: number, name: string, bytes: Uint8Array, verdict: Verdict): PolicyProbe {
  return { point, name, bytes: (port) => concat(Buffer.from(upgradeRequest(port)), bytes), verdict }
}

const status = (code: number): Verdict => ({ status: code })
const closes = (closeCode: number): Verdict => ({ closeCode })
const keyOf = (bytes: number): string => `Sec-WebSocket-Key: ${Buffer.alloc(bytes).toString('base64')}`
const ping = (payload: string): Uint8Array => clientFrame({ opcode: 0x9, payload })

/** Points 1 to 15 and 19; the others are about handlers, which are no bytes. Limits have their default values. */
export const policyProbes: readonly PolicyProbe[] = [
  frames(1, 'length 5 in 16 bits', clientFrame({ opcode: 0x1, payload: 'Hello', lengthBits: 16 }), closes(1002)),
  frames(
    1,
    'length 125 in 16 bits',
    clientFrame({ opcode: 0x2, payload: new Uint8Array(125), lengthBits: 16 }),
    closes(1002),
  ),
  frames(
    1,
    'length 126 in 64 bits',
    clientFrame({ opcode: 0x2, payload: new Uint8Array(126), lengthBits: 64 }),
    closes(1002),
  ),
  frames(2, 'the top bit of a 64-bit length', hex('82 ff 8000000000000000 00000000'), closes(1002)),
  frames(2, 'all bits of a 64-bit length', hex('82 ff ffffffffffffffff 00000000'), closes(1002)),
  frames(2, 'a length of 1 MiB and 1', hex('82 ff 0000000000100001 00000000'), closes(1009)),
  frames(2, 'a length of 4 GiB', hex('82 ff 0000000100000000 00000000'), closes(1009)),
  frames(2, 'a length of 2^53', hex('82 ff 0020000000000000 00000000'), closes(1009)),
  frames(
    2,
    'fragments that pass the limit together',
    concat(
      clientFrame({ opcode: 0x2, payload: new Uint8Array(1 << 20), fin: false }),
      clientFrame({ opcode: 0x0, payload: new Uint8Array(1) }),
    ),
    closes(1009),
  ),
  frames(3, 'a frame glued to the request', clientText('glued'), { echo: 'glued' }),
  {
    point: 3,
    name: 'a second request behind a refused one',
    bytes: (port) => Buffer.from(upgradeRequest(port).replace('Version: 13', 'Version: 12') + upgradeRequest(port)),
    verdict: status(426),
  },
  change(4, 'a key of 16 bytes', { 'Sec-WebSocket-Key': keyOf(16) }, status(101)),
  change(
    4,
    'a key whose pad bits are not zero',
    { 'Sec-WebSocket-Key': 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAB==' },
    status(101),
  ),
  change(4, 'a key of 15 bytes', { 'Sec-WebSocket-Key': keyOf(15) }, status(400)),
  change(4, 'a key of 17 bytes', { 'Sec-WebSocket-Key': keyOf(17) }, status(400)),
  change(
    4,
    'a key that is not base64',
    { 'Sec-WebSocket-Key': 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j!Q==' },
    status(400),
  ),
  change(4, 'two keys', { second: `Sec-WebSocket-Key: ${SAMPLE_KEY}` }, status(400)),
  change(4, 'no key', { 'Sec-WebSocket-Key': null }, status(400)),
  change(5, 'POST', { 'request-line': 'POST / HTTP/1.1' }, { status: 405, head: /^Allow: GET\r$/im }),
  change(
    5,
    'version 12',
    { 'Sec-WebSocket-Version': 'Sec-WebSocket-Version: 12' },
    { status: 426, head: /^Sec-WebSocket-Version: 13\r$/im },
  ),
  change(5, 'version 8', { 'Sec-WebSocket-Version': 'Sec-WebSocket-Version: 8' }, status(426)),
  change(5, 'no version', { 'Sec-WebSocket-Version': null }, status(426)),
  request(5, 'a plain GET', (port) => ['GET / HTTP/1.1', `Host: 127.0.0.1:${port}`], status(426)),
  change(5, 'no Upgrade', { Upgrade: null }, status(426)),
  change(5, 'no Connection', { Connection: null }, status(400)),
  change(5, 'a request-target of 9,000 octets', { 'request-line': `GET /${'a'.repeat(9000)} HTTP/1.1` }, status(414)),
  change(5, 'a field of 17,000 octets', { big: `X-Big: ${'a'.repeat(17_000)}` }, status(431)),
  change(
    5,
    '101 fields',
    Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`x${i}`, `X-${i}: 1`])),
    status(431),
  ),
  change(6, 'Content-Length above 0', { body: 'Content-Length: 5' }, status(400)),
  change(6, 'Content-Length 0', { body: 'Content-Length: 0' }, status(101)),
  change(6, 'Transfer-Encoding', { body: 'Transfer-Encoding: chunked' }, status(400)),
  change(7, 'HTTP/1.0', { 'request-line': 'GET / HTTP/1.0' }, status(400)),
  change(7, 'HTTP/2.0', { 'request-line': 'GET / HTTP/2.0' }, status(400)),
  change(7, 'no Host', { Host: null }, status(400)),
  change(7, 'two Hosts', { second: 'Host: example.org' }, status(400)),
  change(7, 'a malformed Host', { Host: 'Host: a b' }, status(400)),
  change(7, 'a bare LF', { bare: 'X-A: 1\nX-B: 2' }, status(400)),
  change(7, 'a bare CR', { bare: 'X-A: 1\rX-B: 2' }, status(400)),
  change(7, 'obs-fold', { fold: 'X-A: 1\r\n folded' }, status(400)),
  change(7, 'a space before the colon', { space: 'X-A : 1' }, status(400)),
  change(7, 'a NUL', { nul: 'X-A: \0' }, status(400)),
  change(7, 'a field without a colon', { colon: 'X-A' }, status(400)),
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999].map((code) =>
    frames(8, `status code ${code}`, clientClose(code), closes(code)),
  ),
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].map((code) =>
    frames(8, `status code ${code}`, clientClose(code), closes(1002)),
  ),
  frames(9, 'a Close frame with a reason', clientClose(4001, 'because'), closes(4001)),
  frames(9, 'a Close frame without a body', clientClose(), closes(1005)),
  frames(9, 'a Close frame with one byte', clientFrame({ opcode: 0x8, payload: Uint8Array.of(3) }), closes(1002)),
  frames(9, 'data behind a Close frame', concat(clientClose(1000), clientText('late')), closes(1000)),
  frames(10, 'Pings before and between', concat(ping('1'), ping('2'), ping(''), ping('x'.repeat(125))), {
    pongs: ['1', '2', '', 'x'.repeat(125)],
  }),
  frames(10, '61 Pings in one write', concat(...Array.from({ length: 61 }, (_, i) => ping(`${i}`))), {
    pongs: Array.from({ length: 61 }, (_, i) => `${i}`),
  }),
  frames(11, 'an octet that is never UTF-8', clientFrame({ opcode: 0x1, payload: hex('61 ff') }), closes(1007)),
  frames(11, 'a surrogate', clientFrame({ opcode: 0x1, payload: hex('ed a0 80') }), closes(1007)),
  frames(11, 'a cut character at the end', clientFrame({ opcode: 0x1, payload: hex('e2 82') }), closes(1007)),
  frames(11, 'a bad octet in a frame that is not complete', hex('81 85 00000000 61 ff'), closes(1007)),
  frames(
    11,
    'a bad octet in a fragment that is not the last',
    clientFrame({ opcode: 0x1, payload: hex('61 c0'), fin: false }),
    closes(1007),
  ),
  frames(11, 'a close reason that is not UTF-8', clientFrame({ opcode: 0x8, payload: hex('03 e8 ff') }), closes(1007)),
  frames(
    12,
    'fragments of no bytes',
    concat(
      clientFrame({ opcode: 0x1, fin: false }),
      ...Array.from({ length: 200 }, () => clientFrame({ opcode: 0x0, fin: false })),
      clientFrame({ opcode: 0x0, payload: 'end' }),
    ),
    { echo: 'end' },
  ),
  change(13, 'a malformed extension header', { ext: 'Sec-WebSocket-Extensions: a; b=' }, status(400)),
  change(13, 'an unclosed quoted parameter', { ext: 'Sec-WebSocket-Extensions: a; b="c' }, status(400)),
  change(
    13,
    'an offer that we cannot use',
    { ext: 'Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8' },
    status(101),
  ),
  change(
    14,
    'unknown extensions with names of prototypes',
    { ext: 'Sec-WebSocket-Extensions: constructor, __proto__; toString=1' },
    status(101),
  ),
  change(
    14,
    'fields with names of prototypes',
    { a: '__proto__: 1', b: 'constructor: 2', c: 'hasOwnProperty: 3' },
    status(101),
  ),
  change(
    15,
    'an unknown subprotocol',
    { sub: 'Sec-WebSocket-Protocol: nobody-speaks-this' },
    { status: 101, head: /^(?![\s\S]*Sec-WebSocket-Protocol)/i },
  ),
  change(15, 'a malformed subprotocol list', { sub: 'Sec-WebSocket-Protocol: a b' }, status(400)),
  change(19, 'cookies from another origin', { a: 'Cookie: id=1', b: 'Origin: http://evil.example' }, status(403)),
  change(19, 'cookies from a page without an origin', { a: 'Cookie: id=1', b: 'Origin: null' }, status(403)),
  change(
    19,
    'Authorization from another origin',
    { a: 'Authorization: x', b: 'Origin: http://evil.example' },
    status(403),
  ),
  change(19, 'another origin without credentials', { b: 'Origin: http://evil.example' }, status(101)),
  change(19, 'cookies without an origin', { a: 'Cookie: id=1' }, status(101)),
  request(
    19,
    'cookies from the same host',
    (port) => changed(port, { a: 'Cookie: id=1', b: `Origin: http://127.0.0.1:${port}` }),
    status(101),
  ),
  frames(0, 'an unmasked frame', clientFrame({ opcode: 0x1, payload: 'hi', maskingKey: null }), closes(1002)),
  frames(0, 'a reserved opcode', clientFrame({ opcode: 0x3 }), closes(1002)),
  frames(0, 'a reserved control opcode', clientFrame({ opcode: 0xb }), closes(1002)),
  frames(0, 'RSV1 without an extension', clientFrame({ opcode: 0x1, rsv: 4 }), closes(1002)),
  frames(0, 'RSV3', clientFrame({ opcode: 0x2, rsv: 1 }), closes(1002)),
  frames(0, 'a Ping of 126 bytes', clientFrame({ opcode: 0x9, payload: new Uint8Array(126) }), closes(1002)),
  frames(0, 'a fragmented Ping', clientFrame({ opcode: 0x9, fin: false }), closes(1002)),
  frames(0, 'a continuation of nothing', clientFrame({ opcode: 0x0, payload: 'x' }), closes(1002)),
  frames(
    0,
    'a text frame inside a fragmented message',
    concat(clientFrame({ opcode: 0x1, fin: false }), clientText('x')),
    closes(1002),
  ),
  frames(0, 'an empty message', clientBinary(new Uint8Array(0)), { echo: '' }),
]

/** Sends the probe and checks the answer; throws a sentence that says what came instead. */
export async function runProbe(port: number, { bytes, verdict }: PolicyProbe): Promise<void> {
  using raw = await RawSocket.connect(port)
  // A server that refuses may reset while we still write.
  raw.socket.write(bytes(port))
  const head = Buffer.from(await raw.readUntil('\r\n\r\n')).toString('latin1')
  const got = Number(head.slice(9, 12))
  const wanted = 'status' in verdict ? verdict.status : 101
  if (got !== wanted) throw new Error(`status ${got} instead of ${wanted}:\n${head}`)
  if ('status' in verdict && verdict.head !== undefined && !verdict.head.test(head)) {
    throw new Error(`the head does not fit ${verdict.head}:\n${head}`)
  }
  if (wanted === 101) await checkFrames(raw, verdict)
  else await checkRefusal(raw, head)
}

async function checkRefusal(raw: RawSocket, head: string): Promise<void> {
  if (!/^Connection: close\r$/im.test(head)) throw new Error(`no "Connection: close":\n${head}`)
  const length = Number(/^Content-Length: (\d+)\r$/im.exec(head)?.[1])
  const body = Buffer.from(await raw.readToEnd()).toString('latin1')
  if (body.length !== length) throw new Error(`${length} bytes of body were announced; came: ${JSON.stringify(body)}`)
  if (!/^[^\n]+\n?$/.test(body)) throw new Error(`the body is not one line: ${JSON.stringify(body)}`)
  if (raw.ended !== 'end') throw new Error(`the stream ended with a ${raw.ended}`)
}

async function checkFrames(raw: RawSocket, verdict: Verdict): Promise<void> {
  if ('status' in verdict) return
  if ('echo' in verdict) {
    const text = Buffer.from((await readServerFrame(raw)).payload).toString()
    if (text !== verdict.echo) throw new Error(`${JSON.stringify(text)} came back`)
  } else if ('pongs' in verdict) {
    for (const pong of verdict.pongs) {
      const { opcode, payload } = await readServerFrame(raw)
      const text = Buffer.from(payload).toString()
      if (opcode !== 0xa || text !== pong) throw new Error(`opcode ${opcode} ${JSON.stringify(text)} instead of a Pong`)
    }
  } else {
    const { opcode, payload } = await readServerFrame(raw)
    const { statusCode, reason } = readClosePayload(payload)
    if (opcode !== 0x8) throw new Error(`opcode ${opcode} instead of a Close frame`)
    if (statusCode !== verdict.closeCode) throw new Error(`${statusCode} "${reason}" instead of ${verdict.closeCode}`)
    // Our half stays open: the server ends its own by itself.
    const rest = await raw.readToEnd()
    if (rest.length > 0) throw new Error(`${rest.length} bytes came behind the Close frame`)
    if (raw.ended !== 'end') throw new Error(`the stream ended with a ${raw.ended}`)
  }
}
