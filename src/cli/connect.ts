import type { Duplex } from 'node:stream'
import '../client/dialler.ts'
import { UsageError } from '../errors.ts'
import type { ClientOptions, ConnectTarget } from '../socket/client-options.ts'
import { WebSocket } from '../socket/websocket.ts'
import { type Command, ExitCode, onlyUrl, parseArguments, parseHeader, usageError } from './command.ts'
import { PROMPT_HELP } from './connect/line.ts'
import { converse } from './connect/session.ts'
import { seenTransport } from './watch/seen-transport.ts'

const HELP = `Usage: framewright connect [options] <ws://host:port/path>

Talks to a WebSocket server from the terminal. What is typed is sent, what arrives is shown:

  -> what went to the server    <- what came from it    -- what happened

${PROMPT_HELP}
With a pipe for stdin every line is handled so. At its end, Pings that bring their Pongs show that the server has read all
of it and that its answers are here; then the connection is closed with 1000, or with --wait left to the server to close.

Options:
  --header <line>       a field line for the request, such as "Authorization: Bearer x"; may be repeated
  --origin <origin>     the Origin field of the request
  --protocol <name>     a subprotocol to offer, the preferred one first; may be repeated
  --insecure            take any certificate of a wss:// server
  --frames              show every frame both ways, from the opening handshake on, and the rules that it breaks
  --show-frames-off     do not show Ping, Pong and Close frames
  --wait                at the end of stdin, wait for the server to close
  -h, --help            print this

Exit code: 0 when the connection was closed by both sides, 1 when it was not or did not come about, 2 for a wrong call.
`

/** `framewright connect`. */
export const connectCommand: Command = {
  async run(args) {
    const parsed = parseConnectArguments(args)
    if (parsed === 'help') {
      process.stdout.write(HELP)
      return ExitCode.ok
    }
    const { url, protocols, client, showsFrames, waits } = parsed
    let ws: WebSocket
    try {
      ws = new WebSocket(url, protocols, client)
    } catch (error) {
      throw error instanceof UsageError ? usageError(error.message, error) : error
    }
    await converse(ws, { input: process.stdin, output: process.stdout, showsFrames, waits })
    return ExitCode.ok
  },
}

/** What the user asked for. */
export interface ConnectArguments {
  readonly url: string
  readonly protocols: readonly string[]
  readonly client: ClientOptions
  readonly showsFrames: boolean
  readonly waits: boolean
}

/** Read the arguments of the command; throws a `CliError` that names the wrong one. */
export function parseConnectArguments(args: readonly string[]): ConnectArguments | 'help' {
  const string = { type: 'string' } as const
  const boolean = { type: 'boolean' } as const
  const list = { ...string, multiple: true } as const
  const options = {
    header: list,
    origin: string,
    protocol: list,
    insecure: boolean,
    frames: boolean,
    'show-frames-off': boolean,
    wait: boolean,
    help: { ...boolean, short: 'h' },
  } as const
  const { values, positionals } = parseArguments(args, options)
  if (values.help === true) return 'help'
  const url = onlyUrl('connect', positionals)
  return {
    url,
    protocols: values.protocol ?? [],
    client: {
      headers: fieldsOf(values.header ?? []),
      ...(values.origin === undefined ? {} : { origin: values.origin }),
      ...(values.insecure === true ? { rejectUnauthorized: false } : {}),
      ...(values.frames === true ? { createConnection: (target) => seenBy(target, values.insecure === true) } : {}),
    },
    // With --frames they are shown as what they are.
    showsFrames: values['show-frames-off'] !== true && values.frames !== true,
    waits: values.wait === true,
  }
}

function seenBy(target: ConnectTarget, isInsecure: boolean): Duplex {
  return seenTransport(target, isInsecure, (line) => process.stdout.write(`${line}\n`))
}

function fieldsOf(lines: readonly string[]): Record<string, string[]> {
  // Without a prototype `__proto__` is a name like any other.
  const fields: Record<string, string[]> = Object.create(null)
  for (const [name, value] of lines.map(parseHeader)) fields[name] = [...(fields[name] ?? []), value]
  return fields
}
