import { existsSync, readFileSync } from 'node:fs'
import { UsageError } from '../errors.ts'
import {
  type AnnotateContext,
  type Annotation,
  annotate,
  annotateBoth,
  type Direction,
} from '../inspector/annotate/index.ts'
import { inflate, sha1 } from '../inspector/node-tools.ts'
import { annotateSession } from '../inspector/session.ts'
import { type Command, ExitCode, parseArguments, usageError } from './command.ts'
import { colourful, plain, wantsColour } from './explain/paint.ts'
import { FORMATS, type Format, type Input, readArgument, readInput } from './explain/read-input.ts'
import { render } from './explain/render.ts'

const HELP = `Usage: framewright explain [options] [bytes]

Names every byte and bit of an opening handshake or of frames, and judges them: which rule is broken, where, and what the
receiver must do. \`decode\` is another name for it.

  framewright explain 81 85 37 fa 21 3d 7f 9f 4d 51 58
  framewright explain gYU3+iE9f59NUVg=
  framewright explain --file capture.bin --direction s2c
  tshark -r capture.pcapng -q -z follow,tcp,raw,0 | framewright explain

Bytes are hex, as people write it (81 85, 0x81, 81:85, \\x81, the output of xxd, hexdump -C, od -tx1), or base64. Without
bytes and without --file they are read from standard input, which may also be raw bytes, the text of tshark, or a recorded
session.

Options:
  -f, --file PATH          read the bytes from a file
      --format FORMAT      ${FORMATS.join(', ')}; default auto
  -d, --direction WAY      c2s (client to server) or s2c; default: what the bytes look like
      --role ROLE          who receives them: server (the same as c2s) or client
      --start WHAT         what they begin with: auto, head or frames; default auto
  -x, --extensions LIST    the extensions agreed on, as in Sec-WebSocket-Extensions; '' for none
      --max-payload BYTES  judge messages by this limit; default none
      --json               print JSON: see framewright/inspector/annotation.schema.json
  -h, --help               print this

Exit code: 0 when no rule is broken, 1 when one is, 2 when the command was called wrongly.
`

const OPTIONS = {
  file: { type: 'string', short: 'f' },
  format: { type: 'string', default: 'auto' },
  direction: { type: 'string', short: 'd' },
  role: { type: 'string' },
  start: { type: 'string', default: 'auto' },
  extensions: { type: 'string', short: 'x' },
  'max-payload': { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

/** `framewright explain`: bytes of the protocol explained and judged. */
export const explainCommand: Command = {
  async run(args) {
    const { values, positionals } = parseArguments(args, OPTIONS)
    if (values.help) {
      process.stdout.write(HELP)
      return ExitCode.ok
    }
    const format = oneOf('--format', values.format, FORMATS)
    const context = contextOf(values)
    const input = takeInput(positionals, values.file, format)
    const annotations = explain(input, context)
    process.stdout.write(values.json ? json(annotations) : text(annotations))
    const isSound = Object.values(annotations).every(({ units, stop }) => {
      return units.every(({ verdicts }) => verdicts.length === 0) && (stop === null || stop.reason === 'close')
    })
    return isSound ? ExitCode.ok : ExitCode.failure
  },
}

function contextOf(values: {
  direction?: string | undefined
  role?: string | undefined
  start: string
  extensions?: string | undefined
  'max-payload'?: string | undefined
}): AnnotateContext {
  const { direction, role, start, extensions, 'max-payload': maxPayload } = values
  return {
    direction: direction === undefined ? undefined : directionOf(direction),
    role: role === undefined ? undefined : oneOf('--role', role, ['server', 'client'] as const),
    start: oneOf('--start', start, ['auto', 'head', 'frames'] as const),
    extensions,
    maxPayload: maxPayload === undefined ? undefined : bytesOf('--max-payload', maxPayload),
    inflate,
    sha1,
  }
}

function directionOf(text: string): Direction {
  const way = text
    .toLowerCase()
    .replaceAll('-to-', '2')
    .replace(/^client2server$/, 'c2s')
    .replace(/^server2client$/, 's2c')
  return oneOf('--direction', way, ['c2s', 's2c'] as const)
}

function oneOf<T extends string>(option: string, value: string, values: readonly T[]): T {
  const found = values.find((one) => one === value)
  if (found === undefined) throw usageError(`${option} takes ${values.join(', ')}, not ${JSON.stringify(value)}`)
  return found
}

function bytesOf(option: string, value: string): number {
  const bytes = /^\d+$/.test(value) ? Number(value) : Number.NaN
  if (!Number.isSafeInteger(bytes)) throw usageError(`${option} takes a number of bytes, not ${JSON.stringify(value)}`)
  return bytes
}

function takeInput(positionals: readonly string[], file: string | undefined, format: Format): Input {
  if (file !== undefined) {
    if (positionals.length > 0) throw usageError('explain takes --file or bytes, not both')
    return readInput(readBytes(file), format)
  }
  const [first] = positionals
  if (first === undefined || (first === '-' && positionals.length === 1)) {
    if (process.stdin.isTTY) process.stderr.write('bytes from standard input, as hex or base64; Ctrl-D ends them\n')
    const bytes = readBytes(0)
    if (bytes.length === 0)
      throw usageError('no bytes; explain takes some, as in 81 05 48 65 6c 6c 6f, a --file or a pipe')
    return readInput(bytes, format)
  }
  if (positionals.length === 1 && existsSync(first)) {
    throw usageError(`${JSON.stringify(first)} is a file; explain --file ${first} reads it`)
  }
  return readArgument(positionals.join(' '), format)
}

/** @param source - a path, or 0 for standard input */
function readBytes(source: string | 0): Uint8Array {
  try {
    return readFileSync(source)
  } catch (error) {
    throw usageError(`cannot read ${source === 0 ? 'standard input' : source}: ${(error as Error).message}`, error)
  }
}

/** One direction, or both: an object with `c2s` and `s2c`. */
type Explained = { readonly one: Annotation } | { readonly c2s: Annotation; readonly s2c: Annotation }

function explain(input: Input, context: AnnotateContext): Explained {
  try {
    if (input.kind === 'bytes') return { one: annotate(input.bytes, context) }
    const { direction, role, start, ...rest } = context
    if (direction !== undefined || role !== undefined) {
      throw usageError('the input has both directions; --direction and --role are for one')
    }
    if (input.kind === 'session') return annotateSession(input.session, rest)
    return annotateBoth(input, { ...rest, start })
  } catch (error) {
    if (error instanceof UsageError) throw usageError(error.message, error)
    throw error
  }
}

function json(explained: Explained): string {
  return `${JSON.stringify('one' in explained ? explained.one : { v: 1, ...explained }, null, 2)}\n`
}

function text(explained: Explained): string {
  const paint = wantsColour(process.stdout, process.env) ? colourful : plain
  return Object.values(explained)
    .map((annotation) => render(annotation, paint))
    .join('\n')
}
