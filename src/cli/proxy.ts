import { createServer, type Server, type Socket } from 'node:net'
import { now } from '../ground/scheduling.ts'
import { type Inspector, inspectRecorder } from '../inspector/live/inspect.ts'
import type { Entry } from '../inspector/record/entry.ts'
import type { RecordedConnection } from '../inspector/record/recorded-connection.ts'
import { Recorder } from '../inspector/record/recorder.ts'
import { CliError, type Command, ExitCode, onlyUrl, parseArguments, parsePort, usageError } from './command.ts'
import { Comings } from './watch/comings.ts'
import { dialTarget, type ForwardTarget, forward } from './watch/forward.ts'
import { interruption } from './watch/interruption.ts'
import { showEntry } from './watch/show-entry.ts'

const HELP = `Usage: framewright proxy [options] <ws://host:port>

Stands between any client and any server: hands the bytes on as they are, both ways, and shows them in the page of the live
inspector. With wss:// it speaks TLS to the server and none to the client.

Options:
  --port <number>          port for clients (default 8090; 0 takes a free one)
  --host <address>         address to listen on (default 127.0.0.1)
  --inspect-port <number>  port of the inspector, on 127.0.0.1 (default: the port after --port; 0 takes a free one)
  --frames                 also print every frame
  --json                   no page; print JSON lines: { kind: 'proxy', url, target }, then what happens,
                           { connection, ...entry }, as in docs/inspector.md
  --show-secrets           show Authorization, cookies and tokens; default: * stands in their place
  --insecure               take any certificate of a wss:// server
  -h, --help               print this

The request goes to the server as the client wrote it, with the Host and Origin that it has.
Ctrl-C stops. Exit code: 0 then, 1 when it cannot listen, 2 for a wrong call.
`

const DEFAULT_PORT = 8090

/** What the user asked for. */
export interface ProxyArguments {
  readonly target: ForwardTarget
  readonly port: number
  readonly host: string
  readonly inspectPort: number
  readonly showsFrames: boolean
  readonly isJson: boolean
  readonly showSecrets: boolean
}

/** `framewright proxy`. */
export const proxyCommand: Command = {
  async run(args) {
    const parsed = parseProxyArguments(args)
    if (parsed === 'help') {
      process.stdout.write(HELP)
      return ExitCode.ok
    }
    await runProxy(parsed)
    return ExitCode.ok
  },
}

/** Read the arguments of the command; throws a `CliError` that names the wrong one. */
export function parseProxyArguments(args: readonly string[]): ProxyArguments | 'help' {
  const string = { type: 'string' } as const
  const boolean = { type: 'boolean' } as const
  const { values, positionals } = parseArguments(args, {
    port: string,
    host: string,
    'inspect-port': string,
    frames: boolean,
    json: boolean,
    'show-secrets': boolean,
    insecure: boolean,
    help: { ...boolean, short: 'h' },
  })
  if (values.help === true) return 'help'
  const port = values.port === undefined ? DEFAULT_PORT : parsePort('--port', values.port)
  const inspectPort = values['inspect-port']
  return {
    target: parseTarget(onlyUrl('proxy', positionals), values.insecure === true),
    port,
    host: values.host ?? '127.0.0.1',
    inspectPort:
      inspectPort !== undefined
        ? parsePort('--inspect-port', inspectPort)
        : port === 0 || port === 65_535
          ? 0
          : port + 1,
    showsFrames: values.frames === true,
    isJson: values.json === true,
    showSecrets: values['show-secrets'] === true,
  }
}

/** Where a ws or wss URL points to; throws a `CliError` when it is none. */
export function parseTarget(text: string, isInsecure: boolean): ForwardTarget {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || (url.protocol !== 'ws:' && url.protocol !== 'wss:')) {
    throw usageError(`${JSON.stringify(text)} is no ws or wss URL, such as ws://localhost:8080`)
  }
  const isSecure = url.protocol === 'wss:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return { isSecure, host, port: url.port === '' ? (isSecure ? 443 : 80) : Number(url.port), isInsecure }
}

async function runProxy({ target, port, host, inspectPort, ...options }: ProxyArguments): Promise<void> {
  const recorder = new Recorder({ showSecrets: options.showSecrets })
  const print = (line: string): unknown => process.stdout.write(`${line}\n`)
  const sockets = new Set<Socket>()
  const comings = new Comings(print, now)
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = dialTarget(target)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    }
    const { remoteAddress, remotePort, localAddress, localPort } = client
    const recorded = recorder.begin({
      remoteAddress,
      remotePort,
      localAddress,
      localPort,
      isEncrypted: target.isSecure,
    })
    if (!options.isJson) comings.say(`#${recorded.id} came: ${remoteAddress}`)
    forward(client, upstream, recorded).then(() => {
      if (!options.isJson) comings.say(`#${recorded.id} went`)
    })
  })
  const place = await listen(server, port, host)
  let inspector: Inspector | null = null
  const secure = target.isSecure ? 's' : ''
  if (options.isJson) {
    recorder.listen({ entry: ({ id }, entry) => print(JSON.stringify({ connection: id, ...entry })) })
  } else {
    if (options.showsFrames) recorder.listen({ entry: (connection, entry) => printFrames(print, connection, entry) })
    const title = `between clients and ws${secure}://${target.host}:${target.port}`
    try {
      inspector = await inspectRecorder(recorder, { port: inspectPort, title })
    } catch (cause) {
      server.close()
      throw new CliError(ExitCode.failure, `--inspect-port ${inspectPort}: ${(cause as Error).message}`, { cause })
    }
  }
  const interrupted = interruption()
  const from = `ws://${host}:${place}`
  const to = `ws${secure}://${target.host}:${target.port}`
  if (options.isJson) print(JSON.stringify({ kind: 'proxy', url: from, target: to }))
  else {
    print(`proxy:     ${from} -> ${to}`)
    if (inspector !== null) print(`inspector: ${inspector.url}`)
    print('Ctrl-C stops')
  }
  await interrupted
  server.close()
  for (const socket of sockets) socket.destroy()
  await inspector?.close()
}

function printFrames(print: (line: string) => unknown, { id }: RecordedConnection, entry: Entry): void {
  for (const line of showEntry(entry)) print(`#${id} ${line}`)
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new CliError(ExitCode.failure, `--port ${port}: ${cause.message}`, { cause }))
    })
    server.listen({ port, host }, () => resolve((server.address() as { port: number }).port))
  })
}
