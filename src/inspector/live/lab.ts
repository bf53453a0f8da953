/*
 * The break-it lab: sends illegal frames, on connections that were made for it and on no others. As a client it connects to the
 * server that is looked at, over TCP as any other; as a server it is what pages connect to at `/lab`.
 */
import type { IncomingMessage } from 'node:http'
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls, Server as TlsServer } from 'node:tls'
import { systemClock } from '../../ground/clock.ts'
import { Deadline } from '../../ground/deadline.ts'
import { requestUpgrade } from '../../handshake/client-handshake.ts'
import { generateKey } from '../../handshake/key.ts'
import { WebSocketServer } from '../../server/server.ts'
import type { ObservedConnection } from '../../socket/taps.ts'
import { writeTo } from '../../socket/transport-listeners.ts'
import { transportOf, type WebSocket } from '../../socket/websocket.ts'
import type { RecordedConnection } from '../record/recorded-connection.ts'
import type { Recorder } from '../record/recorder.ts'
import { findExercise } from './exercises.ts'

/** Milliseconds that a server has to answer what the lab sends. */
const PATIENCE_MS = 5000

/** Connections of the lab at one time. */
const MOST_CONNECTIONS = 10

/** What is known of the server that is looked at. */
export interface LabTarget {
  readonly options: { readonly path?: string | undefined; readonly tls?: unknown; readonly server?: unknown }
  address(): AddressInfo | string | null
}

/** Where the lab connects to. */
interface Place {
  readonly host: string
  readonly port: number
  readonly isSecure: boolean
  readonly path: string
}

/** See the head of this file. */
export class Lab {
  readonly #recorder: Recorder
  readonly #target: LabTarget | null
  readonly #server: WebSocketServer
  /** The lab's own connections to the server, and the pages' to the lab. */
  readonly #clients: Set<Socket> = new Set()
  readonly #pages: Map<number, WebSocket> = new Map()
  /** The connection that is being taken. */
  #taking: RecordedConnection | null = null

  /** @param target - null: there is no server to connect to */
  constructor(recorder: Recorder, target: LabTarget | null) {
    this.#recorder = recorder
    this.#target = target
    this.#server = new WebSocketServer({ noServer: true, origins: 'any', maxConnections: MOST_CONNECTIONS })
    this.#server.observe({ observe: (about) => this.#observe(about) })
  }

  /** Why exercises of a client are not to be had; null: they are. */
  get refusal(): string | null {
    const place = this.#place()
    return typeof place === 'string' ? place : null
  }

  /** Takes the connection of a page. It is told which one it is, and its messages come back. */
  take(request: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    this.#taking = null
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      const recorded = this.#taking
      if (recorded === null) return
      this.#pages.set(recorded.id, ws)
      ws.on('close', () => this.#pages.delete(recorded.id))
      ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }))
      ws.send(JSON.stringify({ type: 'lab-connection', connection: recorded.id }))
    })
  }

  /**
   * Sends what an exercise wants to the connection of a page.
   *
   * @returns why that cannot be; null: it was sent
   */
  send(name: string, connection: number): string | null {
    const exercise = findExercise(name, 's2c')
    if (exercise === undefined) return `there is no exercise ${JSON.stringify(name)} of a server`
    const ws = this.#pages.get(connection)
    const transport = ws === undefined ? undefined : transportOf(ws)
    if (transport === undefined || !transport.writable) return 'that is no open connection to the lab'
    writeTo(transport, exercise.bytes)
    return null
  }

  /**
   * Connects to the server and sends what an exercise wants.
   *
   * @returns the connection on which it happens
   * @throws Error when that cannot be
   */
  async run(name: string): Promise<number> {
    const exercise = findExercise(name, 'c2s')
    if (exercise === undefined) throw new Error(`there is no exercise ${JSON.stringify(name)} of a client`)
    const place = this.#place()
    if (typeof place === 'string') throw new Error(place)
    if (this.#clients.size >= MOST_CONNECTIONS) throw new Error(`the lab has ${MOST_CONNECTIONS} connections already`)
    const socket = this.#connect(place)
    const { host, port, isSecure, path } = place
    const name6 = host.includes(':') ? `[${host}]` : host
    const request = requestUpgrade({ host: name6, port, secure: isSecure, target: path, key: generateKey() })
    socket.write(request.octets)
    await answered(socket)
    const recorded = this.#recorder.connections.findLast(({ about }) => about.remotePort === socket.localPort)
    if (recorded !== undefined) recorded.mark('client')
    socket.write(exercise.bytes)
    if (recorded === undefined) throw new Error('the server did not take the connection of the lab')
    return recorded.id
  }

  async close(): Promise<void> {
    for (const socket of this.#clients) socket.destroy()
    await this.#server.shutdown({ graceMs: 0 })
  }

  #observe(about: ObservedConnection): RecordedConnection {
    this.#taking = this.#recorder.begin(about)
    this.#taking.mark('server')
    return this.#taking
  }

  #connect({ host, port, isSecure }: Place): Socket {
    const plain = { host, port, allowHalfOpen: true, noDelay: true }
    // The certificate is of the server in this very process.
    const socket = isSecure ? connectTls({ ...plain, rejectUnauthorized: false }) : connectTcp(plain)
    const deadline = new Deadline(systemClock, PATIENCE_MS, () => socket.destroy())
    this.#clients.add(socket)
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
    socket.on('close', () => {
      deadline.cancel()
      this.#clients.delete(socket)
    })
    return socket
  }

  /** @returns why there is none, or where */
  #place(): Place | string {
    if (this.#target === null) return 'there is no server here to send it to'
    const { options } = this.#target
    let address: AddressInfo | string | null
    try {
      address = this.#target.address()
    } catch {
      address = null
    }
    if (address === null || typeof address === 'string') return 'the server listens on no TCP port'
    const isSecure = options.tls !== undefined || options.server instanceof TlsServer
    const host = address.address === '::' ? '::1' : address.address === '0.0.0.0' ? '127.0.0.1' : address.address
    return { host, port: address.port, isSecure, path: options.path ?? '/' }
  }
}

/** Resolves with the first bytes that come, or the end. */
function answered(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('data', () => {
      socket.resume()
      resolve()
    })
    socket.once('close', () => resolve())
  })
}
