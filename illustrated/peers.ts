/* What our server and our client make of bytes: each over a real connection, the other end being a plain socket. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { acceptKey } from '../src/handshake/index.ts'
import { type CloseInfo, WebSocket } from '../src/index.ts'
import { annotate, requestOf } from '../src/inspector/index.ts'
import { within } from '../test/support/deadline.ts'
import { openServer, PATH } from './scene.ts'

/** What came of it. */
export interface Outcome {
  /** All that was answered. */
  readonly answered: Uint8Array
  /** How the connection ended for the application; null when there never was one. */
  readonly info: CloseInfo | null
}

/** A piece to send, once so many heads and frames have come. */
export interface Step {
  readonly bytes: Uint8Array
  readonly afterUnits: number
}

/** Our server, given the bytes of a client. */
export async function serverAnswers(origin: string, steps: readonly Step[]): Promise<Outcome> {
  const { server, port } = await openServer(origin)
  try {
    const closed = new Promise<CloseInfo | null>((resolve) => {
      server.observe({ observe: () => ({ closed: resolve }) })
    })
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    await once(socket, 'connect')
    const answered = await exchange(socket, steps)
    return { answered, info: await within(closed, 'the end of the connection at the server') }
  } finally {
    server.close()
  }
}

/**
 * Our client, given the bytes of a server. Its key is its own, so the accept value of the response is one for that key:
 * with the bit flipped that is flipped in the recording.
 *
 * @param response - of the recording, as it was recorded
 * @param frames - what to send behind it
 * @param flip - the bit of the accept value to flip: its byte in the value, and a mask
 * @param maskingKey - the client's, for all its frames
 */
export async function clientAnswers(
  response: Uint8Array,
  frames: Uint8Array,
  flip: { readonly byte: number; readonly mask: number } | null,
  maskingKey: Uint8Array,
): Promise<Outcome> {
  const host = createServer({ allowHalfOpen: true })
  host.listen(0, '127.0.0.1')
  await once(host, 'listening')
  try {
    const taken = once(host, 'connection') as Promise<[Socket]>
    const ws = new WebSocket(`ws://127.0.0.1:${(host.address() as AddressInfo).port}${PATH}`, {
      perMessageDeflate: true,
      generateMask: (mask) => mask.set(maskingKey),
    })
    ws.on('error', () => {})
    const [socket] = await within(taken, 'the client')
    const request = await requestFrom(socket)
    const key = requestOf(annotate(request, { direction: 'c2s', start: 'head' }))!.key
    const accept = Buffer.from(acceptKey(key), 'latin1')
    if (flip !== null) accept[flip.byte]! ^= flip.mask
    const [, before = '', after = ''] = /^(.*\r\nSec-WebSocket-Accept: )[^\r]*(.*)$/is.exec(latin1(response)) ?? []
    const head = Buffer.concat([Buffer.from(before, 'latin1'), accept, Buffer.from(after, 'latin1')])
    const answered = await exchange(socket, [{ bytes: Buffer.concat([head, frames]), afterUnits: 0 }])
    return { answered, info: await within(ws.closed, 'the end of the connection at the client') }
  } finally {
    host.close()
  }
}

/** Sends the steps, and gathers what comes until the other side has ended; then ends too. */
async function exchange(socket: Socket, steps: readonly Step[]): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  const left = [...steps]
  const send = (): void => {
    const answer = annotate(Buffer.concat(chunks), { direction: 's2c' })
    const units = answer.units.filter(({ isCut }) => !isCut).length
    while (left.length > 0 && left[0]!.afterUnits <= units) socket.write(left.shift()!.bytes)
  }
  const over = new Promise<void>((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      send()
    })
    socket.on('end', resolve)
    socket.on('error', reject)
  })
  send()
  try {
    await within(over, 'the other side to end')
  } finally {
    socket.end()
  }
  return Buffer.concat(chunks)
}

/** The head of the request; a client sends nothing behind it until it is answered. */
async function requestFrom(socket: Socket): Promise<Buffer> {
  let request = Buffer.alloc(0)
  while (!request.includes('\r\n\r\n')) {
    const [chunk] = (await within(once(socket, 'data'), 'the request')) as [Buffer]
    request = Buffer.concat([request, chunk])
  }
  return request
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
