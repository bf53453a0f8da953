// Taken now: a test may put timers of its own in place of Node's.
const { setTimeout, clearTimeout } = globalThis

/** How long a single wait may take before the test fails with a sentence instead of hanging. */
export const DEADLINE_MS = 20_000

/**
 * Wait for `promise`, but not forever.
 *
 * @param what Completes the sentence "gave up waiting for ..."; a function is called only when the deadline passes.
 */
export async function within<T>(promise: Promise<T>, what: string | (() => string), ms = DEADLINE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      // Where the process itself was stopped for so long, what it waits for may lie ready: it is looked at first.
      setImmediate(() =>
        setImmediate(() => {
          reject(new Error(`gave up waiting for ${typeof what === 'string' ? what : what()} after ${ms} ms`))
        }),
      )
    }, ms)
  })
  try {
    return await Promise.race([promise, deadline])
  } finally {
    clearTimeout(timer)
  }
}
