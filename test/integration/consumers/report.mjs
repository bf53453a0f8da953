// What every consumer program shares: deadlines, and the lines that the test reads.
import { once } from 'node:events'

export function check(isTrue, what) {
  if (!isTrue) throw new Error(`not true: ${what}`)
  console.log(`ok ${what}`)
}

/** Waits, but not for ever. */
export async function within(promise, what, ms = 15_000) {
  let timer
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`gave up waiting for ${what}`)), ms)
  })
  try {
    return await Promise.race([promise, deadline])
  } finally {
    clearTimeout(timer)
  }
}

export async function listen(server) {
  server.listen(0, '127.0.0.1')
  await within(once(server, 'listening'), 'the server to listen')
  return server.address().port
}

/** Runs the program; what it leaves open does not keep it. */
export function run(main) {
  main().then(
    () => process.exit(0),
    (error) => {
      console.error(error)
      process.exit(1)
    },
  )
}
