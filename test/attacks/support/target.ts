import { type ChildProcess, spawn } from 'node:child_process'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ROOT } from '../../support/child.ts'
import { DEADLINE_MS, within } from '../../support/deadline.ts'
import type { Answers, Measure, Profile, Request, TargetKind } from './protocol.ts'

const { ATTACK_TARGET } = process.env

const SCRIPT = fileURLToPath(new URL('target-process.ts', import.meta.url))

/** Which library the suite attacks: `ATTACK_TARGET=ws` runs the same rows against `ws`. */
export const KIND: TargetKind = ATTACK_TARGET === 'ws' ? 'ws' : 'framewright'

/** The process under attack, seen from the test. */
export class Target {
  readonly process: ChildProcess
  readonly #waiting = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>()
  #lastId = 0

  private constructor(prefix: readonly string[]) {
    const [command = '', ...args] = [...prefix, process.execPath, '--expose-gc', '--import', 'tsx', SCRIPT]
    this.process = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.process.on('message', ({ id, answer, error }: { id: number; answer: unknown; error?: string }) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(answer)
      else waiting?.reject(new Error(error))
    })
    this.process.on('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the target ended: ${signal ?? code}`))
      this.#waiting.clear()
    })
  }

  /** @param prefix - a command that runs the process, such as `prlimit` with its options */
  static async start(prefix: readonly string[] = []): Promise<Target> {
    const target = new Target(prefix)
    const ready = new Promise((resolve, reject) => target.#waiting.set(0, { resolve, reject }))
    await within(ready, 'the target to start', 3 * DEADLINE_MS)
    return target
  }

  get isAlive(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null
  }

  /** Starts a server. @returns its port */
  async serve(profile: Profile = {}): Promise<number> {
    return (await this.#ask<'serve'>({ do: 'serve', kind: KIND, profile })).port
  }

  /** Ends a server at once, its connections included. */
  async stop(port: number): Promise<void> {
    await this.#ask<'stop'>({ do: 'stop', port })
  }

  /** Ends a server well, as its documentation says. */
  async shutdown(port: number): Promise<void> {
    await this.#ask<'shutdown'>({ do: 'shutdown', port })
  }

  /** How the process feels. @param gc - whether garbage is collected first */
  async measure(gc = true): Promise<Measure> {
    return this.#ask<'measure'>({ do: 'measure', gc })
  }

  /** Waits until `isMet` holds of a measure, and gives that measure. */
  async until(isMet: (measure: Measure) => boolean, what: string, gc = false, ms = DEADLINE_MS): Promise<Measure> {
    let last: Measure | undefined
    const seek = async (): Promise<Measure> => {
      for (;;) {
        last = await this.measure(gc)
        if (isMet(last)) return last
        await turn()
      }
    }
    return within(seek(), () => `${what}; last seen: ${JSON.stringify(last)}`, ms)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.isAlive) return
    const gone = new Promise((resolve) => this.process.once('exit', resolve))
    this.process.kill('SIGKILL')
    await gone
  }

  async #ask<K extends keyof Answers>(request: Request & { do: K }): Promise<Answers[K]> {
    const id = ++this.#lastId
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
    this.process.send({ id, request })
    return (await within(answer, `the target's answer to ${request.do}`, 3 * DEADLINE_MS)) as Answers[K]
  }
}
