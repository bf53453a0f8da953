import { connect, type Socket } from 'node:net'
import { concat } from './chunkings.ts'
import { DEADLINE_MS, within } from './deadline.ts'
import { toHex } from './hex.ts'
import { isPeerGone } from './peer-gone.ts'

/** The peer ended the stream before what was waited for had come. */
export class StreamEndedError extends Error {}

/** A TCP client that says exactly the bytes a test wants and reads what comes back, with a deadline on every wait. */
export class RawSocket {
  readonly socket: Socket
  #received: Uint8Array = new Uint8Array(0)
  #end: 'end' | 'reset' | undefined
  #wake: () => void = () => {}

  /** Prefer {@link RawSocket.connect}. */
  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk) => {
      this.#received = concat(this.#received, chunk)
      this.#wake()
    })
    socket.on('end', () => {
      this.#end ??= 'end'
      this.#wake()
    })
    // The peer may reset the connection at any time; what that means is for the test to say.
    socket.on('error', () => {
      this.#end ??= 'reset'
      this.#wake()
    })
    socket.on('close', (hadError) => {
      this.#end ??= hadError ? 'reset' : 'end'
      this.#wake()
    })
  }

  /** Connect to a port of this machine. Our half stays open when the peer ends its own. */
  static async connect(port: number, host = '127.0.0.1'): Promise<RawSocket> {
    const socket = connect({ port, host, allowHalfOpen: true, noDelay: true })
    const raw = new RawSocket(socket)
    const connected = new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    await within(connected, `a connection to port ${port}`)
    return raw
  }

  /** What has arrived and was not read yet. */
  get unread(): Uint8Array {
    return this.#received
  }

  /** How the peer's half ended, if it did: `end` for a FIN, `reset` for a RST. */
  get ended(): 'end' | 'reset' | undefined {
    return this.#end
  }

  /** Hand the bytes to the kernel; resolves when it has them. */
  async write(bytes: Uint8Array | string): Promise<void> {
    const written = new Promise<void>((resolve, reject) => {
      this.socket.write(bytes, (error) => (error ? reject(error) : resolve()))
    })
    await within(written, 'a write')
  }

  /**
   * As {@link RawSocket.write}, to a peer that may have ended the connection already: then the answer is `refused`, and what
   * the peer said before is there to be read. Whatever else goes wrong is an error as ever.
   */
  async offer(bytes: Uint8Array | string): Promise<'written' | 'refused'> {
    try {
      await this.write(bytes)
      return 'written'
    } catch (error) {
      if (!isPeerGone(error)) throw error
      return 'refused'
    }
  }

  /** One write, and with it one TCP segment, per byte. */
  async writeByteByByte(bytes: Uint8Array | string): Promise<void> {
    for (const byte of Buffer.from(bytes as Uint8Array)) await this.write(Uint8Array.of(byte))
  }

  /** Exactly `length` bytes; fails when the peer ends before. */
  async read(length: number, ms = DEADLINE_MS): Promise<Uint8Array> {
    await this.#until(() => this.#received.length >= length, `${length} bytes`, ms)
    return this.#take(length)
  }

  /** Everything up to and including `pattern`; fails when the peer ends before. */
  async readUntil(pattern: string | Uint8Array, ms = DEADLINE_MS): Promise<Uint8Array> {
    const wanted = Buffer.from(pattern as Uint8Array)
    const find = () => Buffer.from(this.#received).indexOf(wanted)
    await this.#until(() => find() >= 0, `${JSON.stringify(wanted.toString('latin1'))}`, ms)
    return this.#take(find() + wanted.length)
  }

  /** As {@link RawSocket.readUntil}; when the peer ends before, everything it said. */
  async readUntilOrEnd(pattern: string | Uint8Array, ms = DEADLINE_MS): Promise<Uint8Array> {
    try {
      return await this.readUntil(pattern, ms)
    } catch (error) {
      if (!(error instanceof StreamEndedError)) throw error
      return this.#take(this.#received.length)
    }
  }

  /** Everything until the peer ends or resets; see {@link RawSocket.ended} for which of the two. */
  async readToEnd(ms = DEADLINE_MS): Promise<Uint8Array> {
    await within(
      this.#change(() => this.#end !== undefined),
      () => `the end of the stream; so far ${describe(this.#received)}`,
      ms,
    )
    return this.#take(this.#received.length)
  }

  /** End our half (FIN); the peer's half stays open. */
  end(): void {
    this.socket.end()
  }

  /** Break the connection with a RST, as a peer that crashes does. */
  reset(): void {
    this.socket.resetAndDestroy()
  }

  /** Let go of the socket, whatever its state. */
  destroy(): void {
    this.socket.destroy()
  }

  [Symbol.dispose](): void {
    this.destroy()
  }

  async #until(isMet: () => boolean, what: string, ms: number): Promise<void> {
    const met = this.#change(() => isMet() || this.#end !== undefined)
    await within(met, () => `${what}; so far ${describe(this.#received)}`, ms)
    if (!isMet())
      throw new StreamEndedError(`the stream ended (${this.#end}) before ${what}; received ${describe(this.#received)}`)
  }

  async #change(isMet: () => boolean): Promise<void> {
    while (!isMet()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  #take(length: number): Uint8Array {
    const taken = this.#received.slice(0, length)
    this.#received = this.#received.slice(length)
    return taken
  }
}

function describe(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'nothing'
  return `${bytes.length} bytes: ${toHex(bytes.subarray(0, 64))}${bytes.length > 64 ? ' ...' : ''}`
}

/** The example key of RFC 6455 §1.3, whose answer is `s3pPLMBiTxaQ9kYGzzhZRbK+xOo=`. */
export const SAMPLE_KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

/** A plain upgrade request, with more field lines if wanted. */
export function upgradeRequest(port: number, fieldLines: readonly string[] = [], target = '/'): string {
  return [
    `GET ${target} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${SAMPLE_KEY}`,
    'Sec-WebSocket-Version: 13',
    ...fieldLines,
    '',
    '',
  ].join('\r\n')
}

/** Connect, send {@link upgradeRequest}, and take the response head off the stream. */
export async function openRawWebSocket(
  port: number,
  fieldLines?: readonly string[],
): Promise<{ raw: RawSocket; head: string }> {
  const raw = await RawSocket.connect(port)
  await raw.write(upgradeRequest(port, fieldLines))
  const head = Buffer.from(await raw.readUntil('\r\n\r\n')).toString('latin1')
  if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`the server refused the upgrade:\n${head}`)
  return { raw, head }
}
