import { type ParseArgsConfig, parseArgs } from 'node:util'
import { nearestName } from '../ground/option-names.ts'

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
 * Read the arguments of a command with `parseArgs` of node:util.
 *
 * Node: what it throws goes on, after the first sentence, with advice about `--` that does not fit here.
 *
 * @throws {CliError} that names the option which is wrong.
 */
export function parseArguments<T extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: T,
): ReturnType<typeof parseArgs<{ args: string[]; options: T; allowPositionals: true }>> {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: true })
  } catch (error) {
    if (!(error instanceof TypeError) || !('code' in error) || !String(error.code).startsWith('ERR_PARSE_ARGS_'))
      throw error
    const sentence = error.message.split(/\.\s|\n/, 1)[0]!.replace(/\.$/, '')
    const [, unknown = ''] = /^Unknown option '--([^']+)'/.exec(sentence) ?? []
    const nearest = unknown === '' ? undefined : nearestName(unknown, Object.keys(options))
    const hint = nearest === undefined ? '; --help says what there is' : `; did you mean --${nearest}?`
    throw usageError(sentence.charAt(0).toLowerCase() + sentence.slice(1) + hint, error)
  }
}

/** The one URL that a command takes; throws a `CliError` when there is none, or more. */
export function onlyUrl(command: string, positionals: readonly string[]): string {
  const [url, ...rest] = positionals
  if (url === undefined || rest.length > 0) throw usageError(`${command} takes one URL, such as ws://localhost:8080/`)
  return url
}

/** Take the value of `--header` apart; throws a `CliError` when it is no field line. */
export function parseHeader(line: string): readonly [name: string, value: string] {
  const [, name, value] = /^([!-9;-~]+):[\t ]*([\t -~]*)$/.exec(line) ?? []
  if (name === undefined || value === undefined) {
    throw usageError(`--header takes "Name: value", not ${JSON.stringify(line)}`)
  }
  return [name, value]
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
