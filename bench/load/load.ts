/*
 * The load generator for machines without Linux or a C compiler: what `load.c` does, with the same arguments, in Node.
 * It takes more processor time for a message than the C one, so it reaches less; every byte is compared all the same.
 *
 * What the server used it asks its parent for, over the channel that `fork` makes: `{ cpuSeconds }` for any message.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createHistogram } from 'node:perf_hooks'
import { LoadClient, type Plan } from './client.ts'
import { Pace } from './pace.ts'

/** What runs on the connections. */
interface Mode {
  start(): void
  /** Replies that came on a connection. */
  replied(client: LoadClient, count: number): void
}

const args = new Map(process.argv.slice(2).map((arg) => arg.split(/=(.*)/s) as [name: string, value: string]))
const number = (name: string, fallback: number): number => Number(args.get(name) ?? fallback)
const bytes = (name: string): Buffer => (args.has(name) ? readFileSync(args.get(name)!) : Buffer.alloc(0))

const mode = args.get('mode') ?? 'echo'
const count = number('connections', 1)
const inflight = number('inflight', 1)
const warmupMs = number('warmup', 0.3) * 1000
const rate = number('rate', 0)
const plan: Plan = {
  port: number('port', 0),
  inflight,
  head: bytes('head'),
  send: bytes('send'),
  reply: bytes('reply'),
  fail: die,
}

const clients: LoadClient[] = []
const histogram = createHistogram()
let messages = 0

const pace = new Pace<LoadClient>((client) => client.send(1))

/** Each connection keeps `inflight` messages under way. */
const echo: Mode = {
  start() {
    for (const client of clients) client.send(inflight)
  },
  replied(client, replies) {
    client.takeLatencies(replies, (ns) => histogram.record(ns))
    if (pace.isFree) client.send(replies)
    else for (let i = 0; i < replies; i++) pace.add(client)
  },
}

let left = 0

/** The first connection sends `inflight` messages, and each connection gets a reply to each of them. */
const broadcast: Mode = {
  start() {
    left = inflight * count
    clients[0]!.send(inflight)
  },
  replied(_client, replies) {
    left -= replies
    if (left > 0) return
    clients[0]!.takeLatencies(inflight, (ns) => histogram.record(ns))
    broadcast.start()
  },
}

const running: Mode = mode === 'broadcast' ? broadcast : echo

function die(what: string): never {
  console.error(`load: ${what}`)
  process.exit(1)
}

function onReplies(client: LoadClient, replies: number): void {
  messages += replies
  running.replied(client, replies)
}

/** No more at a time than the accept queue holds. */
async function openAll(): Promise<void> {
  for (let i = 0; i < count; i += 100) {
    const some = Array.from({ length: Math.min(100, count - i) }, () => new LoadClient(plan, onReplies))
    clients.push(...some)
    await Promise.all(some.map((client) => client.opened))
  }
}

/** Opens one connection after the other, and resets each after the answer. */
async function reconnect(): Promise<never> {
  for (;;) {
    const startedAt = process.hrtime.bigint()
    const client = new LoadClient(plan, onReplies)
    await client.opened
    client.reset()
    messages++
    histogram.record(process.hrtime.bigint() - startedAt)
  }
}

async function serverSeconds(): Promise<number> {
  if (process.send === undefined) return 0
  const answered = once(process, 'message')
  process.send('')
  const [{ cpuSeconds }] = (await answered) as [{ cpuSeconds: number }]
  return cpuSeconds
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** The server is warm when it has worked for so long, which on a busy machine takes longer by the clock. */
async function warmUp(): Promise<void> {
  const cold = await serverSeconds()
  const patience = performance.now() + 10 * warmupMs
  do await wait(warmupMs)
  while (process.connected && (await serverSeconds()) - cold < warmupMs / 1000 && performance.now() < patience)
}

function watchForSilence(): void {
  let before = -1
  setInterval(() => {
    if (messages === before) die('no reply for 5 s')
    before = messages
  }, 5000)
}

if (!(count >= 1 && inflight >= 1)) die('connections and inflight are at least 1')
if (mode === 'connect') for (let i = 0; i < count; i++) void reconnect()
else await openAll()
if (mode === 'hold') {
  for (const client of clients) client.stall()
  console.log(JSON.stringify({ connections: count }))
  await once(process.stdin.resume(), 'end')
  process.exit(0)
}
if (mode !== 'connect') running.start()
watchForSilence()
await warmUp()
if (rate > 0) {
  pace.limit(rate)
  // What is under way when the limit comes is answered before anything is measured.
  await wait(1000)
}
histogram.reset()
const cpuBefore = await serverSeconds()
messages = 0
const startedAt = performance.now()
await wait(number('seconds', 1) * 1000)
const cpuSeconds = (await serverSeconds()) - cpuBefore
const seconds = (performance.now() - startedAt) / 1000
const [p50Us, p99Us] = [histogram.percentile(50) / 1000, histogram.percentile(99) / 1000]
console.log(JSON.stringify({ messages, seconds, cpuSeconds, p50Us, p99Us }))
process.exit(0)
