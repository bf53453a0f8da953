import { type Bench, type Figure, figureOf, isWanted, type Row, type Settings, type Table } from './support/bench.ts'
import {
  asciiPayload,
  holdConnections,
  type LoadResult,
  messageFrames,
  runLoad,
  upgradeRequest,
} from './support/load.ts'
import { type ServerProcess, startServer } from './support/server-process.ts'

const OURS = 'framewright'

interface Peer {
  readonly name: string
  readonly server: string
  /** Passes the bytes of the frames on as they are. */
  readonly isRaw?: boolean
}

const PEERS: readonly Peer[] = [
  { name: OURS, server: 'broadcast-framewright' },
  { name: 'ws', server: 'broadcast-ws' },
  { name: 'net', server: 'broadcast-net', isRaw: true },
]

const CELLS = [
  { payload: 64, inflight: 1 },
  { payload: 64, inflight: 16 },
  { payload: 4096, inflight: 1 },
  { payload: 4096, inflight: 16 },
]

const RECEIVERS = 1000
const STALLED = 100
const STALLED_PAYLOAD = 16_384
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
    const tables: Table[] = []
    if (cpu.length > 0) {
      const title = `Broadcast to ${RECEIVERS}, payload : messages at a time`
      tables.push({ title, unit: 'µs of the server per delivered message', ours: OURS, rows: cpu })
    }
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
      const { cpuSeconds, messages } = await load(settings, server, payload, inflight, RECEIVERS, peer.isRaw)
      rounds[i]!.push((cpuSeconds / messages) * 1e6)
    }
  }
  const figures: Record<string, Figure> = {}
  for (const [i, peer] of peers.entries()) figures[peer.name] = figureOf(rounds[i]!)
  return { cell, figures }
}

/** Who receives while it is measured what stalled receivers do to the others. */
const AUDIENCES = [
  { reading: RECEIVERS, stalled: 0 },
  { reading: RECEIVERS - STALLED, stalled: 0 },
  { reading: RECEIVERS - STALLED, stalled: STALLED },
] as const

interface StalledRound {
  /** Messages per second that each of those got who read. */
  readonly rate: number
  /** MiB of resident memory above the start, at the most. */
  readonly rise: number
}

/**
 * A tenth of the receivers does not read: what the others get, and how far the memory of the server rises.
 *
 * @throws when ours rises by more than what the stalled receivers may hold together
 */
async function measureStalled(settings: Settings): Promise<readonly Table[]> {
  const peers = PEERS.filter(({ name, isRaw }) => !isRaw && isWanted(settings, OURS, name))
  const rounds = AUDIENCES.map(() => peers.map(() => [] as StalledRound[]))
  for (let round = 0; round < (settings.quick ? 2 : 5); round++) {
    for (const [i, peer] of peers.entries()) {
      for (const [k, audience] of AUDIENCES.entries()) {
        settings.progress(`${peer.name}, ${nameOf(audience)}`)
        rounds[k]![i]!.push(await roundWithStalled(settings, peer.server, audience))
      }
      if (peer.name === OURS) checkRise(rounds.at(-1)![i]!.at(-1)!.rise)
    }
  }
  const row = (cell: string, valuesOf: (peer: number) => number[]): Row => ({
    cell,
    figures: Object.fromEntries(peers.map(({ name }, i) => [name, figureOf(valuesOf(i))])),
  })
  const rows = (figure: (round: StalledRound) => number): Row[] =>
    AUDIENCES.map((audience, k) => row(nameOf(audience), (i) => rounds[k]![i]!.map(figure)))
  const title = `Broadcast of ${STALLED_PAYLOAD >> 10} KiB, at most ${MAX_BACKPRESSURE >> 20} MiB waiting for each`
  return [
    { title, unit: 'messages per second', ours: OURS, rows: rows(({ rate }) => rate), higherIsBetter: true },
    {
      title: `${title}: ${STALLED} stalled, against nobody stalled`,
      unit: 'times the rate; 1: the others are not harmed',
      ours: OURS,
      rows: AUDIENCES.slice(0, 2).map((audience, k) =>
        row(`against ${nameOf(audience)}`, (i) =>
          rounds[2]![i]!.map(({ rate }, round) => rate / rounds[k]![i]![round]!.rate),
        ),
      ),
      higherIsBetter: true,
    },
    {
      title: `${title}: memory`,
      unit: 'MiB above the start at the most',
      ours: OURS,
      rows: rows(({ rise }) => rise),
    },
  ]
}

function nameOf({ reading, stalled }: (typeof AUDIENCES)[number]): string {
  return `${reading} reading, ${stalled} stalled`
}

function checkRise(rise: number): void {
  const most = (STALLED * MAX_BACKPRESSURE) / 2 ** 20
  if (rise > most) throw new Error(`${rise} MiB more with ${STALLED} stalled receivers; they may hold ${most} together`)
}

async function roundWithStalled(
  settings: Settings,
  name: string,
  { reading, stalled }: (typeof AUDIENCES)[number],
): Promise<StalledRound> {
  await using server = await startServer(name, [String(MAX_BACKPRESSURE)], { WS_NO_BUFFER_UTIL: '1' })
  const idle = { server, connections: stalled, head: upgradeRequest(), window: 4096 }
  await using _held = stalled > 0 ? await holdConnections(idle) : null
  const { residentBytes: before } = await server.collectGarbage()
  // The server becomes warm, and what waits for those that do not read reaches its limit.
  await load(settings, server, STALLED_PAYLOAD, 16, reading)
  const { messages, seconds } = await load(settings, server, STALLED_PAYLOAD, 16, reading)
  const { peakResidentBytes } = await server.figures()
  return { rate: messages / seconds / reading, rise: (peakResidentBytes - before) / 2 ** 20 }
}

function load(
  settings: Settings,
  server: ServerProcess,
  payload: number,
  inflight: number,
  connections: number,
  isRaw = false,
): Promise<LoadResult> {
  const { send, reply } = messageFrames(asciiPayload(payload), false)
  return runLoad({
    mode: 'broadcast',
    server,
    connections,
    inflight,
    seconds: settings.quick ? 0.6 : 1.5,
    warmup: settings.quick ? 0.4 : 0.8,
    head: upgradeRequest(),
    send,
    reply: isRaw ? send : reply,
  })
}
