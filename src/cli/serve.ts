import { messageOf } from '../ground/application.ts'
import { now } from '../ground/scheduling.ts'
import { type Inspector, inspect } from '../inspector/live/inspect.ts'
import { WebSocketServer } from '../server/index.ts'
import { type CertificateFiles, makeCertificate, readCertificate } from './certificate.ts'
import { CliError, type Command, ExitCode, parseArguments, parsePort, usageError } from './command.ts'
import { Comings } from './watch/comings.ts'
import { interruption } from './watch/interruption.ts'

const HELP = `Usage: framewright serve [options]

Runs an echo server: every message comes back as it was sent, text as text and binary as binary.

Options:
  --port <number>          port of the echo server (default 8080; 0 takes a free one)
  --host <address>         address to listen on (default: every address of this machine)
  --inspect                also serve a page, on 127.0.0.1 only, that talks to the echo server from a browser and shows
                           every byte of all its connections: see docs/inspector.md
  --page-port <number>     port of the page (default: the port after --port; 0 takes a free one); implies --inspect
  --tls                    listen with TLS: the URL is wss://. Without the two options below the certificate is made for
                           this run by the program openssl, and browsers will warn of it
  --tls-cert <file>        certificate in PEM, with its chain; implies --tls
  --tls-key <file>         private key of that certificate, in PEM
  --origin <origin>        origin of pages that may connect, such as https://example.org, or any; may be repeated.
                           Default: every page that sends no cookies and no Authorization. The page of --inspect always
                           may, and so may clients that send no origin
  -h, --help               print this

Ctrl-C closes every client with status code 1001 and exits with 0; a second Ctrl-C exits at once.
`

const DEFAULT_PORT = 8080

/** What the user asked for. */
export interface ServeOptions {
  readonly port: number
  readonly host: string | undefined
  /** `undefined`: no page. */
  readonly pagePort: number | undefined
  /** Files of the certificate and of its key, or one made for this run; `undefined`: no TLS. */
  readonly tls: CertificateFiles | 'self-signed' | undefined
  readonly origins: 'any' | readonly string[]
}

/** `framewright serve`. */
export const serve: Command = {
  async run(args) {
    const options = parseServeOptions(args)
    if (options === 'help') {
      process.stdout.write(HELP)
      return ExitCode.ok
    }
    await runServer(options)
    return ExitCode.ok
  },
}

/** Read the arguments of the command; throws a `CliError` that names the wrong one. */
export function parseServeOptions(args: readonly string[]): ServeOptions | 'help' {
  const string = { type: 'string' } as const
  const boolean = { type: 'boolean' } as const
  const options = {
    port: string,
    host: string,
    'page-port': string,
    inspect: boolean,
    tls: boolean,
    'tls-cert': string,
    'tls-key': string,
    origin: { ...string, multiple: true },
    help: { ...boolean, short: 'h' },
  } as const
  const { values, positionals } = parseArguments(args, options)
  if (positionals.length > 0) throw usageError(`unexpected argument '${positionals[0]}'; serve takes options only`)
  if (values.help === true) return 'help'

  const port = values.port === undefined ? DEFAULT_PORT : parsePort('--port', values.port)
  const pagePort = values['page-port']
  return {
    port,
    host: values.host,
    pagePort:
      pagePort !== undefined
        ? parsePort('--page-port', pagePort)
        : values.inspect === true
          ? portAfter(port)
          : undefined,
    tls: parseTls(values.tls === true, values['tls-cert'], values['tls-key']),
    origins: parseOrigins(values.origin),
  }
}

function parseTls(isWanted: boolean, certFile: string | undefined, keyFile: string | undefined): ServeOptions['tls'] {
  if (certFile === undefined && keyFile === undefined) return isWanted ? 'self-signed' : undefined
  if (certFile === undefined || keyFile === undefined) {
    throw usageError('--tls-cert and --tls-key go together: a certificate is of no use without its key')
  }
  return { certFile, keyFile }
}

/** Browsers write an origin in one way only, RFC 6454 §6.2, and it is compared as text. */
function parseOrigins(origins: readonly string[] | undefined): ServeOptions['origins'] {
  if (origins === undefined) return ['same-origin']
  for (const origin of origins) {
    const isWritten = URL.canParse(origin) && new URL(origin).origin === origin
    if (origin !== 'any' && origin !== 'null' && !isWritten) {
      throw usageError(`--origin takes an origin such as https://example.org, or any, not ${JSON.stringify(origin)}`)
    }
  }
  return origins.includes('any') ? 'any' : origins
}

function portAfter(port: number): number {
  return port === 0 || port === 65_535 ? 0 : port + 1
}

/** Listen, say so, and serve until a signal comes and every client is closed. */
async function runServer({ port, host, pagePort, tls, origins }: ServeOptions): Promise<void> {
  const certificate = tls === undefined ? undefined : tls === 'self-signed' ? makeCertificate() : readCertificate(tls)
  // The page needs the port of the echo server, and the echo server the origins of the page: this one comes later.
  const allowed = origins === 'any' ? 'any' : [...origins]
  const server = new WebSocketServer({
    port,
    ...(host === undefined ? {} : { host }),
    ...(certificate === undefined ? {} : { tls: certificate }),
    origins: allowed,
  })
  // Why it cannot listen is told once, through the promise.
  server.on('error', () => {})
  server.on('connection', (ws) => {
    ws.on('message', (data, isBinary) => {
      const hasRoom = ws.send(data, { binary: isBinary })
      // A client that sends and does not read is not read from until it does.
      if (!hasRoom && ws.readyState === ws.OPEN) {
        ws.pause()
        ws.once('drain', () => ws.resume())
      }
    })
  })

  const address = await server.listening.catch((error: unknown) => {
    throw listenError('--port', port, host, error)
  })
  const url = `ws${certificate === undefined ? '' : 's'}://${displayHost(host)}:${address.port}`
  let page: Inspector | undefined
  if (pagePort !== undefined) {
    // Browsers trust no certificate of ours: with TLS the page has a connection of its own to talk on.
    const talkTo = certificate === undefined ? { talkTo: `${url}/` } : {}
    try {
      page = await inspect(server, { port: pagePort, title: `the echo server at ${url}`, ...talkTo })
    } catch (error) {
      server.close()
      throw listenError('--page-port', pagePort, '127.0.0.1', error)
    }
  }

  const interrupted = interruption()
  process.stdout.write(`echo server: ${url}\n`)
  if (page !== undefined) {
    const place = new URL(page.url)
    // Cookies know no ports: those of any other page of this machine come along.
    for (const name of ['127.0.0.1', 'localhost', '[::1]']) {
      if (allowed !== 'any') allowed.push(`http://${name}:${place.port}`)
    }
    process.stdout.write(`page:        ${page.url}\n`)
  }
  process.stdout.write('Ctrl-C stops\n')
  new Comings((line) => process.stdout.write(`${line}\n`), now).follow(server)

  await interrupted
  await page?.close()
  await shutDown(server)
}

/** RFC 6455 §7.4.1: 1001 says that an endpoint is going away, such as a server going down. */
async function shutDown(server: WebSocketServer): Promise<void> {
  const { closed, terminated } = await server.shutdown({ code: 1001, reason: 'server is shutting down' })
  process.stdout.write(`closed ${closed} ${closed === 1 ? 'client' : 'clients'} with 1001\n`)
  if (terminated > 0) process.stdout.write(`cut off ${terminated} that did not answer\n`)
}

/** The name by which a browser on this machine reaches what listens on `host`. */
function displayHost(host: string | undefined): string {
  if (host === undefined || host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

/** One line for each way in which listening goes wrong; what else there may be keeps its own words. */
function listenError(option: string, port: number, host: string | undefined, error: unknown): CliError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const reason =
    code === 'EADDRINUSE'
      ? `port ${port} is already in use; choose another with ${option}`
      : code === 'EACCES'
        ? `this user may not listen on port ${port}; choose another with ${option}`
        : code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN'
          ? `--host ${JSON.stringify(host)} is no address of this machine`
          : messageOf(error)
  return new CliError(ExitCode.failure, reason, { cause: error })
}
