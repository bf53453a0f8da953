import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** What a process has used so far. */
export interface ProcessFigures {
  /** Processor time of all its threads. */
  readonly cpuSeconds: number
  readonly residentBytes: number
  /** The most resident memory that it has had. */
  readonly peakResidentBytes: number
  /** What lives in the heap of JavaScript and in Buffers. */
  readonly heapBytes: number
}

/** A server in a process of its own. */
export interface ServerProcess extends AsyncDisposable {
  readonly pid: number
  readonly port: number
  /** What it has used so far, as it says itself. Servers in other runtimes say less. */
  figures(): Promise<ProcessFigures>
  /** Makes it collect its garbage. @returns what it uses then */
  collectGarbage(): Promise<ProcessFigures>
  /** Ends it in the ordinary way, so that it can write what it has to write. */
  end(): Promise<void>
}

/** The server gets the last core for itself, the load the others, where `taskset` is there to say so. */
const LAST_CORE = cpus().length - 1
const canPin = LAST_CORE > 0 && spawnSync('taskset', ['-c', String(LAST_CORE), 'true']).status === 0

/** @returns the command with its core: `server` for the last one, `load` for the rest */
export function pinned(role: 'server' | 'load', command: readonly string[]): string[] {
  if (!canPin) return [...command]
  return ['taskset', '-c', role === 'server' ? String(LAST_CORE) : `0-${LAST_CORE - 1}`, ...command]
}

/**
 * Starts `servers/NAME.ts`. A server prints `{"port":…}` when it listens, answers a byte on stdin with a line of
 * {@link ProcessFigures}, and ends when stdin does, so that none outlives the bench: `serve` of `servers/serve.ts`.
 *
 * @param name - file in `servers/`, without the extension
 * @param args - arguments of the program
 * @param env - set besides the environment of the bench
 */
export async function startServer(
  name: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const file = fileURLToPath(new URL(`../servers/${name}.js`, import.meta.url))
  return startProgram([process.execPath, '--expose-gc', file, ...args], env)
}

/** As {@link startServer}, for any program that keeps to the same rules. */
export async function startProgram(
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const [program, ...args] = pinned('server', command)
  const child = spawn(program!, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } })
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  const nextLine = async (): Promise<string> => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`${command.join(' ')} ended with ${child.exitCode ?? child.signalCode}`)
    return value
  }
  const { port } = JSON.parse(await nextLine()) as { port: number }
  const ask = async (byte: 'g' | 'f'): Promise<ProcessFigures> => {
    child.stdin!.write(byte)
    return JSON.parse(await nextLine()) as ProcessFigures
  }
  return {
    pid: child.pid!,
    port,
    figures: () => ask('f'),
    collectGarbage: () => ask('g'),
    async end() {
      const ended = once(child, 'exit')
      child.stdin!.end()
      await ended
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.stdin!.end()
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** The first line that a program prints. @throws when it ends without one */
export async function firstLine(child: ChildProcess, what: string): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) return line
  throw new Error(`${what} ended with ${child.exitCode ?? child.signalCode} and said nothing`)
}

/** Resident memory of a process in bytes, without asking it. Linux only. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(match?.[1]) * 1024
}
