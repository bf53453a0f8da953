import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Report, Request } from './messages.ts'

type Said<S extends Report['say']> = Extract<Report, { readonly say: S }>

/** The server's process as the load sees it. */
export class ServerProcess {
  readonly #child: ChildProcess
  /** Resolves with what ended the process. */
  readonly #gone: Promise<Error>

  /** @param idleMs - silence after which the server asks for a sign of life; @param double - a fault of `doubles.ts` that
   * it gets; @param onFault - what the server finds wrong */
  constructor(
    seed: number,
    idleMs: number,
    double: string | undefined,
    onFault: (connection: number, what: string) => void,
  ) {
    const args = [String(seed), String(idleMs), ...(double === undefined ? [] : [double])]
    this.#child = fork(fileURLToPath(new URL('server.ts', import.meta.url)), args, {
      execArgv: ['--expose-gc', '--import', 'tsx'],
    })
    this.#child.on('message', (report: Report) => {
      if (report.say === 'fault') onFault(report.connection, report.what)
    })
    this.#gone = new Promise((resolve) => {
      this.#child.once('error', resolve)
      this.#child.once('exit', (code, signal) =>
        resolve(new Error(`the server's process ended with ${signal ?? code}`)),
      )
    })
  }

  /** The next report of a kind. @throws Error when the process ends before */
  async said<S extends Report['say']>(say: S): Promise<Said<S>> {
    let listener: (report: Report) => void = () => {}
    const report = new Promise<Said<S>>((resolve) => {
      listener = (given) => {
        if (isSaid(given, say)) resolve(given)
      }
      this.#child.on('message', listener)
    })
    try {
      const said = await Promise.race([report, this.#gone])
      if (said instanceof Error) throw said
      return said
    } finally {
      this.#child.off('message', listener)
    }
  }

  /** Asks, and waits for the report that answers. */
  async ask<S extends Report['say']>(ask: Request['ask'], say: S): Promise<Said<S>> {
    const said = this.said(say)
    this.#child.send({ ask })
    return await said
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}

function isSaid<S extends Report['say']>(report: Report, say: S): report is Said<S> {
  return report.say === say
}
