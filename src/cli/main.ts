#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { CliError, type Command, ExitCode, usageError } from './command.ts'

/** Every command: a new one is a new line. Code is loaded when its command is called. */
const COMMANDS = new Map<string, { summary: string; load: () => Promise<Command> }>([
  ['serve', { summary: 'run an echo server to try things on', load: async () => (await import('./serve.ts')).serve }],
  [
    'connect',
    {
      summary: 'talk to a WebSocket server from the terminal',
      load: async () => (await import('./connect.ts')).connectCommand,
    },
  ],
  [
    'proxy',
    {
      summary: 'show every byte between any client and any server',
      load: async () => (await import('./proxy.ts')).proxyCommand,
    },
  ],
  [
    'replay',
    {
      summary: 'give a recorded session to a parser or a server, and compare',
      load: async () => (await import('./replay.ts')).replayCommand,
    },
  ],
  [
    'explain',
    {
      summary: 'name every byte of a handshake or of frames, and judge them',
      load: async () => (await import('./explain.ts')).explainCommand,
    },
  ],
  ['decode', { summary: 'the same as explain', load: async () => (await import('./explain.ts')).explainCommand }],
  [
    'probe',
    {
      summary: 'try the requirements of RFC 6455 on any server',
      load: async () => (await import('./probe.ts')).probeCommand,
    },
  ],
])

const HELP = `Usage: framewright <command> [options]

Commands:
${[...COMMANDS].map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`).join('\n')}

Options:
  -h, --help     print this, or with a command the help of that command
  -v, --version  print the version
`

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === '--help' || name === '-h') {
    process.stdout.write(HELP)
    return ExitCode.ok
  }
  if (name === '--version' || name === '-v') {
    process.stdout.write(`${readVersion()}\n`)
    return ExitCode.ok
  }
  if (name === undefined) {
    process.stderr.write(HELP)
    return ExitCode.usage
  }
  const command = COMMANDS.get(name)
  if (command === undefined) {
    const what = name.startsWith('-') ? 'option' : 'command'
    throw usageError(`unknown ${what} ${JSON.stringify(name)}; the commands are: ${[...COMMANDS.keys()].join(', ')}`)
  }
  return await (await command.load()).run(args)
}

function readVersion(): string {
  // The same relative path from src/cli/ and from dist/cli/.
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return manifest.version
}

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever read what is printed has gone, as `| head` does. What a command does besides, such as serving, goes on.
    if (error.code !== 'EPIPE') throw error
  })
}

try {
  // Not process.exit: what was printed must arrive, and a command that ends leaves nothing running.
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof CliError)) throw error
  process.stderr.write(`framewright: ${error.message}\n`)
  process.exitCode = error.exitCode
}
