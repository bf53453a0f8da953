import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { ROOT } from '../../support/child.ts'
import { DEADLINE_MS, within } from '../../support/deadline.ts'

/** A script of this folder in a process of its own, that answers requests. */
export class HelperProcess<Request extends { readonly do: string }> {
  readonly process: ChildProcess
  readonly #waiting = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>()
  #lastId = 0

  /** @param prefix - a command that runs the process, such as `prlimit` with its options */
  constructor(script: string, prefix: readonly string[] = [], flags: readonly string[] = []) {
    const path = fileURLToPath(new URL(script, import.meta.url))
    const [command = '', ...args] = [...prefix, process.execPath, ...flags, '--import', 'tsx', path]
    this.process = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.process.on('message', ({ id, answer, error }: { id: number; answer: unknown; error?: string }) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(answer)
      else waiting?.reject(new Error(error))
    })
    this.process.on('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${script} ended: ${signal ?? code}`))
      this.#waiting.clear()
    })
  }

  /** Waits until the process is ready. */
  async started(): Promise<void> {
    const ready = new Promise((resolve, reject) => this.#waiting.set(0, { resolve, reject }))
    await within(ready, 'a process to start', 3 * DEADLINE_MS)
  }

  get isAlive(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null
  }

  async ask(request: Request): Promise<unknown> {
    const id = ++this.#lastId
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
    this.process.send({ id, request })
    return within(answer, `an answer to ${request.do}`, 4 * DEADLINE_MS)
  }

  async end(): Promise<void> {
    if (!this.isAlive) return
    const gone = new Promise((resolve) => this.process.once('exit', resolve))
    this.process.kill('SIGKILL')
    await gone
  }
}
