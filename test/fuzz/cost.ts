/** Milliseconds of processor time, of all threads together, that any input may take. */
const ALLOWED_MS = 20
/** And for each of its bytes. */
const ALLOWED_MS_PER_BYTE = 0.001
/** What is measured beside it, such as a collection, does not come so often in a row. */
const TRIES = 3

/** A target: it throws, or rejects, when something is wrong. */
export type Fuzz = (data: Uint8Array) => void | Promise<void>

/** Milliseconds of processor time that an input may take. */
export function allowedMs(byteCount: number): number {
  return ALLOWED_MS + byteCount * ALLOWED_MS_PER_BYTE
}

/**
 * Runs an input, and holds what it costs against its length: a peer must not be able to make us work for long with a few
 * bytes. It is the processor's time that counts, so that a busy machine is no failure.
 *
 * @throws what the target throws; Error when the input costs too much, again and again
 */
export function runCounted(fuzz: Fuzz, input: Uint8Array): void | Promise<void> {
  const before = process.cpuUsage()
  // A copy: frames are unmasked in place.
  const done = fuzz(input.slice())
  if (done === undefined && isWithin(before, input)) return undefined
  return judge(fuzz, input, done, before)
}

async function judge(
  fuzz: Fuzz,
  input: Uint8Array,
  done: void | Promise<void>,
  before: NodeJS.CpuUsage,
): Promise<void> {
  await done
  let start = before
  for (let tries = 1; !isWithin(start, input); tries++) {
    if (tries === TRIES) {
      const ms = Math.round(spentMs(start))
      throw new Error(`${ms} ms of processor time for ${input.length} bytes; ${allowedMs(input.length)} are allowed`)
    }
    start = process.cpuUsage()
    await fuzz(input.slice())
  }
}

function isWithin(before: NodeJS.CpuUsage, { length }: Uint8Array): boolean {
  return spentMs(before) <= allowedMs(length)
}

function spentMs(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}
