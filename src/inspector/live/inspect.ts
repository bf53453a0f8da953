/*
 * The live inspector: a page that shows the connections of a server as they happen, on a port of its own.
 *
 * It is a debug port, and treated as one: it listens on loopback, wants a token, and answers only to its own names and pages.
 * What it shows is data in JSON, never HTML. It is never looked at itself: its servers are others than the one it observes.
 */
import { randomBytes } from 'node:crypto'
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { UsageError } from '../../errors.ts'
import { checkOptionNames, type OptionNames } from '../../ground/option-names.ts'
import { WebSocketServer } from '../../server/server.ts'
import type { ConnectionObserver } from '../../socket/taps.ts'
import { exportAs, isExportFormat } from '../record/export.ts'
import { Recorder } from '../record/recorder.ts'
import { type Asset, readAssets } from './assets.ts'
import { exercises } from './exercises.ts'
import { Feed } from './feed.ts'
import { checkLoopback, Gate, type Refused } from './gate.ts'
import { Lab, type LabTarget } from './lab.ts'
import { type FeedMessage, MOST_COMMAND_BYTES, parseCommand } from './protocol.ts'

/** Viewers at one time. */
const MOST_VIEWERS = 16

/** Options of {@link inspect}. */
export interface InspectOptions {
  /** Port to listen on; 0 takes a free one. */
  readonly port: number
  /** A loopback address; default `'127.0.0.1'`. */
  readonly host?: string
  /** What a viewer must have in its URL, at least 16 characters of base64url; default: a new one. */
  readonly token?: string
  /** Whether secrets in heads are shown: Authorization, cookies, tokens. Default false: `*` stands in their place. */
  readonly showSecrets?: boolean
  /** What is looked at, for people. Default: the address of the server. */
  readonly title?: string
  /** URL of the server as pages reach it, `ws:` or `wss:`: its page talks to it. Default: the page talks to the lab. */
  readonly talkTo?: string
  /** Connections that are kept; default 100. */
  readonly maxConnections?: number
  /** Entries that are kept of each connection; default 2000. */
  readonly maxEntries?: number
  /** Bytes that are kept of each connection; default 1 MiB. */
  readonly maxBytes?: number
}

const inspectOptionNames = {
  port: true,
  host: true,
  token: true,
  showSecrets: true,
  title: true,
  talkTo: true,
  maxConnections: true,
  maxEntries: true,
  maxBytes: true,
} satisfies OptionNames<InspectOptions>

/** A server that can be inspected: one of `framewright` or of `framewright/ws`. */
export interface Inspectable extends LabTarget {
  observe(observer: ConnectionObserver): () => void
}

/** An inspector that listens. */
export interface Inspector {
  /** Where it is, with its token. */
  readonly url: string
  /** What it has recorded. */
  readonly recorder: Recorder
  /** Stops: the port is closed, viewers are sent away, and the server is not looked at any more. */
  close(): Promise<void>
}

/**
 * Shows the connections that a server takes from now on, live, in a page at `url`.
 *
 * @returns when it listens
 * @throws UsageError when an option is wrong; Error when it cannot listen
 * @example
 * const { url } = await inspect(server, { port: 8081 })
 * console.log(url)
 */
export async function inspect(server: Inspectable, options: InspectOptions): Promise<Inspector> {
  if (typeof server?.observe !== 'function') throw new UsageError('inspect: the server has no method observe')
  const recorder = recorderFor(options)
  const inspector = new LiveInspector(recorder, server, options)
  await inspector.listen()
  const stop = server.observe(recorder)
  return {
    url: inspector.url,
    recorder,
    close: async () => {
      stop()
      await inspector.close()
    },
  }
}

/** As {@link inspect}, of what somebody else records. */
export async function inspectRecorder(recorder: Recorder, options: InspectOptions): Promise<Inspector> {
  const inspector = new LiveInspector(recorder, null, options)
  await inspector.listen()
  return { url: inspector.url, recorder, close: () => inspector.close() }
}

/** The recorder that the options ask for. @throws UsageError when an option is wrong */
export function recorderFor(options: InspectOptions): Recorder {
  checkOptionNames('inspect', options, inspectOptionNames)
  const { maxConnections, maxEntries, maxBytes, showSecrets } = options
  return new Recorder({
    ...(maxConnections === undefined ? {} : { maxConnections }),
    ...(maxEntries === undefined ? {} : { maxEntries }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(showSecrets === undefined ? {} : { showSecrets }),
  })
}

/** What a request gets. */
interface Content extends Asset {
  readonly status: number
  readonly fields?: OutgoingHttpHeaders
}

const NOTHING_HERE: Refused = { status: 404, reason: 'there is nothing here' }

class LiveInspector {
  readonly #recorder: Recorder
  readonly #feed: Feed
  readonly #lab: Lab
  readonly #gate: Gate
  readonly #token: string
  readonly #options: InspectOptions
  readonly #talkTo: URL | null
  readonly #http: Server
  readonly #viewers: WebSocketServer
  readonly #assets: ReadonlyMap<string, Asset> = readAssets()

  constructor(recorder: Recorder, target: LabTarget | null, options: InspectOptions) {
    const { port, token = randomBytes(24).toString('base64url') } = options
    if (!Number.isInteger(port) || port < 0 || port > 65_535)
      throw new UsageError('option port: a whole number, 0-65535')
    checkLoopback(options.host ?? '127.0.0.1')
    this.#talkTo = talkUrl(options.talkTo)
    this.#recorder = recorder
    this.#options = options
    this.#token = token
    this.#gate = new Gate(token)
    this.#feed = new Feed(recorder)
    this.#lab = new Lab(recorder, target)
    this.#viewers = new WebSocketServer({
      noServer: true,
      origins: 'any',
      maxPayload: MOST_COMMAND_BYTES,
      maxConnections: MOST_VIEWERS,
      rateLimit: { messages: { perSecond: 100, burst: 200 } },
    })
    this.#http = createServer((request, response) => this.#answer(request, response))
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
    this.#http.on('clientError', (_, socket) => socket.destroy())
  }

  get url(): string {
    const { port, address } = this.#http.address() as AddressInfo
    const host = address.includes(':') ? `[${address}]` : address
    return `http://${host}:${port}/?token=${this.#token}`
  }

  async listen(): Promise<void> {
    const { port, host = '127.0.0.1' } = this.#options
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', reject)
      this.#http.listen({ port, host }, () => {
        this.#http.off('error', reject)
        resolve()
      })
    })
    this.#gate.listensOn((this.#http.address() as AddressInfo).port)
  }

  async close(): Promise<void> {
    this.#feed.close()
    const isClosed = new Promise<void>((resolve) => this.#http.close(() => resolve()))
    await Promise.all([this.#lab.close(), this.#viewers.shutdown({ graceMs: 500 })])
    this.#http.closeAllConnections()
    await isClosed
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { status, type, body, fields = {} } = this.#contentFor(request)
    // Sources cannot name addresses of IPv6; those of this very host are 'self'.
    const hosts = this.#gate.hosts.filter((host) => !host.startsWith('[')).map((host) => `ws://${host}`)
    const sockets = [...hosts, ...(this.#talkTo === null ? [] : [this.#talkTo.origin])].join(' ')
    response.writeHead(status, {
      ...fields,
      'Content-Type': type,
      'Content-Length': body.length,
      'Cache-Control': 'no-store',
      'Content-Security-Policy': `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ${sockets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Resource-Policy': 'same-origin',
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
      'X-Frame-Options': 'DENY',
    })
    // Node leaves the body out of the answer to HEAD.
    response.end(body)
  }

  #contentFor(request: IncomingMessage): Content {
    const url = urlOf(request)
    if (url === null) return refusal({ status: 400, reason: 'the target is no path' })
    const isStatic = url.pathname !== '/' && this.#assets.has(url.pathname)
    const refused = this.#gate.check(request, url, !isStatic)
    if (refused !== null) return refusal(refused)
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return { ...refusal({ status: 405, reason: 'only GET and HEAD' }), fields: { Allow: 'GET, HEAD' } }
    }
    const asset = this.#assets.get(url.pathname)
    if (asset !== undefined) return { status: 200, ...asset }
    const [, id, format = ''] = /^\/export\/(\d{1,15})\.([a-z]+)$/.exec(url.pathname) ?? []
    const connection = id === undefined ? undefined : this.#recorder.get(Number(id))
    if (connection === undefined || !isExportFormat(format)) return refusal(NOTHING_HERE)
    const fields = { 'Content-Disposition': `attachment; filename="connection-${id}.${format}"` }
    return { status: 200, ...exportAs(format, connection), fields }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => {})
    const url = urlOf(request)
    const isKnown = url?.pathname === '/feed' || url?.pathname === '/lab'
    const refused = url === null || !isKnown ? NOTHING_HERE : this.#gate.check(request, url, true)
    if (refused !== null) {
      socket.end(`HTTP/1.1 ${refused.status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
      return
    }
    if (url!.pathname === '/lab') this.#lab.take(request, socket, head)
    else this.#viewers.handleUpgrade(request, socket, head, (ws) => this.#addViewer(ws))
  }

  #addViewer(ws: Parameters<Feed['add']>[0]): void {
    const lab = exercises.map(({ bytes: _, ...exercise }) => exercise)
    const about = { lab, labRefusal: this.#lab.refusal, talkTo: this.#talkTo?.href ?? null }
    this.#feed.add(ws, { type: 'hello', v: 1, title: this.#title(), ...about })
    const say = (message: FeedMessage): unknown => ws.send(JSON.stringify(message))
    ws.on('message', (data) => {
      const command = parseCommand(String(data))
      if (typeof command === 'string') say({ type: 'error', message: command })
      else if (command.type === 'watch') this.#feed.watch(ws, command.connection)
      else if (command.type === 'unwatch') this.#feed.unwatch(ws, command.connection)
      else if (command.connection === undefined) this.#runLab(command.name, say)
      else {
        const { name, connection } = command
        say({ type: 'lab', name, connection, error: this.#lab.send(name, connection) })
      }
    })
  }

  #runLab(name: string, say: (message: FeedMessage) => unknown): void {
    this.#lab.run(name).then(
      (connection) => say({ type: 'lab', name, connection, error: null }),
      (error: Error) => say({ type: 'lab', name, connection: null, error: error.message }),
    )
  }

  #title(): string {
    return this.#options.title ?? 'the connections of this server'
  }
}

/** @throws UsageError when it is no URL of a WebSocket */
function talkUrl(text: string | undefined): URL | null {
  if (text === undefined) return null
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || (url.protocol !== 'ws:' && url.protocol !== 'wss:')) {
    throw new UsageError(`option talkTo is ${JSON.stringify(text)}; it is a ws or wss URL`)
  }
  return url
}

function refusal({ status, reason }: Refused): Content {
  return { status, type: 'text/plain; charset=utf-8', body: Buffer.from(`${reason}\n`) }
}

function urlOf({ url = '' }: IncomingMessage): URL | null {
  if (!url.startsWith('/')) return null
  // Names such as `//other` would become a host.
  return URL.canParse(`http://localhost${url}`) ? new URL(`http://localhost${url}`) : null
}
