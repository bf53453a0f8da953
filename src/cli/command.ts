/** One command of the `framewright` program. */
export interface Command {
  /**
   * Run it to its end.
   *
   * @param args What the user wrote after the command's name.
   * @returns The exit code.
   * @throws {CliError} for everything that the user can put right.
   */
  run(args: readonly string[]): Promise<number>
}

/** What the exit code says to scripts: the command failed, or was called wrongly. */
export const ExitCode = { ok: 0, failure: 1, usage: 2, interrupted: 130 } as const

/** A failure to be shown as one line, without a stack. */
export class CliError extends Error {
  readonly exitCode: number

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CliError'
    this.exitCode = exitCode
  }
}

/** The user called the command wrongly; the message names the option. */
export function usageError(message: string, cause?: unknown): CliError {
  return new CliError(ExitCode.usage, message, { cause })
}

/**
 * Turn what `parseArgs` of node:util throws into one sentence; anything else is returned as it is.
 *
 * Node: its messages go on, after the first sentence, with advice about `--` that does not fit here.
 */
export function argumentError(error: unknown): unknown {
  if (!(error instanceof TypeError) || !('code' in error) || !String(error.code).startsWith('ERR_PARSE_ARGS_'))
    return error
  const sentence = error.message.split(/\.\s|\n/, 1)[0]!.replace(/\.$/, '')
  return usageError(sentence.charAt(0).toLowerCase() + sentence.slice(1), error)
}

/**
 * Read a port number.
 *
 * @param option The option's name with its dashes, for the message.
 */
export function parsePort(option: string, value: string): number {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : -1
  if (port < 0 || port > 65_535) {
    throw usageError(`${option} takes a whole number from 0 to 65535, not ${JSON.stringify(value)}`)
  }
  return port
}
