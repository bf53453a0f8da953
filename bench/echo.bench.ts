import { type Bench, type Figure, figureOf, isWanted, type Row, type Table } from './support/bench.ts'
import { type Cell, measure, type Peer, type Results } from './support/echo.ts'
import type { LoadResult } from './support/load.ts'
import { findRuntime } from './support/runtimes.ts'

const OURS = 'framewright'

const BUN = findRuntime('bun')
const DENO = findRuntime('deno')

const PEERS: readonly Peer[] = [
  { name: OURS, server: 'echo-framewright' },
  { name: 'framewright observed', server: 'echo-framewright-observed' },
  { name: 'framewright on http', server: 'echo-framewright-http' },
  { name: 'ws', server: 'echo-ws', env: { WS_NO_BUFFER_UTIL: '1' } },
  { name: 'ws + bufferutil', server: 'echo-ws' },
  { name: 'websocket', server: 'echo-websocket' },
  { name: 'websocket-driver', server: 'echo-websocket-driver' },
  { name: 'net', server: 'echo-net', isRaw: true },
  ...(BUN === null ? [] : [{ name: 'Bun', server: 'echo-bun', program: [BUN] }]),
  ...(DENO === null ? [] : [{ name: 'Deno', server: 'echo-deno', program: [DENO, 'run', '--allow-net'] }]),
]

const CELLS: readonly Cell[] = [
  { payload: 16, connections: 64, inflight: 1 },
  { payload: 16, connections: 1000, inflight: 1 },
  { payload: 16, connections: 64, inflight: 16 },
  { payload: 125, connections: 64, inflight: 1, isText: true },
  { payload: 125, connections: 64, inflight: 16, isText: true },
  { payload: 1024, connections: 64, inflight: 1 },
  { payload: 1024, connections: 64, inflight: 16 },
  { payload: 125, connections: 1000, inflight: 1, isText: true },
  { payload: 1024, connections: 1000, inflight: 1 },
  { payload: 16, connections: 1000, inflight: 16 },
  { payload: 125, connections: 1000, inflight: 16, isText: true },
  { payload: 1024, connections: 1000, inflight: 16 },
  { payload: 16_384, connections: 64, inflight: 1 },
  { payload: 16_384, connections: 64, inflight: 16 },
  { payload: 1 << 20, connections: 64, inflight: 1 },
]

/** Echo over loopback: each server is a process of its own, every byte that comes back is compared. */
export const bench: Bench = {
  about: 'echo over loopback: processor time of the server and latency',
  async run(settings) {
    const cpu: Row[] = []
    const p50: Row[] = []
    const p99: Row[] = []
    const rate: Row[] = []
    for (const cell of CELLS) {
      const name = `${cell.payload} B${cell.isText ? ' text' : ''} : ${cell.connections} : ${cell.inflight}`
      if (!name.includes(settings.cell)) continue
      settings.progress(name)
      const peers = PEERS.filter((peer) => isWanted(settings, OURS, peer.name))
      const results = await measure(settings, peers, cell)
      cpu.push(row(name, results, ({ cpuSeconds, messages }) => (cpuSeconds / messages) * 1e6))
      p50.push(row(name, results, ({ p50Us }) => p50Us))
      p99.push(row(name, results, ({ p99Us }) => p99Us))
      rate.push(row(name, results, ({ messages, seconds }) => messages / seconds / 1000))
    }
    const cells = 'payload : connections : messages under way on each'
    const table = (title: string, unit: string, rows: Row[]): Table => ({
      title: `${title}, ${cells}`,
      unit,
      ours: OURS,
      rows,
    })
    return [
      table('Echo, processor time of the server', 'µs per message', cpu),
      table('Echo, latency p50', 'µs', p50),
      table('Echo, latency p99', 'µs', p99),
      { ...table('Echo, throughput', 'thousand messages per second', rate), higherIsBetter: true },
    ]
  },
}

function row(cell: string, results: Results, value: (result: LoadResult) => number): Row {
  const figures: Record<string, Figure> = {}
  for (const { name, rounds } of results) figures[name] = figureOf(rounds.map(value))
  return { cell, figures }
}
