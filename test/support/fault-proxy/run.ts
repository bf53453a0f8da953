/*
 * `npm run fault-proxy -- --to 127.0.0.1:8080 --fault latency:50±10`: a TCP proxy that breaks what passes through it; see `--help`.
 */
import { isIPv4 } from 'node:net'
import { parseArgs } from 'node:util'
import { FAULT_FORMS, type Fault, parseFault } from './fault.ts'
import { FaultProxy } from './fault-proxy.ts'

const HELP = `npm run fault-proxy -- --to HOST:PORT [--listen PORT] [--seed N] [--fault FAULT]…

A TCP proxy on 127.0.0.1 that breaks what passes through it. Ctrl-C ends it.

  --to HOST:PORT    the server behind it; this machine only, unless --anywhere is given
  --listen PORT     port to listen on; default 0: a free one, which is printed
  --seed N          plays the same faults again for the 1st, 2nd, … connection; default: a new one, which is printed
  --fault FAULT     may stand several times; bytes pass the faults in this order
  --anywhere        allows a server that is not on this machine
  --help            this text

FAULT is KIND[:VALUES][,upstream|,downstream|,both][,toxicity=P]. Default: downstream (what the client receives), and 1:
every connection has the fault. +- may be written for ±. Times are in milliseconds.

${FAULT_FORMS.map((form) => `  ${form}`).join('\n')}

Example: npm run fault-proxy -- --to 127.0.0.1:8080 --fault latency:50±10,both --fault limit_data:100000,toxicity=0.1
`

interface Choices {
  readonly port: number
  readonly to: { readonly host: string; readonly port: number }
  readonly seed: number
  readonly faults: readonly Fault[]
}

/** @throws Error that says which option is wrong; null when only help is wanted */
function choicesOf(args: string[]): Choices | null {
  const { values } = parseArgs({
    args,
    options: {
      to: { type: 'string' },
      listen: { type: 'string', default: '0' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000_007) },
      fault: { type: 'string', multiple: true, default: [] },
      anywhere: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return null
  if (values.to === undefined) throw new Error('--to HOST:PORT is missing: the server behind the proxy')
  const [, host = '', port = ''] = /^(.+):(\d+)$/.exec(values.to) ?? []
  const to = { host: host.replace(/^\[(.*)\]$/, '$1'), port: integer('--to', port, 1, 65535) }
  const isLoopback = to.host === 'localhost' || to.host === '::1' || (isIPv4(to.host) && to.host.startsWith('127.'))
  if (!isLoopback && !values.anywhere) {
    throw new Error(`--to ${values.to} is not on this machine; --anywhere allows it`)
  }
  return {
    to,
    port: integer('--listen', values.listen, 0, 65535),
    seed: integer('--seed', values.seed, 0, 2 ** 32 - 1),
    faults: values.fault.map(parseFault),
  }
}

function integer(name: string, text: string, from: number, to: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= from && value <= to) return value
  throw new Error(`${name} is "${text}"; it needs a whole number from ${from} to ${to}`)
}

async function main(): Promise<void> {
  const choices = choicesOf(process.argv.slice(2))
  if (choices === null) {
    process.stdout.write(HELP)
    return
  }
  const proxy = await FaultProxy.start({
    ...choices,
    onConnection: (index, faults) => {
      console.log(`connection ${index + 1}: ${faults.map(({ kind }) => kind).join(', ') || 'no fault'}`)
    },
  })
  console.log(`127.0.0.1:${proxy.port} -> ${choices.to.host}:${choices.to.port}, seed ${choices.seed}`)
  const end = (): void => void proxy.down()
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
}

try {
  await main()
} catch (error) {
  process.stderr.write(`${(error as Error).message}\nnpm run fault-proxy -- --help says more.\n`)
  process.exitCode = 1
}
