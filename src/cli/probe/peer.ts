import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { systemClock } from '../../ground/clock.ts'
import { Deadline } from '../../ground/deadline.ts'

/** Where the server is that is probed. */
export interface Target {
  readonly isSecure: boolean
  readonly host: string
  readonly port: number
  /** The value of the Host field. */
  readonly authority: string
  /** Path and query. */
  readonly resource: string
  /** Field lines that every request has besides those of the handshake, for instance for a login. */
  readonly fieldLines: readonly string[]
  /** Whether a certificate that nobody vouches for will do. */
  readonly isInsecure: boolean
}

/** How the server's direction of a connection ended; `flood`: we did not take any more of it. */
export type Ending = 'FIN' | 'reset' | 'flood'

/** Bytes that are taken from one connection: several times what any answer needs. */
const MOST_RECEIVED = 512 << 10

/** One connection to the server, below WebSocket: bytes out, bytes in, the end. */
export class Peer {
  readonly #socket: Socket
  #received: Buffer[] = []
  #length = 0
  #ending: Ending | undefined
  #wake: () => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#received.push(chunk)
      this.#length += chunk.length
      if (this.#length > MOST_RECEIVED) {
        end('flood')
        socket.destroy()
      }
      this.#wake()
    })
    const end = (ending: Ending): void => {
      this.#ending ??= ending
      this.#wake()
    }
    socket.on('end', () => end('FIN'))
    socket.on('error', () => end('reset'))
    socket.on('close', (hadError) => end(hadError ? 'reset' : 'FIN'))
  }

  /** Connect, with TLS if the target says so. @throws Error when that fails or takes longer than `ms` */
  static async open(target: Target, ms: number): Promise<Peer> {
    const { host, port } = target
    const plain = { host, port, allowHalfOpen: true, noDelay: true }
    const socket = target.isSecure
      ? connectTls({ ...plain, servername: host, rejectUnauthorized: !target.isInsecure })
      : connectTcp(plain)
    await new Promise<void>((resolve, reject) => {
      const failed = new Error(`no connection within ${ms} ms`)
      const deadline = new Deadline(systemClock, ms, () => socket.destroy(failed))
      socket.once(target.isSecure ? 'secureConnect' : 'connect', () => {
        deadline.cancel()
        socket.off('error', reject)
        resolve()
      })
      socket.once('error', (error) => {
        deadline.cancel()
        reject(error)
      })
    })
    return new Peer(socket)
  }

  /** Everything that came so far. */
  get received(): Buffer {
    if (this.#received.length !== 1) this.#received = [Buffer.concat(this.#received)]
    return this.#received[0]!
  }

  /** How the server ended, if it did. */
  get ending(): Ending | undefined {
    return this.#ending
  }

  /** Whether the server ended, by itself. */
  get hasEnded(): boolean {
    return this.#ending === 'FIN' || this.#ending === 'reset'
  }

  /** Write, and wait until the kernel has it; what cannot be written any more is dropped. */
  async write(bytes: Buffer | string): Promise<void> {
    if (this.#socket.destroyed) return
    await new Promise<void>((resolve) => {
      this.#socket.write(bytes, () => resolve())
    })
  }

  /** End our direction. */
  end(): void {
    this.#socket.end()
  }

  /** Wait until `isDone`, the end of the stream, or `ms` from now. @returns what `isDone` says then */
  async until(isDone: () => boolean, ms: number): Promise<boolean> {
    let isLate = false
    const deadline = new Deadline(systemClock, ms, () => {
      isLate = true
      this.#wake()
    })
    while (!isDone() && this.#ending === undefined && !isLate) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    deadline.cancel()
    return isDone()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
