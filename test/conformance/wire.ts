import { connect } from 'node:net'
import { expect } from 'vitest'
import { WebSocketServer, type WebSocketServerOptions } from '../../src/server/index.ts'
import { cutAt } from '../support/chunkings.ts'
import { clientClose } from '../support/client-frames.ts'
import { describeFrames } from '../support/connection-pair.ts'
import { within } from '../support/deadline.ts'
import { effort } from '../support/effort.ts'
import { isPeerGone } from '../support/peer-gone.ts'
import { upgradeRequest } from '../support/raw-socket.ts'

/*
 * The wire suite: cases are data, bytes that a client writes and, in words, the frames that must come back. Every case is
 * delivered in many cuts, each on a connection of its own, and every connection is read until the server ends it.
 */

const MIB = 1 << 20

/** The text messages that ask the server for something; everything else is echoed. */
export const COMMANDS = { close: '!close', closeWithReason: '!close 4001 "so long"', send: '!send' } as const

/** An echo server for messages of up to 16 MiB. */
export class WireServer {
  readonly server: WebSocketServer
  readonly port: number

  private constructor(server: WebSocketServer, port: number) {
    this.server = server
    this.port = port
    server.on('connection', (ws) => {
      ws.on('message', (data, isBinary) => {
        if (data === COMMANDS.close) ws.close(1000)
        else if (data === COMMANDS.closeWithReason) ws.close(4001, 'so long')
        else if (data === COMMANDS.send) {
          ws.close(1000)
          ws.send('too late', () => {})
        } else ws.send(data, { binary: isBinary })
      })
    })
  }

  static async start(options: WebSocketServerOptions = {}): Promise<WireServer> {
    // Nothing may end only because the server lost its patience.
    const patience = { closeTimeout: 60_000 }
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', maxPayload: 16 * MIB, ...patience, ...options })
    const { port } = await within(server.listening, 'the server to listen')
    return new WireServer(server, port)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => resolve())
    })
    for (const ws of this.server.clients) ws.terminate()
    await within(closed, 'the server to close')
  }
}

/** What a client writes, and what the server makes of it. */
export interface WireCase {
  /** What the server does, in the present tense. */
  readonly name: string
  /** Rows of `docs/rfc/requirements.tsv` that the case proves. */
  readonly ids: readonly string[]
  /** The frames that the client writes. */
  readonly frames: Uint8Array
  /** The frames that come back, as {@link describeFrames} puts them; a Close for a fault is `close 1002 <id of the rule>`. */
  readonly answer: readonly string[]
  /**
   * Whether the frames leave the connection open: then a Close frame with 1000 is appended, and it must be answered with the
   * same. Default: unless the answer ends with a Close.
   */
  readonly staysOpen?: boolean
}

/** A title for `it`: what happens, then the requirements. */
export function titleOf({ name, ids }: Pick<WireCase, 'name' | 'ids'>): string {
  return `${name}${ids.map((id) => ` [${id}]`).join('')}`
}

/** Most bytes of which two-way cuts are tried: every one with `EFFORT=1`, else every third. */
const EVERY_CUT = 48
const CUT_STEP = effort < 1 ? 3 : 1
/** Most bytes that are written one by one. */
const BYTE_BY_BYTE = 2048

interface Delivery {
  readonly name: string
  readonly chunks: readonly Uint8Array[]
}

/** The ways in which the bytes of a case are written. */
export function deliveriesOf(bytes: Uint8Array): Delivery[] {
  const all: Delivery[] = [{ name: 'whole', chunks: [bytes] }]
  if (bytes.length <= EVERY_CUT) {
    for (let cut = 1; cut < bytes.length; cut += CUT_STEP)
      all.push({ name: `cut at ${cut}`, chunks: cutAt(bytes, [cut]) })
  }
  const size = bytes.length <= BYTE_BY_BYTE ? 1 : bytes.length <= 64 << 10 ? 1021 : 65_521
  const cuts = Array.from({ length: Math.ceil(bytes.length / size) - 1 }, (_, i) => (i + 1) * size)
  if (cuts.length > 0) all.push({ name: `${size} bytes per write`, chunks: cutAt(bytes, cuts) })
  return all
}

/** How the server's direction of a connection ended. */
export interface Exchange {
  /** Everything that came back. */
  readonly bytes: Uint8Array
  /** `end`: with a FIN; `reset`: with a RST. */
  readonly ended: 'end' | 'reset'
}

/** Open a TCP connection, write the chunks one by one, read until the server ends it, then end our side. */
export async function talk(port: number, chunks: readonly Uint8Array[], opening?: Uint8Array): Promise<Exchange> {
  const received: Buffer[] = []
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  let ended: Exchange['ended'] | undefined
  const over = new Promise<void>((resolve) => {
    const finish = (how: Exchange['ended']): void => {
      ended ??= how
      resolve()
    }
    socket.on('end', () => finish('end'))
    socket.on('error', () => finish('reset'))
    socket.on('close', () => finish('end'))
  })
  const write = async (chunk: Uint8Array): Promise<void> => {
    if (ended !== undefined) return
    // A write fails when the server has ended both directions; what it said before is what the case is about.
    const written = new Promise<void>((resolve, reject) => {
      socket.write(chunk, (error) => (error == null || isPeerGone(error) ? resolve() : reject(error)))
    })
    await Promise.race([written, over])
  }
  const exchange = async (): Promise<void> => {
    if (opening !== undefined) {
      const accepted = new Promise<void>((resolve) => {
        socket.once('data', () => resolve())
      })
      await write(opening)
      await Promise.race([accepted, over])
    }
    for (const chunk of chunks) await write(chunk)
    await over
  }
  socket.on('data', (chunk) => received.push(chunk))
  try {
    await within(
      exchange(),
      () => `the end of the stream; so far ${Buffer.concat(received).toString('latin1')}`,
      60_000,
    )
  } finally {
    socket.end()
    socket.destroySoon()
  }
  return { bytes: new Uint8Array(Buffer.concat(received)), ended: ended ?? 'end' }
}

/** As {@link talk}, behind an opening handshake, and without its response. */
export async function exchange(port: number, chunks: readonly Uint8Array[]): Promise<Exchange> {
  const { bytes, ended } = await talk(port, chunks, Buffer.from(upgradeRequest(port)))
  const head = Buffer.from(bytes).indexOf('\r\n\r\n') + 4
  if (!Buffer.from(bytes).toString('latin1', 0, 13).startsWith('HTTP/1.1 101 ')) {
    throw new Error(`the server refused the upgrade: ${Buffer.from(bytes).toString('latin1', 0, head)}`)
  }
  return { bytes: bytes.subarray(head), ended }
}

/** The frames in words, a Close for a fault as `close 1002 <id of the rule>`. */
export function inWords(bytes: Uint8Array): string[] {
  return describeFrames(bytes).map((line) => line.replace(/^(close \d+) "(\d+-[\d.]+-\d+) .*"$/, '$1 $2'))
}

/** Run a case in every delivery, many at a time. */
export async function playCase(port: number, wireCase: WireCase): Promise<void> {
  const { frames, answer } = wireCase
  const staysOpen = wireCase.staysOpen ?? !(answer.at(-1) ?? '').startsWith('close')
  const bytes = staysOpen ? new Uint8Array(Buffer.concat([frames, clientClose(1000)])) : frames
  const wanted = staysOpen ? [...answer, 'close 1000 ""'] : answer
  await inParallel(deliveriesOf(bytes), async ({ name, chunks }) => {
    const { bytes: received, ended } = await exchange(port, chunks)
    expect({ name, ended, answer: inWords(received) }).toEqual({ name, ended: 'end', answer: wanted })
  })
}

/** Call `run` for every item, at most `width` at a time. */
export async function inParallel<T>(items: Iterable<T>, run: (item: T) => Promise<void>, width = 48): Promise<void> {
  const queue = [...items]
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < queue.length) await run(queue[next++]!)
  }
  await Promise.all(Array.from({ length: Math.min(width, queue.length) }, worker))
}
