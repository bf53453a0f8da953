import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { createInterface } from 'node:readline'

/** A server in a process of its own. */
export interface ServerProcess extends AsyncDisposable {
  readonly pid: number
  readonly port: number
  /** Makes it collect its garbage, and waits for that. */
  collectGarbage(): Promise<void>
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
 * Starts `servers/NAME.ts`. A server prints `{"port":…}` when it listens, answers a byte on stdin with a line when it
 * has collected its garbage, and ends when stdin does, so that none outlives the bench: `serve` of `servers/serve.ts`.
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
  const file = new URL(`../servers/${name}.js`, import.meta.url).pathname
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
  return {
    pid: child.pid!,
    port,
    async collectGarbage() {
      child.stdin!.write('g')
      await nextLine()
    },
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

/** Resident memory of a process in bytes. Linux only. */
export function residentBytes(pid: number): number {
  return statusBytes(pid, 'VmRSS')
}

/** The most resident memory that a process has had so far, in bytes. Linux only. */
export function peakResidentBytes(pid: number): number {
  return statusBytes(pid, 'VmHWM')
}

function statusBytes(pid: number, name: string): number {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(match?.[1]) * 1024
}

/** Processor time that a process has taken, in seconds, in steps of 10 ms. Linux only. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}
