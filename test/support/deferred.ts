import { within } from './deadline.ts'

/** A promise and the hand that resolves it. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
}

export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((given) => {
    resolve = given
  })
  return { promise, resolve }
}

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Turns of the event loop until `isMet`; fails with `what` when that does not come. */
export async function until(isMet: () => boolean, what: string | (() => string) = `${isMet}`): Promise<void> {
  let isOver = false
  const met = async (): Promise<void> => {
    while (!isOver && !isMet()) await turn()
  }
  try {
    await within(met(), what)
  } finally {
    isOver = true
  }
}
