/*
 * The process under attack: servers of this library or of `ws` with the same application on them, and a channel over
 * which the test asks how it feels. Memory is measured here, where no test allocates.
 */

import { subscribe } from 'node:diagnostics_channel'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server as HttpServer, type IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import * as wsPackage from 'ws'
import { reject, WebSocketServer } from '../../../src/index.ts'
import { type Clock, systemClock } from '../../../src/socket/index.ts'
import { answerRequests } from './answer-requests.ts'
import { answersToEverySplit, dripMessage, type Take } from './in-memory.ts'
import { ping } from './ping.ts'
import type { Measure, Profile, Request, TargetKind } from './protocol.ts'

/** Our own default, which `ws` is given too. */
const MESSAGE_LIMIT = 1 << 20

// The loader of the tests turns them on: then every error costs the search for its line, which no server pays.
process.setSourceMapsEnabled(false)

const uncaught: string[] = []
process.on('uncaughtException', (error) => uncaught.push(`uncaught ${error.message}`))
process.on('unhandledRejection', (error) => uncaught.push(`unhandled ${String(error)}`))
process.on('warning', (warning) => {
  if (warning.name === 'MaxListenersExceededWarning') uncaught.push(warning.message)
})

let timers = 0
/** Real time that counts its timers. */
const countingClock: Clock = {
  now: systemClock.now,
  setTimeout(callback, ms) {
    timers++
    const handle = { isOver: false, timer: undefined as unknown }
    handle.timer = systemClock.setTimeout(() => {
      if (!handle.isOver) timers--
      handle.isOver = true
      callback()
    }, ms)
    return handle
  },
  clearTimeout(handle) {
    const known = handle as { isOver: boolean; timer: unknown } | undefined
    if (known === undefined || known.isOver) return
    known.isOver = true
    timers--
    systemClock.clearTimeout(known.timer)
  },
}

const counts = { messages: 0, authorizations: 0, mostRead: 0, reported: 0, closes: [] as number[] }

subscribe('net.server.socket', (message) => (message as { socket: Socket }).socket.on('close', countRead))
function countRead(this: Socket): void {
  counts.mostRead = Math.max(counts.mostRead, this.bytesRead)
}

/** The members that both libraries share and the application uses. */
interface AppSocket {
  readonly bufferedAmount: number
  on(event: 'message', listener: (data: unknown, isBinary: boolean) => unknown): unknown
  on(event: 'close', listener: (code: number) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  send(data: unknown, options?: { binary: boolean }): unknown
  close(code?: number, reason?: unknown): void
  terminate(): void
}

function application(ws: AppSocket): void {
  ws.on('error', () => {})
  ws.on('close', (code) => counts.closes.push(code))
  ws.on('message', (data, isBinary) => {
    counts.messages++
    const text = isBinary ? '' : String(data)
    if (text.startsWith('!')) return command(ws, text)
    ws.send(data, { binary: isBinary })
  })
}

function command(ws: AppSocket, text: string): unknown {
  const [name, count = '1'] = text.slice(1).split(' ')
  switch (name) {
    case 'throw':
      throw new Error('the application fails')
    case 'reject':
      return Promise.reject(new Error('the application fails later'))
    case 'reenter':
      ws.send('1')
      ws.close(1000)
      ws.close(1001)
      ws.send('2')
      ws.terminate()
      return ws.send('3')
    case 'misuse':
      return misuse(ws)
    case 'burst': {
      for (let i = 0; i < Number(count); i++) ws.send(`{"id":${i},"name":"a small message like the others"}`)
      return undefined
    }
    case 'blast': {
      // An application that heeds what `send` says, where it says something.
      const megabyte = new Uint8Array(1 << 20)
      for (let i = 0; i < Number(count) && ws.send(megabyte) !== false; i++);
      return undefined
    }
    default:
      return undefined
  }
}

/** Sends what is no Buffer in every form there is; the bytes are 1, 2, 3, 4, the rest of the memory must stay here. */
function misuse(ws: AppSocket): void {
  const memory = Uint8Array.of(9, 9, 9, 9, 1, 2, 3, 4, 9, 9, 9, 9)
  const shared = new Uint8Array(new SharedArrayBuffer(4))
  shared.set([1, 2, 3, 4])
  for (const data of [
    memory.subarray(4, 8),
    new Uint16Array(memory.buffer, 4, 2),
    new Float32Array(memory.buffer, 4, 1),
    new DataView(memory.buffer, 4, 4),
    memory.slice(4, 8).buffer,
    shared,
  ]) {
    ws.send(data, { binary: true })
  }
  for (const attempt of [
    () => ws.send(80),
    () => ws.send({ length: 80 }),
    () => ws.close(1000, new Float32Array(20)),
    () => ws.close(1000),
  ]) {
    try {
      attempt()
    } catch (error) {
      // To refuse is as good as to send exactly what was given.
      if (!(error instanceof Error)) throw error
    }
  }
}

/** What of the server of `ws` is used here. */
interface WsServerLike {
  readonly clients: Set<AppSocket>
  on(event: 'connection', listener: (ws: AppSocket) => void): unknown
  eventNames(): Array<string | symbol>
  listenerCount(name: string | symbol): number
  close(): void
}
const WsServer = wsPackage.WebSocketServer as unknown as new (options: Record<string, unknown>) => WsServerLike

interface Running {
  readonly clients: Iterable<AppSocket> & { readonly size: number }
  readonly emitter: { eventNames(): Array<string | symbol>; listenerCount(name: string | symbol): number }
  /** Hands the server a connection that came some other way. */
  readonly take: Take
  shutdown(): Promise<void>
  stop(): void
}

const running = new Map<number, Running>()

async function serve(kind: TargetKind, profile: Profile): Promise<{ port: number }> {
  const port = kind === 'ws' ? await serveWs(profile) : await serveOurs(profile)
  return { port }
}

async function serveOurs(profile: Profile): Promise<number> {
  const { chosenProtocol, ours = {} } = profile
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    clock: countingClock,
    ...(profile.maxPayload === undefined ? {} : { maxPayload: profile.maxPayload }),
    ...(profile.maxFragments === undefined ? {} : { maxFragments: profile.maxFragments }),
    ...(profile.deflate ? { perMessageDeflate: { threshold: 0 } } : {}),
    ...(profile.handshakeTimeout === undefined ? {} : { handshakeTimeout: profile.handshakeTimeout }),
    ...(profile.closeTimeout === undefined ? {} : { closeTimeout: profile.closeTimeout }),
    ...(profile.authorize ? { authorize: (request: { url?: string | undefined }) => decide(request.url) } : {}),
    ...(chosenProtocol === undefined ? {} : { handleProtocols: () => chosenProtocol }),
    ...ours,
  })
  if (profile.app !== 'none') server.on('connection', (ws) => application(ws as unknown as AppSocket))
  server.on('connectionError', () => counts.reported++)
  const { port } = await server.listening
  running.set(port, {
    clients: server.clients as unknown as Running['clients'],
    emitter: server as unknown as Running['emitter'],
    take: (socket) => server.handleSocket(socket),
    shutdown: async () => void (await server.shutdown()),
    stop() {
      server.close()
      for (const ws of server.clients) ws.terminate()
    },
  })
  return port
}

async function decide(url = '/'): Promise<unknown> {
  counts.authorizations++
  if (url.startsWith('/wait/')) await sleep(Number(url.slice('/wait/'.length)))
  if (url === '/reject') return reject(401, 'who are you?')
  if (url === '/throw') throw new Error('the application cannot decide')
  if (url === '/never') await new Promise(() => {})
  return undefined
}

async function serveWs(profile: Profile): Promise<number> {
  const { handshakeTimeout, chosenProtocol } = profile
  // `ws` leaves the time for the head to the HTTP server that it is given.
  const http: HttpServer =
    handshakeTimeout === undefined
      ? createServer()
      : createServer({ headersTimeout: handshakeTimeout, connectionsCheckingInterval: handshakeTimeout / 4 })
  // As the server does that `ws` makes for itself.
  http.on('request', (_request, response) => response.writeHead(426, { 'Content-Type': 'text/plain' }).end())
  const sockets = new Set<Socket>()
  http.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  const server = new WsServer({
    server: http,
    maxPayload: profile.maxPayload ?? MESSAGE_LIMIT,
    ...(profile.maxFragments === undefined ? {} : { maxFragments: profile.maxFragments }),
    ...(profile.deflate ? { perMessageDeflate: { threshold: 0 } } : {}),
    ...(profile.closeTimeout === undefined ? {} : { closeTimeout: profile.closeTimeout }),
    ...(profile.authorize
      ? {
          verifyClient: (
            { req }: { req: IncomingMessage },
            done: (ok: boolean, status?: number, reason?: string) => void,
          ) => {
            decide(req.url).then(
              (verdict) => done(verdict === undefined, 401),
              (error) => done(false, 500, String(error)),
            )
          },
        }
      : {}),
    ...(chosenProtocol === undefined ? {} : { handleProtocols: () => chosenProtocol }),
  })
  if (profile.app !== 'none') server.on('connection', application)
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const { port } = http.address() as AddressInfo
  const terminate = (): void => {
    server.close()
    http.close()
    for (const ws of server.clients) ws.terminate()
    for (const socket of sockets) socket.destroy()
  }
  running.set(port, {
    clients: server.clients,
    emitter: server,
    take: (socket) => http.emit('connection', socket),
    async shutdown() {
      // What its documentation gives for ending well: no more connections, then a Close frame for each.
      server.close()
      for (const ws of server.clients) ws.close(1001)
    },
    stop: terminate,
  })
  return port
}

function collect(): void {
  if (globalThis.gc === undefined) throw new Error('the process needs --expose-gc')
  globalThis.gc()
  globalThis.gc()
}

/** Microseconds of CPU that the process has used. */
function cpu(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

function peakRss(): number {
  const line = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))
  return Number(line?.[1]) * 1024
}

function measure(gc: boolean): Measure {
  if (gc) collect()
  // The resident set is read from a file: without descriptors it cannot be, so a look at other things leaves it out.
  const { heapUsed, external, rss } = gc ? process.memoryUsage() : { heapUsed: 0, external: 0, rss: 0 }
  const sockets = process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
  let connections = 0
  let buffered = 0
  let listeners = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)
  for (const { clients, emitter } of running.values()) {
    connections += clients.size
    for (const ws of clients) buffered += ws.bufferedAmount
    listeners += emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0)
  }
  return {
    heapUsed,
    external,
    rss,
    peakRss: gc ? peakRss() : 0,
    cpu: cpu(),
    sockets,
    timers,
    listeners,
    connections,
    buffered,
    ...counts,
    uncaught,
  }
}

async function answer(request: Request): Promise<unknown> {
  switch (request.do) {
    case 'serve':
      return serve(request.kind, request.profile)
    case 'stop':
      running.get(request.port)?.stop()
      running.delete(request.port)
      return null
    case 'shutdown':
      await running.get(request.port)?.shutdown()
      return null
    case 'measure':
      return measure(request.gc)
    case 'split':
      return answersToEverySplit(running.get(request.port)!.take, request.text)
    case 'ping': {
      const most = cpu() + 10_000_000
      const isDone = (count: number): boolean => count >= request.count && counts.closes.length >= request.closes
      return ping(request.port, cpu, (count) => isDone(count) || cpu() > most)
    }
    case 'drip': {
      const before = cpu()
      await dripMessage(running.get(request.port)!.take, request.bytes)
      return cpu() - before
    }
    case 'resetPeak':
      counts.mostRead = 0
      // What the manual page proc(5) gives for it.
      writeFileSync('/proc/self/clear_refs', '5')
      return null
  }
}

answerRequests(answer)
