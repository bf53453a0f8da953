import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { DEADLINE_MS, within } from './deadline.ts'

/** The project's root folder. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** How a child process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A child process whose output can be waited for. */
export class Child {
  readonly process: ChildProcess
  readonly #leadsGroup: boolean
  #stdout = ''
  #stderr = ''
  /** Resolves when the process has ended and all its output has been read, or when it could not be started. */
  readonly #end: Promise<Exit | Error>
  #hasEnded = false
  #wake: () => void = () => {}

  constructor(command: string, args: readonly string[], options: SpawnOptions = {}) {
    this.#leadsGroup = options.detached === true
    this.process = spawn(command, args, { cwd: ROOT, stdio: ['pipe', 'pipe', 'pipe'], ...options })
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
      this.#wake()
    })
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
      this.#wake()
    })
    this.#end = new Promise((resolve) => {
      this.process.once('error', (error) => {
        this.#hasEnded = true
        resolve(error)
        this.#wake()
      })
      this.process.once('close', (code, signal) => {
        this.#hasEnded = true
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr })
        this.#wake()
      })
    })
  }

  /** How the process ended, when all its output has been read. Rejects when it could not be started. */
  get exit(): Promise<Exit> {
    return this.#end.then((end) => {
      if (end instanceof Error) throw end
      return end
    })
  }

  get stdout(): string {
    return this.#stdout
  }

  /** The first match of `pattern` in what the process has printed; fails when it ends without. */
  async printed(pattern: RegExp, ms = DEADLINE_MS): Promise<RegExpExecArray> {
    const seek = async (): Promise<RegExpExecArray> => {
      for (;;) {
        const match = pattern.exec(this.#stdout)
        if (match !== null) return match
        if (this.#hasEnded) throw new Error(`ended without printing ${pattern}; ${this.#output()}`)
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
    return await within(seek(), () => `${pattern}; ${this.#output()}`, ms)
  }

  /** How it ended; fails when it does not end by itself. */
  async ended(ms = DEADLINE_MS): Promise<Exit> {
    return await within(this.exit, () => `the end of the process; ${this.#output()}`, ms)
  }

  /** Send a signal: to the whole process group when the child leads one (`detached`), as a terminal does on Ctrl-C. */
  kill(signal: NodeJS.Signals): void {
    const { pid } = this.process
    if (pid === undefined) return
    try {
      process.kill(this.#leadsGroup ? -pid : pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill('SIGKILL')
    await this.#end
  }

  #output(): string {
    return `stdout: ${JSON.stringify(this.#stdout)}, stderr: ${JSON.stringify(this.#stderr)}`
  }
}

/** Run a program to its end, with `input` on its stdin. */
export async function run(
  command: string,
  args: readonly string[],
  { input = '', ms = DEADLINE_MS, ...options }: SpawnOptions & { input?: string; ms?: number } = {},
): Promise<Exit> {
  await using child = new Child(command, args, options)
  child.process.stdin?.end(input)
  return await child.ended(ms)
}

/** Arguments for `process.execPath` that run the command line tool from source. */
export function cliArguments(...args: string[]): string[] {
  return ['--import', 'tsx', 'src/cli/main.ts', ...args]
}
