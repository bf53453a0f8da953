/*
 * The server of a soak test, in a process of its own so that nothing of the load is in its memory. It checks every message,
 * sends it back, and reports over IPC.
 */
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { CloseCause, type WebSocket, WebSocketServer } from '../../src/index.ts'
import { CountingClock } from '../support/counting-clock.ts'
import { BURST_PATH, sendBurst } from './burst.ts'
import { DOUBLES } from './doubles.ts'
import { echoSlowly, handedOver, STREAM_PATH } from './long-stream.ts'
import type { Leftovers, Report, Request, Sample } from './messages.ts'
import { checkPayload } from './payload.ts'
import { Plan } from './plan.ts'
import { sendPlanned } from './sending.ts'

/** How long everything may take to go away in the end. */
const END_MS = 60_000

const [seed, idleMs] = process.argv.slice(2, 4).map(Number) as [number, number]
const [, , , , double] = process.argv
if (double !== undefined) DOUBLES[double]!()
const clock = new CountingClock()
let messages = 0
/** Bytes of bursts that the transport has not taken. */
let sending = 0

process.on('message', (request: Request) => {
  if (request.ask === 'sample') tell({ say: 'sample', sample: sample() })
  else void end()
})
process.on('disconnect', () => process.exit(1))

const handlesBefore = process.getActiveResourcesInfo()
const listenersBefore = processListeners()
const heapAtStart = collectedMemory().heapUsed
const server = new WebSocketServer({
  port: 0,
  host: '127.0.0.1',
  backlog: 2048,
  clock,
  textFormat: 'buffer',
  perMessageDeflate: true,
  // What asks half-open clients for a sign of life; the load must be able to answer while it is busy.
  heartbeat: { idleMs, timeoutMs: 45_000 },
  handshakeTimeout: 120_000,
  closeTimeout: 45_000,
  // Of messages that are streamed; the others are no longer than planned.
  maxPayload: Number.POSITIVE_INFINITY,
  maxFragments: Number.POSITIVE_INFINITY,
})
server.on('connection', serve)
server.on('connectionError', () => {})
const { port } = (await server.listening) as AddressInfo
tell({ say: 'listening', port })

function serve(ws: WebSocket, { url = '' }: { readonly url?: string | undefined }): void {
  if (url.startsWith(STREAM_PATH)) {
    const onWrong = (what: string): void => tell({ say: 'fault', connection: -1, what: `server: ${url}: ${what}` })
    echoSlowly(ws, onWrong).catch((error: Error) => onWrong(error.message))
    return
  }
  if (url === BURST_PATH) {
    sendBurst(ws, (change) => {
      sending += change
    })
    return
  }
  const index = Number(/^\/(\d+)$/.exec(url)?.[1])
  if (!Number.isInteger(index)) {
    // A half-open client: it says nothing, and hears nothing either.
    ws.on('message', () => tell({ say: 'fault', connection: -1, what: 'a silent client has sent a message' }))
    return
  }
  const plan = new Plan(seed, index)
  let received = 0
  let last: Promise<void> = Promise.resolve()
  const fail = (what: string): void => {
    tell({ say: 'fault', connection: index, what: `server: ${what}` })
    ws.terminate()
  }
  ws.on('error', () => {})
  ws.on('message', (data, isBinary) => {
    const sequence = received++
    messages++
    if (sequence >= plan.messages) {
      fail(`message ${sequence} after the last one`)
      return
    }
    const planned = plan.next()
    const wrong = checkPayload(planned, sequence, data as Buffer, isBinary)
    if (wrong !== null) {
      fail(wrong)
      return
    }
    const kept = plan.handsOver ? null : (data as Buffer)
    if (plan.handsOver) handedOver(data as Buffer)
    last = last.then(async () => {
      // Whatever others do with what they got.
      const changed = kept === null ? null : checkPayload(planned, sequence, kept, isBinary)
      if (changed !== null) fail(`kept: ${changed}`)
      await sendPlanned(ws, planned, sequence)
      if (sequence === plan.messages - 1 && plan.ending === 'server') ws.close(1000, 'done')
    })
    last.catch((error: Error) => fail(String(error)))
  })
  void ws.closed.then(({ cause, wasClean, requirement }) => {
    if (requirement !== null) tell({ say: 'fault', connection: index, what: `server: ${cause}, ${requirement}` })
    if (wasClean && received !== plan.messages) {
      tell({
        say: 'fault',
        connection: index,
        what: `server: ${received} of ${plan.messages} messages before a clean close`,
      })
    }
    if (cause === CloseCause.HandlerError) tell({ say: 'fault', connection: index, what: 'server: a handler failed' })
  })
}

function sample(): Sample {
  const { heapUsed, arrayBuffers, rss } = collectedMemory()
  return { heapUsed, arrayBuffers, rss, connections: server.clients.size, received: messages, sending }
}

function collectedMemory(): NodeJS.MemoryUsage {
  // Twice: finalizers of the first collection may let go of more.
  globalThis.gc?.()
  globalThis.gc?.()
  return process.memoryUsage()
}

async function end(): Promise<void> {
  const deadline = clock.now() + END_MS
  while (server.stats().connections > 0 && clock.now() < deadline) await delay(20)
  const connections = server.stats().connections
  await server.shutdown({ graceMs: 1000 })
  const { closes, handshakes } = server.stats()
  const left = (): Leftovers => ({
    connections,
    timers: clock.pending,
    handles: beyond(process.getActiveResourcesInfo(), handlesBefore),
    listeners: beyond(processListeners(), listenersBefore),
  })
  const isClean = ({ timers, handles, listeners }: Leftovers): boolean =>
    timers + handles.length + listeners.length === 0
  while (!isClean(left()) && clock.now() < deadline) await delay(20)
  const { heapUsed } = collectedMemory()
  const report: Report = {
    say: 'ended',
    leftovers: left(),
    messages,
    accepted: handshakes.accepted,
    closes,
    heapUsed,
    heapAtStart,
  }
  process.send?.(report, () => process.disconnect())
  process.removeAllListeners('disconnect')
}

function tell(report: Report): void {
  process.send?.(report)
}

function processListeners(): string[] {
  return process.eventNames().flatMap((name) => Array<string>(process.listenerCount(name)).fill(String(name)))
}

/** What of `now` was not there `before`; both may name a thing several times. */
function beyond(now: readonly string[], before: readonly string[]): string[] {
  const left = [...before]
  return now.filter((name) => {
    const at = left.indexOf(name)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}
