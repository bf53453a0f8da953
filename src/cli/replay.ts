import { readFileSync } from 'node:fs'
import { toError } from '../ground/application.ts'
import { type Annotation, type Direction, requestOf } from '../inspector/annotate/index.ts'
import { inflate, sha1 } from '../inspector/node-tools.ts'
import { annotateSession, parseSession, type Session } from '../inspector/session.ts'
import { CliError, type Command, ExitCode, parseArguments, usageError } from './command.ts'
import { parseTarget } from './proxy.ts'
import { compareDeeds, deedsOf, replayAgainst } from './replay/against.ts'
import { differences, expectedOf } from './replay/expected.ts'
import { loadParser, runOwnParser, runParser } from './replay/parsers.ts'

const HELP = `Usage: framewright replay [options] FILE

Gives a recorded session, a file of JSON lines such as the live inspector exports, to the parser of this package, and compares
what comes out with what the bytes say: frames, and where the first rule is broken.

Options:
  --parser FILE    instead, a parser of your own: a module that exports makeParser(onFrame), see learn/README.md. It gets what
                   the client sent
  --against URL    instead, a ws:// or wss:// server: says to it what the client said, and compares status, messages, control
                   frames and status codes with those that were recorded
  --patience <ms>  with --against: how long an answer may take (default 2000)
  --insecure       take any certificate of a wss:// server
  -h, --help       print this

Exit code: 0 when nothing differs, 1 when something does, 2 for a wrong call.
`

/** `framewright replay`. */
export const replayCommand: Command = {
  async run(args) {
    const string = { type: 'string' } as const
    const boolean = { type: 'boolean' } as const
    const options = {
      parser: string,
      against: string,
      patience: string,
      insecure: boolean,
      help: { ...boolean, short: 'h' },
    }
    const { values, positionals } = parseArguments(args, options)
    if (values.help === true) {
      process.stdout.write(HELP)
      return ExitCode.ok
    }
    const [file, ...rest] = positionals
    if (file === undefined || rest.length > 0) throw usageError('replay takes one file, a recorded session')
    if (values.parser !== undefined && values.against !== undefined) {
      throw usageError('--parser and --against do not go together')
    }
    const session = readSession(file)
    const lines =
      values.against !== undefined
        ? await replayToServer(session, values.against, values.patience, values.insecure === true)
        : values.parser !== undefined
          ? await replayToParser(session, values.parser)
          : replayToOurs(session)
    for (const line of lines) process.stdout.write(`differs: ${line}\n`)
    if (lines.length > 0) return ExitCode.failure
    process.stdout.write('nothing differs\n')
    return ExitCode.ok
  },
}

function readSession(file: string): Session {
  try {
    return parseSession(readFileSync(file, 'utf8'))
  } catch (error) {
    throw usageError(`${file}: ${toError(error).message}`, error)
  }
}

function replayToOurs(session: Session): string[] {
  const { c2s, s2c } = annotateSession(session, { inflate, sha1 })
  return (['c2s', 's2c'] as const).flatMap((direction) => {
    const annotation = direction === 'c2s' ? c2s : s2c
    const chunks = frameChunks(session, annotation, direction)
    const rsv1Owned = annotation.extensions !== ''
    const found = differences(expectedOf(annotation), runOwnParser(direction, chunks, rsv1Owned))
    return found.map((line) => `${direction}: ${line}`)
  })
}

async function replayToParser(session: Session, path: string): Promise<string[]> {
  const makeParser = await loadParser(path)
  const { c2s } = annotateSession(session, { inflate, sha1 })
  if (c2s.extensions !== '') {
    throw usageError('the session has an extension, which parsers of your own do not know; record one without')
  }
  return differences(expectedOf(c2s), runParser(makeParser, frameChunks(session, c2s, 'c2s')))
}

async function replayToServer(
  session: Session,
  url: string,
  patience: string | undefined,
  isInsecure: boolean,
): Promise<string[]> {
  if (patience !== undefined && !/^\d{1,7}$/.test(patience)) throw usageError('--patience takes milliseconds')
  const { c2s, s2c } = annotateSession(session, { inflate, sha1 })
  if (session.header.start !== 'head' || requestOf(c2s) === null) {
    throw usageError('--against needs a session from its opening handshake on')
  }
  const target = parseTarget(url, isInsecure)
  const answer = await replayAgainst(session, target, Number(patience ?? 2000)).catch((cause: unknown) => {
    throw new CliError(ExitCode.failure, `${url}: ${toError(cause).message}`, { cause })
  })
  return compareDeeds(deedsOf(s2c), deedsOf(answer))
}

/** The chunks of a direction behind its head, in the cuts of the session. */
function frameChunks({ events }: Session, { units }: Annotation, direction: Direction): Uint8Array[] {
  let skip = units[0]?.kind === 'head' ? units[0].end : 0
  return events.flatMap((event) => {
    if (event.kind !== 'bytes' || event.direction !== direction) return []
    const rest = event.bytes.subarray(Math.min(skip, event.bytes.length))
    skip -= event.bytes.length - rest.length
    return rest.length === 0 ? [] : [rest]
  })
}
