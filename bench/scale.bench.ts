import { type Bench, type Figure, figureOf, isWanted, type Row, type Settings, type Table } from './support/bench.ts'
import { type Cell, measureRound, type Peer } from './support/echo.ts'

const OURS = 'framewright'
const PEERS: readonly Peer[] = [
  { name: OURS, server: 'echo-framewright' },
  { name: 'ws', server: 'echo-ws', env: { WS_NO_BUFFER_UTIL: '1' } },
]

const CONNECTIONS = [1, 64, 1000, 10_000]

/** What the others are divided by. */
const BASE = 64

const PAYLOAD = 125

const LOADS: ReadonlyArray<{ readonly title: string; readonly rate: number }> = [
  { title: 'as fast as it goes', rate: 0 },
  // At the same rate the work is the same, whatever the number of connections that it comes from.
  { title: '10,000 messages per second in all', rate: 10_000 },
]

/** Whether a message costs more when there are more connections: one is under way on each. */
export const bench: Bench = {
  about: 'processor time per echoed message with 1 to 10,000 connections',
  async run(settings) {
    const tables: Table[] = []
    for (const { title, rate } of LOADS) tables.push(...(await measure(settings, title, rate)))
    return tables
  },
}

async function measure(settings: Settings, title: string, rate: number): Promise<Table[]> {
  const peers = PEERS.filter(({ name }) => isWanted(settings, OURS, name))
  const counts = CONNECTIONS.filter((count) => count === BASE || nameOf(count).includes(settings.cell))
  const costs = peers.map(() => counts.map(() => [] as number[]))
  for (let round = 0; round < (settings.quick ? 2 : 5); round++) {
    for (const [k, connections] of counts.entries()) {
      settings.progress(`${title}, ${nameOf(connections)}`)
      for (const [i, peer] of peers.entries()) {
        const cell: Cell = { payload: PAYLOAD, connections, inflight: 1, ...(rate > 0 && { rate }) }
        const { cpuSeconds, messages } = await measureRound(settings, peer, cell)
        costs[i]![k]!.push((cpuSeconds / messages) * 1e6)
      }
    }
  }
  const rows = (valuesOf: (costs: number[][], k: number) => number[]): Row[] =>
    counts.map((count, k) => {
      const figures: Record<string, Figure> = {}
      for (const [i, { name }] of peers.entries()) figures[name] = figureOf(valuesOf(costs[i]!, k))
      return { cell: nameOf(count), figures }
    })
  const base = counts.indexOf(BASE)
  return [
    {
      title: `Echo of ${PAYLOAD} B, ${title}`,
      unit: 'µs of the server per message',
      ours: OURS,
      rows: rows((of, k) => of[k]!),
    },
    {
      title: `Echo of ${PAYLOAD} B, ${title}, divided by what it costs with ${BASE} connections in the same round`,
      unit: 'times',
      ours: OURS,
      rows: rows((of, k) => of[k]!.map((cost, round) => cost / of[base]![round]!)),
    },
  ]
}

function nameOf(connections: number): string {
  return `${connections} connections`
}
