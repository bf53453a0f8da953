import { withoutPassword } from '../client/target-url.ts'
import { messageOf } from '../ground/application.ts'
import { now } from '../ground/scheduling.ts'
import { CliError, type Command, ExitCode, onlyUrl, parseArguments, parseHeader, usageError } from './command.ts'
import { printableLine } from './connect/show.ts'
import type { Target } from './probe/peer.ts'
import { probe, type Verdict } from './probe/run.ts'

const HELP = `Usage: framewright probe [options] <ws://host:port/path>

Tries the requirements of RFC 6455 on any WebSocket server, from outside, and prints one line for each:

  met <id> <requirement>
  not met <id> <requirement>: <what was tried>: <what was seen>
  untested <id> <requirement>: <why>

Most is tried on any server. What needs answers to messages is tried on servers that send every message back. The server is
sent several hundred connections and much that no client should send: probe only servers that are yours.

Options:
  --only <ids>        only the requirements whose ids start so, several with commas: 6455-5.2,6455-4.2.1-9
  --header <line>     a field line for every request, such as "Authorization: Bearer x"; may be repeated
  --timeout <ms>      how long the server may take for an answer (default 2000)
  --insecure          take any certificate of a wss:// server
  --json              print one JSON document instead
  -h, --help          print this

Exit code: 0 when nothing is unmet, 1 when something is or the server cannot be probed, 2 for a wrong call.
`

const DEFAULT_PATIENCE_MS = 2000

/** What the user asked for. */
export interface ProbeArguments {
  readonly target: Target
  readonly patience: number
  /** Beginnings of ids; empty: all. */
  readonly only: readonly string[]
  readonly json: boolean
}

/** `framewright probe`. */
export const probeCommand: Command = {
  async run(args) {
    const options = parseProbeArguments(args)
    if (options === 'help') {
      process.stdout.write(HELP)
      return ExitCode.ok
    }
    const { target, patience, only } = options
    const isWanted = (id: string): boolean => only.length === 0 || only.some((start) => isUnder(id, start))
    const started = now()
    const verdicts = await probe({ target, patience, isWanted }).catch((error: unknown) => {
      throw new CliError(ExitCode.failure, messageOf(error), { cause: error })
    })
    if (verdicts.length === 0) throw usageError(`--only ${only.join(',')} names no requirement that can be probed`)
    const seconds = (now() - started) / 1000
    process.stdout.write(options.json ? toJson(verdicts) : toLines(verdicts, seconds))
    return verdicts.some(({ verdict }) => verdict === 'not met') ? ExitCode.failure : ExitCode.ok
  },
}

/** Whether an id is `start` or lies under it: 6455-5.2 holds 6455-5.2-3 and not 6455-5.20-1. */
function isUnder(id: string, start: string): boolean {
  return id === start || id.startsWith(`${start}-`) || id.startsWith(`${start}.`)
}

/** Read the arguments of the command; throws a `CliError` that names the wrong one. */
export function parseProbeArguments(args: readonly string[]): ProbeArguments | 'help' {
  const string = { type: 'string' } as const
  const boolean = { type: 'boolean' } as const
  const options = {
    only: string,
    header: { ...string, multiple: true },
    timeout: string,
    insecure: boolean,
    json: boolean,
    help: { ...boolean, short: 'h' },
  } as const
  const { values, positionals } = parseArguments(args, options)
  if (values.help === true) return 'help'
  const url = onlyUrl('probe', positionals)
  const { header = [], timeout } = values
  for (const line of header) parseHeader(line)
  const patience = timeout === undefined ? DEFAULT_PATIENCE_MS : /^\d{1,6}$/.test(timeout) ? Number(timeout) : 0
  if (patience === 0) throw usageError(`--timeout takes milliseconds, not ${JSON.stringify(timeout)}`)
  return {
    target: targetOf(url, header, values.insecure === true),
    patience,
    only: (values.only ?? '').split(',').filter((start) => start !== ''),
    json: values.json === true,
  }
}

function targetOf(url: string, fieldLines: readonly string[], isInsecure: boolean): Target {
  if (!URL.canParse(url) || !/^wss?:\/\//i.test(url)) {
    throw usageError(`${JSON.stringify(withoutPassword(url))} is no URL that starts with ws:// or wss://`)
  }
  const { protocol, hostname, host, port, pathname, search } = new URL(url)
  const isSecure = protocol === 'wss:'
  return {
    isSecure,
    // An IPv6 address stands in brackets only inside a URL.
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? (isSecure ? 443 : 80) : Number(port),
    authority: host,
    resource: `${pathname}${search}`,
    fieldLines,
    isInsecure,
  }
}

function countOf(verdicts: readonly Verdict[]): Record<Verdict['verdict'], number> {
  const counts = { met: 0, 'not met': 0, untested: 0 }
  for (const { verdict } of verdicts) counts[verdict] += 1
  return counts
}

function toLines(verdicts: readonly Verdict[], seconds: number): string {
  const lines = verdicts.map(({ verdict, id, level, text, details }) => {
    const [detail, ...more] = details
    const others = more.length === 0 ? '' : ` (and ${more.length} more)`
    return `${verdict} ${id} ${level}: ${text}${detail === undefined ? '' : `: ${printableLine(detail)}${others}`}`
  })
  const counts = countOf(verdicts)
  lines.push(`${counts.met} met, ${counts['not met']} not met, ${counts.untested} untested, in ${seconds.toFixed(1)} s`)
  return `${lines.join('\n')}\n`
}

function toJson(verdicts: readonly Verdict[]): string {
  const json = JSON.stringify({ counts: countOf(verdicts), requirements: verdicts }, null, 2)
  // It may be read in a terminal too. JSON takes the escape of a UTF-16 code unit for the unit itself, RFC 8259 §7.
  const escaped = json.replace(/[^\P{C}\n]/gu, (c) =>
    [...Array(c.length).keys()].map((i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  )
  return `${escaped}\n`
}
