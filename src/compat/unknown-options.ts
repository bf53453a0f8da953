import { describeUnknown, unknownOptions } from '../ground/option-names.ts'

const told: Set<string> = new Set()

/**
 * Takes out of `options` what nobody reads, and says so. `ws` ignores such options, and programs that were written for it
 * have them.
 */
export function dropUnknown(
  where: string,
  options: Record<string, unknown>,
  names: Readonly<Record<string, true>>,
): void {
  for (const name of unknownOptions(options, names)) {
    delete options[name]
    warnOnce(describeUnknown(where, name, names))
  }
}

/** Warns of an option that nobody reads: once in a process. */
export function warnOnce(message: string): void {
  if (told.has(message)) return
  told.add(message)
  process.emitWarning(`${message}; it is ignored`, { code: 'FRAMEWRIGHT_UNKNOWN_OPTION' })
}
