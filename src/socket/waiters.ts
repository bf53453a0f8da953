import type { OptionNames } from '../ground/option-names.ts'

/** Options of everything that waits. */
export interface WaitOptions {
  /** Aborted: the wait ends, and rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** Every option of {@link WaitOptions}. */
export const waitOptionNames = { signal: true } satisfies OptionNames<WaitOptions>

/** Whoever waits for something to change. A wake-up only says: look again. */
export class Waiters {
  readonly #wakes: Set<() => void> = new Set()

  /** Whether anybody waits. */
  get isEmpty(): boolean {
    return this.#wakes.size === 0
  }

  /** Resolves at the next {@link wake}. @returns a promise that rejects with the reason of `signal` when it is aborted */
  wait(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason)
        return
      }
      const wake = (): void => {
        signal?.removeEventListener('abort', abort)
        resolve()
      }
      const abort = (): void => {
        this.#wakes.delete(wake)
        reject(signal?.reason)
      }
      this.#wakes.add(wake)
      signal?.addEventListener('abort', abort, { once: true })
    })
  }

  /** Wakes everybody who waits now. */
  wake(): void {
    if (this.#wakes.size === 0) return
    const wakes = [...this.#wakes]
    this.#wakes.clear()
    for (const wake of wakes) wake()
  }
}
