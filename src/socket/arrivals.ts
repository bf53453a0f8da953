import { checkSignal } from '../ground/option-names.ts'
import { Queue } from '../ground/queue.ts'

/** Whoever is told that there may be something to take. */
export interface Looker {
  /** Something has changed. */
  look(): void
}

/** What {@link Arrivals} iterates over. */
export interface ArrivalSource<T> {
  /** Called before anything is taken. From now on `looker` is told of changes. @throws when nothing can be taken now */
  begin(looker: Looker): void
  /** Called each time that somebody asks for an item. */
  asked?(): unknown
  /** Takes the next item. @returns null when none is there. @throws why there will be none */
  take(): T | null
  /** Whether there will be no more than what `take` still gives. */
  isOver(): boolean
  /** Nothing more will be taken. Called once. @param hasBegun - whether `begin` was called, and did not throw */
  end(hasBegun: boolean): unknown
}

/** Somebody who waits for an item. */
interface Asking<T> {
  readonly resolve: (result: IteratorResult<T, void>) => void
  readonly reject: (reason: unknown) => void
}

/**
 * An async iterator over what arrives. It begins with the first `next()`. Several `next()` may wait: they are answered in
 * order, and one item is taken for each.
 *
 * It is written out, since a generator only listens while it is asked: its `return()` waits behind a `next()` that waits
 * for the peer, and an item is taken for somebody who has left. Here `return()`, `throw()` and the signal act at once;
 * what nobody was given has not been taken.
 */
export class Arrivals<T> implements AsyncGenerator<T, void, undefined>, Looker {
  readonly #source: ArrivalSource<T>
  readonly #signal: AbortSignal | undefined
  readonly #asking: Queue<Asking<T>> = new Queue()
  #hasBegun = false
  #hasEnded = false
  /** What the next `next()` has to be told. */
  #failure: { readonly reason: unknown } | null = null

  /** @throws UsageError when `signal` is none: found later, it would keep the source for ever */
  constructor(source: ArrivalSource<T>, signal: AbortSignal | undefined) {
    checkSignal('an iteration', signal)
    this.#source = source
    this.#signal = signal
  }

  next(): Promise<IteratorResult<T, void>> {
    if (this.#signal?.aborted) this.#abort()
    try {
      if (!this.#hasEnded && !this.#hasBegun) this.#begin()
    } catch (error) {
      this.#fail(error)
    }
    return new Promise((resolve, reject) => {
      this.#source.asked?.()
      this.#asking.push({ resolve, reject })
      this.look()
    })
  }

  return(): Promise<IteratorResult<T, void>> {
    this.#failure = null
    this.#end()
    return Promise.resolve({ done: true, value: undefined })
  }

  throw(error: unknown): Promise<IteratorResult<T, void>> {
    this.#failure = null
    this.#end()
    return Promise.reject(error)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  look(): void {
    while (!this.#asking.isEmpty && !this.#hasEnded) {
      let item: T | null = null
      try {
        item = this.#source.take()
      } catch (error) {
        this.#fail(error)
        break
      }
      if (item !== null) this.#asking.shift()!.resolve({ done: false, value: item })
      else if (this.#source.isOver()) this.#end()
      else return
    }
    if (this.#hasEnded) this.#answer()
    // Nobody waits any more for what a signal could end; it is looked at when somebody asks.
    else if (this.#source.isOver()) this.#signal?.removeEventListener('abort', this.#abort)
  }

  #begin(): void {
    this.#source.begin(this)
    this.#hasBegun = true
    this.#signal?.addEventListener('abort', this.#abort)
  }

  readonly #abort = (): void => this.#fail(this.#signal?.reason)

  #fail(reason: unknown): void {
    if (this.#hasEnded) return
    this.#failure = { reason }
    this.#end()
  }

  #end(): void {
    if (!this.#hasEnded) {
      this.#hasEnded = true
      this.#signal?.removeEventListener('abort', this.#abort)
      this.#source.end(this.#hasBegun)
    }
    this.#answer()
  }

  /** Answers everybody when it has ended: the first hears why. */
  #answer(): void {
    for (const { resolve, reject } of this.#asking.takeAll()) {
      const failure = this.#failure
      this.#failure = null
      if (failure === null) resolve({ done: true, value: undefined })
      else reject(failure.reason)
    }
  }
}
