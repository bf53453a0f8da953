import { type Guard, inGiversContext, tell } from '../ground/application.ts'

/** Called when what was sent has been handed to the operating system, or cannot be any more. */
export type SendCallback = (error?: Error | null) => void

interface WaitingCallback {
  readonly callback: SendCallback
  /** How many frames have to be released before it is this one's turn. */
  readonly after: number
}

/** A callback as it came, to be called where nobody knows any more who gave it; null and the like are none. */
export function givenCallback(callback: SendCallback | null | undefined): SendCallback | undefined {
  return typeof callback === 'function' ? inGiversContext(callback) : undefined
}

/** Calls a callback; what it throws is its owner's. */
export function callBack(owner: Guard, callback: SendCallback, error: Error | null | undefined): void {
  tell(owner, callback, 'a callback of send(), ping() or pong()', error)
}

/** The callbacks of what one connection sent and its transport has not taken yet. */
export class SendCallbacks {
  readonly #owner: Guard
  #ready: SendCallback[] | null = null
  #waiting: WaitingCallback[] | null = null

  constructor(owner: Guard) {
    this.#owner = owner
  }

  /** Whether a write has somebody to tell. */
  get isEmpty(): boolean {
    return this.#ready === null
  }

  /** Adds a callback for the next write. */
  add(callback: SendCallback): void {
    this.#ready ??= []
    this.#ready.push(callback)
  }

  /** Adds a callback for a frame that is still being encoded: the write after that many frames were released. */
  addWaiting(callback: SendCallback, after: number): void {
    this.#waiting ??= []
    this.#waiting.push({ callback, after })
  }

  /** So many frames were released in all. */
  release(frameCount: number): void {
    if (this.#waiting === null) return
    const still = this.#waiting.findIndex(({ after }) => after > frameCount)
    const released = this.#waiting.splice(0, still === -1 ? this.#waiting.length : still)
    for (const { callback } of released) this.add(callback)
    if (still === -1) this.#waiting = null
  }

  /** Leaves the callbacks of the next write to that write. */
  take(): SendCallback {
    const callbacks = this.#ready ?? []
    this.#ready = null
    return (error) => {
      for (const callback of callbacks) callBack(this.#owner, callback, error)
    }
  }

  /**
   * Tells everybody that it will not be written.
   *
   * Perf: `npm run bench -- handshake`; an error costs 6 µs, so none is made for nobody.
   *
   * @param endError - says why
   */
  settle(endError: () => Error): void {
    this.release(Number.POSITIVE_INFINITY)
    if (this.#ready !== null) this.take()(endError())
  }
}
