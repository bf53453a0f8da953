import { type Bench, type Figure, figureOf, isWanted, type Row, type Settings, type Table } from './support/bench.ts'
import {
  asciiPayload,
  holdConnections,
  type LoadResult,
  messageFrames,
  runLoad,
  upgradeRequest,
} from './support/load.ts'
import { peakResidentBytes, residentBytes, type ServerProcess, startServer } from './support/server-process.ts'

const OURS = 'framewright'
const PEERS = [
  { name: OURS, server: 'broadcast-framewright' },
  { name: 'ws', server: 'broadcast-ws' },
]

const CELLS = [
  { payload: 64, inflight: 1 },
  { payload: 64, inflight: 16 },
  { payload: 4096, inflight: 1 },
  { payload: 4096, inflight: 16 },
]

const RECEIVERS = 1000
const STALLED = 100
const MAX_BACKPRESSURE = 1 << 20
/** What a server takes for 900 receivers and its work, stalled ones or not. */
const WORKING_MIB = 100

/** One connection sends, all receive: each server is a process of its own, every byte that arrives is compared. */
export const bench: Bench = {
  about: `one to ${RECEIVERS} receivers: processor time per delivered message; memory and rate with stalled receivers`,
  async run(settings) {
    const cpu: Row[] = []
    for (const { payload, inflight } of CELLS) {
      const cell = `${payload} B : ${inflight}`
      if (!cell.includes(settings.cell)) continue
      settings.progress(cell)
      cpu.push(await measure(settings, cell, payload, inflight))
    }
    const tables: Table[] = [
      {
        title: `Broadcast to ${RECEIVERS}, payload : messages at a time`,
        unit: 'µs of the server per delivered message',
        ours: OURS,
        rows: cpu,
      },
    ]
    if ('stalled'.includes(settings.cell)) tables.push(...(await measureStalled(settings)))
    return tables
  },
}

async function measure(settings: Settings, cell: string, payload: number, inflight: number): Promise<Row> {
  const peers = PEERS.filter(({ name }) => isWanted(settings, OURS, name))
  const rounds = peers.map(() => [] as number[])
  for (let round = 0; round < (settings.quick ? 2 : 5); round++) {
    for (const [i, peer] of peers.entries()) {
      await using server = await startServer(peer.server, [], { WS_NO_BUFFER_UTIL: '1' })
      const { cpuSeconds, messages } = await load(settings, server, payload, inflight, RECEIVERS)
      rounds[i]!.push((cpuSeconds / messages) * 1e6)
    }
  }
  const figures: Record<string, Figure> = {}
  for (const [i, peer] of peers.entries()) figures[peer.name] = figureOf(rounds[i]!)
  return { cell, figures }
}

/**
 * A tenth of the receivers does not read: what the others get, and how far the memory of the server rises.
 *
 * @throws when ours rises by more than the slow receivers may hold together
 */
async function measureStalled(settings: Settings): Promise<readonly Table[]> {
  const peers = PEERS.filter(({ name }) => isWanted(settings, OURS, name))
  const counts = [0, STALLED]
  const rates = counts.map(() => peers.map(() => [] as number[]))
  const rises = counts.map(() => peers.map(() => [] as number[]))
  for (let round = 0; round < (settings.quick ? 1 : 3); round++) {
    for (const [i, peer] of peers.entries()) {
      for (const [k, stalled] of counts.entries()) {
        settings.progress(`${peer.name}, ${stalled} stalled`)
        const { rate, rise } = await roundWithStalled(settings, peer.server, stalled)
        rates[k]![i]!.push(rate)
        rises[k]![i]!.push(rise)
        const most = (stalled * MAX_BACKPRESSURE) / 2 ** 20 + WORKING_MIB
        if (peer.name === OURS && rise > most)
          throw new Error(`${rise} MiB more, with ${stalled} stalled; at most ${most}`)
      }
    }
  }
  const rows = (values: number[][][]): Row[] =>
    counts.map((stalled, k) => ({
      cell: `${stalled} stalled, ${RECEIVERS - STALLED} reading`,
      figures: Object.fromEntries(peers.map(({ name }, i) => [name, figureOf(values[k]![i]!)])),
    }))
  const title = `Broadcast of 4 KiB, 16 at a time, maxBackpressure ${MAX_BACKPRESSURE >> 20} MiB, drop-oldest`
  const unit = 'thousand delivered per second to those that read'
  return [
    { title: `${title}: rate`, unit, ours: OURS, rows: rows(rates), higherIsBetter: true },
    { title: `${title}: memory`, unit: 'MiB above the start at the most', ours: OURS, rows: rows(rises) },
  ]
}

async function roundWithStalled(
  settings: Settings,
  name: string,
  stalled: number,
): Promise<{ rate: number; rise: number }> {
  await using server = await startServer(name, [String(MAX_BACKPRESSURE)], { WS_NO_BUFFER_UTIL: '1' })
  const idle = { port: server.port, pid: server.pid, connections: 1 + stalled, head: upgradeRequest() }
  await using _ = await holdConnections(idle)
  const before = residentBytes(server.pid)
  // The buffers of the system take the first megabytes of each, and the server has to become warm.
  await load(settings, server, 4096, 16, RECEIVERS - STALLED)
  const { messages, seconds } = await load(settings, server, 4096, 16, RECEIVERS - STALLED)
  return { rate: messages / seconds / 1000, rise: (peakResidentBytes(server.pid) - before) / 2 ** 20 }
}

function load(
  settings: Settings,
  server: ServerProcess,
  payload: number,
  inflight: number,
  connections: number,
): Promise<LoadResult> {
  return runLoad({
    mode: 'broadcast',
    port: server.port,
    pid: server.pid,
    connections,
    inflight,
    seconds: settings.quick ? 0.6 : 1.5,
    warmup: settings.quick ? 0.4 : 0.8,
    head: upgradeRequest(),
    ...messageFrames(asciiPayload(payload), false),
  })
}
