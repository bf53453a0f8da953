import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serializeFrame } from '../../src/frames/serializer.ts'
import { firstLine, pinned, type ServerProcess } from './server-process.ts'

/** What the load generator shall do; `load/load.c` says more. */
export interface Load {
  readonly mode: 'echo' | 'broadcast' | 'hold' | 'connect'
  /** Whose port the connections go to, and whose processor time is measured. */
  readonly server: Pick<ServerProcess, 'port' | 'pid' | 'figures'>
  readonly connections: number
  /** Messages under way on each connection. Default 1. */
  readonly inflight?: number
  readonly seconds?: number
  readonly warmup?: number
  /** The most messages per second after the warm-up of mode `echo`, on all connections together. Default: no limit. */
  readonly rate?: number
  /** Receive buffer of each socket in bytes, where the load generator can set it. Default: that of the system. */
  readonly window?: number
  /** What is sent first on each connection; null: nothing, as to a bare TCP server. */
  readonly head: string | null
  /** The bytes of one message, as they are sent. */
  readonly send?: Uint8Array
  /** The bytes of its reply; every byte that comes is compared. */
  readonly reply?: Uint8Array
}

/** What the load generator saw. */
export interface LoadResult {
  /** Replies; connections in mode `connect`. */
  readonly messages: number
  readonly seconds: number
  /** Processor time that the server took. */
  readonly cpuSeconds: number
  readonly p50Us: number
  readonly p99Us: number
}

/** Connections that are held open. */
export interface HeldConnections extends AsyncDisposable {
  readonly count: number
}

/** A request for a WebSocket connection, RFC 6455 §4.1. @param extra - further lines, each with its CRLF */
export function upgradeRequest(extra = ''): string {
  return (
    'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${extra}\r\n`
  )
}

/** A message as a client sends it, masked, and as a server sends it back. */
export function messageFrames(payload: Uint8Array, isText: boolean): { send: Uint8Array; reply: Uint8Array } {
  const opcode = isText ? 1 : 2
  const maskingKey = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d)
  return { send: serializeFrame({ opcode, payload, maskingKey }), reply: serializeFrame({ opcode, payload }) }
}

/** `length` bytes that are printable ASCII. */
export function asciiPayload(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => 0x21 + ((i * 7) % 94))
}

/** Runs the load to its end. @throws when a reply is wrong or the server ends a connection */
export async function runLoad(load: Load): Promise<LoadResult> {
  const { child, done } = start(load)
  const line = await firstLine(child, 'the load generator')
  await done
  return JSON.parse(line) as LoadResult
}

/** Opens connections and holds them until disposed. */
export async function holdConnections(load: Omit<Load, 'mode'>): Promise<HeldConnections> {
  const { child, done } = start({ ...load, mode: 'hold' })
  const { connections } = JSON.parse(await firstLine(child, 'the load generator')) as { connections: number }
  return {
    count: connections,
    async [Symbol.asyncDispose]() {
      child.stdin!.end()
      await done
    },
  }
}

function start(load: Load) {
  const folder = mkdtempSync(join(tmpdir(), 'framewright-load-'))
  const args = [
    `mode=${load.mode}`,
    `port=${load.server.port}`,
    `pid=${load.server.pid}`,
    `connections=${load.connections}`,
    `inflight=${load.inflight ?? 1}`,
    `seconds=${load.seconds ?? 1}`,
    `warmup=${load.warmup ?? 0.4}`,
    `rate=${load.rate ?? 0}`,
    `window=${load.window ?? 0}`,
  ]
  for (const name of ['head', 'send', 'reply'] as const) {
    const bytes = load[name]
    if (bytes === undefined || bytes === null) continue
    writeFileSync(join(folder, name), bytes)
    args.push(`${name}=${join(folder, name)}`)
  }
  const command = generator()
  const [program, ...rest] = pinned('load', [...command, ...args])
  const child = spawn(program!, rest, { stdio: ['pipe', 'pipe', 'inherit', 'ipc'] })
  // Only the one in Node asks: it cannot read the clock of another process.
  child.on('message', () => {
    void load.server.figures().then(({ cpuSeconds }) => child.connected && child.send({ cpuSeconds }))
  })
  const done = once(child, 'close').then(() => {
    rmSync(folder, { recursive: true, force: true })
    if (child.exitCode !== 0) throw new Error(`the load generator ended with ${child.exitCode ?? child.signalCode}`)
  })
  // Whoever reads the first line hears of an early end there.
  done.catch(() => {})
  return { child, done }
}

let chosen: readonly string[] | undefined

/** Takes the load generator that is named, instead of the one in C where that compiles, else the one in Node. */
export function chooseGenerator(kind: 'c' | 'node'): void {
  chosen = kind === 'node' ? inNode() : inC()
  if (chosen === undefined) throw new Error('the load generator in C needs Linux and a C compiler named cc')
}

function generator(): readonly string[] {
  chosen ??= inC()
  if (chosen === undefined) {
    console.error('  no Linux or no C compiler: the load comes from Node, which reaches less')
    chosen = inNode()
  }
  return chosen
}

function inC(): readonly string[] | undefined {
  if (process.platform !== 'linux') return undefined
  const source = fileURLToPath(new URL('../load/load.c', import.meta.url))
  const binary = source.slice(0, -2)
  const { status } = spawnSync('cc', ['-O2', '-o', binary, source], { stdio: 'inherit' })
  return status === 0 ? [binary] : undefined
}

function inNode(): readonly string[] {
  return [process.execPath, fileURLToPath(new URL('../load/load.js', import.meta.url))]
}
