import { type Bench, type Figure, figureOf, isWanted, type Row, type Settings, type Table } from './support/bench.ts'
import {
  asciiPayload,
  holdConnections,
  type LoadResult,
  messageFrames,
  runLoad,
  upgradeRequest,
} from './support/load.ts'
import { residentBytes, type ServerProcess, startServer } from './support/server-process.ts'

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
    if ('stalled'.includes(settings.cell)) tables.push(await measureStalled(settings))
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

/** A tenth of the receivers does not read: what the others get, and what the server holds for those that do not. */
async function measureStalled(settings: Settings): Promise<Table> {
  const row = async (stalled: number): Promise<Row> => {
    const rate: number[] = []
    const rise: number[] = []
    for (let round = 0; round < (settings.quick ? 1 : 3); round++) {
      settings.progress(`${stalled} stalled`)
      await using server = await startServer('broadcast-framewright', [String(MAX_BACKPRESSURE)])
      await using _ = await holdConnections({
        port: server.port,
        pid: server.pid,
        connections: stalled,
        head: upgradeRequest(),
      })
      // The buffers of the system take the first megabytes of each.
      await load(settings, server, 4096, 16, RECEIVERS - STALLED)
      const before = residentBytes(server.pid)
      const { messages, seconds } = await load(settings, server, 4096, 16, RECEIVERS - STALLED)
      rate.push(messages / seconds / 1000)
      rise.push((residentBytes(server.pid) - before) / 2 ** 20)
    }
    return {
      cell: `${stalled} stalled, ${RECEIVERS - STALLED} reading`,
      figures: { 'thousand delivered per second': figureOf(rate), 'MiB more': figureOf(rise) },
    }
  }
  return {
    title: `Broadcast of 4 KiB, 16 at a time, maxBackpressure ${MAX_BACKPRESSURE >> 20} MiB, drop-oldest`,
    unit: 'each column its own',
    ours: '',
    rows: [await row(1), await row(STALLED)],
  }
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
