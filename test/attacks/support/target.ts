import type { ChildProcess } from 'node:child_process'
import { setImmediate as turn } from 'node:timers/promises'
import { DEADLINE_MS, within } from '../../support/deadline.ts'
import { HelperProcess } from './helper-process.ts'
import type { Answers, Measure, Profile, Request, SplitAnswer, TargetKind } from './protocol.ts'

const { ATTACK_TARGET } = process.env

/** Which library the suite attacks: `ATTACK_TARGET=ws` runs the same rows against `ws`. */
export const KIND: TargetKind = ATTACK_TARGET === 'ws' ? 'ws' : 'framewright'

/** The process under attack, seen from the test. */
export class Target {
  readonly #helper: HelperProcess<Request>

  private constructor(prefix: readonly string[]) {
    this.#helper = new HelperProcess('target-process.ts', prefix, ['--expose-gc'])
  }

  /** @param prefix - a command that runs the process, such as `prlimit` with its options */
  static async start(prefix: readonly string[] = []): Promise<Target> {
    const target = new Target(prefix)
    await target.#helper.started()
    return target
  }

  get process(): ChildProcess {
    return this.#helper.process
  }

  get isAlive(): boolean {
    return this.#helper.isAlive
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

  /** Forgets the largest resident set so far. */
  async resetPeak(): Promise<void> {
    await this.#ask<'resetPeak'>({ do: 'resetPeak' })
  }

  /** Sends a request split at every octet. @returns the answers that differ */
  async answersToEverySplit(port: number, text: string): Promise<SplitAnswer[]> {
    return this.#ask<'split'>({ do: 'split', port, text })
  }

  /** Sends a message on a connection in memory, in chunks of one byte. @returns the microseconds of CPU it cost */
  async drip(port: number, bytes: number): Promise<number> {
    return this.#ask<'drip'>({ do: 'drip', port, bytes })
  }

  /**
   * Pings a server, one Ping after the other. Whoever pings is in the server's own process and counts its CPU: that is
   * what a peer waits on a machine that has nothing else to do, whoever computes on this one.
   *
   * @param closes - how many closed connections to wait for, if any
   * @returns microseconds, the shortest first
   */
  async ping(port: number, count: number, closes = 0): Promise<readonly number[]> {
    return this.#ask<'ping'>({ do: 'ping', port, count, closes })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#helper.end()
  }

  async #ask<K extends keyof Answers>(request: Request & { do: K }): Promise<Answers[K]> {
    return (await this.#helper.ask(request)) as Answers[K]
  }
}
